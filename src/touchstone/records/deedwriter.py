"""One signed deed's transaction on a log of contract 2."""

from touchstone.keys import DataKey, RandomSource
from touchstone.ledger.contract2 import (
    PARTS,
    AdmittedDeed,
    RecordedDeed,
    SignedAnswer,
    record_deed,
    sign_answer,
)
from touchstone.ledger.errors import RefusedDeedError
from touchstone.ledger.signing import Signer
from touchstone.records.deedlog import NO_KEYS, KeysAt, StoredLog, answer_row
from touchstone.records.errors import DestroyedError, PartError
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import AnswerRow, CaseRow, DeedRow, TopicRow
from touchstone.records.values import SALT_SIZE
from touchstone.records.writer import CaseWriter


class DeedWriter(CaseWriter):
    """A case of contract 2 while its head is locked. `Deeds.take` gives one.

    `past` is the log as it stood before this transaction.
    """

    def __init__(
        self,
        alias: str,
        row: CaseRow,
        key: DataKey | None,
        files: EvidenceFiles,
        known: KeysAt = NO_KEYS,
    ) -> None:
        """`known` are the keys at some earlier size, so that not all facts are read again."""
        super().__init__(alias, row, key, files)
        root = self._frontier.root
        self.past = StoredLog(alias, self.case, self.log, self._stored, root, known)
        self.answered: SignedAnswer | None = None
        """The receipt, once a deed was recorded in this transaction."""
        self._deeds: list[DeedRow] = []
        self._topics: list[TopicRow] = []
        self._answers: list[AnswerRow] = []

    def record(
        self, admitted: AdmittedDeed, random: RandomSource, installation: Signer
    ) -> SignedAnswer:
        """Append the deed's entry and give its receipt, which is stored with it.

        Raises RefusedDeedError `destroyed` for content in a destroyed case, PartError for a second
        deed in one transaction.
        """
        if self.answered is not None or admitted.n != self.next_n:
            raise PartError(f"{self.case}: one deed is recorded in a transaction, at its place")
        salts = (random.draw(SALT_SIZE), random.draw(SALT_SIZE))
        recorded = record_deed(admitted, salts, [random.draw(SALT_SIZE) for _ in range(PARTS)])
        self._keep_entry(recorded)
        self._keep_index(recorded)
        answer = sign_answer(recorded.receipt(self._frontier.root), installation)
        self._answers.append(answer_row(self.case, admitted.statement.actor, answer))
        self.answered = answer
        return answer

    def _keep_entry(self, recorded: RecordedDeed) -> None:
        entry, signed = recorded.entry, len(recorded.admitted.parts)
        try:
            rows = [
                self._part_row(entry.n, i, part.salt + part.data, sealed=0 < i < signed)
                for i, part in enumerate(recorded.parts)
            ]
        except DestroyedError as error:
            # The case never takes content again, so this answer may be final.
            raise RefusedDeedError("destroyed", str(error)) from error
        self._take_in(entry, rows, dict(recorded.admitted.facts))

    def _keep_index(self, recorded: RecordedDeed) -> None:
        n, statement = recorded.entry.n, recorded.admitted.statement
        self._deeds.append(
            DeedRow(
                case_id=self.case,
                n=n,
                key=statement.key,
                seq=statement.seq,
                digest=statement.digest,
                seen=statement.seen.size,
                at=recorded.admitted.at,
                root=self._frontier.root,
            )
        )
        self._topics += [
            TopicRow(case_id=self.case, topic=topic, n=n) for topic in statement.touches
        ]

    def _write_entries(self) -> None:
        super()._write_entries()
        DeedRow.objects.using(self._alias).bulk_create(self._deeds)
        TopicRow.objects.using(self._alias).bulk_create(self._topics)
        AnswerRow.objects.using(self._alias).bulk_create(self._answers)
        self._deeds, self._topics, self._answers = [], [], []
