"""What is next for a party in its cases here, from what it may read of each.

for each in next_for(installation, "example-lab"):
print(each.case, [deed.reason for deed in each.deeds])
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from touchstone.clearance import may_read, party_audience
from touchstone.editions.next_text import next_text
from touchstone.editions.sentences import sentence
from touchstone.records import CaseReader
from touchstone.review import Event, State, evolve_seen, read_event
from touchstone.review.audience_view import case_parties
from touchstone.review.next_deeds import NextDeed, next_deeds, next_of_invited, urgency
from touchstone.service.frameworks import framework_in
from touchstone.service.installation import Installation

PAGE = 200
"""So many cases are asked for at once."""


@dataclass(frozen=True)
class SeenState:
    """What the entries of a case that are open to a party come to."""

    state: State
    hidden: int
    """How many entries are not open to it: each may have changed what is next."""


@dataclass(frozen=True)
class NextInCase:
    """What is next for one party in one case."""

    case: str
    party: str
    model: str
    """As the developer calls it; empty where the party may not read that."""
    deeds: tuple[NextDeed, ...]
    hidden: int = 0
    """See `SeenState`."""
    newer: bool = False
    """Whether the case holds events of a newer version: then nothing is told of it."""


def next_for_all(installation: Installation) -> Iterator[NextInCase]:
    """The same for every party of every case here."""
    for each in installation.records.cases():
        yield from next_in_case(installation, each.case)


def next_for(installation: Installation, party: str) -> Iterator[NextInCase]:
    """By case, what is next for a party: cases that it has joined, then its invitations.

    Cases in which nothing is next are left out, and those of record contract 1, which take no deed.
    """
    after = None
    while True:
        page = installation.records.members.visible_to(party, after=after, most=PAGE)
        for each in page.cases:
            yield from next_in_case(installation, each.case, [party])
        if (after := page.after) is None:
            break
    while True:
        invited = installation.records.members.invitations(party, after=after, most=PAGE)
        for case in invited.invitations:
            yield NextInCase(case, party, "", next_of_invited(party))
        if (after := invited.after) is None:
            return


def next_in_case(
    installation: Installation, case: str, parties: Sequence[str] | None = None
) -> Iterator[NextInCase]:
    """By party, what is next in a case: for these parties, or for all that it knows.

    Raises:
        CaseMissingError: there is no such case.
    """
    members = installation.records.members.of(case)
    asked = list(members) if parties is None else [each for each in parties if each in members]
    reader = installation.records.case(case)
    if reader.contract == 1:
        return
    joined = [party for party in asked if members[party].joined]
    seen = seen_states(reader, joined)
    now = installation.now()
    for party in asked:
        if party not in seen:
            yield NextInCase(case, party, "", next_of_invited(party))
            continue
        state, model = seen[party].state, seen[party].state.submission
        framework = framework_in(installation, case, state)
        found = NextInCase(
            case,
            party,
            model.model if model else "",
            next_deeds(framework, state, party, now),
            seen[party].hidden,
            newer=bool(state.unknown),
        )
        if found.deeds or found.newer:
            yield found


def seen_states(reader: CaseReader, parties: Sequence[str]) -> dict[str, SeenState]:
    """By party, what the entries that are open to it come to; every entry is read once."""
    recorded = [(read_event(facts), at) for facts, at in reader.recorded_events()]
    members = case_parties(reader)
    hidden = {party: _hidden_from(party, recorded, members) for party in parties}
    # Most parties see the same: what each sees is folded once.
    folded = {each: _folded(recorded, each) for each in set(hidden.values())}
    return {party: SeenState(folded[each], len(each)) for party, each in hidden.items()}


def _hidden_from(
    party: str, recorded: Sequence[tuple[Event, str]], members: frozenset[str]
) -> frozenset[int]:
    # As a bundle for the party has it, which is of the community that GREEN is for.
    audience = party_audience(party, "GREEN")
    return frozenset(
        n
        for n, (event, _) in enumerate(recorded)
        if not may_read(audience, event.marking, event.actor, members).allowed
    )


def _folded(recorded: Sequence[tuple[Event, str]], hidden: frozenset[int]) -> State:
    state, met = State(), False
    for n, (event, at) in enumerate(recorded):
        if n in hidden:
            met = True
        else:
            state = evolve_seen(state, event, at, hidden=met)
    return state


@dataclass(frozen=True)
class NextRow:
    """A deed that is next, as a list shows it."""

    case: str
    model: str
    party: str
    """Whom it is told to."""
    by: str
    """Who holds the ball."""
    stance: str
    stands: str
    """The same in words."""
    deeds: tuple[str, ...]
    reason: str
    about: Mapping[str, Any]
    what: str
    why: str
    due_at: str | None
    """UTC."""
    due_zone: str | None
    due_text: str
    """With hour and zone, and whether that is past."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        plain = replace(self, about=dict(self.about))
        return asdict(plain) | {"deeds": list(self.deeds)}


def next_rows(found: Sequence[NextInCase], now: str) -> list[NextRow]:
    """What was found in all cases, the most urgent first."""
    every = [(each, deed) for each in found for deed in each.deeds]
    every.sort(key=lambda one: urgency(one[1]))
    return [_row(each, deed, now) for each, deed in every]


def _row(each: NextInCase, deed: NextDeed, now: str) -> NextRow:
    told = next_text(deed, now)
    return NextRow(
        case=each.case,
        model=each.model,
        party=each.party,
        by=deed.by,
        stance=deed.stance,
        stands=told.stands,
        deeds=deed.deeds,
        reason=deed.reason,
        about=deed.about,
        what=told.what,
        why=told.why,
        due_at=deed.due.at if deed.due else None,
        due_zone=deed.due.zone if deed.due else None,
        due_text=told.due,
    )


def remarks(found: Sequence[NextInCase]) -> Iterator[str]:
    """What else is to be said of what was found: where it rests on part of a case alone."""
    for each in found:
        if each.newer:
            yield sentence("next.newer", case=each.case[:12])
        # Where nothing is awaited, no hidden entry could have done it.
        elif each.hidden and any(deed.stance == "awaited" for deed in each.deeds):
            yield sentence("next.unseen", count=each.hidden, party=each.party, case=each.case[:12])
