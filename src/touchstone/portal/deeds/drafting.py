"""What a person is shown before a deed is signed, and what a hand then signs or carries away."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.client.before_signing import keys_that_sign
from touchstone.client.deed_file import DraftedDeed, deed_file_bytes, log_for
from touchstone.client.party_case import PartyCase
from touchstone.client.preview import Preview, preview_of
from touchstone.deeds.deed import Deed
from touchstone.deeds.signing import state_deed
from touchstone.errors import BadInputError
from touchstone.ledger import dumps, fingerprint
from touchstone.service.installation import Installation

MOST_DIGITS = 15
MOST_KNOWN = 8
"""Sizes of the log that a browser may ask to be shown as its past."""


@dataclass(frozen=True)
class Drafted:
    """A deed that is not signed, as a page tells of it."""

    preview: Preview
    keys: dict[str, str]
    """The fingerprints of the keys that may sign it, each with what it is called."""

    @property
    def lines(self) -> Sequence[str]:
        """What binds, in words."""
        return tuple(self.preview.lines())

    @property
    def refused(self) -> str:
        """Why it would be refused for certain; empty: nothing that is seen speaks against it."""
        told = self.preview.foreseen
        return told.refused if told.certain else ""


def draft_of(known: PartyCase, deed: Deed) -> Drafted:
    """The deed on the case as it is seen."""
    preview = preview_of(known.id, known.seen, known.framework, deed, known.now())
    return Drafted(preview, keys_that_sign(known.state, deed.event))


def as_file(known: PartyCase, found: Drafted) -> bytes:
    """The deed in a file that `touchstone deed sign` takes. Raises DeedFileError."""
    preview = found.preview
    made = DraftedDeed(
        known.id,
        preview.deed,
        log_for(preview.deed, known.seen.log, tuple(found.keys)),
        found.keys,
        dict(preview.roles),
        preview.foreseen,
        preview.then,
        bare=known.state.status == "destroyed",
    )
    return deed_file_bytes(made)


def to_sign(
    here: Installation, known: PartyCase, deed: Deed, key: bytes, sizes: Sequence[int]
) -> str:
    """What a browser's key (32 bytes) is to sign, as JSON: the very bytes, and what shows them.

    `sizes` are those of the log that the browser saw before: for each it is shown that the log
    only grew since.
    """
    made = state_deed(deed, known.seen.log, fingerprint(key), here.random, known.now())
    reader, size = here.records.case(known.id), known.seen.log.size
    value = {
        "payload": made.statement.payload.decode(),
        "parts": [{"salt": each.salt.hex(), "text": each.data.decode()} for each in made.parts],
        "past": {
            str(old): [node.hex() for node in reader.consistency(old, size)]
            for old in sizes
            if 0 < old <= size
        },
    }
    return dumps(value).decode()


def sizes_of(text: str) -> tuple[int, ...]:
    """The sizes that a browser says it knows, as `12,15`. Raises BadInputError."""
    found = [each for each in text.split(",") if each]
    # As texts first: a number of many digits takes long to read.
    plain = all(each.isascii() and each.isdigit() and len(each) <= MOST_DIGITS for each in found)
    if len(found) > MOST_KNOWN or not plain:
        raise BadInputError("known: write at most 8 sizes of the log")
    return tuple(int(each) for each in found)
