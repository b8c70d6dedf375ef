"""How a case stands, in one look: status, clock, verdicts, designation, and what happened.

told = happenings(known, known.seen.hidden)
tried = attempts_standing(known.state, known.entries_of)
shown = case_standing(known.id, known.state, known.framework, told, known.now(), attempts=tried)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from heapq import merge
from typing import Any, Protocol

from touchstone.editions.event_text import designation_in_words, event_sentence
from touchstone.editions.questions.asked_case import AskedCase
from touchstone.editions.sentences import sentence
from touchstone.editions.stage_text import stage, stage_now
from touchstone.framework import Framework
from touchstone.records import Summary
from touchstone.review import State, concurrences, day_of, deadline_instant, read_clock
from touchstone.review.events import TYPES
from touchstone.review.events.base import EventWithTexts

LONGEST_DAYS = 36_525
"""100 years: what is kept for longer has no last day in lists."""
_TYPES = tuple(str(event.model_fields["type"].default) for event in TYPES)


@dataclass(frozen=True)
class Happening:
    """One entry, in a line."""

    n: int
    at: str
    """By its signer's clock (UTC); empty where the entry is not open to the reader."""
    actor: str
    """A party's id; empty likewise."""
    text: str


@dataclass(frozen=True)
class CaseRow:
    """A case in a list."""

    case: str
    model: str
    developer: str
    framework: str
    status: str
    updated: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class CaseShown:
    """One case, for people and for `--json`."""

    case: str
    model: str
    framework: str
    status: str
    agreement: dict[str, Any]
    """Empty until developer and centre have signed the same."""
    clock: dict[str, Any]
    verdicts: tuple[dict[str, Any], ...]
    designation: dict[str, Any]
    timeline: tuple[dict[str, Any], ...]
    attempts: tuple[dict[str, Any], ...] = ()
    """Of runs in which items are tried several times; the verdicts rest on the first attempt."""
    reported: tuple[dict[str, Any], ...] = ()
    """Of runs whose scores are only reported: no verdict rests on them."""
    left: str = ""
    """Of a destroyed case: what is left and what can still be done."""
    not_known: tuple[str, ...] = ()
    """Entries that a newer version wrote, as `key-escrowed at entry 12`: the rest goes without."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class PartysCase(AskedCase, Protocol):
    """A case as one party knows it."""

    @property
    def by(self) -> str:
        """The party."""


def before_joining(known: PartysCase) -> bool:
    """Whether nothing of a case is open to a party, which is invited at most."""
    return known.state.opened is None and known.by not in known.state.parties


def case_row(
    case: str, summary: Summary, *, at_work: bool = False, invited: bool = False
) -> CaseRow:
    """A case in a list; `at_work`: a process measures it now; `invited`: the reader may join it."""
    return CaseRow(
        case,
        summary.model_name,
        summary.developer,
        summary.framework,
        sentence("review.invited") if invited else stage_now(summary.status, at_work=at_work),
        summary.updated,
    )


def happenings(known: AskedCase, hidden: Sequence[int]) -> Iterator[Happening]:
    """All entries of a case in order; of the hidden ones (by n), that they are there."""
    newer = {each.type for each in known.state.unknown} - {*_TYPES}
    shown = (
        Happening(
            entry.n,
            entry.event.at,
            entry.event.actor,
            event_sentence(entry.event, texts=entry.texts())
            if isinstance(entry.event, EventWithTexts)
            else event_sentence(entry.event),
        )
        for entry in known.entries_of(*_TYPES, *newer)
    )
    closed = (Happening(n, "", "", sentence("review.not-open")) for n in hidden)
    return merge(shown, closed, key=lambda each: each.n)


def case_standing(
    case: str,
    state: State,
    framework: Framework | None,
    happened: Iterable[Happening],
    at: str,
    *,
    attempts: tuple[dict[str, Any], ...] = (),
    reported: tuple[dict[str, Any], ...] = (),
    at_work: bool = False,
    left: str = "",
) -> CaseShown:
    """How a case stands at a moment (UTC).

    `framework` is None where the reader may not, or cannot, read it; `attempts` and `reported` are
    what `attempts_standing` and `reported_standing` give; `at_work`: a process measures it now;
    `left` is what is left of it, where it was destroyed.
    """
    opened, submission = state.opened, state.submission
    return CaseShown(
        case=case,
        model=submission.model if submission else "",
        framework=opened.framework.id if opened else "",
        status=stage_now(stage(state), at_work=at_work),
        agreement=_agreement(state, framework),
        clock=_clock(state, at),
        verdicts=tuple(
            {
                "criterion": key.criterion,
                "mode": key.mode,
                "verdict": reached.verdict,
                "solved": reached.solved,
                "counted": reached.counted,
                "interval": list(reached.interval),
                "repeated": state.tally(*key)
                .attempt()
                .repeated(reached.counted if reached.stop else None),
                "stop": reached.stop.model_dump(mode="json") if reached.stop else None,
            }
            for key, reached in state.verdicts.items()
        ),
        attempts=attempts,
        reported=reported,
        designation=_designation(state, framework),
        timeline=tuple(asdict(each) for each in happened),
        left=left,
        not_known=tuple(map(str, state.unknown)),
    )


def _agreement(state: State, framework: Framework | None) -> dict[str, Any]:
    signed, closed = state.agreement, state.closed
    if signed is None:
        return {}
    # As the framework reckons its days; of a destroyed case as the clock did, whose facts stay.
    laid = state.clock.anchored.timezone if state.clock else "UTC"
    zone, until = framework.window.timezone if framework else laid, None
    # A party signs any number of days, also one that no calendar holds.
    if closed is not None and signed.retention_days <= LONGEST_DAYS:
        day = day_of(state.closed_at, zone) + timedelta(days=signed.retention_days)
        until = deadline_instant(day.isoformat(), zone)
    return {
        "access": signed.access,
        "reasoning": signed.reasoning,
        "retention_days": signed.retention_days,
        "publication": signed.publication,
        "keep_until": until,
        "timezone": zone,
    }


def _clock(state: State, now: str) -> dict[str, Any]:
    if state.clock is None:
        return {}
    laid, reading = state.clock.anchored, read_clock(state.clock, now)
    return {
        "anchor": laid.anchor,
        "timezone": laid.timezone,
        "share_by": deadline_instant(laid.share_by, laid.timezone),
        "shared": laid.shared_day,
        "review_by": deadline_instant(reading.review_by.isoformat(), laid.timezone),
        "business_days": laid.business_days,
        "days_left": reading.days_left,
        "shortfall_days": reading.shortfall_days,
        "late_days": reading.late_days,
    }


def _concurrence(state: State, framework: Framework) -> dict[str, str]:
    """What each agency says; of one that takes no part, that nobody asked it."""
    return {
        agency: _not_heard(state, agency) if word == "missing" else word
        for agency, word in concurrences(state, framework).items()
    }


def _not_heard(state: State, agency: str) -> str:
    """Why there is no word of an agency: it has left, nobody asked it, or it is silent."""
    if agency in state.left:
        return sentence("designation.left")
    return "missing" if agency in state.parties else sentence("designation.not-asked")


def _designated(designation: str | None) -> str:
    if designation is None:
        return sentence("designation.none-so-far")
    return designation_in_words(designation)


def _designation(state: State, framework: Framework | None) -> dict[str, Any]:
    designating = state.designating
    proposed = designating.proposals[-1] if designating.proposals else None
    made = designating.made
    return {
        "proposed": _designated(proposed.designation if proposed else None),
        "made": _designated(made),
        "concurrence": _concurrence(state, framework) if framework else {},
    }
