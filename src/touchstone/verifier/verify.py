"""The question and the answer: what is asked of a bundle, and the verdict."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, Literal

from .errors import AlteredError, VerifierInputError
from .reading import Reading
from .strict import shown

IN_MEMORY = 96 << 20  # bytes of leaves and commitments; beyond, they go to a temporary file
TRUNCATION = "entries dropped after the newest head here show only against a head seen elsewhere"
UNPINNED = "anyone can write a consistent bundle; pin an issuer's key that you know with --trust"
UNMET = "none of the keys given with --trust is in the key history"


@dataclass(frozen=True)
class Verdict:
    """The answer. Of an altered bundle nothing but the place and what is amiss is said.

    `root` is that of the case's `size` entries; `head` is the installation log's, SIZE:ROOT;
    `issuers` are the fingerprints of the key history, oldest first. Texts are safe to print.
    """

    word: Literal["authentic", "consistent", "altered"]
    place: str = ""
    what: str = ""
    line: int | None = None
    trust_given: bool = False
    audience: str = ""
    log: str = ""
    size: int = 0
    root: str = ""
    head: str = ""
    issuers: tuple[str, ...] = ()
    opened: int = 0
    withheld: int = 0
    erased: int = 0
    deeds_checked: int = 0
    deeds_unchecked: int = 0
    cosigned_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the answer is yes: nothing altered, and no given pin unmet."""
        return self.word == "authentic" or (self.word == "consistent" and not self.trust_given)

    def as_dict(self) -> dict[str, Any]:
        """The verdict in JSON's types."""
        return {**asdict(self), "holds": self.holds}

    def lines(self) -> list[str]:
        """The verdict for people to read, a line each."""
        if self.word == "altered":
            return [f"altered: {self.place} {self.what}"]
        return [
            self.word + ("" if self.word == "authentic" else ", issuer unverified"),
            f"case {self.log}: {self.size} entries, root {self.root}, for {self.audience}",
            f"parts: {self.opened} opened, {self.withheld} withheld, {self.erased} erased",
            f"deeds: {self.deeds_checked} checked, {self.deeds_unchecked} of a signer not shown",
            f"installation log: {self.head}",
            *(f"issuer: {key}" for key in self.issuers),
            *(f"cosigned by: {name}" for name in self.cosigned_by),
            *(f"note: {note}" for note in self.notes),
        ]


def verify_bundle(
    path: Path, *, trust: Sequence[str] = (), witnesses: Sequence[str] = (), head: str | None = None
) -> Verdict:
    """Check a bundle; one of the `trust`ed fingerprints must be met, and every other thing given.

    `witnesses` are `NAME=HEXKEY`; `head` is `SIZE:ROOT` of the installation's log, seen elsewhere.
    VerifierInputError: the file cannot be read, or what was given is ill-formed.
    """
    pins = {_match(one, "SHA256:[0-9a-f]{64}", "SHA256:<64 hex digits>")[0] for one in trust}
    named = [_match(one, r"([^\s+]+)=([0-9a-f]{64})", "NAME=<64 hex digits>") for one in witnesses]
    known = [(one[1], bytes.fromhex(one[2])) for one in named]
    seen = None
    if head is not None:
        given = _match(head, "([1-9][0-9]{0,15}):([0-9a-f]{64})", "SIZE:<64 hex digits>")
        seen = (int(given[1]), bytes.fromhex(given[2]))
    try:
        with path.open("rb") as file, SpooledTemporaryFile(IN_MEMORY) as spool:
            reading = Reading(file, spool, known, seen)
            reading.read()
    except AlteredError as error:
        return Verdict("altered", reading.place(), str(error), reading.number)
    except OSError as error:
        raise VerifierInputError(f"{shown(str(path))}: {error.strerror}") from None
    issuers, notes = tuple(reading.keys.values()), [TRUNCATION]
    if pins.isdisjoint(issuers):
        notes.append(UNMET if pins else UNPINNED)
    return Verdict(
        "consistent" if pins.isdisjoint(issuers) else "authentic",
        trust_given=bool(pins),
        audience=shown(reading.audience),
        log=reading.log,
        size=reading.size,
        root=reading.root,
        head=f"{reading.newest.size}:{reading.newest.root.hex()}",
        issuers=issuers,
        cosigned_by=tuple(shown(name) for name, _key in known),
        notes=tuple(notes),
        **reading.counts,
    )


def _match(text: str, expression: str, form: str) -> re.Match[str]:
    match = re.fullmatch(expression, text)
    if match is None:
        raise VerifierInputError(f"{shown(text)} is not of the form {form}")
    return match
