"""The lines that only a bundle of contract 2 has, and its summary."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.ledger import forms
from touchstone.ledger.bundlelines import BundleHeader, Opened, PublishedHead, parse_part
from touchstone.ledger.canonical import dumps
from touchstone.ledger.contract2.caselog import DisavowedDeed, KeyRecovery
from touchstone.ledger.errors import MalformedError
from touchstone.ledger.keylines import KeyHistory
from touchstone.ledger.notes import Checkpoint

DEED_BUNDLE = "touchstone/bundle/2"
"""The format of a bundle of contract 2."""


@dataclass(frozen=True, slots=True)
class HiddenPart:
    """Part i of entry n, not shown: withheld, erased or padding, which nobody can tell apart."""

    n: int
    i: int

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps({"line": "withheld", "n": self.n, "i": self.i})


@dataclass(frozen=True, slots=True)
class DeedBundleSummary:
    """What a whole bundle of contract 2 said, once all of it was checked.

    `deeds` are shown; `hidden` entries are not. Of the deeds `unchecked` are of a signer whose
    admission, or what that rests on, is hidden; `after_hidden` stand after a hidden entry, so that
    their order, topics and keys were held against what is shown alone. `disavowed` deeds their
    party does not stand by, of which `disavowed_deeds` are shown; `recoveries` say who goes on with
    a new key by others' word; `seen_by_party` is the largest size of the log that each is known to
    have seen.
    """

    header: BundleHeader
    keys: KeyHistory
    published: PublishedHead
    checkpoint: Checkpoint
    deeds: int
    unchecked: int
    hidden: int
    after_hidden: int
    disavowed: int
    seen_by_party: Mapping[str, int]
    answers: int
    disavowed_deeds: tuple[DisavowedDeed, ...] = ()
    recoveries: tuple[KeyRecovery, ...] = ()


def parse_shown_part(value: object) -> Opened | HiddenPart:
    """A part line of contract 2, from its JSON value."""
    kind = value.get("line") if isinstance(value, dict) else None
    if kind == "withheld":
        found = forms.fields(value, ("line", "n", "i"), "a line withheld")
        n = forms.integer(found["n"], "a part line's n")
        return HiddenPart(n, forms.integer(found["i"], "a part line's i"))
    part = parse_part(value)
    if not isinstance(part, Opened):
        raise MalformedError("neither a part line nor a withheld line")
    return part
