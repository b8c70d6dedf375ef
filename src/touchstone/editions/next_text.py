"""What is next in a case, in words: for tables, notices and calendars."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.editions.sentences import catalogue, sentence
from touchstone.review.next_deeds import NextDeed


@dataclass(frozen=True)
class NextText:
    """A deed that is next, told to a reader."""

    what: str
    """What to do, in one sentence."""
    why: str
    """Why it is next, in one or two."""
    stands: str
    """Whose it is: `waits for you`, `open to you` or `awaited`."""
    due: str
    """Until when, with hour and zone, and whether that is past; empty: no time is set."""


def next_text(deed: NextDeed, now: str, names: Mapping[str, str] | None = None) -> NextText:
    """A deed that is next, in words, at a moment (UTC). `names` are what parties are called."""
    values = dict(deed.about)
    if "party" in values:
        values["party"] = (names or {}).get(values["party"], values["party"])
    what, why = (catalogue().fields(f"next.{part}.{deed.reason}") for part in ("what", "why"))
    return NextText(
        what=sentence(f"next.what.{deed.reason}", **{name: values[name] for name in what}),
        why=sentence(f"next.why.{deed.reason}", **{name: values[name] for name in why}),
        stands=sentence("next.stance", stance=deed.stance),
        due=_due(deed, now),
    )


def _due(deed: NextDeed, now: str) -> str:
    if deed.due is None:
        return ""
    return sentence("next.past", due=deed.due.text) if deed.due.at < now else deed.due.text
