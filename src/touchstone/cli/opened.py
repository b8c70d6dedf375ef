"""The installation that a command works on, and a word on what is amiss with it."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from touchstone.cli.output import warn

if TYPE_CHECKING:
    from touchstone.service.installation import Installation


@contextlib.contextmanager
def opened() -> "Iterator[Installation]":
    """The installation of TOUCHSTONE_HOME. After a command that went well, what is amiss is said.

    A command that is refused for it says so itself, in its one line.
    """
    from touchstone.service.installation import open_installation

    with open_installation() as installation:
        yield installation
        for line in installation.amiss:
            warn(f"touchstone: amiss, so nothing can be written: {line}")
