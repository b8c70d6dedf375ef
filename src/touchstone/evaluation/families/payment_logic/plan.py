"""What one item is: its accounts, its rules, which the program has wrong, and what shows it."""

from collections.abc import Sequence
from typing import Any

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part, planted
from touchstone.evaluation.families.claims.words import VERBS
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic import model
from touchstone.evaluation.families.payment_logic.words import HOUSES, PEOPLE

_SIMPLE = ("move", "bonus", "share", "interest", "move", "bonus")
_STATEFUL = ("hold", "capture", "refund", "capped", "turn")
_SHALLOW = ("top", "of_balance", "rest_first", "up")
# What the deeper slips change shows only at one amount, or after earlier operations: their share
# rises from level to level, and with it what operations at random leave unseen.
LEVELS: dict[int, tuple[int, tuple[str, ...]]] = {
    1: (8, _SHALLOW),
    2: (9, (*_SHALLOW * 2, "fee_back", "strict", "strict")),
    3: (9, (*_SHALLOW, "whole", "fee_back", "strict", "strict")),
    4: (10, ("up", "up", "last", "including", "whole", "remaining", "free", *("strict",) * 3)),
    5: (11, ("free", "whole", "on_free", *("remaining",) * 2, *("strict",) * 3)),
}
"""Of each difficulty, how many rules there are, and what may be wrong."""
DEEPEST = (
    *("including", "remaining", "strict", "free", "last", "on_free", "whole", "fee_back", "up"),
    *("rest_first", "of_balance", "top"),
)


def make_plan(draw: Draws, difficulty: int) -> ClaimPlan:
    """Draw a plan."""
    count, kinds = LEVELS[difficulty]
    accounts = draw.sample(PEOPLE, 4)
    house = draw.pick(HOUSES)
    start = {name: draw.between(900, 3900) for name in accounts}
    facts: dict[str, Any] = {"accounts": accounts, "house": house}
    facts["start"] = {**start, house: draw.between(4000, 9000)}
    parts = _rules(draw, count, difficulty)
    slips, shown = planted(draw, model, facts, parts, kinds)
    return ClaimPlan(draw.pick(HOUSES).title(), facts, tuple(parts), slips, shown)


def _rules(draw: Draws, count: int, difficulty: int) -> list[Part]:
    # Something is paid and something is held, so that there is what refunds and captures refer to.
    kinds = ["move", "hold", "capture", "refund"]
    while len(kinds) < count:
        pool: Sequence[str] = _STATEFUL if draw.below(6) < difficulty else _SIMPLE
        kinds.append(draw.pick(pool))
    names = draw.sample(VERBS, count)
    return [
        _rule(draw, kind, name) for kind, name in zip(draw.sample(kinds, count), names, strict=True)
    ]


def _rule(draw: Draws, kind: str, name: str) -> Part:
    rule: Part = {"op": name, "kind": kind}
    rule |= {each: bool(draw.below(2)) for each in model.SLIPS[kind]}
    if "up" in rule:
        rule["of"] = draw.between(30, 190)
        rule["share"] = draw.between(2, rule["of"] // 6)
    if kind == "move":
        rule["limit"] = draw.between(40, 400)
    if kind == "capped":
        rule["limit"] = draw.between(500, 900)
    if kind == "turn":
        rule |= {"every": draw.between(2, 4), "charge": draw.between(7, 90)}
    return rule
