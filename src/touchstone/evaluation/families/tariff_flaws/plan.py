"""What one item is: its fields, its clauses, which the program has wrong, and the proofs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.tariff_flaws.rules import (
    KIND,
    Act,
    Condition,
    Order,
    Slip,
    TariffClause,
    TariffEffect,
    Test,
    due_each,
    slipped,
    slips_of,
)
from touchstone.evaluation.families.tariff_flaws.words import KINDS, NUMBERS, TITLES

# Of twelve items one has no flaw: "none" must not be worth much, and must be right at times.
_COUNTS = (0, *(1,) * 4, *(2,) * 4, *(3,) * 3)
_PROOF_TRIES = 120
_LARGEST = 90


@dataclass(frozen=True)
class Level:
    """What a difficulty draws from."""

    clauses: int
    fields: int
    most_conditions: int
    tests: tuple[Test, ...]
    slips: tuple[str, ...]
    """Attributes that may be wrong at this level."""
    orders: int
    """Orders in a proof, at most."""


_EASY = (Test.COMPARE, Test.COMPARE, Test.KIND)
_ALL = (*_EASY, Test.TURN, Test.SUM, Test.SUM)
_PLAIN = ("started", "whole", "greater", "of_first", "round_up")
# What a slip of the deeper attributes changes shows only at one value, or after earlier orders:
# their share rises from level to level, and with it what orders at random leave unseen.
LEVELS = {
    1: Level(9, 4, 1, _EASY, _PLAIN, 1),
    2: Level(10, 4, 1, _EASY, (*_PLAIN, "strict", "strict"), 1),
    3: Level(10, 4, 2, _EASY, (*_PLAIN, "either", *("strict",) * 2), 1),
    4: Level(
        11, 5, 2, _ALL, ("started", "round_up", "either", "last", *("strict", "including") * 2), 5
    ),
    5: Level(12, 5, 2, _ALL, ("strict", "strict", "including"), 7),
}


@dataclass(frozen=True)
class FlawProof:
    """Orders whose last one costs something else by the terms than with one slip."""

    orders: tuple[Order, ...]
    due: int
    """By the terms, in cents."""


@dataclass(frozen=True)
class Plan:
    """Everything that the program, its terms, the judge and the reference are made from."""

    title: str
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    clauses: tuple[TariffClause, ...]
    """By the terms."""
    slips: tuple[Slip, ...]
    """0 to 3, at most one a clause, in the order of the clauses."""
    proofs: tuple[FlawProof, ...]
    """One for each slip."""

    @property
    def program(self) -> tuple[TariffClause, ...]:
        """The clauses as the program has them."""
        return self.only(self.slips)

    def only(self, slips: Sequence[Slip]) -> tuple[TariffClause, ...]:
        """The clauses with these slips alone."""
        clauses = self.clauses
        for slip in slips:
            clauses = slipped(clauses, slip)
        return clauses


def make_plan(draw: Draws, difficulty: int) -> Plan:
    """Draw a plan."""
    level = LEVELS[difficulty]
    title = draw.pick(TITLES)
    fields = tuple(draw.sample(NUMBERS, level.fields))
    kinds = tuple(draw.sample(KINDS, draw.between(3, 5)))
    clauses = tuple(_clause(draw, level, fields, kinds, place) for place in range(level.clauses))
    wanted = draw.pick(_COUNTS)
    slips, proofs = _planted(draw, level, clauses, (fields, kinds), wanted)
    return Plan(title, fields, kinds, clauses, slips, proofs)


def _clause(
    draw: Draws, level: Level, fields: tuple[str, ...], kinds: tuple[str, ...], place: int
) -> TariffClause:
    if place < 2:  # noqa: PLR2004 - what is due must come to something before clauses change it
        return TariffClause((), _charge(draw, fields))
    count = draw.between(0 if level.most_conditions == 1 else 1, level.most_conditions)
    conditions: list[Condition] = []
    while len(conditions) < count:
        condition = _condition(draw, draw.pick(level.tests), fields, kinds)
        # Two conditions on one thing could never hold together.
        if all((c.test, c.field) != (condition.test, condition.field) for c in conditions):
            conditions.append(condition)
    effect = _charge(draw, fields) if draw.below(2) else _adjustment(draw)
    return TariffClause(tuple(conditions), effect, bool(draw.below(2)) and count > 1)


def _condition(
    draw: Draws, test: Test, fields: tuple[str, ...], kinds: tuple[str, ...]
) -> Condition:
    if test is Test.KIND:
        return Condition(test, words=tuple(draw.sample(kinds, draw.between(1, 2))))
    if test is Test.TURN:
        return Condition(test, number=draw.between(2, 4), last=bool(draw.below(2)))
    strict, low = bool(draw.below(2)), bool(draw.below(2))
    if test is Test.SUM:
        number = draw.between(40, 160)
        return Condition(
            test, draw.pick(fields), number, low, strict=strict, including=bool(draw.below(2))
        )
    return Condition(test, draw.pick(fields), draw.between(12, 70), low, strict=strict)


def _charge(draw: Draws, fields: tuple[str, ...]) -> TariffEffect:
    act = draw.pick((Act.UNIT, Act.BEYOND, Act.CHOICE))
    field, other = draw.sample(fields, 2)
    amount = draw.between(11, 240)
    if act is Act.UNIT:
        size = draw.between(3, 12)
        return TariffEffect(act, amount, field=field, size=size, started=bool(draw.below(2)))
    if act is Act.BEYOND:
        size = draw.between(5, 40)
        return TariffEffect(act, amount, field=field, size=size, whole=bool(draw.below(2)))
    return TariffEffect(
        act,
        amount,
        field=field,
        other=other,
        other_amount=draw.between(11, 240),
        greater=bool(draw.below(2)),
    )


def _adjustment(draw: Draws) -> TariffEffect:
    act = draw.pick((Act.PERCENT, Act.PERCENT, Act.PERCENT, Act.FLAT, Act.LIMIT))
    up = bool(draw.below(2))
    if act is Act.PERCENT:
        amount = draw.between(3, 37)
        of_first, round_up = bool(draw.below(2)), bool(draw.below(2))
        return TariffEffect(act, amount, up, of_first=of_first, round_up=round_up)
    if act is Act.FLAT:
        return TariffEffect(act, draw.between(50, 900), up)
    # A limit far out leaves most orders alone, so that what stands before it shows.
    return TariffEffect(act, draw.between(300, 900) if up else draw.between(14_000, 30_000), up)


def _planted(
    draw: Draws,
    level: Level,
    clauses: tuple[TariffClause, ...],
    named: tuple[tuple[str, ...], tuple[str, ...]],
    wanted: int,
) -> tuple[tuple[Slip, ...], tuple[FlawProof, ...]]:
    """Slips at different clauses, each with a proof: one that cannot show is none."""
    open_slips = [slip for slip in slips_of(clauses) if slip.attribute in level.slips]
    found: dict[Slip, FlawProof] = {}
    while len(found) < wanted and open_slips:
        weights = [level.slips.count(slip.attribute) for slip in open_slips]
        at = draw.below(sum(weights))
        slip = next(s for n, s in enumerate(open_slips) if sum(weights[: n + 1]) > at)
        proof = _proof(draw, level, clauses, slip, named)
        open_slips = [
            s for s in open_slips if s != slip and (proof is None or s.clause != slip.clause)
        ]
        if proof is not None:
            found[slip] = proof
    slips = tuple(sorted(found, key=lambda slip: slip.clause))
    return slips, tuple(found[slip] for slip in slips)


def _proof(
    draw: Draws,
    level: Level,
    clauses: tuple[TariffClause, ...],
    slip: Slip,
    named: tuple[tuple[str, ...], tuple[str, ...]],
) -> FlawProof | None:
    wrong = slipped(clauses, slip)
    edges = edges_of(clauses, slip.clause)
    for _ in range(_PROOF_TRIES):
        size = draw.between(1, level.orders)
        orders = tuple(some_order(draw, *named, edges) for _ in range(size))
        right, other = due_each(clauses, orders), due_each(wrong, orders)
        for place, (first, second) in enumerate(zip(right, other, strict=True)):
            if first != second:
                return FlawProof(orders[: place + 1], first)
    return None


def edges_of(clauses: Sequence[TariffClause], place: int) -> dict[str, list[int]]:
    """Values at which the conditions of the clause at a place change over, by field."""
    edges: dict[str, list[int]] = {}
    for condition in clauses[place].conditions:
        if condition.test is Test.COMPARE:
            edges[condition.field] = [condition.number + by for by in (-1, 0, 0, 0, 1)]
        if condition.test is Test.SUM:
            number = condition.number
            edges[condition.field] = [number // 2, number - number // 2, number, number // 4]
    return edges


def some_order(
    draw: Draws,
    fields: Sequence[str],
    kinds: Sequence[str],
    edges: Mapping[str, Sequence[int]],
) -> Order:
    """An order at random, more often than not at an edge where its field has some."""
    order: dict[str, int | str] = {KIND: draw.pick(kinds)}
    for field in fields:
        at_edge = field in edges and draw.below(3)
        order[field] = draw.pick(edges[field]) if at_edge else draw.between(0, _LARGEST)
    return order
