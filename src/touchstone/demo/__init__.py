"""An invented case from beginning to end, offline, against control subjects on loopback.

Everything in it is what a real review does; only the parties and the subject are invented.
"""

from touchstone.demo.story import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]
