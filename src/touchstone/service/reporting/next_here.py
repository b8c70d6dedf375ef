"""What is next for a party in its cases here, from what it may read of each.

for each in next_for(installation, "example-lab"):
print(each.case, [deed.reason for deed in each.deeds])
"""

from collections.abc import Iterator, Sequence

from touchstone.clearance import may_read, party_audience
from touchstone.editions.next_text import NextInCase
from touchstone.records import CaseReader
from touchstone.review import Event, evolve_seen, read_event
from touchstone.review.audience_view import CaseMembers, case_members
from touchstone.review.next_deeds import next_deeds, next_of_invited
from touchstone.service.frameworks import framework_in
from touchstone.service.installation import Installation, SeenState

PAGE = 200
"""So many cases are asked for at once."""


NOTHING = SeenState()
"""Of a case of which nothing was seen before."""


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
    yield from next_invited(installation, party)


def next_invited(installation: Installation, party: str) -> Iterator[NextInCase]:
    """By case, what is next for a party that is invited to it."""
    after = None
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
    seen = seen_states(installation, reader, joined)
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


def models_of(installation: Installation, party: str, cases: Sequence[str]) -> dict[str, str]:
    """By case, what its model is called, as far as the party may read that; else it is left out.

    The party has joined each of them.
    """
    found = {}
    for case in cases:
        reader = installation.records.case(case)
        if reader.contract == 1:
            continue
        received = seen_states(installation, reader, [party])[party].state.submission
        if received:
            found[case] = received.model
    return found


def seen_states(
    installation: Installation, reader: CaseReader, parties: Sequence[str]
) -> dict[str, SeenState]:
    """By party, what the entries that are open to it come to; only those not seen before are read.

    Each of them has joined: what is open to a party then stays open to it.
    """
    kept = installation.seen_states.get(reader.case) or {}
    known = {party: kept.get(party, NOTHING) for party in parties}
    # A record that was put back has fewer entries than were seen of it.
    known = {name: each if each.size <= reader.size else NOTHING for name, each in known.items()}
    start = min((each.size for each in known.values()), default=0)
    recorded = [(read_event(facts), at) for facts, at in reader.recorded_events(start)]
    members = case_members(reader)
    found, folded = dict[str, SeenState](), dict[tuple[int, frozenset[int]], SeenState]()
    for party, before in known.items():
        news = recorded[before.size - start :]
        hidden = _hidden_from(party, news, members, before.size)
        # Most parties see the same: what each sees is folded once.
        same = (id(before), hidden)
        if same not in folded:
            folded[same] = fold_shown(before, news, hidden)
        found[party] = folded[same]
    installation.seen_states.keep(reader.case, {**kept, **found})
    return found


def _hidden_from(
    party: str, recorded: Sequence[tuple[Event, str]], members: CaseMembers, start: int
) -> frozenset[int]:
    # As a bundle for the party has it, which is of the community that GREEN is for.
    audience = party_audience(party, "GREEN")
    return frozenset(
        n
        for n, (event, _) in enumerate(recorded)
        if not may_read(
            members.reading(audience, start + n), event.marking, event.actor, members.at(start + n)
        ).allowed
    )


def fold_shown(
    before: SeenState, recorded: Sequence[tuple[Event, str]], hidden: frozenset[int]
) -> SeenState:
    """What these events come to after what was seen before, without the hidden ones, by n."""
    state, met = before.state, before.hidden
    for n, (event, at) in enumerate(recorded):
        if n in hidden:
            met += 1
        else:
            state = evolve_seen(state, event, at, hidden=bool(met))
    return SeenState(state, met, before.size + len(recorded))
