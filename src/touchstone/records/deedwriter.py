"""Signed deeds of one transaction on a log of contract 2."""

from collections.abc import Sequence
from typing import Any

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
from touchstone.records.deedlog import NOTHING_KNOWN, LogKnown, StoredLog, answer_row
from touchstone.records.errors import DestroyedError, PartError
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.models import AnswerRow, CaseRow, DeedRow, Row, TopicRow
from touchstone.records.values import SALT_SIZE
from touchstone.records.writer import CaseWriter


class DeedWriter(CaseWriter):
    """A case of contract 2 while its head is locked. `Deeds.together` gives one.

    `past` is the log as it stands, with what this transaction appended by now.
    """

    def __init__(
        self,
        alias: str,
        row: CaseRow,
        key: DataKey | None,
        files: EvidenceFiles,
        known: LogKnown = NOTHING_KNOWN,
    ) -> None:
        """`known` was found out at some earlier size, so that not all facts are read again."""
        super().__init__(alias, row, key, files)
        self.before = StoredLog(
            alias, self.case, self.log, self._stored, self._frontier.root, known
        )
        """The log as it stood before this transaction."""
        self.past = StoredLog(
            alias, self.case, self.log, self._stored, self._frontier.root, self.before.known
        )
        # Rows as `insert` takes them.
        self._deeds: list[tuple[Any, ...]] = []
        self._topics: list[tuple[str, str, int]] = []
        self._times: list[str] = []
        self._answers: list[tuple[str, str, str, bytes]] = []

    @property
    def moved(self) -> bool:
        """Whether this transaction appended something."""
        return self.next_n > self._stored

    def record(
        self, admitted: AdmittedDeed, random: RandomSource, installation: Signer
    ) -> SignedAnswer:
        """Append the deed's entry and give its receipt, which is stored with it.

        Raises RefusedDeedError `destroyed` for content in a destroyed case, PartError where the
        deed was admitted to another place.
        """
        # What was judged on one head must not be recorded on another.
        if admitted.n != self.next_n:
            raise PartError(f"{self.case}: a deed is recorded once, at the place it is admitted to")
        salts = (random.draw(SALT_SIZE), random.draw(SALT_SIZE))
        recorded = record_deed(admitted, salts, [random.draw(SALT_SIZE) for _ in range(PARTS)])
        self._keep_entry(recorded)
        root = self._frontier.root
        answer = sign_answer(recorded.receipt(root), installation)
        self._keep_index(recorded, root, answer)
        self.past.append(recorded, root, answer)
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
        self._times.append(recorded.admitted.at)

    def _recorded_times(self) -> list[str]:
        return self._times

    def _keep_index(self, recorded: RecordedDeed, root: bytes, answer: SignedAnswer) -> None:
        n, statement = recorded.entry.n, recorded.admitted.statement
        digest, seen = answer.answer.deed, statement.seen.size
        self._deeds.append(
            (self.case, n, statement.key, statement.seq, digest, seen, recorded.admitted.at, root)
        )
        self._topics += [(self.case, topic, n) for topic in statement.touches]
        self._answers.append(answer_row(self.case, statement.actor, answer))

    def _appended(self) -> list[tuple[type[Row], Sequence[Sequence[Any]]]]:
        # Taken out as they are given: a destruction writes once before it, and once after.
        deeds, topics, answers = self._deeds, self._topics, self._answers
        self._deeds, self._topics, self._answers = [], [], []
        added = [(DeedRow, deeds), (TopicRow, topics), (AnswerRow, answers)]
        return [*super()._appended(), *added]
