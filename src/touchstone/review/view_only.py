"""Who may look at what models answered and is handed no copy of it: as the agreement says.

Here the text of the one that holds is read, and which parts hold such answers; `clearance.may_take`
decides.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from touchstone.ledger import digest_value, loads
from touchstone.review.events import Event, read_event
from touchstone.review.evolve import fold
from touchstone.review.layouts import layout_of
from touchstone.review.state import State

CARRYING = ("case-opened", "agreement-signed")
"""The types of event with which a text of the agreement goes."""
_FOLDED = (*CARRYING, "party-admitted", "party-invited", "party-joined")
ANSWERS = frozenset(
    {
        ("outcomes-recorded", "details"),
        ("outcomes-recorded", "log"),
        ("transcripts-scanned", "sightings"),
        ("transcripts-graded", "sightings"),
        ("snapshot-seen", "probes"),
        ("snapshot-changed", "probes"),
    }
)
"""By type and name, the parts that hold what models answered: transcripts, what detectors quote of
them, reasoning, probes."""
NOBODY: frozenset[str] = frozenset()


class CarriesAgreement(Protocol):
    """What is asked of a case as it is kept; `audience_view.KeptCase` has it."""

    def events_of(self, types: Collection[str]) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Part 0 of each entry of these types, with its n, in order."""
        ...

    def parts_of(self, types: Collection[str]) -> Iterator[Any]:
        """Every part of every entry of these types, ordered by (n, i)."""
        ...


def lookers_in(reader: CarriesAgreement) -> frozenset[str]:
    """The ids of those who may look at what models answered and take no copy, at that size.

    Never the developer, whose answers they are.
    """
    texts = dict(_texts(reader.parts_of(CARRYING)))
    if not any(texts.values()):
        return NOBODY
    facts = reader.events_of(_FOLDED)
    state: State = fold((read_event(each), str(each["at"])) for _, each in facts)
    holds = state.agreement
    named = texts.get(holds.agreement, NOBODY) if holds else NOBODY
    return named - {*state.having("developer")}


def answers_among(event: Event, count: int) -> frozenset[int]:
    """The places (from 0, among so many parts beside part 0) that hold what models answered."""
    names = layout_of(event).names(event, count)
    return frozenset(i for i, name in enumerate(names) if (event.type, name) in ANSWERS)


def _texts(parts: Iterable[Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """By the digest of each content that could be such a text, whom it lets look alone."""
    for part in parts:
        value = loads(part.data) if part.i and part.data is not None else None
        content = value.get("content") if isinstance(value, dict) else None
        if isinstance(content, dict) and "view_only" in content:
            yield digest_value(content), lookers_named(content["view_only"])


def lookers_named(said: object) -> frozenset[str]:
    """Whom a text's `view_only` names, as it came."""
    # A record may hold a text that no version of ours wrote: what has not the form names nobody.
    if not isinstance(said, list):
        return NOBODY
    return frozenset(each for each in said if isinstance(each, str))
