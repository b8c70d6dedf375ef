"""What a tariff is: clauses that change what is due, and how it is worked out.

Whatever a clause can get wrong is one boolean of it. Both values are as likely in the terms, so
that a program, read without its terms, says nothing about which of its clauses are flawed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

Order = Mapping[str, int | str]
KIND = "kind"
"""The one field of an order that holds a word."""


class Test(Enum):
    """What a condition looks at."""

    COMPARE = "compare"
    """A field of this order against a number."""
    KIND = "kind"
    """The order's kind."""
    TURN = "turn"
    """Which order of every few this is."""
    SUM = "sum"
    """A field added up over the orders so far."""


class Act(Enum):
    """What a clause does with what is due."""

    FLAT = "flat"
    PERCENT = "percent"
    UNIT = "unit"
    BEYOND = "beyond"
    CHOICE = "choice"
    LIMIT = "limit"


@dataclass(frozen=True)
class Condition:
    """One condition of a clause; a test uses those of the fields that it needs."""

    test: Test
    field: str = ""
    number: int = 0
    low: bool = True
    """Whether it holds from the number upwards; else downwards."""
    words: tuple[str, ...] = ()
    strict: bool = False
    """Whether the number itself is outside."""
    last: bool = False
    """Whether the last order of every `number` is meant; else the first."""
    including: bool = False
    """Whether this order is added up with those before it."""


@dataclass(frozen=True)
class TariffEffect:
    """What is done; an act uses those of the fields that it needs. Amounts are whole cents."""

    act: Act
    amount: int = 0
    up: bool = True
    """Whether it adds (a limit: whether it lifts); else it takes off (a limit: it cuts)."""
    field: str = ""
    size: int = 1
    other: str = ""
    other_amount: int = 0
    of_first: bool = False
    """Whether the percentage is of what clause 1 came to; else of what is due so far."""
    round_up: bool = False
    """Whether the part that is added or taken off is rounded up; else down."""
    started: bool = False
    """Whether a started `size` counts; else only full ones."""
    whole: bool = False
    """Whether all units are charged once there are more than `size`; else those beyond it."""
    greater: bool = False
    """Whether the greater of the two is added; else the lesser."""


Either = TypeVar("Either", Condition, TariffEffect)


@dataclass(frozen=True)
class TariffClause:
    """One clause: where its conditions hold, its effect."""

    conditions: tuple[Condition, ...]
    effect: TariffEffect
    either: bool = False
    """Whether one of two conditions is enough."""


@dataclass(frozen=True)
class Slip:
    """One boolean of one clause that a program has wrong."""

    clause: int
    """The clause's place, from 0."""
    attribute: str
    condition: int = -1
    """Which of its conditions; -1: its effect, or (`either`) itself."""


_TEST_SLIPS = {
    Test.COMPARE: ("strict",),
    Test.KIND: (),
    Test.TURN: ("last",),
    Test.SUM: ("including", "strict"),
}
_ACT_SLIPS = {
    Act.FLAT: (),
    Act.PERCENT: ("of_first", "round_up"),
    Act.UNIT: ("started",),
    Act.BEYOND: ("whole",),
    Act.CHOICE: ("greater",),
    Act.LIMIT: (),
}


def slips_of(clauses: Sequence[TariffClause]) -> list[Slip]:
    """Everything that a program of these clauses could have wrong."""
    found = []
    for place, clause in enumerate(clauses):
        for which, condition in enumerate(clause.conditions):
            found += [Slip(place, name, which) for name in _TEST_SLIPS[condition.test]]
        if len(clause.conditions) > 1:
            found.append(Slip(place, "either"))
        # What clause 1 came to is what is due so far, as long as nothing else was charged.
        usual = _ACT_SLIPS[clause.effect.act]
        found += [Slip(place, name) for name in usual if name != "of_first" or place > 1]
    return found


def slipped(clauses: Sequence[TariffClause], slip: Slip) -> tuple[TariffClause, ...]:
    """The clauses with one boolean the other way round."""
    clause = clauses[slip.clause]
    if slip.condition >= 0:
        conditions = list(clause.conditions)
        conditions[slip.condition] = _turned(conditions[slip.condition], slip.attribute)
        changed = replace(clause, conditions=tuple(conditions))
    elif slip.attribute == "either":
        changed = replace(clause, either=not clause.either)
    else:
        changed = replace(clause, effect=_turned(clause.effect, slip.attribute))
    return (*clauses[: slip.clause], changed, *clauses[slip.clause + 1 :])


def _turned(part: Either, attribute: str) -> Either:
    # By name: which of the booleans it is, is data.
    changed: dict[str, Any] = {attribute: not getattr(part, attribute)}
    return replace(part, **changed)


def due_each(clauses: Sequence[TariffClause], orders: Sequence[Order]) -> list[int]:
    """What each of a customer's orders costs, in cents; the oldest order first."""
    sums: dict[str, int] = {}
    done = []
    for place, order in enumerate(orders):
        due = first = 0
        for number, clause in enumerate(clauses):
            if _applies(clause, order, place, sums):
                due = _changed(clause.effect, order, due, first)
            first = due if number == 0 else first
        done.append(due)
        for name, value in order.items():
            if isinstance(value, int):
                sums[name] = sums.get(name, 0) + value
    return done


def _applies(clause: TariffClause, order: Order, place: int, sums: Mapping[str, int]) -> bool:
    held = (_holds(each, order, place, sums) for each in clause.conditions)
    return any(held) if clause.either and len(clause.conditions) > 1 else all(held)


def _holds(condition: Condition, order: Order, place: int, sums: Mapping[str, int]) -> bool:
    if condition.test is Test.KIND:
        return order[KIND] in condition.words
    if condition.test is Test.TURN:
        return place % condition.number == (condition.number - 1 if condition.last else 0)
    value = _number(order, condition.field)
    if condition.test is Test.SUM:
        value = sums.get(condition.field, 0) + (value if condition.including else 0)
    if condition.low:
        return value > condition.number or (value == condition.number and not condition.strict)
    return value < condition.number or (value == condition.number and not condition.strict)


def _number(order: Order, field: str) -> int:
    value = order[field]
    if not isinstance(value, int):
        raise TypeError(f"{field} is no number")
    return value


def _changed(effect: TariffEffect, order: Order, due: int, first: int) -> int:
    if effect.act is Act.LIMIT:
        return max(due, effect.amount) if effect.up else min(due, effect.amount)
    if effect.act is Act.FLAT:
        part = effect.amount
    elif effect.act is Act.PERCENT:
        hundredfold = (first if effect.of_first else due) * effect.amount
        part = -(-hundredfold // 100) if effect.round_up else hundredfold // 100
    else:
        part = _charged(effect, order)
    return due + part if effect.up else max(0, due - part)


def _charged(effect: TariffEffect, order: Order) -> int:
    value = _number(order, effect.field)
    if effect.act is Act.UNIT:
        counted = -(-value // effect.size) if effect.started else value // effect.size
        return counted * effect.amount
    if effect.act is Act.BEYOND:
        beyond = max(0, value - effect.size)
        return (value if effect.whole and beyond else beyond) * effect.amount
    two = (value * effect.amount, _number(order, effect.other) * effect.other_amount)
    return max(two) if effect.greater else min(two)
