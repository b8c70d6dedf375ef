"""What holds for the whole process of a command."""

import gc
import os
import sys
from typing import NoReturn

COLLECT_AFTER = 200_000
"""New objects after which Python looks for cycles that nobody refers to: more than a command loads.
Of those that are modules, none ever goes, and to look through them while they load takes a tenth
of the time of a short command."""
_USUAL = gc.get_threshold()


def set_process_up() -> None:
    """Before a command loads what it needs."""
    # A plugin of Pydantic's, which any installed package may bring, sees every value that is
    # checked: what a party hands in is not for it. Looking for them takes time, too.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    gc.set_threshold(COLLECT_AFTER, *_USUAL[1:])


def stay() -> None:
    """Where a command answers or works for long: then cycles are looked for as Python does."""
    gc.set_threshold(*_USUAL)


def leave(code: int) -> NoReturn:
    """End the process with an exit code; what is to be done at its end is done."""
    # All that is left goes with the process. Python would look through it for cycles first, which
    # takes a quarter of the time of a short command.
    gc.freeze()
    sys.exit(code)
