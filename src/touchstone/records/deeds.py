"""Deeds that were signed elsewhere: taken in the case's lock, answered for good."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import IntegrityError, transaction

from touchstone.handin import seconds_of
from touchstone.keys import DataKey, Keyring, RandomSource
from touchstone.ledger import Frontier
from touchstone.ledger.contract2 import (
    FORK,
    INSTALLATION,
    AdmittedDeed,
    DeedStatement,
    DeedTopics,
    LastDeed,
    SignedAnswer,
    SubmittedDeed,
    admit_deed,
    cancel_deed,
    parse_statement_envelope,
    read_own_deed,
    refuse_deed,
    sign_answer,
    unknown_case,
)
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.ledger.signing import Signer
from touchstone.records.database import raw, translated
from touchstone.records.deedlog import (
    CONTRACT,
    NOTHING_KNOWN,
    LogKnown,
    StoredLog,
    answer_row,
    stored_answer,
)
from touchstone.records.deedwriter import DeedWriter
from touchstone.records.errors import (
    CaseExistsError,
    CaseMissingError,
    DeedRefusedError,
    EarlierContractError,
    PartError,
    RecordsError,
)
from touchstone.records.eventrows import read_events_of
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.inserting import case_head, insert
from touchstone.records.members import is_member
from touchstone.records.membership import LEAVING, leaver_of
from touchstone.records.models import AnswerRow, CaseRow
from touchstone.records.refusals import RefusalBound, RefusalLog
from touchstone.records.remembered import Remembered
from touchstone.records.values import CASE_ID
from touchstone.records.writer import CaseWriter

MOST_KNOWN = 1000
"""Cases of which the newest deeds and keys are remembered: some kilobytes each."""
Topics = Callable[[Mapping[str, Any]], DeedTopics]
Judge = Callable[["DeedTaking"], None]
"""Checks 9 and 10, then `record()`; raises UnpromisedError or RefusedDeedError."""


@dataclass(frozen=True, slots=True)
class Lent:
    """What `Records` lends: how to begin a transaction, open a case's key, end one that stands."""

    alias: str
    keyring: Keyring
    random: RandomSource
    files: EvidenceFiles
    atomic: Callable[[], AbstractContextManager[None]]
    case_key: Callable[[CaseRow], DataKey | None]
    after: Callable[[CaseWriter], None]
    began: Callable[[], None]
    refusals: RefusalLog
    kept: RefusalBound


@dataclass(frozen=True, slots=True)
class DeedTaking:
    """An admitted deed in its case's lock: what the service judges, and then records.

    `writer` reads and changes the case in the same transaction.
    """

    admitted: AdmittedDeed
    writer: DeedWriter
    _random: RandomSource
    _installation: Signer

    def record(self) -> SignedAnswer:
        """Append the deed and give its receipt; it stands once the transaction does.

        Raises RefusedDeedError `destroyed` for content in a destroyed case.
        """
        return self.writer.record(self.admitted, self._random, self._installation)


class DeedBatch:
    """A case's lock, in which deeds are taken one after the other. `Deeds.together` gives one."""

    def __init__(self, access: Lent, writer: DeedWriter) -> None:
        self.writer = writer
        self.refused: tuple[DeedStatement, str] | None = None
        """The deed that is refused for good, and when (UTC)."""
        self._access = access

    @cached_property
    def _installation(self) -> Signer:
        return self._access.keyring.installation

    def take(
        self, submitted: SubmittedDeed, *, asker: str, now: str, topics: Topics, judge: Judge
    ) -> SignedAnswer:
        """The receipt of a deed, or the answer that it was given before; as `Deeds.take`.

        Raises RefusedDeedError: leave the batch with it, so that the refusal is kept.
        """
        writer = self.writer
        # Whatever is refused from here on is noted with its statement, which was read before.
        try:
            admitted = admit_deed(
                submitted,
                writer.past,
                asker=asker,
                now=now,
                topics=topics,
                installation=self._installation.public_key if asker == INSTALLATION else None,
            )
            # Sent again it is answered as before, and judged no second time: the state has moved.
            if isinstance(admitted, SignedAnswer):
                return admitted
            judge(DeedTaking(admitted, writer, self._access.random, self._installation))
        except RefusedDeedError:
            self.refused = parse_statement_envelope(submitted.envelope).statement, now
            raise
        # A judge that forgot to record would have a receipt promised for what stands nowhere.
        if writer.next_n == admitted.n:
            raise PartError(f"{writer.case}: the deed was judged, and not recorded")
        receipt = writer.past.answer(admitted.statement.digest)
        if receipt is None:
            raise PartError(f"{writer.case}: another deed was recorded than was judged")
        # Whoever opened a case is no flood: what was refused to it before counts no more.
        if not writer.before.size:
            self._access.kept.forget_beginning(admitted.statement.actor)
        return receipt

    def cancel(self, envelope: object, *, asker: str, now: str) -> SignedAnswer:
        """The answer that a deed was given before. Raises RefusedDeedError, as `take`."""
        try:
            return cancel_deed(envelope, self.writer.past, asker=asker)
        except RefusedDeedError:
            self.refused = parse_statement_envelope(envelope).statement, now
            raise

    def finish(self) -> None:
        """Write what was appended. Raises PartError where a case begins without a summary."""
        writer = self.writer
        if not writer.moved:
            return
        # Lists read the index alone: a case without its line there could not be found any more.
        if not (writer.before.size or writer.summarised):
            raise PartError(f"{writer.case}: a case begins with a summary")
        writer.flush()

    def refuse(self, error: RefusedDeedError) -> SignedAnswer:
        """Keep the refusal, under the head at which it stands: that of before this batch.

        A fork's follows from the deed that stands, and is made again at need (ADR 268). Raises
        UnpromisedError where more are not kept.
        """
        if self.refused is None:
            raise error
        (statement, now), past = self.refused, self.writer.before
        if error.code == FORK and (place := past.recorded_place(statement.key, statement.seq)):
            n, at = place
            return sign_answer(refuse_deed(statement, error, past, at, n + 1), self._installation)
        if not self._bounded(statement):
            why = f"{error.why} (and too many deeds of this signer were refused: this may pass)"
            raise UnpromisedError("refused-often", why) from error
        # Never before the newest entry, where this machine's clock was set back.
        at = max(now, past.recorded_at or now)
        answer = sign_answer(refuse_deed(statement, error, past, at), self._installation)
        row = answer_row(self.writer.case, statement.actor, answer)
        insert(self._access.alias, (AnswerRow, [row]))
        return answer

    def _bounded(self, statement: DeedStatement) -> bool:
        """Count a refusal: a known key's in its case, else a party's, or of those who begin."""
        past, kept = self.writer.before, self._access.kept
        if not past.size:
            # Keys cost nothing there: nobody has admitted them.
            return kept.take_beginning(statement.actor)
        if statement.key not in past.keys.known:
            # Nor anywhere else: one that a party brings is counted as that party's.
            return kept.take(self.writer.case, statement.actor, -1)
        last = past.last_deed(statement.key)
        return kept.take(self.writer.case, statement.key, last.seq if last else -1)


class Deeds:
    """Takes deeds into logs of contract 2. `Records.deeds` is one."""

    def __init__(self, access: Lent) -> None:
        self._access = access
        self.moved = False
        """Whether a deed was recorded whose head may not be in the installation's log yet."""
        self._known: Remembered[LogKnown] = Remembered(MOST_KNOWN)

    def take(
        self,
        case: str,
        submitted: SubmittedDeed,
        *,
        asker: str,
        now: str,
        topics: Topics,
        judge: Judge,
    ) -> SignedAnswer:
        """The answer to a deed, stored before it is given; the same bytes to the same deed.

        A deed that names no log begins the case. `asker` is the party that sends, and the deed's;
        `now` the server's time (UTC), `topics` what each type asks of its topics. `judge` is called
        once steps 1 to 8 hold. It must record, and for entry 0 set a summary; where it raises
        RefusedDeedError, nothing of it stands but that refusal, which the side log notes too.

        Raises UnpromisedError, where nothing is promised: to whoever is no party of the case with
        the same words whether or not there is one. BusyError, FullError and UnreachableError are
        no answers.
        """

        def asked(batch: DeedBatch) -> SignedAnswer:
            return batch.take(submitted, asker=asker, now=now, topics=topics, judge=judge)

        return self._answered(case, submitted.envelope, asker, now, asked)

    def cancel(self, case: str, envelope: object, *, asker: str, now: str) -> SignedAnswer:
        """The answer to a deed that its party wants no more: its receipt, or a refusal.

        `envelope` is the deed's, whose parts need not be here; `asker` and `now` are as in `take`.
        A deed that was not answered before is refused as `cancelled`, and never recorded.

        Raises as `take`; UnpromisedError where the deed is another's or not signed by it.
        """

        def asked(batch: DeedBatch) -> SignedAnswer:
            return batch.cancel(envelope, asker=asker, now=now)

        return self._answered(case, envelope, asker, now, asked)

    @contextmanager
    def together(self, case: str, *, begins: bool = False) -> Iterator[DeedBatch]:
        """Lock a case and take deeds, all of which stand, or none.

        What leaving has returned from is durable. `begins`: the first deed is to begin the case.

        Raises DeedRefusedError where a deed was refused: its refusal stands, and nothing else;
        CaseExistsError, CaseMissingError, EarlierContractError; PartError where a case would begin
        without a summary; BusyError, FullError, UnreachableError, which are no answers.
        """
        access, refusal = self._access, None
        with access.atomic():
            batch = DeedBatch(access, self._writer(case, begins=begins))
            try:
                # A savepoint: what was written is taken back, and the refusal kept under the same
                # lock (ADR 245).
                with _collisions(case, begins=begins), transaction.atomic(using=access.alias):
                    yield batch
                    batch.finish()
            except RefusedDeedError as error:
                refusal = DeedRefusedError(error, batch.refuse(error))
        if refusal is not None:
            raise refusal from refusal.error
        if batch.writer.moved:
            self.moved = True
            # Of what was appended all is known: this reads nothing, and needs no lock any more.
            self._known.keep(case, batch.writer.past.known)
            access.after(batch.writer)
            if begins:
                access.began()

    def answer(self, digest: str, party: str) -> SignedAnswer | None:
        """The stored answer to a deed of a party, by its digest (hex); None to anybody else."""
        alias = self._access.alias
        # Of another party the same as of none: whether a deed was sent is its party's own.
        with translated(alias):
            owned = AnswerRow.objects.using(alias).filter(digest=digest, party=party).exists()
            return stored_answer(alias, digest) if owned else None

    def newest(self, case: str, topic: str) -> int | None:
        """The newest entry of a case that touches a topic: what a deed is `on`."""
        return self.log(case).newest(topic)

    def last_deed(self, case: str, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint) in a case: after what its next one stands."""
        return self.log(case).last_deed(key)

    def log(self, case: str) -> StoredLog:
        """The log as it stands now, read without its lock: it stays at that size.

        Raises CaseMissingError where there is none of contract 2.
        """
        alias = self._access.alias
        with translated(alias):
            row = case_head(alias, case)
        if row is None or row.contract != CONTRACT:
            raise CaseMissingError(f"{case}: there is no such case of contract 2")
        root = Frontier.from_bytes(raw(row.frontier)).root
        known = self._known.get(case) or NOTHING_KNOWN
        return StoredLog(alias, case, row.log, row.size, root, known)

    def _answered(
        self,
        case: str,
        envelope: object,
        asker: str,
        now: str,
        asked: Callable[[DeedBatch], SignedAnswer],
    ) -> SignedAnswer:
        statement = read_own_deed(envelope, asker).statement
        try:
            with self.together(case, begins=statement.log is None) as batch:
                return asked(batch)
        except DeedRefusedError as error:
            self._note(case, statement, error.error.why, now)
            return error.answer
        except (CaseMissingError, EarlierContractError) as error:
            raise unknown_case() from error
        except CaseExistsError as error:
            # What began it is answered as it was.
            known = self.answer(statement.digest, asker)
            if known is not None:
                return known
            # Who is no party must not learn by this answer that there is such a case.
            if not self.is_party(case, asker):
                raise unknown_case() from error
            why = f"{case}: has begun before, by another deed"
            raise UnpromisedError("another-log", why) from error

    def has_joined(self, case: str, party: str) -> bool:
        """Whether there is such a case of contract 2, which the party has joined."""
        # First, and the same of a case that is not there: a log that is looked into takes longer.
        if not is_member(self._access.alias, case, party):
            return False
        try:
            return self.log(case).keys.has_joined(party)
        except CaseMissingError:
            return False

    def takes_part(self, case: str, party: str) -> bool:
        """Whether it has joined such a case and takes part in it still: deeds of it may come."""
        if not self.has_joined(case, party):
            return False
        alias = self._access.alias
        with translated(alias):
            size = self.log(case).size
            left = read_events_of(alias, case, LEAVING, size, CONTRACT)
        return all(leaver_of(facts) != party for _, facts in left)

    def is_party(self, case: str, party: str) -> bool:
        """Whether there is such a case of contract 2, which the party has joined or may join."""
        try:
            return self.log(case).keys.knows(party)
        except CaseMissingError:
            return False

    def _note(self, case: str, statement: DeedStatement, why: str, now: str) -> None:
        # Outside the case's transaction, so that a flood of refusals waits for no case.
        second = seconds_of(now)
        # The answer stands whatever becomes of the note.
        with suppress(RecordsError):
            self._access.refusals.note(second, statement.actor, case, statement.deed, why)

    def _writer(self, case: str, *, begins: bool) -> DeedWriter:
        access = self._access
        # Before anything is judged: what is `seen` and who may sign could move meanwhile.
        row = case_head(access.alias, case, lock=True)
        if begins:
            if row is not None:
                raise CaseExistsError(f"{case}: there is a case of that name already")
            return self._new_writer(case)
        if row is None:
            raise CaseMissingError(f"{case}: there is no such case")
        if row.contract != CONTRACT:
            raise EarlierContractError(case)
        known = self._known.get(case) or NOTHING_KNOWN
        writer = DeedWriter(access.alias, row, access.case_key(row), access.files, known)
        # Also where nothing is recorded: who asks next need not follow the keys again.
        self._known.keep(case, writer.before.known)
        return writer

    def _new_writer(self, case: str) -> DeedWriter:
        access = self._access
        # It becomes a folder's name, and a part of what content is sealed to.
        if not CASE_ID.fullmatch(case):
            raise PartError(f"{case[:70]!r} is no name of a case: lowercase, digits, hyphens")
        key, wrapped = access.keyring.master.new_case_key(case)
        frontier = Frontier().to_bytes()
        row = CaseRow(
            case=case, log="", size=0, frontier=frontier, wrapped_key=wrapped, contract=CONTRACT
        )
        return DeedWriter(access.alias, row, key, access.files)


@contextmanager
def _collisions(case: str, *, begins: bool) -> Iterator[None]:
    """Two that begin a case hold no lock in common: the tables let the quicker one in."""
    try:
        yield
    except IntegrityError as error:
        if begins:
            raise CaseExistsError(f"{case}: another process opened it meanwhile") from error
        raise
