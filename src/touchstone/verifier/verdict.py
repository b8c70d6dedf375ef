"""The answer, for programs and for people."""

from dataclasses import asdict, dataclass
from typing import Any

HOLDS, NO, NOT_MET = 0, 1, 3
"""What a command exits with: it holds; it does not; all holds but the policy on witnesses."""


@dataclass(frozen=True)
class Cosignature:
    """What a given witness cosigned: of the checkpoints here the largest.

    `at` is the witness's own time (UTC), `size` is of the installation's log. Unless the case's
    head stands in that checkpoint it does not count.
    """

    witness: str
    at: str
    age_seconds: int | None
    size: int
    holds_head: bool

    @property
    def line(self) -> str:
        """For people."""
        said = f"cosigned by {self.witness} at {self.at}{_aged(self.age_seconds)}, size {self.size}"
        return said if self.holds_head else f"{said}: before this case's head, it does not count"


@dataclass(frozen=True)
class Disavowed:
    """A deed that its party does not stand by: its entry, and what is open of it."""

    n: int
    party: str
    type: str


@dataclass(frozen=True)
class Recovery:
    """A party that goes on with a new key by the word of others, at entry `n`.

    None while it may still object, or has not joined anew.
    """

    party: str
    n: int | None
    by: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer; of an altered bundle nothing but where and what. All texts are safe to print.

    `root` is that of the case's `size` entries; `head` is the installation log's, SIZE:ROOT;
    `issuers` are the fingerprints of the key history, oldest first; `revoked` those of them that a
    key line names as revoked, or that were given as such. `head_at` is when the issuer says that
    this was the newest head (UTC): the bundle's own time; `head_age_seconds` how long before the
    asking that was, below 0 where the issuer's clock was ahead. `policy` is empty where no witness
    was asked for, else `met` or `not met`; `cosigned_by` are the witnesses that count. `disavowed`
    names those of the `deeds_disavowed` that are shown.
    """

    word: str
    place: str = ""
    what: str = ""
    line: int | None = None
    trust_given: bool = False
    audience: str = ""
    log: str = ""
    size: int = 0
    root: str = ""
    head: str = ""
    origin: str = ""
    issuers: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    opened: int = 0
    withheld: int = 0
    erased: int = 0
    deeds_checked: int = 0
    deeds_unchecked: int = 0
    contract: int = 1
    entries_withheld: int = 0
    deeds_after_withheld: int = 0
    deeds_disavowed: int = 0
    disavowed: tuple[Disavowed, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    seen_by: tuple[tuple[str, int], ...] = ()
    answers: int = 0
    receipts: tuple[str, ...] = ()
    policy: str = ""
    cosigned_by: tuple[str, ...] = ()
    not_cosigned_by: tuple[str, ...] = ()
    cosignatures: tuple[Cosignature, ...] = ()
    cosigned_age_seconds: int | None = None
    head_at: str = ""
    head_age_seconds: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the answer is yes: nothing altered, all that was given met, no revoked seal."""
        return self._stands and self.policy != "not met"

    @property
    def exit_code(self) -> int:
        """What a command exits with: that only the policy is not met is told apart."""
        return HOLDS if self.holds else NOT_MET if self._stands else NO

    @property
    def _stands(self) -> bool:
        """Whether it holds but for the policy."""
        # The newest key seals a bundle: where it is revoked, the seal says nothing.
        unmet = self.trust_given or self.revoked[-1:] == self.issuers[-1:]
        return self.word == "authentic" or (self.word == "consistent" and not unmet)

    def as_dict(self) -> dict[str, Any]:
        """The verdict in JSON's types."""
        return {**asdict(self), "holds": self.holds}

    def lines(self) -> list[str]:
        """The verdict for people to read, a line each."""
        if self.word == "altered":
            return [f"altered: {self.place} {self.what}"]
        cosigned = (", ".join(self.cosigned_by) or "-") + _aged(self.cosigned_age_seconds)
        unverified = "" if self.word == "authentic" else ", issuer unverified"
        return [
            self.word + unverified + (", policy not met" if self.policy == "not met" else ""),
            f"case log {self.log}: {self.size} entries, root {self.root}, for {self.audience}",
            *(self._contract_1() if self.contract == 1 else self._contract_2()),
            f"installation log {self.head}, cosigned by {cosigned}",
            *(each.line for each in self.cosignatures),
            *(f"not cosigned by {name}" for name in self.not_cosigned_by),
            *([f"policy on witnesses: {self.policy}"] if self.policy else []),
            f"newest head as of {self.head_at} by the issuer's word{_aged(self.head_age_seconds)}",
            *(f"issuer: {key}" for key in self.issuers),
            *(f"note: {note}" for note in self.notes),
        ]

    def _contract_1(self) -> list[str]:
        return [
            f"parts: {self.opened} opened, {self.withheld} withheld, {self.erased} erased",
            f"deeds: {self.deeds_checked} checked, {self.deeds_unchecked} of a signer not shown",
        ]

    def _contract_2(self) -> list[str]:
        seen = ", ".join(f"{party} {size}" for party, size in self.seen_by) or "-"
        after = self.deeds_after_withheld
        given = ", ".join(self.receipts) or "none"
        return [
            f"parts: {self.opened} opened, {self.withheld} withheld or padding",
            f"entries: {self.entries_withheld} withheld whole",
            f"deeds: {self.deeds_checked} checked, {self.deeds_unchecked} of a signer not shown",
            f"deeds after a withheld entry, checked against what is shown: {after}",
            f"deeds disavowed by their party: {self.deeds_disavowed}",
            *(f"disavowed: entry {one.n}, {one.party}, {one.type}" for one in self.disavowed),
            *map(_recovered, self.recoveries),
            f"newest head that each party is known to have seen: {seen}",
            f"answers of the installation met: {self.answers} in the bundle, given: {given}",
        ]


def _recovered(one: Recovery) -> str:
    by = ", ".join(one.by) or "who is not shown"
    what = "recovery under way: {}" if one.n is None else "recovered: {} at entry {}"
    return f"key {what.format(one.party, one.n)}, by the word of {by}"


def _aged(seconds: int | None) -> str:
    """A length of time in the largest unit of which there are two."""
    if seconds is None:
        return ""
    length, then = abs(seconds), "ahead of this clock" if seconds < 0 else "ago"
    sizes = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, unit = next(each for each in sizes if length >= 2 * each[0] or each[0] == 1)
    return f", {length // size} {unit}{'s' * (length != 1)} {then}"
