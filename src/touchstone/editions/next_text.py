"""What is next in a case, in words: for tables, notices and calendars."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from touchstone.editions.sentences import catalogue, sentence
from touchstone.handin.shown_ids import short_cases
from touchstone.review.next_deeds import NextDeed, urgency


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


def next_text(
    deed: NextDeed, now: str, names: Mapping[str, str] | None = None, *, reader: str = ""
) -> NextText:
    """A deed that is next, in words, at a moment (UTC).

    `names` are what parties are called; `reader` is the party that is told it, where entries of the
    case are hidden from that party.
    """
    values = dict(deed.about)
    if "party" in values:
        values["party"] = (names or {}).get(values["party"], values["party"])
    what, why = (catalogue().fields(f"next.{part}.{deed.reason}") for part in ("what", "why"))
    because = sentence(f"next.why.{deed.reason}", **{name: values[name] for name in why})
    # What others have not done, a hidden entry may have done; its own deeds each party reads.
    if reader and deed.stance == "awaited":
        because = sentence("next.as-far-as", why=because, party=(names or {}).get(reader, reader))
    return NextText(
        what=sentence(f"next.what.{deed.reason}", **{name: values[name] for name in what}),
        why=because,
        stands=sentence("next.stance", stance=deed.stance),
        due=_due(deed, now),
    )


def _due(deed: NextDeed, now: str) -> str:
    if deed.due is None:
        return ""
    return sentence("next.past", due=deed.due.text) if deed.due.at < now else deed.due.text


Unread = Literal["", "framework", "words"]
"""What is not open to who asks, and what is next rests on: `framework`, to the party, which is told
of its own deeds alone; `words`, to this person of the party, who is told of none."""


@dataclass(frozen=True)
class NextInCase:
    """What is next for one party in one case."""

    case: str
    party: str
    model: str
    """As the developer calls it; empty where the party may not read that."""
    deeds: tuple[NextDeed, ...]
    hidden: int = 0
    """How many entries are not open to the party: each may have changed what is next."""
    newer: bool = False
    """Whether the case holds events of a newer version: then nothing is told of it."""
    unread: Unread = ""


@dataclass(frozen=True)
class NextRow:
    """A deed that is next, as a list shows it."""

    case: str
    model: str
    party: str
    """Whom it is told to."""
    by: str
    """Who holds the ball."""
    stance: str
    stands: str
    """The same in words."""
    deeds: tuple[str, ...]
    reason: str
    about: Mapping[str, Any]
    what: str
    why: str
    due_at: str | None
    """UTC."""
    due_zone: str | None
    due_text: str
    """With hour and zone, and whether that is past."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        plain = replace(self, about=dict(self.about))
        return asdict(plain) | {"deeds": list(self.deeds)}


def next_rows(found: Sequence[NextInCase], now: str) -> list[NextRow]:
    """What was found in all cases, the most urgent first."""
    every = [(each, deed) for each in found for deed in each.deeds]
    every.sort(key=lambda one: urgency(one[1]))
    return [_row(each, deed, now) for each, deed in every]


def _row(each: NextInCase, deed: NextDeed, now: str) -> NextRow:
    told = next_text(deed, now, reader=each.party if each.hidden else "")
    return NextRow(
        case=each.case,
        model=each.model,
        party=each.party,
        by=deed.by,
        stance=deed.stance,
        stands=told.stands,
        deeds=deed.deeds,
        reason=deed.reason,
        about=deed.about,
        what=told.what,
        why=told.why,
        due_at=deed.due.at if deed.due else None,
        due_zone=deed.due.zone if deed.due else None,
        due_text=told.due,
    )


def reservations(found: Sequence[NextInCase]) -> Iterator[str]:
    """What else is to be said of what was found: where it rests on part of a case alone."""
    shown = short_cases(each.case for each in found)
    for each in found:
        if each.newer:
            yield sentence("next.newer", case=shown[each.case])
        elif each.unread:
            case = shown[each.case]
            yield sentence("next.unread", what=each.unread, party=each.party, case=case)
        # Where nothing is awaited, no hidden entry could have done it.
        elif each.hidden and any(deed.stance == "awaited" for deed in each.deeds):
            case = shown[each.case]
            yield sentence("next.unseen", count=each.hidden, party=each.party, case=case)
