"""What the checks of contract 2 ask of a case's log, answered from the tables."""

from dataclasses import dataclass

from touchstone.ledger import EMPTY_ROOT, MalformedError
from touchstone.ledger.contract2 import CaseKeys, LastDeed, SignedAnswer, parse_key_act
from touchstone.ledger.errors import AlteredError
from touchstone.records.database import raw
from touchstone.records.errors import DamagedError
from touchstone.records.models import AnswerRow, DeedRow, TopicRow
from touchstone.records.reader import read_answer
from touchstone.records.writer import read_events

CONTRACT = 2


@dataclass(frozen=True, slots=True)
class KeysAt:
    """The keys of a log at one size; the root (32 bytes) says of which log."""

    size: int
    root: bytes
    keys: CaseKeys


NO_KEYS = KeysAt(0, EMPTY_ROOT, CaseKeys())


class StoredLog:
    """A log as it stands in the tables; meets `AnsweredLog`.

    Nobody may append meanwhile: whoever asks holds the case's lock. `log` is None and `size` 0 for
    a case that is to begin. Methods raise DamagedError where the tables disagree.
    """

    def __init__(
        self, alias: str, case: str, log: str | None, size: int, root: bytes, known: KeysAt
    ) -> None:
        """`root` (32 bytes) is that of the head, `known` the keys at some earlier size."""
        self.log = log
        self.size = size
        self._alias = alias
        self._case = case
        self._root = root
        self._known = known

    @property
    def recorded_at(self) -> str | None:
        """When the newest entry was recorded (UTC), None if there is none."""
        return self._deed(self.size - 1).at if self.size else None

    @property
    def keys(self) -> CaseKeys:
        """Who may sign next."""
        return self.keys_at.keys

    @property
    def keys_at(self) -> KeysAt:
        """The same with the head at which that is so: another `StoredLog` may go on from there."""
        known = self._known
        if known.size > self.size or self.root(known.size) != known.root:
            # The record was put back to an earlier day.
            known = NO_KEYS
        if known.size < self.size:
            known = KeysAt(self.size, self._root, self._followed(known))
        self._known = known
        return known

    def root(self, size: int) -> bytes:
        """The root (32 bytes) that the log had at a size from 0 to its own."""
        if size == self.size:
            return self._root
        return raw(self._deed(size - 1).root) if size else EMPTY_ROOT

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic."""
        rows = TopicRow.objects.using(self._alias).filter(case=self._case, topic=topic)
        return rows.order_by("-n").values_list("n", flat=True).first()

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""
        rows = DeedRow.objects.using(self._alias).filter(case=self._case, key=key)
        row = rows.order_by("-seq").first()
        return LastDeed(row.n, row.seq, row.digest, row.seen) if row else None

    def hidden_since(self, n: int) -> int:
        """0: a store shows all to itself."""
        del n
        return 0

    def is_hidden(self, n: int) -> bool:
        """False, likewise."""
        del n
        return False

    def recorded_digest(self, key: str, seq: int) -> str | None:
        """The digest (hex) of the key's deed that was recorded with this `seq`."""
        rows = DeedRow.objects.using(self._alias).filter(case=self._case, key=key, seq=seq)
        return rows.values_list("digest", flat=True).first()

    def answer(self, digest: str) -> SignedAnswer | None:
        """The stored answer to a deed, by its digest (hex), whatever case it was sent to.

        A deed that begins a log names none: it must not begin a second one.
        """
        return stored_answer(self._alias, digest)

    def _followed(self, known: KeysAt) -> CaseKeys:
        """The keys at this size, from those at an earlier one."""
        rows = DeedRow.objects.using(self._alias).filter(
            case=self._case, n__gte=known.size, n__lt=self.size
        )
        signed = list(rows.order_by("n").values_list("key", flat=True))
        events = read_events(self._alias, self._case, known.size, self.size, CONTRACT)
        if len(signed) != len(events):
            raise DamagedError(f"{self._case}: there are not as many deeds as entries")
        keys = known.keys
        try:
            for n, (key, event) in enumerate(zip(signed, events, strict=True), known.size):
                keys = keys.after(event["actor"], parse_key_act(event), key, first=n == 0)
        except (AlteredError, MalformedError) as error:
            raise DamagedError(f"{self._case}: its keys do not follow: {error}") from error
        return keys

    def _deed(self, n: int) -> DeedRow:
        row = DeedRow.objects.using(self._alias).filter(case=self._case, n=n).first()
        if row is None:
            raise DamagedError(f"{self._case}: there is no deed of entry {n}")
        return row


def answer_row(case: str, party: str, answer: SignedAnswer) -> AnswerRow:
    """What is stored of an answer to a party's deed."""
    return AnswerRow(digest=answer.answer.deed, case=case, party=party, line=answer.line)


def stored_answer(alias: str, digest: str) -> SignedAnswer | None:
    """The answer to a deed, by its digest (hex). Raises DamagedError."""
    row = AnswerRow.objects.using(alias).filter(digest=digest).first()
    return read_answer(row.case, raw(row.line)) if row else None
