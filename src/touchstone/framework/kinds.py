"""The kinds of value that a framework file holds, each with an error that says how to fix it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator

from touchstone.handin import day_written, unseen

Anchor = Literal["submission", "partner-release", "public-release"]
"""What the window is counted from (submission) or back from (the two releases)."""
DayUnit = Literal["days", "business-days"]
Domain = Literal[
    "cyber", "financial-systems", "autonomy-and-control", "safeguards", "labour", "infrastructure"
]
FactStatus = Literal["primary", "reported", "standard", "analysis"]
"""A published text; news or a secondary page; a published specification; an argument."""
Gate = Literal["none", "approval"]
"""What stands between the developer and a release. In every real framework: nothing."""
LifeStage = Literal["draft", "offered", "in-force", "halted", "superseded"]
Measure = Literal["success-rate", "at-least-once-in-k", "relative-to-reference"]
ParticipationStatus = Literal["participating", "negotiating", "declined", "withdrawn"]
Power = Literal["reviews", "tests", "concurs"]
"""What an agency does under the framework."""
Publication = Literal["nothing", "participation-only", "agreed-report", "free"]
"""What the centre may publish, the least first."""
Purpose = Literal["final", "helpful-only", "restricted", "public-derivative", "reference"]
"""What a variant of a model is for."""
Reasoning = Literal["none", "summary", "full"]
"""How much of a model's reasoning is shown, the least first."""
Role = Literal[
    "developer",
    "centre",
    "co-evaluator",
    "independent-evaluator",
    "agency",
    "trusted-partner",
    "counterpart",
    "auditor",
]
Thresholds = Literal["stated", "undisclosed", "none"]

RESERVED = frozenset(
    {
        "public",
        "community",
        *get_args(Role),
        "tlp",
        "red",
        "amber",
        "amber-strict",
        "green",
        "clear",
        "withheld",
        "erased",
        "nobody",
        "none",
        "anyone",
        "everyone",
        "everybody",
        "all",
        "unknown",
        "administrator",
        "installation",
    }
)
"""No party is called so: names of audiences, roles, labels, and words that stand for no party."""

MAX_IDENTIFIER = 64
MAX_LINE = 2_000
MAX_PROSE = 50_000
_IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PARTY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""The ids that a party's keys can be kept under."""
_DECIMAL = re.compile(r"[01](\.[0-9]{1,9})?")
_WHOLE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def may_name(party: str, role: str) -> bool:
    """Whether a party of this role may be called so: its id can have a key, and is not reserved.

    Words are reserved in every spelling. A centre may be called `centre`: that is its id where the
    framework names none.
    """
    if not _PARTY.fullmatch(party):
        return False
    # `Public` or `amber_strict` would read in a marking or a report as the word itself.
    spelt = re.sub(r"[^a-z0-9]+", "-", party.lower()).strip("-")
    return spelt not in RESERVED or (party, role) == ("centre", "centre")


def not_a_name(party: str) -> str:
    """What is said of an id that no party may have, with the fix."""
    if not _PARTY.fullmatch(party):
        return (
            f"{party[:64]!a} can be no party's id, under which its keys are kept: write at most 64 "
            "lowercase letters, digits and hyphens"
        )
    return f"{party[:64]!a} is a word of the system and names no party: give it an id of its own"


def nearest(word: str, known: Sequence[str]) -> str:
    """` (did you mean "..."?)` for the known word most like `word`, or nothing."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


@cache
def time_zones() -> frozenset[str]:
    """Every zone of the time zone database, such as `Europe/London`."""
    # Kept: it walks the whole folder of the time zone database. On Debian `localtime` lies in it,
    # a link to whatever this machine is set to: on another machine it would be another time.
    return frozenset(available_timezones() - {"localtime"})


def _visible(text: str, limit: int, plain: str) -> str:
    if bad := unseen(plain):
        raise ValueError(f"holds the unseen character {bad}: type the text anew without it")
    if not text.strip():
        raise ValueError("is empty: write something")
    if len(text) > limit:
        raise ValueError(f"has {len(text)} characters: at most {limit}")
    return text


def _line(text: str) -> str:
    if "\n" in text:
        raise ValueError("runs over several lines: write it on one")
    if text != text.strip():
        raise ValueError("begins or ends with a space: take it away")
    return _visible(text, MAX_LINE, text)


def _prose(text: str) -> str:
    return _visible(text, MAX_PROSE, text.replace("\n", ""))


def _identifier(text: str) -> str:
    if len(text) > MAX_IDENTIFIER or not _IDENTIFIER.fullmatch(text):
        raise ValueError(
            f"is {text[:80]!a}: write an id of at most 64 small letters, digits and single hyphens"
        )
    return text


def _whole_day(day: object) -> object:
    # A datetime is a date in Python; its time of day would be dropped without a word.
    if isinstance(day, datetime) or (isinstance(day, str) and not _WHOLE_DAY.fullmatch(day)):
        raise ValueError(
            f"is {str(day)[:40]!a}: write a day alone, such as 2027-01-05; it counts whole, in the "
            "framework's time zone"
        )
    # What the calendar does not have goes on as it is, for pydantic's refusal.
    with suppress(ValueError):
        return day_written(day) if isinstance(day, str) else day
    return day


def _decimal(text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f'is {text[:40]!a}: write a number from 0 to 1 in quotes, such as "0.5"')
    return text


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError("is no digest: write sha256: and 64 small hexadecimal digits")
    return text


def _partial_date(text: str) -> str:
    found = _DAY.fullmatch(text)
    if found:
        try:
            # What is not told counts as the first, only to ask the calendar.
            date(*(int(part or 1) for part in found.groups()))
        except ValueError:
            found = None
    if not found:
        raise ValueError(
            f"is {text[:40]!a}: write a day (2026-06-02), a month (2026-06) or a year (2026)"
        )
    return text


def _time_zone(text: str) -> str:
    # By the list, not by trying: ZoneInfo also takes `right/Europe/London`, where summer begins
    # 27 seconds late.
    if text not in time_zones():
        hint = nearest(text, sorted(time_zones()))
        raise ValueError(
            f"is {text[:80]!a}, which is no known time zone{hint}: "
            "write one of the IANA names, such as Europe/London"
        )
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
"""Small letters, digits, single hyphens; at most 64."""
Line = Annotated[str, AfterValidator(_line)]
"""One line of visible text."""
Prose = Annotated[str, AfterValidator(_prose)]
"""Visible text that may run over several lines."""
DecimalString = Annotated[str, AfterValidator(_decimal)]
"""A number from 0 to 1, written out, since a float would not keep it exactly."""
Digest = Annotated[str, AfterValidator(_digest)]
"""`sha256:` and 64 hex digits."""
WholeDay = Annotated[date, BeforeValidator(_whole_day)]
"""A day alone: it counts whole, in the framework's time zone."""
PartialDate = Annotated[str, AfterValidator(_partial_date)]
"""A day, a month or a year, as far as the source tells it."""
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""An IANA name."""
