"""Every case that the rules tell apart: who, asking for what, when.

The grid is the product of its axes; the cells that no rule tells apart are one class. So all cases
are looked at, and few are computed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from touchstone.terms.analysis.axes import (
    Axis,
    Point,
    axis_of,
    case,
    nationalities_at_once,
    standing_of,
    truth_of,
    what_axes,
    who_axes,
)
from touchstone.terms.errors import DocumentTooLargeError
from touchstone.terms.policy.caller_attributes import CallerAttributes, Population, Request
from touchstone.terms.policy.conditions import AccessRule, Condition, OneOf, Ruleset

MAX_CELLS = 20_000_000
MAX_BITS = 200_000_000
"""Cells of one side times columns, a byte each while they are put in classes."""
Bools = NDArray[np.bool_]
Numbers = NDArray[np.int16]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """Conditions that hold together; `doubt` is what an unknown fact comes to."""

    conditions: tuple[Condition, ...]
    doubt: bool


class Side:
    """Half of a grid: the cells of some axes, and the classes of cells that no rule tells apart.

    `classes` has for every cell its class; `first` for every class a cell; `truth` for every class
    and every column (a rule's conditions, or one of its exceptions) whether these axes let it hold.
    """

    def __init__(self, axes: Mapping[str, Axis], columns: Sequence[Column]) -> None:
        self.axes = axes
        self.shape = tuple(len(axis.points) for axis in axes.values())
        # Asked before anything of that size is made, and in whole numbers that never wrap.
        cells = prod(self.shape)
        if cells * len(columns) > MAX_BITS:
            raise DocumentTooLargeError(_too_large(axes))
        truth = np.empty((len(columns), cells), np.bool_)
        for number, column in enumerate(columns):
            truth[number] = self._column(column)
        self.classes, self.first = _classes(truth)
        self.truth = truth[:, self.first]

    def place(self, values: Sequence[Point]) -> int:
        """The class of the cell with these values, one for each axis."""
        index = tuple(
            axis.place[value] for axis, value in zip(self.axes.values(), values, strict=True)
        )
        return int(self.classes[np.ravel_multi_index(index, self.shape)])

    def values(self, which: int) -> dict[str, Point]:
        """The points of the first cell of a class."""
        index = np.unravel_index(self.first[which], self.shape)
        return {
            name: axis.points[int(at)]
            for (name, axis), at in zip(self.axes.items(), index, strict=True)
        }

    def spread(self, chosen: Bools) -> tuple[dict[str, tuple[Point, ...]], bool]:
        """Which points of each axis the chosen classes take, and whether in every combination."""
        cells = chosen[self.classes].reshape(self.shape)
        taken = []
        for at in range(len(self.shape)):
            others = tuple(axis for axis in range(len(self.shape)) if axis != at)
            taken.append(cells.any(axis=others))
        box = int(np.prod([each.sum() for each in taken], dtype=np.int64))
        points = {
            name: tuple(axis.points[at] for at in np.flatnonzero(each))
            for (name, axis), each in zip(self.axes.items(), taken, strict=True)
        }
        return points, box == int(cells.sum())

    def _column(self, column: Column) -> Bools:
        holds = np.ones(self.shape, np.bool_)
        for condition in column.conditions:
            name = axis_of(condition.fact)
            if name in self.axes:
                points = self.axes[name].points
                truth = np.array([truth_of(condition, each, doubt=column.doubt) for each in points])
                shape = [1] * len(self.shape)
                shape[list(self.axes).index(name)] = len(points)
                holds &= truth.reshape(shape)
        return holds.reshape(-1)


class Grid:
    """All cells for some rulesets and a population: `who` times `what`, both in classes."""

    def __init__(
        self,
        rulesets: Sequence[Ruleset],
        population: Population,
        at: int | None = None,
        *,
        thorough: bool = True,
    ) -> None:
        """Build it, for every time or for one (seconds since 1970).

        Real people are in it always; not `thorough`: fewer of those who could come.

        Raises:
            DocumentTooLargeError: there are more than MAX_BITS or MAX_CELLS allow.
        """
        rules = [rule for ruleset in rulesets for rule in ruleset.rules]
        conditions = {each for rule in rules for each in rule.every_condition}
        columns = [each for rule in rules for each in _columns(rule)]
        columns += [_bounds(ruleset) for ruleset in rulesets]
        # Rules share conditions, and each of these is worked out once.
        self._columns = list(dict.fromkeys(columns))
        self._at = {column: number for number, column in enumerate(self._columns)}
        self.who = Side(who_axes(conditions, population, thorough=thorough), self._columns)
        self.what = Side(what_axes(conditions, rulesets, at), self._columns)
        self.shape = (len(self.who.first), len(self.what.first))
        self.nationalities_at_once = nationalities_at_once(conditions, population)
        """How many nationalities at most were given to people who could come; None: enough."""
        # After the classes are made: it is they that are computed, and rules that tell little apart
        # may have axes of any length.
        if self.shape[0] * self.shape[1] > MAX_CELLS:
            raise DocumentTooLargeError(_too_large({**self.who.axes, **self.what.axes}))

    @property
    def cells(self) -> int:
        """How many cases the grid stands for, before those that no rule tells apart are one."""
        return self.who.classes.size * self.what.classes.size

    def decisive(self, ruleset: Ruleset) -> Numbers:
        """For every class of who and what the index of the decisive rule, -1 for none.

        The first prohibition that applies, else the first permission: as `Ruleset.decisive`.
        """
        rules = ruleset.rules
        # Two bytes a cell, as there are millions of them.
        found = np.full(self.shape, -1, np.int16)
        # The last to write wins: permissions from the last to the first, then prohibitions.
        for index in sorted(range(len(rules)), key=lambda i: (rules[i].effect == "forbid", -i)):
            main, *exceptions = (self._at[column] for column in _columns(rules[index]))
            rows = np.flatnonzero(self.who.truth[main])
            columns = np.flatnonzero(self.what.truth[main])
            block = np.ones((len(rows), len(columns)), np.bool_)
            for each in exceptions:
                block &= ~np.logical_and.outer(
                    self.who.truth[each, rows], self.what.truth[each, columns]
                )
            place = np.ix_(rows, columns)
            found[place] = np.where(block, np.int16(index), found[place])
        # What the ruleset does not declare is denied by no rule of it, as in `Ruleset.decisive`.
        found[:, ~self.what.truth[self._at[_bounds(ruleset)]]] = -1
        return found

    def cell(self, who: int, what: int) -> tuple[CallerAttributes, Request]:
        """The person and the request that stand for one class of who and one of what."""
        return case({**self.who.values(who), **self.what.values(what)})

    def person(self, facts: CallerAttributes) -> int:
        """The class of a person of the population."""
        return self.who.place((standing_of(facts), facts.nationalities or None, facts.residence))


def _columns(rule: AccessRule) -> Iterator[Column]:
    doubt = rule.effect == "forbid"
    yield Column(rule.conditions, doubt)
    yield from (Column(exception, not doubt) for exception in rule.exceptions)


def _bounds(ruleset: Ruleset) -> Column:
    """What a ruleset understands; a purpose need not be given."""
    return Column(
        (
            OneOf("variant", frozenset(ruleset.variants)),
            OneOf("mode", frozenset(ruleset.modes)),
            OneOf("purpose", frozenset(ruleset.purposes)),
        ),
        doubt=True,
    )


def _classes(truth: Bools) -> tuple[Indices, Indices]:
    """For every column of bits its class, and for every class the first column with it."""
    packed = np.packbits(truth, axis=0)
    classes = np.zeros(truth.shape[1], np.int64)
    first = np.zeros(1, np.int64)
    for row in packed:
        # 256 values a byte: the pair of old class and new byte stays exact.
        _, first, classes = np.unique(classes * 256 + row, return_index=True, return_inverse=True)
    return classes, first


def _too_large(axes: Mapping[str, Axis]) -> str:
    shape = ", ".join(f"{len(axis.points)} of {name}" for name, axis in axes.items())
    return (
        f"the rules tell too many cases apart ({shape}); at most {MAX_CELLS} are computed: "
        "compare fewer rules at a time"
    )
