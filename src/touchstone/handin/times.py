"""Times as people hand them in and as the record writes them, each in one form only.

The standard library's readers take more: `strptime` takes digits of any script and days without
their zeros, `fromisoformat` takes weeks, commas and hours alone. Two spellings of one time would be
two digests of one deed.
"""

import re
from datetime import UTC, date, datetime

_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WITH_OFFSET = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def moment_of(text: str) -> datetime:
    """The moment of a `YYYY-MM-DDTHH:MM:SSZ`, in UTC. Raises ValueError for any other text."""
    # By pattern and not by trying: whatever else the reader takes would be a second spelling.
    if not _UTC.fullmatch(text):
        raise ValueError("is no time of the form YYYY-MM-DDTHH:MM:SSZ")
    return datetime.fromisoformat(text)


def utc_text(moment: datetime) -> str:
    """A moment as the record writes it: `YYYY-MM-DDTHH:MM:SSZ`. Raises ValueError if naive."""
    # `astimezone` would take it for a time of this machine's zone.
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a moment")
    # Not strftime: that writes the year 999 with three digits.
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def utc(at: int) -> str:
    """Seconds since 1970 as `2026-11-21T00:00:00Z`."""
    return utc_text(datetime.fromtimestamp(at, UTC))


def seconds_of(text: str) -> int:
    """A `YYYY-MM-DDTHH:MM:SSZ` as seconds since 1970. Raises ValueError for any other text."""
    return int(moment_of(text).timestamp())


def day_written(text: str) -> date:
    """The day of a `YYYY-MM-DD`. Raises ValueError for any other text."""
    if not _DAY.fullmatch(text):
        raise ValueError("is no day of the form YYYY-MM-DD")
    return date.fromisoformat(text)


def moment_with_offset(text: str) -> datetime:
    """The moment of a day and time as RFC 3339 and TOML write it, seconds or not.

    Naive where the text has no offset. Raises ValueError for any other text.
    """
    if not _WITH_OFFSET.fullmatch(text):
        raise ValueError("is no day and time such as 2026-12-01T09:00:00Z")
    return datetime.fromisoformat(text)
