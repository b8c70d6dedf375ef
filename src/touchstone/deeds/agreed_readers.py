"""Who else may see what only developer and centre need: as the agreement of the case says."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from touchstone.review.audience_view import Entry
from touchstone.review.events.opening import AgreementSigned, CaseOpened
from touchstone.review.view_only import CARRYING, NOBODY, lookers_named

Readable = Literal["submission", "outcomes"]
"""What is handed in; and what models answered, with transcripts and probes."""
Readers = Mapping[str, tuple[str, ...]]
"""By what it is, party ids."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
__all__ = ["CARRYING", "Readable", "Readers", "lookers_among", "readers_in"]


def readers_in(entries: Iterable[Entry], digest: str) -> Readers | None:
    """Whom the text with this digest names; None where it is not to be read here.

    `entries` are those of the types `CARRYING`.
    """
    for entry in entries:
        event = entry.event
        if isinstance(event, CaseOpened | AgreementSigned) and event.agreement == digest:
            text = entry.content("agreement")
            if isinstance(text, Mapping):
                return _named(text.get("readers"))
    return None


def lookers_among(entries: Iterable[Entry], digest: str) -> frozenset[str]:
    """Whom the text with this digest lets look at what models answered, and take no copy of it."""
    for entry in entries:
        event = entry.event
        if isinstance(event, CaseOpened | AgreementSigned) and event.agreement == digest:
            text = entry.content("agreement")
            if isinstance(text, Mapping):
                return lookers_named(text.get("view_only"))
    return NOBODY


def _named(said: object) -> Readers:
    # A record may hold a text that no version of ours wrote: what has not the form names nobody.
    if not isinstance(said, Mapping):
        return {}
    return {
        str(what): tuple(each for each in parties if isinstance(each, str) and _ID.fullmatch(each))
        for what, parties in said.items()
        if isinstance(parties, list)
    }
