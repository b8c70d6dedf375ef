"""How often one may ask: by person and by address, over all processes of a server.

The generic cell rate algorithm: of whoever asks one number is kept, until when it has used up what
it may. A process draws some permits at a time and gives them out itself, so that most requests
write nothing; what it holds when it ends is lost to whoever asked, and no more.
"""

from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from threading import Lock

from django.db import IntegrityError, transaction

from touchstone.server.accounts.errors import TooOftenError
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, RateRow

_MOST_HELD = 10_000
"""Whoever asked lately, as one process keeps them."""
_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute in the long run, and so many at once; a process draws so many at a time."""

    kind: str
    a_minute: int
    at_once: int
    drawn: int = 1

    @property
    def each(self) -> int:
        """Milliseconds that one request uses up."""
        return 60 * _MILLISECONDS // self.a_minute


BY_PERSON = Rate("person", 6_000, 2_000, 50)
"""Whatever the token: a person may have one anew each second."""
BY_ADDRESS = Rate("address", 30_000, 5_000, 100)
"""Of those who are not known: whoever has a token is counted by whose it is, and all people
of an institution may come by one address."""
ENTERING = Rate("entering", 60, 60)
"""Codes taken and tokens asked for, by address: where guessing would be done."""


class Limiter:
    """What one process gives out. Safe for several threads."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, int]] = {}
        """By whoever asks: permits, until when they are good; none: until when it is to wait."""
        self._lock = Lock()

    def take(self, rate: Rate, who: str, now: int) -> None:
        """Count a request of `who`, `now` in milliseconds since 1970.

        Raises TooOftenError, with the whole seconds to wait.
        """
        digest = sha256(f"{rate.kind} {who}".encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            left, until = self._held.pop(digest, (0, 0))
            if now < until:
                if left != 1:
                    # Whoever asks far too often writes nothing by it.
                    self._hold(digest, max(left - 1, 0), until)
                if left:
                    return
                raise TooOftenError(_seconds(until - now))
        try:
            given, until = _draw(rate, digest, now)
        except TooOftenError as refused:
            with self._lock:
                self._hold(digest, 0, now + refused.seconds * _MILLISECONDS)
            raise
        with self._lock:
            # Another thread may have drawn at the same time.
            left = self._held.pop(digest, (0, 0))[0] + given - 1
            if left:
                self._hold(digest, left, until)

    def _hold(self, digest: str, left: int, until: int) -> None:
        # Oldest first, as dicts keep their order: whoever is let go of draws anew.
        if len(self._held) >= _MOST_HELD:
            del self._held[next(iter(self._held))]
        self._held[digest] = (left, until)


def address_group(address: str) -> str:
    """What counts as one address: of IPv6 the network that one household is given (/64)."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if found.version == 4:  # noqa: PLR2004 - the version's name
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped) if mapped else found.exploded[:19]


def _draw(rate: Rate, digest: str, now: int) -> tuple[int, int]:
    """Permits for a process, and until when they are good."""
    window = rate.at_once * rate.each
    with changing():
        row = _row_of(digest, now)
        used = max(row.until, now)
        left = (window - (used - now)) // rate.each
        if left < 1:
            raise TooOftenError(_seconds(used + rate.each - window - now))
        given = min(rate.drawn, left)
        used += given * rate.each
        RateRow.objects.using(ACCOUNTS).filter(pk=row.pk).update(until=used)
    # Held longer, they would add to what comes back meanwhile.
    return given, now + window


def _row_of(digest: str, now: int) -> RateRow:
    """The row of whoever asks, held until the transaction ends; made where there is none."""
    held = RateRow.objects.using(ACCOUNTS).select_for_update()
    row = held.filter(digest=digest).first()
    if row is not None:
        return row
    # Only here the table grows: those who have all their permits again need no row.
    RateRow.objects.using(ACCOUNTS).filter(until__lt=now - 60 * _MILLISECONDS).delete()
    try:
        with transaction.atomic(using=ACCOUNTS):
            return RateRow.objects.using(ACCOUNTS).create(digest=digest, until=now)
    except IntegrityError:
        # Another process was first.
        return held.get(digest=digest)


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up: who waits so long is not refused once more for a part of one."""
    return max(1, -(-milliseconds // _MILLISECONDS))
