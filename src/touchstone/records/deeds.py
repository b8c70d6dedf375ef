"""Deeds that were signed elsewhere: taken in the case's lock, answered for good."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from touchstone.keys import DataKey, Keyring, RandomSource
from touchstone.ledger import Frontier, MalformedError
from touchstone.ledger.contract2 import (
    AdmittedDeed,
    DeedStatement,
    DeedTopics,
    LastDeed,
    SignedAnswer,
    SubmittedDeed,
    admit_deed,
    parse_statement_envelope,
    refuse_deed,
    sign_answer,
)
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.records.database import raw, translated
from touchstone.records.deedlog import (
    CONTRACT,
    NO_KEYS,
    KeysAt,
    StoredLog,
    answer_row,
    stored_answer,
)
from touchstone.records.deedwriter import DeedWriter
from touchstone.records.errors import (
    CaseExistsError,
    CaseMissingError,
    PartError,
    RecordsError,
)
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import AnswerRow, CaseRow
from touchstone.records.values import CASE_ID
from touchstone.records.writer import CaseWriter

Topics = Callable[[Mapping[str, Any]], DeedTopics]
Judge = Callable[["DeedTaking"], None]
"""Checks 9 and 10, then `record()`; raises UnpromisedError or RefusedDeedError."""


@dataclass(frozen=True, slots=True)
class Access:
    """What `Records` lends: how to begin a transaction, open a case's key, end one that stands."""

    alias: str
    keyring: Keyring
    random: RandomSource
    files: EvidenceFiles
    atomic: Callable[[], AbstractContextManager[None]]
    case_key: Callable[[CaseRow], DataKey | None]
    after: Callable[[CaseWriter], None]
    began: Callable[[], None]


@dataclass(frozen=True, slots=True)
class DeedTaking:
    """An admitted deed in its case's lock: what the service judges, and then records.

    `writer` reads and changes the case in the same transaction.
    """

    admitted: AdmittedDeed
    writer: DeedWriter
    _random: RandomSource
    _keyring: Keyring

    def record(self) -> SignedAnswer:
        """Append the deed and give its receipt; it stands once `Deeds.take` returns.

        Raises RefusedDeedError `destroyed` for content in a destroyed case.
        """
        return self.writer.record(self.admitted, self._random, self._keyring.installation)


class Deeds:
    """Takes deeds into logs of contract 2. `Records.deeds` is one."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._keys: dict[str, KeysAt] = {}
        self._caching = threading.Lock()

    def take(
        self, case: str, submitted: SubmittedDeed, *, asker: str, now: str, topics: Topics,
        judge: Judge,
    ) -> SignedAnswer:  # fmt: skip
        """The answer to a deed, stored before it is given; the same bytes to the same deed.

        A deed that names no log begins the case. `asker` is the party that sends, `now` the
        server's time (UTC), `topics` what each type asks of its topics. `judge` is called once
        steps 1 to 8 hold. It must record, and for entry 0 set a summary; where it raises
        RefusedDeedError, nothing of it stands but that refusal.

        Raises UnpromisedError, where nothing is promised; CaseMissingError, PartError for a case of
        contract 1; BusyError, FullError, UnreachableError, which are no answers.
        """
        try:
            statement = parse_statement_envelope(submitted.envelope).statement
        except MalformedError as error:
            raise UnpromisedError("malformed", str(error)) from error
        try:
            with self._locked(case, statement, asker) as writer:
                if isinstance(writer, SignedAnswer):
                    return writer
                with _collisions(statement):
                    answer = self._answer(
                        writer, statement, submitted, asker=asker, now=now, topics=topics,
                        judge=judge,
                    )  # fmt: skip
        except _MeanwhileError as error:
            answered = self.answer(statement.digest, asker)
            if answered is None or asker != statement.actor:
                raise CaseExistsError(f"{case}: another process opened it meanwhile") from error
            return answered
        if writer.answered is answer:
            self._access.after(writer)
            if statement.log is None:
                self._access.began()
        return answer

    def answer(self, digest: str, party: str) -> SignedAnswer | None:
        """The stored answer to a deed of a party, by its digest (hex); None to anybody else."""
        alias = self._access.alias
        with translated(alias):
            owned = AnswerRow.objects.using(alias).filter(digest=digest, party=party).exists()
            return stored_answer(alias, digest) if owned else None

    def newest(self, case: str, topic: str) -> int | None:
        """The newest entry of a case that touches a topic: what a deed is `on`."""
        return self._stored(case).newest(topic)

    def last_deed(self, case: str, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint) in a case: after what its next one stands."""
        return self._stored(case).last_deed(key)

    def _stored(self, case: str) -> StoredLog:
        """The log, read without its lock: what is asked of it may move."""
        alias = self._access.alias
        with translated(alias):
            row = CaseRow.objects.using(alias).filter(case=case, contract=CONTRACT).first()
        if row is None:
            raise CaseMissingError(f"{case}: there is no such case of contract 2")
        root = Frontier.from_bytes(raw(row.frontier)).root
        return StoredLog(alias, case, row.log, row.size, root, self._keys.get(case, NO_KEYS))

    def _answer(
        self, writer: DeedWriter, statement: DeedStatement, submitted: SubmittedDeed, *,
        asker: str, now: str, topics: Topics, judge: Judge,
    ) -> SignedAnswer:  # fmt: skip
        """Record, or refuse; a refusal takes back all that was written before it."""
        access, past = self._access, writer.past
        try:
            with transaction.atomic(using=access.alias):
                admitted = admit_deed(submitted, past, asker=asker, now=now, topics=topics)
                if isinstance(admitted, SignedAnswer):
                    return admitted
                judge(DeedTaking(admitted, writer, access.random, access.keyring))
                if writer.answered is None:
                    raise PartError(f"{writer.case}: the deed was judged, and not recorded")
                if not (past.size or writer.summarised):
                    raise PartError(f"{writer.case}: a case begins with a summary")
                writer.flush(access.keyring.history.keyset, access.random)
                answer = writer.answered
        except RefusedDeedError as error:
            at = max(now, past.recorded_at or now)
            answer = sign_answer(
                refuse_deed(statement, error, past, at), access.keyring.installation
            )
            row = answer_row(writer.case, statement.actor, answer)
            AnswerRow.objects.using(access.alias).bulk_create([row])
        self._keep_keys(writer.case, past.keys_at)
        return answer

    @contextmanager
    def _locked(
        self, case: str, statement: DeedStatement, asker: str
    ) -> Iterator[DeedWriter | SignedAnswer]:
        """The case's writer in a transaction, or the answer to what began the case before."""
        access = self._access
        with access.atomic():
            rows = CaseRow.objects.using(access.alias).select_for_update()
            row = rows.filter(case=case).first()
            if row is None:
                yield self._new_writer(case, statement)
                return
            if row.contract != CONTRACT:
                raise PartError(f"{case}: its log is of contract 1, which no such deed extends")
            if statement.log is None:
                yield self._begun(case, statement, asker)
                return
            known = self._keys.get(case, NO_KEYS)
            key = access.case_key(row)
            yield DeedWriter(access.alias, row, key, access.files, known)

    def _new_writer(self, case: str, statement: DeedStatement) -> DeedWriter:
        access = self._access
        if statement.log is not None:
            raise CaseMissingError(f"{case}: there is no such case")
        if not CASE_ID.fullmatch(case):
            raise PartError(f"{case[:70]!r} is no name of a case: lowercase, digits, hyphens")
        key, wrapped = access.keyring.master.new_case_key(case)
        frontier = Frontier().to_bytes()
        row = CaseRow(
            case=case, log="", size=0, frontier=frontier, wrapped_key=wrapped, contract=CONTRACT
        )
        return DeedWriter(access.alias, row, key, access.files)

    def _begun(self, case: str, statement: DeedStatement, asker: str) -> SignedAnswer:
        """The answer to a deed without a log where the case has begun; to its own party alone."""
        known = stored_answer(self._access.alias, statement.digest)
        if known is None or asker != statement.actor:
            raise UnpromisedError("another-log", f"{case}: has begun before, by another deed")
        return known

    def _keep_keys(self, case: str, keys: KeysAt) -> None:
        # Only of what stands: a writer's keys are those before its own transaction.
        with self._caching:
            self._keys[case] = keys


class _MeanwhileError(RecordsError):
    """Another process was quicker."""


@contextmanager
def _collisions(statement: DeedStatement) -> Iterator[None]:
    """Two that begin a case hold no lock in common: the tables let the quicker one in."""
    try:
        yield
    except IntegrityError as error:
        if statement.log is None:
            raise _MeanwhileError from error
        raise
