"""Who gains and who loses from one set of rules to another, in words, with examples and counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from touchstone.handin import utc
from touchstone.terms.analysis.axes import Point, RegisteredStanding, Tokens
from touchstone.terms.analysis.grid import Bools, Grid, Numbers
from touchstone.terms.errors import DocumentTooLargeError
from touchstone.terms.policy.caller_attributes import CallerAttributes, Population, Request
from touchstone.terms.policy.conditions import AccessRule, Nationality, Residence, Ruleset
from touchstone.terms.policy.decider import DEFAULT

_NAMED = 6
"""So many values are listed in words; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Example:
    """One case: a real person where one is affected, else one that could be."""

    person: str | None
    facts: CallerAttributes
    request: Request
    before: str
    """The id of the decisive rule before, or `default`."""
    after: str

    def __str__(self) -> str:
        request = self.request
        purpose = f" for {request.purpose}" if request.purpose else ""
        return (
            f"{self.person or 'someone'} ({self.facts}) asking for variant {request.variant} in "
            f"mode {request.mode}{purpose}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One row: those whose answer changes for the same reason, in the same direction."""

    gains: bool
    rule: str
    """The rule that now permits or forbids; the lost permission where none does."""
    because: str
    who: str
    what: str
    exact: bool
    """False: who and what only bound the cases; not every combination of them changes."""
    people: int
    """Real people for whom something changes here."""
    example: Example


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changes between two sets of rules."""

    changes: tuple[Change, ...]
    people: int
    """In the user base."""
    gaining: int
    """Real people who can do something that they could not."""
    losing: int
    """Real people who can no longer do something that they could."""
    barred: int
    """Those of `losing` who are left with nothing."""
    cells: int
    """Cases that were compared."""
    thorough: bool
    """False: of people who could come, fewer were compared; of real people, all."""
    nationalities_at_once: int | None = None
    """So many at most were given to people who could come; None: as many as rules can tell."""

    def __bool__(self) -> bool:
        return bool(self.changes)

    def lines(self) -> list[str]:
        """What `touchstone terms diff` prints."""
        fewer = []
        if not self.thorough:
            fewer.append("All real people were compared, and not everyone who could come.")
        if most := self.nationalities_at_once:
            fewer.append(
                f"Of more than {most} nationalities at once, only real ones were compared."
            )
        if not self.changes:
            return [f"Nothing changes for anyone ({self.cells} cases compared).", *fewer]
        found = [
            f"Of {self.people} people {self.gaining} gain and {self.losing} lose something.",
            f"{self.barred} are left with nothing. {self.cells} cases were compared.",
            *fewer,
        ]
        for change in self.changes:
            within = "" if change.exact else "within "
            found += [
                f"{'GAIN' if change.gains else 'LOSE'}  {change.people} people: {change.because}",
                f"      who   {within}{change.who}",
                f"      what  {within}{change.what}",
                f"      such as {change.example}",
            ]
        return found

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "people": self.people,
            "gaining": self.gaining,
            "losing": self.losing,
            "barred": self.barred,
            "cells": self.cells,
            "thorough": self.thorough,
            "nationalities_at_once": self.nationalities_at_once,
            "changes": [
                {
                    "direction": "gain" if change.gains else "lose",
                    "rule": change.rule,
                    "because": change.because,
                    "who": change.who,
                    "what": change.what,
                    "exact": change.exact,
                    "people": change.people,
                    "example": {
                        "person": change.example.person,
                        "says": str(change.example),
                        "before": change.example.before,
                        "after": change.example.after,
                        "at": utc(change.example.request.now),
                    },
                }
                for change in self.changes
            ],
        }


def difference(
    old: Ruleset, new: Ruleset, population: Population, at: int | None = None
) -> Difference:
    """Who gains and who loses: every case that either ruleset tells apart, before and after.

    Args:
        old: the rules in force before.
        new: the rules in force after.
        population: the registry and the real user base.
        at: look at one time only (seconds since 1970, UTC); None: at every time.

    Raises:
        DocumentTooLargeError: the rules tell too many cases apart.
    """
    try:
        grid, thorough = Grid((old, new), population, at), True
    except DocumentTooLargeError:
        grid, thorough = Grid((old, new), population, at, thorough=False), False
    return replace(_Comparison(grid, old, new, population).result(), thorough=thorough)


class _Comparison:
    def __init__(self, grid: Grid, old: Ruleset, new: Ruleset, population: Population) -> None:
        self._grid, self._old, self._new = grid, old, new
        self._before, self._after = grid.decisive(old), grid.decisive(new)
        self._could = _permitted(self._before, old.rules)
        self._can = _permitted(self._after, new.rules)
        self._real: dict[int, CallerAttributes] = {}
        self._weights = np.zeros(grid.shape[0], np.int64)
        self._population = population
        for facts, count in population.groups.items():
            which = grid.person(facts)
            self._weights[which] += count
            self._real.setdefault(which, facts)
        self._words = _Words((*old.rules, *new.rules), grid)

    def result(self) -> Difference:
        gains, losses = self._can & ~self._could, self._could & ~self._can
        changes = [*self._changes(gains, gains=True), *self._changes(losses, gains=False)]
        # Losses first, the most people first: they are what somebody must be told before agreeing.
        changes.sort(key=lambda change: (change.gains, -change.people))
        lost = _some(losses, 1)
        return Difference(
            tuple(changes),
            len(self._population),
            self._people(_some(gains, 1)),
            self._people(lost),
            self._people(lost & ~_some(self._can, 1)),
            self._grid.cells,
            thorough=True,
            nationalities_at_once=self._grid.nationalities_at_once,
        )

    def _people(self, who: Bools) -> int:
        return int(self._weights[who].sum())

    def _changes(self, changed: Bools, *, gains: bool) -> Iterable[Change]:
        # By the rule that decides now, since that is what a drafter can change.
        for index in np.unique(self._after[changed]).tolist():
            cells = changed & (self._after == index)
            if index >= 0:
                rule = self._new.rules[index]
                yield self._change(cells, rule, f"{rule.id} {rule}", gains=gains)
                continue
            # Nothing forbids: a permission is gone, and its name is the reason.
            for was in np.unique(self._before[cells]).tolist():
                rule = self._old.rules[was]
                because = f"no longer permitted; {rule.id} did: {rule}"
                yield self._change(cells & (self._before == was), rule, because, gains=gains)

    def _change(self, cells: Bools, rule: AccessRule, because: str, *, gains: bool) -> Change:
        who, what = _some(cells, 1), _some(cells, 0)
        who_points, who_exact = self._grid.who.spread(who)
        what_points, what_exact = self._grid.what.spread(what)
        # Said as "within" where words only bound the cases: a sentence must not claim that all of
        # them change.
        exact = who_exact and what_exact and int(cells.sum()) == int(who.sum()) * int(what.sum())
        who_words, plain = self._words.who(who_points)
        return Change(
            gains,
            rule.id,
            because,
            who_words,
            self._words.what(what_points),
            exact and plain,
            self._people(who),
            self._example(cells, who),
        )

    def _example(self, cells: Bools, who: Bools) -> Example:
        real = np.flatnonzero(who & (self._weights > 0))
        row = int(real[0] if len(real) else np.flatnonzero(who)[0])
        column = int(np.flatnonzero(cells[row])[0])
        facts, request = self._grid.cell(row, column)
        facts = self._real.get(row, facts)
        return Example(
            self._population.example.get(facts),
            facts,
            request,
            _name(self._old.rules, int(self._before[row, column])),
            _name(self._new.rules, int(self._after[row, column])),
        )


def _permitted(decisive: Numbers, rules: Sequence[AccessRule]) -> Bools:
    # The index -1, no rule, reads the last element: False.
    permits = np.array([*(rule.effect == "permit" for rule in rules), False])
    return permits[decisive]


def _some(cells: Bools, axis: int) -> Bools:
    return np.asarray(cells.any(axis=axis))


def _name(rules: Sequence[AccessRule], index: int) -> str:
    return rules[index].id if index >= 0 else DEFAULT


class _Words:
    """Points of the axes in words. An axis whose every point is meant is not mentioned."""

    def __init__(self, rules: Iterable[AccessRule], grid: Grid) -> None:
        self._axes = {**grid.who.axes, **grid.what.axes}
        self._named = {
            code
            for rule in rules
            for each in rule.every_condition
            if isinstance(each, Nationality | Residence)
            for code in each.countries.codes
        }

    def who(self, points: dict[str, tuple[Point, ...]]) -> tuple[str, bool]:
        """In words, and whether these say exactly which standings are meant."""
        words = []
        for name, kind in (("nationalities", "nationality"), ("residence", "residence")):
            if self._partly(points[name], name):
                words.append(f"{kind} {_listed(self._country(each) for each in points[name])}")
        standings = [each for each in points["standing"] if isinstance(each, RegisteredStanding)]
        if self._partly(points["standing"], "standing"):
            words += self._standings(standings)
        plain = len(standings) in {1, len(self._axes["standing"].points)}
        return ", ".join(words) or "anyone", plain

    def what(self, points: dict[str, tuple[Point, ...]]) -> str:
        """In words."""
        words = [
            f"{name} {_listed(str(each or 'not given') for each in points[name])}"
            for name in ("variant", "mode", "purpose")
            if self._partly(points[name], name)
        ]
        if self._partly(points["now"], "now"):
            times = [each for each in points["now"] if isinstance(each, int)]
            words.append(f"at times such as {_listed(map(utc, times))}")
        if self._partly(points["tokens"], "tokens"):
            words.append(f"with {_listed(_tokens(each) for each in points['tokens'])}")
        return ", ".join(words) or "anything"

    def _partly(self, points: Sequence[Point], name: str) -> bool:
        return len(points) < len(self._axes[name].points)

    def _country(self, point: Point) -> str:
        if isinstance(point, frozenset):
            return " and ".join(sorted(map(self._code, point)))
        return self._code(point) if isinstance(point, str) else "unknown"

    def _code(self, code: str) -> str:
        # A code that stands for all that no rule names must not read as if it were meant.
        return code if code in self._named else f"another country (such as {code})"

    def _standings(self, chosen: Sequence[RegisteredStanding]) -> Iterable[str]:
        everyone = [
            each for each in self._axes["standing"].points if isinstance(each, RegisteredStanding)
        ]
        for fact, kind, none in (
            ("tier", "tier", ""),
            ("organisation", "organisation", "none"),
            ("programmes", "programme", "none"),
            ("lists", "named list", "none"),
            ("end_user", "end user", "unknown"),
            ("staff", "own staff", "no"),
        ):
            taken = _facts(chosen, fact, none)
            if taken != _facts(everyone, fact, none):
                yield f"{kind} {_listed(sorted(taken))}"


def _facts(standings: Iterable[RegisteredStanding], fact: str, none: str) -> set[str]:
    found = set()
    for each in standings:
        value = getattr(each, fact)
        words = " and ".join(sorted(value)) if isinstance(value, frozenset) else value
        found.add("yes" if words is True else str(words or none))
    return found


def _tokens(point: Point) -> str:
    if not isinstance(point, Tokens):
        return "nothing"
    used = (("today", point.tokens_today), ("this month", point.tokens_this_month))
    return " and ".join(
        f"{'no count' if count is None else count} used {when}" for when, count in used
    )


def _listed(words: Iterable[str]) -> str:
    found = list(dict.fromkeys(words))
    more = len(found) - _NAMED
    return " or ".join(found[:_NAMED]) + (f" or {more} more" if more > 0 else "")
