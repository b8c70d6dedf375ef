"""Who else may see what only developer and centre need: as the agreement of the case says."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from touchstone.review.audience_view import Entry
from touchstone.review.events.opening import AgreementSigned, CaseOpened
from touchstone.review.view_only import NOBODY, lookers_named

Readable = Literal["submission", "outcomes"]
"""What is handed in; and what models answered, with transcripts and probes."""
Readers = Mapping[str, tuple[str, ...]]
"""By what it is, party ids."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def readers_in(entries: Iterable[Entry], digest: str) -> Readers | None:
    """Whom the text with this digest names; None where it is not to be read here.

    `entries` are those of the types `review.view_only.CARRYING`.
    """
    text = _text_of(entries, digest)
    return None if text is None else _named(text.get("readers"))


def lookers_among(entries: Iterable[Entry], digest: str) -> frozenset[str]:
    """Whom the text with this digest lets look at what models answered, and take no copy of it.

    `entries` are as for `readers_in`. Nobody, where the text is not to be read here.
    """
    text = _text_of(entries, digest)
    return NOBODY if text is None else lookers_named(text.get("view_only"))


def _text_of(entries: Iterable[Entry], digest: str) -> Mapping[str, Any] | None:
    for entry in entries:
        event = entry.event
        if isinstance(event, CaseOpened | AgreementSigned) and event.agreement == digest:
            text = entry.content("agreement")
            # Two entries may carry the same text, of which one is withheld from the party.
            if isinstance(text, Mapping):
                return text
    return None


def _named(said: object) -> Readers:
    # A record may hold a text that no version of ours wrote: what has not the form names nobody.
    if not isinstance(said, Mapping):
        return {}
    return {
        str(what): tuple(each for each in parties if isinstance(each, str) and _ID.fullmatch(each))
        for what, parties in said.items()
        if isinstance(parties, list)
    }
