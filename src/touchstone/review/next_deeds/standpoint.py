"""One party's place in a case at a moment, and what can be told to it of a deed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

from touchstone.framework import Framework
from touchstone.handin import moment_of, moment_with_offset, utc_text
from touchstone.review.clock import deadline_instant, read_clock
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import Event, Role
from touchstone.review.rules import RULES
from touchstone.review.state import Clock, State

WINDOWS_KEPT = 64
Stance = Literal["must", "may", "awaited"]
"""`must`: the case, or somebody who asked, waits for it from this party. `may`: it is open to the
party now, and nothing waits. `awaited`: another party's `must`, as far as this one can tell."""

NextReason = Literal[
    "invited",
    "keys-said-lost",
    "recovery-due",
    "recovery-unconfirmed",
    "inquiry-unanswered",
    "agreement-unsigned",
    "agreement-missing",
    "nothing-handed-in",
    "submission-unassessed",
    "submission-incomplete",
    "window-unlaid",
    "clock-paused",
    "window-over",
    "sandbox-breached",
    "halt-stands",
    "seed-unanswered",
    "seed-unrevealed",
    "battery-unsealed",
    "measuring-unfinished",
    "transcripts-unscanned",
    "finding-unanswered",
    "finding-disputed",
    "evidence-undeclared",
    "nothing-proposed",
    "proposal-outdated",
    "proposal-unanswered",
    "nothing-decided",
    "decision-outdated",
    "terms-unanswered",
    "postponement-unanswered",
    "release-uncompared",
    "release-planned",
    "directive-unanswered",
    "directive-contested",
    "directive-uncarried",
    "directive-over",
    "terms-unbundled",
    "classes-end",
    "developer-left",
    "answer-given",
    "kept-until",
]
"""Why a deed is next; each has its sentences in the catalogue, `next.what` and `next.why`."""
IN_THE_WINDOW: frozenset[NextReason] = frozenset(
    {
        "agreement-unsigned",
        "agreement-missing",
        "submission-unassessed",
        "submission-incomplete",
        "window-unlaid",
        "sandbox-breached",
        "halt-stands",
        "battery-unsealed",
        "measuring-unfinished",
        "finding-disputed",
        "nothing-proposed",
        "proposal-unanswered",
        "nothing-decided",
    }
)
"""Reasons of what a case waits for while its window runs, from the agreement to the decision."""


@dataclass(frozen=True)
class Deadline:
    """Until when: a moment, and the zone in which people are told it."""

    at: str
    """UTC, `YYYY-MM-DDTHH:MM:SSZ`; whoever does it in this second is in time."""
    zone: str
    """An IANA zone, or `UTC`."""

    @property
    def text(self) -> str:
        """For people: `2026-10-16 23:59 America/New_York`."""
        local = moment_of(self.at).astimezone(ZoneInfo(self.zone))
        return f"{local:%Y-%m-%d %H:%M} {self.zone}"


def at_moment(at: str) -> Deadline:
    """A moment that the record names in UTC."""
    return Deadline(at, "UTC")


def end_of_day(day: str, zone: str) -> Deadline:
    """The last second of a day (`YYYY-MM-DD`) in a zone."""
    return Deadline(utc_text(moment_with_offset(deadline_instant(day, zone))), zone)


@dataclass(frozen=True)
class NextDeed:
    """A deed that is next in a case: what, whose, why, and until when."""

    by: str
    """The party that holds the ball."""
    stance: Stance
    deeds: tuple[str, ...]
    """Types of event; each of them does it."""
    reason: NextReason
    """Why it is next."""
    about: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What it is about, by the names that the facts of its event have, as `finding`."""
    due: Deadline | None = None
    """Nobody is stopped by it from doing the deed later, unless the law says so."""


@dataclass(frozen=True)
class Standpoint:
    """A party in a case at a moment."""

    shown_framework: Framework | None
    """None where it is not open to the party: then only what never asks for it can be told."""
    state: State
    """What the party may read of the case comes to."""
    party: str
    role: Role
    now: str
    """UTC."""

    @property
    def framework(self) -> Framework:
        """The one that the case is held to. Raises MissingPartError where it is not open."""
        if self.shown_framework is None:
            raise MissingPartError(f"the framework is not open to {self.party}")
        return self.shown_framework

    @property
    def is_inquiry(self) -> bool:
        """Whether the case is a question about a model, which takes none in."""
        return self.state.opened is not None and self.state.opened.kind == "inquiry"

    @property
    def zone(self) -> str:
        """In which the framework's days begin and end."""
        return self.framework.window.timezone

    @property
    def window_end(self) -> Deadline | None:
        """When the review window ends; None while there is none, or it has been ended."""
        clock = self.state.clock
        if clock is None or clock.ended_at:
            return None
        return _window_end(clock, self.now)

    def must(
        self, reason: NextReason, *deeds: type[Event], due: Deadline | None = None, **about: Any
    ) -> Iterator[NextDeed]:
        """The case waits for one of these deeds; nothing, where the rules give the party none."""
        return self._told("must", reason, deeds, due, about)

    def may(
        self, reason: NextReason, *deeds: type[Event], due: Deadline | None = None, **about: Any
    ) -> Iterator[NextDeed]:
        """One of these deeds is open to the party; nothing, where the rules give it none."""
        return self._told("may", reason, deeds, due, about)

    def asked(
        self,
        waits: bool,
        reason: NextReason,
        *deeds: type[Event],
        due: Deadline | None = None,
        **about: Any,
    ) -> Iterator[NextDeed]:
        """`must` where the case waits for it, else `may`."""
        return self._told("must" if waits else "may", reason, deeds, due, about)

    def _told(
        self,
        stance: Stance,
        reason: NextReason,
        deeds: tuple[type[Event], ...],
        due: Deadline | None,
        about: Mapping[str, Any],
    ) -> Iterator[NextDeed]:
        # Role and status by the table of the law itself: what it refuses is never told as next.
        given = tuple(
            str(deed.model_fields["type"].default)
            for deed in deeds
            if self.role in RULES[deed].roles and self.state.status in RULES[deed].when
        )
        if given:
            yield NextDeed(self.party, stance, given, reason, MappingProxyType(dict(about)), due)


@lru_cache(WINDOWS_KEPT)
def _window_end(clock: Clock, now: str) -> Deadline:
    # Asked for each party of a case, which may be a hundred and fifty.
    day = read_clock(clock, now).review_by.isoformat()
    return end_of_day(day, clock.anchored.timezone)
