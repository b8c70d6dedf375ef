"""A request that is sent again under its key is answered with the same bytes, and not done twice.

What is done and its answer are kept in one transaction of the accounts' database: after a crash
either both stand, or none. What goes elsewhere may be done twice after a crash, and must bear it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.db import IntegrityError, transaction

from touchstone.handin import moment_of, utc_text
from touchstone.keys import MasterKey
from touchstone.ledger import dumps, loads
from touchstone.ledger.canonical import b64decode, b64encode
from touchstone.server.accounts.errors import BadAccountError, KeyReusedError
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, KeptAnswer

KEPT_HOURS = 24
MOST_KEY = 200
_PLACE = "@answer"
"""What an answer's key is bound to: no case can be called so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """A request that is done once: whose, under which key, and what it asks (all of its bytes)."""

    person: str
    key: str
    asked: bytes

    @property
    def digest(self) -> str:
        """Whose key it is: another's is another."""
        return sha256(dumps([self.person, self.key])).hexdigest()


def answered_once(
    request: AskedOnce, master: MasterKey, now: str, do: Callable[[], Answer]
) -> Answer:
    """Do what is asked, or give the answer that was kept of it.

    What raises is not kept: it is done anew when it is sent again. Answers are kept for a day.

    Raises:
        KeyReusedError: under this key something else was asked.
        BadAccountError: a key that cannot be one.
        Whatever `do` raises.
    """
    if not (
        0 < len(request.key) <= MOST_KEY and request.key.isascii() and request.key.isprintable()
    ):
        raise BadAccountError(f"an Idempotency-Key is 1 to {MOST_KEY} printable ASCII characters")
    asked = sha256(request.asked).hexdigest()
    with changing():
        KeptAnswer.objects.using(ACCOUNTS).filter(until__lt=now).delete()
        row = KeptAnswer(
            digest=request.digest, asked=asked, wrapped=b"", sealed=b"", until=_until(now)
        )
        try:
            # First: the same request at the same time waits here until this one is done.
            with transaction.atomic(using=ACCOUNTS):
                row.save(using=ACCOUNTS)
        except IntegrityError:
            return _kept(request, asked, master)
        answer = do()
        key, row.wrapped = master.new_case_key(_PLACE)
        line = dumps([answer.status, answer.media_type, b64encode(answer.body)])
        row.sealed = key.seal(line, request.digest.encode())
        row.save(using=ACCOUNTS)
        return answer


def _kept(request: AskedOnce, asked: str, master: MasterKey) -> Answer:
    row = KeptAnswer.objects.using(ACCOUNTS).get(digest=request.digest)
    if row.asked != asked:
        raise KeyReusedError
    key = master.case_key(_PLACE, bytes(row.wrapped))
    status, media_type, body = loads(key.open(bytes(row.sealed), request.digest.encode()))
    return Answer(status, b64decode(body), media_type)


def _until(now: str) -> str:
    return utc_text(moment_of(now) + timedelta(hours=KEPT_HOURS))
