"""Which marking a deed of a review carries: need-to-know, decided in one place."""

from collections.abc import Iterable
from dataclasses import dataclass

from touchstone.clearance import EVERY_PARTY, Marking, tlp

KEYS = tlp("AMBER", EVERY_PARTY)
"""Whose key is whose: every party checks deeds by it, also one that joins later."""


@dataclass(frozen=True)
class Markings:
    """The markings of one case."""

    centre: Marking
    """What would spoil the instrument if others knew it: seeds, unopened items."""
    pair: Marking
    """What only the developer and the centre need: outcomes, transcripts, the submission itself."""
    case: Marking
    """What every party of the case needs: clock, verdicts, findings, designation."""
    keys: Marking
    """`KEYS`."""
    public: Marking
    """What each party says in public: participation, a public release."""

    def reaching(self, *parties: str) -> Marking:
        """For the parties of the case, and for these beside: evaluators from outside, say."""
        return tlp("AMBER", *dict.fromkeys((*self.case.parties, *parties)))

    def shown_to(self, *parties: str) -> Marking:
        """For developer and centre, and for those whom they agreed to show it to beside."""
        return tlp("AMBER+STRICT", *dict.fromkeys((*self.pair.parties, *parties)))


def markings(developer: str, centre: str, others: Iterable[str] = ()) -> Markings:
    """The markings for these parties (ids); `others` are the agencies and partners of the case."""
    return Markings(
        centre=tlp("RED", centre),
        pair=tlp("AMBER+STRICT", developer, centre),
        case=tlp("AMBER", developer, centre, *others),
        keys=KEYS,
        public=tlp("CLEAR"),
    )
