"""How far prohibitions reach: whether some lie within others, and where two directives conflict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from touchstone.terms.analysis.difference import Change, difference
from touchstone.terms.analysis.grid import Bools, Grid
from touchstone.terms.document.directive_file import Directive, ordered
from touchstone.terms.document.terms_file import Terms
from touchstone.terms.errors import DocumentTooLargeError
from touchstone.terms.policy.caller_attributes import CallerAttributes, Population
from touchstone.terms.policy.conditions import AccessRule, Ruleset

_EVERYTHING = AccessRule("everything", "permit", ())


@dataclass(frozen=True, slots=True)
class Beyond:
    """Where some prohibitions reach further than others."""

    change: Change | None
    """Somebody whom the inner ones bar and the outer ones do not; None: they lie within."""
    thorough: bool
    """False: of people who could come, fewer were compared; of real people, all."""


@dataclass(frozen=True, slots=True)
class DirectiveConflict:
    """One directive spares what another forbids. The prohibition prevails."""

    sparing: str
    """The directive with the exception."""
    forbidding: str
    """The rule, `DIRECTIVE/RULE`, that prevails."""
    people: int
    """Real people of whom this is true."""
    example: str
    """One of them, or somebody who could come."""

    def __str__(self) -> str:
        """One sentence with the fix."""
        directive = self.forbidding.partition("/")[0]
        return (
            f"{self.sparing} spares {self.example}, and {self.forbidding} forbids it: the "
            f"prohibition prevails ({self.people} people); only a directive that restores from "
            f"{directive} would spare them"
        )

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "sparing": self.sparing,
            "forbidding": self.forbidding,
            "people": self.people,
            "example": self.example,
        }


def exceeds(
    inner: Sequence[AccessRule], outer: Sequence[AccessRule], terms: Terms, population: Population
) -> Beyond:
    """Whether everything that `inner` forbids is forbidden by `outer` too, whatever terms permit.

    Raises:
        DocumentTooLargeError: the rules tell too many cases apart.
    """
    # Over a permission of everything: what the terms permit today may change while the class
    # stands.
    wide, narrow = (_over_everything(rules, terms) for rules in (outer, inner))
    found = difference(wide, narrow, population)
    lost = next((change for change in found.changes if not change.gains), None)
    return Beyond(lost, found.thorough and found.nationalities_at_once is None)


def directive_conflicts(
    directives: Sequence[Directive], terms: Terms, population: Population, at: int
) -> list[DirectiveConflict]:
    """Every pair of directives of which one spares what the other forbids, at a time (seconds).

    Raises:
        DocumentTooLargeError: the rules tell too many cases apart.
    """
    found = []
    for sparing in directives:
        rules = tuple(ordered(sparing, directives))
        if not any(rule.exceptions for rule in rules):
            continue
        for other in directives:
            if other is not sparing:
                against = tuple(ordered(other, directives))
                found += _conflict(sparing.id, rules, against, terms, population, at)
    return found


def _conflict(
    name: str,
    rules: tuple[AccessRule, ...],
    against: tuple[AccessRule, ...],
    terms: Terms,
    population: Population,
    at: int,
) -> list[DirectiveConflict]:
    # Three readings, so that only what an exception spares counts: what neither rule ever forbade
    # is no conflict.
    bare = tuple(replace(rule, exceptions=()) for rule in rules)
    three = [_over_everything(each, terms) for each in (bare, rules, against)]
    try:
        grid = Grid(three, population, at)
    # A conflict among real people is worth telling even where not everybody who could come is
    # compared.
    except DocumentTooLargeError:
        grid = Grid(three, population, at, thorough=False)
    meant, left, other = (_forbidden(grid, each) for each in three)
    cells = meant & ~left & other
    if not cells.any():
        return []
    crowd = PeopleByClass(grid, population)
    who = np.asarray(cells.any(axis=1))
    row = crowd.row(who)
    column = int(np.flatnonzero(cells[row])[0])
    facts, request = grid.cell(row, column)
    facts = crowd.real.get(row, facts)
    person = population.example.get(facts, "someone")
    decisive = against[int(grid.decisive(three[2])[row, column])]
    words = f"{person} ({facts}) asking for variant {request.variant} in mode {request.mode}"
    return [DirectiveConflict(name, decisive.id, crowd.people(who), words)]


def _over_everything(rules: Sequence[AccessRule], terms: Terms) -> Ruleset:
    """The prohibitions, over a permission of everything."""
    words = terms.text
    return Ruleset((*rules, _EVERYTHING), words.variants, words.modes, words.purposes)


def _forbidden(grid: Grid, ruleset: Ruleset) -> Bools:
    decisive = grid.decisive(ruleset)
    return np.asarray((decisive >= 0) & (decisive < len(ruleset.rules) - 1))


class PeopleByClass:
    """The real people of a population by the class of a grid in which each lies."""

    def __init__(self, grid: Grid, population: Population) -> None:
        self.real: dict[int, CallerAttributes] = {}
        """For each class with somebody in it, what is known of one of them."""
        self.weights = np.zeros(grid.shape[0], np.int64)
        """People in each class."""
        self.places: dict[CallerAttributes, int] = {}
        """The class of everyone of whom the same is known."""
        for facts, count in population.groups.items():
            which = grid.person(facts)
            self.weights[which] += count
            self.places[facts] = which
            self.real.setdefault(which, facts)

    def people(self, who: Bools) -> int:
        """How many real people lie in these classes."""
        return int(self.weights[who].sum())

    def row(self, who: Bools) -> int:
        """One of these classes, with a real person where one of them has any."""
        real = np.flatnonzero(who & (self.weights > 0))
        return int(real[0] if len(real) else np.flatnonzero(who)[0])
