"""An invented June: terms, a user base of any size, orders, parties, to try directives on.

It measures nothing, and its endpoint is never asked.
"""

from touchstone.demo.june.example import JuneExample, make_example

__all__ = ["JuneExample", "make_example"]
