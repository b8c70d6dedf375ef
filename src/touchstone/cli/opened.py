"""The installation that a command works on, and a word on what is amiss with it."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from touchstone.cli.output import warn

if TYPE_CHECKING:
    from touchstone.deeds.deed import Deed
    from touchstone.service.case_context import Case
    from touchstone.service.installation import Installation


@contextlib.contextmanager
def opened(*, begins: bool = False) -> "Iterator[Installation]":
    """The installation of TOUCHSTONE_HOME. After a command that went well, what is amiss is said.

    A command that is refused for it says so itself, in its one line. `begins` is as for
    `open_installation`.
    """
    from touchstone.service.installation import open_installation

    with open_installation(begins=begins) as installation:
        yield installation
        # Whoever reads of a party's deeds is to know whose hands held its key.
        for party, key in installation.keys_made.items():
            warn(
                f"touchstone: made the key of {party} on this machine, whose operator can sign as"
                f" {party}: {key}"
            )
        if installation.witness_due:
            _ask_witnesses(installation)
        # After the command's own answer: what is amiss must not be taken for why it was refused.
        for line in installation.amiss:
            warn(f"touchstone: amiss, so nothing can be written: {line}")


def _ask_witnesses(installation: "Installation") -> None:
    """After a deed that outsiders should see soon. It stands: whatever fails here is one line."""
    from touchstone.errors import TouchstoneError
    from touchstone.service.configuration import read_configuration

    try:
        if not read_configuration(installation.home).witnesses:
            return
        from touchstone.service.witnessing import ask_configured

        faults = ask_configured(installation).faults
    except (TouchstoneError, OSError) as error:
        faults = [f"witnesses were not asked: {error}"]
    for line in faults:
        warn(f"touchstone: {line}; ask again: touchstone witness ask")


def act(case: "Case") -> "Case":
    """A case in which deeds are done. What its record does not keep of them is shown."""
    return replace(case, unkept=_unkept)


def _unkept(deed: "Deed") -> None:
    """A destroyed case keeps digests; only the words themselves, with their salt, open them."""
    from touchstone.deeds.deed import Content

    for each in deed.attachments:
        said = each.value if isinstance(each, Content) else each.name
        warn(
            "touchstone: the content of this case was destroyed, and its record keeps only the "
            f"digest of this: keep it yourself: {json.dumps(said)}"
        )
