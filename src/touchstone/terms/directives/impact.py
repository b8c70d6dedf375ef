"""The blast radius of directives on a real user base: who is blocked, unknown or kept, and why."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np

from touchstone.terms.analysis.grid import Bools, Grid
from touchstone.terms.directives.coverage import (
    DirectiveConflict,
    PeopleByClass,
    directive_conflicts,
)
from touchstone.terms.document.directive_file import Directive, in_force, ordered
from touchstone.terms.document.terms_file import Terms
from touchstone.terms.policy.caller_attributes import TIERS, CallerAttributes, Population
from touchstone.terms.policy.compile import compile_policy
from touchstone.terms.policy.conditions import AccessRule, Ruleset
from touchstone.terms.policy.countries import STATELESS
from touchstone.terms.policy.decider import Decider

Fate = Literal["blocked", "unknown", "kept", "outside"]
FATES: tuple[Fate, ...] = ("blocked", "unknown", "kept", "outside")
"""Loses something for what is known; loses something for want of a fact; loses nothing; could do
nothing before."""
OWN_STAFF = "own-staff-"
"""Before the kind of people who are the developer's own."""
KINDS = tuple(
    f"{staff}{each}"
    for staff in ("", OWN_STAFF)
    for each in ("national", "dual", "foreign", STATELESS, "unknown")
)
_LISTED = 12
"""So many countries are listed in words; the rest are summed."""
_OF_THE_REQUEST = {"variant", "mode", "purpose", "now"}


@dataclass(frozen=True, slots=True)
class AffectedGroup:
    """People of one kind, tier or nationality."""

    name: str
    people: int
    blocked: int
    unknown: int
    kept: int
    outside: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One person, and what a gateway would say to one request."""

    fate: Fate
    person: str
    facts: str
    variant: str
    mode: str
    purpose: str | None
    says: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What directives do to a user base."""

    people: int
    blocked: int
    """Lose something, for what is known about them."""
    unknown: int
    """Lose something because a fact about them is not known."""
    kept: int
    """Could do something and lose nothing."""
    outside: int
    """Could do nothing before."""
    nothing: int
    """Of the blocked and the unknown: those who are left with nothing."""
    gaining: int
    """Can do something that they could not, since a directive spares them or is gone."""
    everyone: int
    """Lose something, or would if what the directives name anew were blocked for everyone."""
    by_kind: tuple[AffectedGroup, ...]
    """National, dual, foreign, stateless and unknown; the developer's own staff apart."""
    by_tier: tuple[AffectedGroup, ...]
    by_country: tuple[AffectedGroup, ...]
    """By nationality, or nationalities, the most people first."""
    samples: tuple[Sample, ...]
    conflicts: tuple[DirectiveConflict, ...]

    @property
    def losing(self) -> int:
        """The blocked and the unknown together."""
        return self.blocked + self.unknown

    @property
    def spared(self) -> int:
        """Those of `everyone` who lose nothing."""
        return self.everyone - self.losing

    @property
    def share(self) -> float:
        """Of those who could do something, how much lose something; 0 where nobody could."""
        able = self.people - self.outside
        return self.losing / able if able else 0.0

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {**asdict(self), "losing": self.losing}

    def counts(self) -> dict[str, int]:
        """The numbers alone: they name nobody."""
        names = ("people", *FATES, "nothing", "gaining", "everyone")
        return {name: getattr(self, name) for name in names}


def impact(
    terms: Terms,
    before: Sequence[Directive],
    after: Sequence[Directive],
    population: Population,
    at: int,
) -> Impact:
    """What changes for real people at a time from some directives in force to others.

    Args:
        terms: the agreed terms.
        before: the directives in force now.
        after: those in force then, in the order of their issue.
        population: the registry and the real user base.
        at: seconds since 1970, UTC; budgets are taken as unused.

    Raises:
        DocumentTooLargeError: the rules tell too many cases apart.
        TermsFileError: two directives have the same id.
    """
    return _Blast(terms, before, after, population, at).result()


def summed(groups: Sequence[AffectedGroup]) -> tuple[AffectedGroup, ...]:
    """The largest groups, and all others as one."""
    if len(groups) <= _LISTED:
        return tuple(groups)
    # One fewer than are listed, so that the sum of the others is the last line and not one too
    # many.
    rest = groups[_LISTED - 1 :]
    numbers = (sum(getattr(each, name) for each in rest) for name in ("people", *FATES))
    return (*groups[: _LISTED - 1], AffectedGroup(f"{len(rest)} others", *numbers))


def kind(facts: CallerAttributes, home: frozenset[str]) -> str:
    """National, dual, foreign, stateless or unknown; with the developer's own staff apart."""
    held = facts.nationalities
    if not held:
        word = "unknown"
    elif held == {STATELESS}:
        word = STATELESS
    elif held <= home:
        word = "national"
    else:
        word = "dual" if held & home else "foreign"
    return f"{OWN_STAFF}{word}" if facts.staff else word


class _Blast:
    def __init__(
        self,
        terms: Terms,
        before: Sequence[Directive],
        after: Sequence[Directive],
        population: Population,
        at: int,
    ) -> None:
        self._terms, self._population, self._at = terms, population, at
        self._directives = after
        old, self._new = in_force(terms, before), in_force(terms, after)
        rules = tuple(rule for each in after for rule in ordered(each, after))
        known = {rule.id for rule in old.rules}
        fresh = tuple(rule for rule in rules if rule.id not in known)
        # As permissions the same conditions must hold for certain: what is lost by doubt shows (ADR
        # 113).
        certain = _with(self._new, tuple(replace(rule, effect="permit") for rule in rules))
        # The order without its conditions on people: what it would be to block everyone (ADR 113).
        blanket = _with(old, (*map(_for_everyone, fresh), *old.rules))
        # Only real people are counted: whoever else could come may be left out.
        grid = Grid((old, self._new, certain, blanket), population, at, thorough=False)
        self._grid, self._crowd = grid, PeopleByClass(grid, population)
        self._could, self._can = _allowed(grid, old), _allowed(grid, self._new)
        lost = self._lost = self._could & ~self._can
        sure = grid.decisive(certain) >= 0
        self._loses, self._surely = _any(lost), _any(lost & sure)
        # Who loses by the end of an earlier order is not spared, whatever the new ones name: else
        # fewer would lose by blocking everyone than lose now.
        blocked = _any(self._could & ~_allowed(grid, blanket)) | self._loses
        self._everyone = self._crowd.people(blocked) if fresh else 0

    def result(self) -> Impact:
        nobody = AffectedGroup("all", 0, 0, 0, 0, 0)
        counted = next(iter(self._counts(lambda _: "all")), nobody)
        people = self._crowd.people
        nothing = self._loses & ~_any(self._can)
        home = self._terms.home
        tiers = {each: number for number, each in enumerate(TIERS)}
        kinds = self._counts(lambda facts: kind(facts, home))
        return Impact(
            counted.people,
            counted.blocked,
            counted.unknown,
            counted.kept,
            counted.outside,
            people(nothing),
            people(_any(self._can & ~self._could)),
            self._everyone,
            tuple(sorted(kinds, key=lambda each: each.name.startswith(OWN_STAFF))),
            tuple(sorted(self._counts(lambda facts: facts.tier), key=lambda g: tiers[g.name])),  # type: ignore[index]
            self._counts(lambda facts: " and ".join(sorted(facts.nationalities)) or "unknown"),
            tuple(self._samples()),
            tuple(directive_conflicts(self._directives, self._terms, self._population, self._at)),
        )

    def _fate(self, facts: CallerAttributes) -> Fate:
        row = self._crowd.places[facts]
        # Blocked before unknown: of somebody who loses one thing for sure and another by doubt, the
        # sure one is told.
        if self._loses[row]:
            return "blocked" if self._surely[row] else "unknown"
        return "kept" if self._could[row].any() else "outside"

    def _counts(self, name: Callable[[CallerAttributes], str]) -> tuple[AffectedGroup, ...]:
        """Everyone by name and fate, the largest group first."""
        found: dict[str, Counter[Fate]] = {}
        for facts, count in self._population.groups.items():
            found.setdefault(name(facts), Counter())[self._fate(facts)] += count
        groups = (
            AffectedGroup(each, fates.total(), *(fates[fate] for fate in FATES))
            for each, fates in found.items()
        )
        return tuple(sorted(groups, key=lambda group: (-group.people, group.name)))

    def _samples(self) -> Iterator[Sample]:
        """For each kind of people and each fate but `outside` one person, the largest group's."""
        decider = Decider(compile_policy(self._new))
        seen: set[tuple[str, Fate]] = set()
        for facts, _ in self._population.groups.most_common():
            fate = self._fate(facts)
            key = (kind(facts, self._terms.home), fate)
            # One person of a kind is enough to show what a gateway will say; a list of many would
            # name people for nothing.
            if fate == "outside" or key in seen:
                continue
            seen.add(key)
            row = self._crowd.places[facts]
            cells = self._can[row] if fate == "kept" else self._lost[row]
            request = self._grid.cell(row, int(np.flatnonzero(cells)[0]))[1]
            says = decider.decide(facts, request).sentence
            yield Sample(
                fate,
                self._population.example[facts],
                str(facts),
                request.variant,
                request.mode,
                request.purpose,
                says,
            )


def _with(ruleset: Ruleset, rules: tuple[AccessRule, ...]) -> Ruleset:
    return replace(ruleset, rules=rules)


def _for_everyone(rule: AccessRule) -> AccessRule:
    """The same prohibition, whoever asks."""
    kept = tuple(each for each in rule.conditions if each.fact in _OF_THE_REQUEST)
    return AccessRule(rule.id, "forbid", kept)


def _allowed(grid: Grid, ruleset: Ruleset) -> Bools:
    permits = np.array([*(rule.effect == "permit" for rule in ruleset.rules), False])
    return np.asarray(permits[grid.decisive(ruleset)])


def _any(cells: Bools) -> Bools:
    return np.asarray(cells.any(axis=1))
