"""An invented June: terms, a user base of any size, orders, parties, to try directives on.

It measures nothing, and its endpoint is never asked.
"""

from touchstone.demo.june.example import Example, make_example

__all__ = ["Example", "make_example"]
