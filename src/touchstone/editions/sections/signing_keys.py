"""What became of parties' keys: who goes on with a new one by whose word, and what is disavowed."""

from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.sentences import sentence
from touchstone.ledger.contract2 import (
    CaseKeys,
    DeedStatement,
    parse_key_act,
    parse_statement_envelope,
)
from touchstone.review.audience_view import Entry

BROUGHT = ("case-opened", "party-joined", "party-key-rotated", "party-rejoined")
"""Types by which a party has another key of its own."""
ENDING = ("signer-removed", "party-key-rotated", "party-rejoined")
"""Types by which keys end, whose last deeds the party may not stand by."""


@dataclass(frozen=True)
class DisavowedEntry:
    """An entry that its party does not stand by."""

    n: int
    party: str
    type: str


def key_sentences(case: AudienceCase) -> tuple[str, ...]:
    """What a party of the case is told of keys that were lost; nothing where none was."""
    return (*_recoveries(case), *_disavowals(case))


def recovered_by(case: AudienceCase, party: str) -> str:
    """By whose word a party goes on with a new key, as one sentence; empty where it never did."""
    by = case.state.parties[party].recovered_by
    names = [case.name(each) for each in by]
    return sentence("keys.labelled", by=names) if names else ""


def disavowed_entries(case: AudienceCase) -> tuple[DisavowedEntry, ...]:
    """The entries that are disavowed, of those that the audience may read; in order."""
    ends = [entry for entry in case.entries if entry.visible and entry.kind in ENDING]
    if not ends:
        return ()
    return tuple(sorted(set(_disavowed(case)), key=lambda each: each.n))


def _disavowed(case: AudienceCase) -> Iterator[DisavowedEntry]:
    # Deeds by key as they come: what a key signed is told by its deed, which its event does not.
    deeds: dict[str, list[tuple[int, DisavowedEntry]]] = {}
    keys: dict[str, str] = {}
    for entry in case.entries:
        statement = _statement(entry)
        if statement is None:
            continue
        party, act = statement.actor, parse_key_act(entry.event.facts())
        for key, last in CaseKeys(current=keys).ended_by(party, act).items():
            stood_by = -1 if last is None else last
            yield from (deed for seq, deed in deeds.get(key, ()) if seq > stood_by)
        if entry.kind in BROUGHT:
            keys[party] = statement.key
        told = DisavowedEntry(entry.n, party, entry.event.type)
        deeds.setdefault(statement.key, []).append((statement.seq, told))


def _statement(entry: Entry) -> DeedStatement | None:
    """What was signed, in a record of contract 2 that shows it."""
    if not entry.visible or not entry.parts[0].part.clear:
        return None
    value = entry.parts[-2].value
    return parse_statement_envelope(value["envelope"]).statement if value else None


def _disavowals(case: AudienceCase) -> Iterator[str]:
    found = disavowed_entries(case)
    for party in dict.fromkeys(each.party for each in found):
        own = [each for each in found if each.party == party]
        entries = [sentence("keys.entry", n=each.n, type=each.type) for each in own]
        yield sentence("keys.disavowed", party=case.name(party), count=len(own), entries=entries)


def _recoveries(case: AudienceCase) -> Iterator[str]:
    for party, known in case.state.parties.items():
        if known.recovered_by:
            names = [case.name(each) for each in known.recovered_by]
            yield sentence("keys.recovered", party=case.name(party), by=names)
    for party, told in case.state.reinvitations.items():
        if told:
            names = [case.name(each) for each in sorted(told)]
            yield sentence("keys.under-way", party=case.name(party), by=names)
