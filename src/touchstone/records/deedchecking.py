"""A log of contract 2 as kept: every deed held against the ones before it, every index and answer.

The parts' commitments, the entries' order and the root are the reader's to check, and come before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from touchstone.ledger.bundles import check_opening
from touchstone.ledger.contract2 import (
    CaseLog,
    DeedStatement,
    PaddedEntry,
    RecordedAnswer,
    SignedAnswer,
    check_dates,
    check_deed_at,
    check_recorded_time,
    parse_deed_facts,
    parse_deed_part,
    parse_key_act,
    parse_recorded_part,
    parse_signed_part,
    parse_statement_envelope,
)
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.keylines import KeyHistory
from touchstone.records.database import raw, translated
from touchstone.records.errors import DamagedError
from touchstone.records.models import AnswerRow, DeedRow, TopicRow
from touchstone.records.reader import CaseReader, kept_answer
from touchstone.records.values import StoredPart


@dataclass(frozen=True, slots=True)
class _Found:
    """What one entry says of its deed."""

    statement: DeedStatement
    at: str


def check_signed_deeds(alias: str, reader: CaseReader, history: KeyHistory) -> None:
    """Raise DamagedError, AlteredError or MalformedError at the first thing that does not hold.

    `history` are the installation's keys, which sign answers.
    """
    past, found = CaseLog(), []
    for entry, parts in _entries(reader):
        try:
            found.append(_check_entry(entry, parts, past, history))
        except AlteredError as error:
            raise AlteredError(f"entry {entry.n}: {error}") from error
    with translated(alias):
        _check_index(alias, reader, past, found)
    answers = _read_answers(alias, reader)
    _check_answers(reader, past, found, answers, history)


def _entries(reader: CaseReader) -> Iterator[tuple[PaddedEntry, list[StoredPart]]]:
    grouped = groupby(reader.parts(), key=lambda part: part.n)
    for entry, (_, parts) in zip(reader.entries(), grouped, strict=True):
        if isinstance(entry, PaddedEntry):
            yield entry, list(parts)


def _check_entry(
    entry: PaddedEntry, parts: list[StoredPart], past: CaseLog, history: KeyHistory
) -> _Found:
    facts, deed, recorded = _clear(parts)
    event = parse_deed_facts(facts, entry.n)
    check_opening(event, entry.n, history)
    for part in parts[1 : deed.i]:
        if part.data is not None:
            parse_signed_part(part.data)
    made, time = parse_deed_part(deed.data or b""), parse_recorded_part(recorded)
    if not made["marking"] == time["marking"] == event["marking"]:
        raise AlteredError("the deed is marked otherwise than its event")
    act = parse_key_act(event)
    envelope = parse_statement_envelope(made["envelope"])
    statement = envelope.statement
    if check_deed_at(envelope, entry.parts[: deed.i], event, act, past, history) is None:
        raise AlteredError("the deed's key is not known here")
    at = str(time["at"])
    check_recorded_time(statement, at, past.recorded_at)
    check_dates(statement, event["at"], at)
    past.append(entry.leaf, statement, act, at, event["at"])
    return _Found(statement, at)


def _clear(parts: list[StoredPart]) -> tuple[bytes, StoredPart, bytes]:
    """Part 0, the deed part and the recorded part: the last two that are no padding."""
    match [part for part in parts if part.clear and part.data is not None]:
        case [facts, deed, recorded] if facts.i == 0 and recorded.i == deed.i + 1:
            return facts.data or b"", deed, recorded.data or b""
        case _:
            raise AlteredError("its event, deed and time of recording are not all there")


def _check_index(alias: str, reader: CaseReader, past: CaseLog, found: list[_Found]) -> None:
    """The tables that are asked instead of the entries say what the entries say."""
    deeds = DeedRow.objects.using(alias).filter(case=reader.case, n__lt=reader.size).order_by("n")
    kept = [(d.n, d.key, d.seq, d.digest, d.seen, d.at, raw(d.root)) for d in deeds]
    true = [
        (n, s.key, s.seq, s.digest, s.seen.size, one.at, past.root(n + 1))
        for n, one in enumerate(found)
        for s in (one.statement,)
    ]
    topics = TopicRow.objects.using(alias).filter(case=reader.case, n__lt=reader.size)
    touched = {(topic, n) for n, one in enumerate(found) for topic in one.statement.touches}
    if kept != true:
        wrong = next((n for n, (a, b) in enumerate(zip(kept, true, strict=False)) if a != b), None)
        at = len(min(kept, true, key=len)) if wrong is None else wrong
        raise DamagedError(f"{reader.case}: the index of deeds is wrong at entry {at}")
    if set(topics.values_list("topic", "n")) != touched:
        raise DamagedError(f"{reader.case}: the index of topics is not that of its deeds")


def _read_answers(alias: str, reader: CaseReader) -> list[tuple[str, str, SignedAnswer]]:
    """Of each answer the deed's digest, whose it is, and itself."""
    with translated(alias):
        rows = AnswerRow.objects.using(alias).filter(case=reader.case).order_by("digest")
        lines = [(row.digest, row.party, raw(row.line)) for row in rows]
    return [(digest, party, kept_answer(reader.case, line)) for digest, party, line in lines]


def _check_answers(
    reader: CaseReader,
    past: CaseLog,
    found: list[_Found],
    answers: list[tuple[str, str, SignedAnswer]],
    history: KeyHistory,
) -> None:
    by = {line.fingerprint: bytes.fromhex(line.public_key) for line in history.lines}
    due = {one.statement.digest: (n, one.at, one.statement.actor) for n, one in enumerate(found)}
    for digest, party, signed in answers:
        answer = signed.answer
        if signed.key not in by or answer.deed != digest:
            raise DamagedError(f"{reader.case}: an answer is another's or by no key of ours")
        signed.verify(by[signed.key])
        if answer.log not in (None, reader.log):
            raise DamagedError(f"{reader.case}: an answer is about another log")
        # Of an older state that is read, later answers are not looked at.
        if answer.size <= past.size and answer.log and past.root(answer.size).hex() != answer.root:
            raise DamagedError(f"{reader.case}: an answer's head is no past of this log")
        if isinstance(answer, RecordedAnswer):
            if answer.n < past.size and due.pop(digest, None) != (answer.n, answer.at, party):
                raise DamagedError(f"{reader.case}: the receipt of entry {answer.n} is another's")
        elif digest in due:
            raise DamagedError(f"{reader.case}: entry {due[digest][0]} was refused as well")
    if due:
        n = min(n for n, *_ in due.values())
        raise DamagedError(f"{reader.case}: the receipt of entry {n} is missing")
