"""Python for the parts of a clause, each in one of several forms that come to the same.

For each boolean that a program can have wrong, both values have as many forms, and the form is
drawn without a look at the value. So a flawed clause and a right one read alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.tariff_flaws.rules import Act, Condition, TariffEffect, Test


@dataclass(frozen=True)
class Scope:
    """What the parts of a clause are called where it stands."""

    fields: Mapping[str, str]
    """Expression of each field of the order."""
    kind: str
    due: str
    first: str
    """What clause 1 came to."""
    sums: Mapping[str, str]
    """Expression of each field's sum over the orders."""
    sums_with: bool
    """Whether the sums hold this order already."""
    place: str
    place_from: int
    """What `place` is at the first order, 0 or 1."""
    alone: bool
    """Whether the clause has a function of its own that gives nothing back."""


def condition_form(condition: Condition, scope: Scope, draw: Draws) -> str:
    """A condition as an expression that needs brackets beside `and`, `or` and `not`."""
    if condition.test is Test.KIND:
        return _kind(condition, scope, draw)
    if condition.test is Test.TURN:
        return _turn(condition, scope, draw)
    value = scope.fields[condition.field]
    if condition.test is Test.SUM:
        total = scope.sums[condition.field]
        if condition.including == scope.sums_with:
            value = draw.pick((total, f"({total})", f"max({total}, 0)"))
        else:
            sign = "+" if condition.including else "-"
            value = draw.pick((f"({total} {sign} {value})",) * 3)
    return draw.pick(_bounds(value, condition))


def _kind(condition: Condition, scope: Scope, draw: Draws) -> str:
    words = [repr(word) for word in condition.words]
    listed, kind = ", ".join(words), scope.kind
    either = " or ".join(f"{kind} == {word}" for word in words)
    neither = " and ".join(f"{kind} != {word}" for word in words)
    return draw.pick(
        (f"{kind} in [{listed}]", f"{kind} in {{{listed}}}", either, f"not ({neither})")
    )


def _turn(condition: Condition, scope: Scope, draw: Draws) -> str:
    few, place = condition.number, scope.place
    wanted = (scope.place_from + (few - 1 if condition.last else 0)) % few
    return draw.pick(
        (
            f"{place} % {few} == {wanted}",
            f"({place} - {wanted}) % {few} == 0",
            f"not ({place} + {few - wanted}) % {few}",
            f"divmod({place}, {few})[1] == {wanted}",
        )
    )


def _bounds(value: str, condition: Condition) -> tuple[str, ...]:
    n = condition.number
    if condition.low and condition.strict:
        return (
            f"{value} > {n}",
            f"{n} < {value}",
            f"not {value} <= {n}",
            f"{value} >= {n + 1}",
            f"{value} - {n} > 0",
            f"min({value}, {n}) != {value}",
            f"{value} // {n + 1} > 0",
        )
    if condition.low:
        return (
            f"{value} >= {n}",
            f"{n} <= {value}",
            f"not {value} < {n}",
            f"{value} > {n - 1}",
            f"{value} - {n} >= 0",
            f"max({value}, {n}) == {value}",
            f"{value} // {n} > 0",
        )
    if condition.strict:
        return (
            f"{value} < {n}",
            f"{n} > {value}",
            f"not {value} >= {n}",
            f"{value} <= {n - 1}",
            f"{value} - {n} < 0",
            f"max({value}, {n}) != {value}",
            f"{value} // {n} == 0",
        )
    return (
        f"{value} <= {n}",
        f"{n} >= {value}",
        f"not {value} > {n}",
        f"{value} < {n + 1}",
        f"{value} - {n} <= 0",
        f"min({value}, {n}) == {value}",
        f"{value} // {n + 1} == 0",
    )


def effect_form(effect: TariffEffect, scope: Scope, draw: Draws) -> list[str]:
    """Statements that change what is due."""
    due = scope.due
    if effect.act is Act.LIMIT:
        return _limit(effect, due, draw)
    part, loop = _part(effect, scope, draw)
    if loop and draw.below(3) == 0:
        return loop
    way = draw.below(4)
    if way == 0:
        more = [f"part = {part}"]
        return [*more, f"{due} += part" if effect.up else f"{due} = max({due} - part, 0)"]
    if way == 1 and effect.up:
        return [f"{due} = sum([{due}, {part}])"]
    if not effect.up:
        return [
            draw.pick(
                (
                    f"{due} = max(0, {due} - {part})",
                    f"{due} -= min({due}, {part})",
                    f"{due} = max({due} - {part}, 0)",
                )
            )
        ]
    return [draw.pick((f"{due} += {part}", f"{due} = {due} + {part}", f"{due} = {part} + {due}"))]


def _limit(effect: TariffEffect, due: str, draw: Draws) -> list[str]:
    bound, sign, name = effect.amount, *(("<", "max") if effect.up else (">", "min"))
    return draw.pick(
        (
            [f"{due} = {name}({due}, {bound})"],
            [f"if {due} {sign} {bound}:", f"    {due} = {bound}"],
            [f"{due} = {bound} if {due} {sign} {bound} else {due}"],
            [f"{due} = sorted(({bound}, {due}))[{1 if effect.up else 0}]"],
        )
    )


def _part(effect: TariffEffect, scope: Scope, draw: Draws) -> tuple[str, list[str]]:
    """What is added or taken off, and (for some) a loop that adds it."""
    if effect.act is Act.FLAT:
        return str(effect.amount), []
    if effect.act is Act.PERCENT:
        base = scope.first if effect.of_first else scope.due
        return draw.pick(_shares(base, effect.amount, up=effect.round_up)), []
    value = scope.fields[effect.field]
    if effect.act is Act.UNIT:
        count = draw.pick(_counts(value, effect.size, started=effect.started))
        return draw.pick((f"{count} * {effect.amount}", f"{effect.amount} * {count}")), _loop(
            effect, value, scope.due
        )
    if effect.act is Act.BEYOND:
        return draw.pick(_beyond(effect, value)), []
    two = (f"{value} * {effect.amount}", f"{scope.fields[effect.other]} * {effect.other_amount}")
    one, other = two if draw.below(2) else two[::-1]
    return draw.pick(_choices(one, other, greater=effect.greater)), []


def _shares(base: str, percent: int, *, up: bool) -> tuple[str, ...]:
    raw = f"{base} * {percent}"
    if up:
        return (
            f"-(-{raw} // 100)",
            f"({raw} + 99) // 100",
            f"({raw} // 100 + ({raw} % 100 > 0))",
            f"((100 + {raw} - 1) // 100)",
            f"(({raw} - 1) // 100 + 1)",
            f"({base} // 100 * {percent} - -({base} % 100) * {percent} // 100)",
        )
    return (
        f"({raw} // 100)",
        f"({raw} - {raw} % 100) // 100",
        f"divmod({raw}, 100)[0]",
        f"(-(-{raw} // 100) - ({raw} % 100 > 0))",
        f"(({raw} + 100) // 100 - 1)",
        f"({base} // 100 * {percent} + {base} % 100 * {percent} // 100)",
    )


def _counts(value: str, size: int, *, started: bool) -> tuple[str, ...]:
    if started:
        return (
            f"-(-{value} // {size})",
            f"(({value} + {size - 1}) // {size})",
            f"({value} // {size} + ({value} % {size} > 0))",
            f"len(range(0, {value}, {size}))",
            f"(({value} - 1) // {size} + 1)",
            f"sum(at % {size} == 0 for at in range({value}))",
        )
    return (
        f"({value} // {size})",
        f"(({value} - {value} % {size}) // {size})",
        f"(-(-{value} // {size}) - ({value} % {size} > 0))",
        f"len(range({size}, {value} + 1, {size}))",
        f"(({value} + {size}) // {size} - 1)",
        f"sum(at % {size} == {size - 1} for at in range({value}))",
    )


def _loop(effect: TariffEffect, value: str, due: str) -> list[str]:
    left = f"left >= {effect.size}" if not effect.started else "left > 0"
    return [
        f"left = {value}",
        f"while {left}:",
        f"    left -= {effect.size}",
        f"    {due} += {effect.amount}",
    ]


def _beyond(effect: TariffEffect, value: str) -> tuple[str, ...]:
    n, a = effect.size, effect.amount
    if effect.whole:
        return (
            f"({value} * {a} if {value} > {n} else 0)",
            f"{a} * max(0, {value} if {value} > {n} else 0)",
            f"({value} > {n}) * {a} * {value}",
            f"sum({a} for _ in range({value}) if {value} > {n})",
            f"(0, {value} * {a})[{value} > {n}]",
            f"{a} * len(range({value} if {value} > {n} else 0))",
        )
    return (
        f"(({value} - {n}) * {a} if {value} > {n} else 0)",
        f"{a} * max(0, {value} - {n})",
        f"({value} > {n}) * {a} * ({value} - {n})",
        f"sum({a} for at in range({value}) if at >= {n})",
        f"(max({value}, {n}) * {a} - {n * a})",
        f"{a} * len(range({n}, {value}))",
    )


def _choices(one: str, other: str, *, greater: bool) -> tuple[str, ...]:
    if greater:
        return (
            f"max({one}, {other})",
            f"({one} if {one} > {other} else {other})",
            f"sorted([{one}, {other}])[1]",
            f"-min(-{one}, -{other})",
            f"({one} + {other} + abs({one} - {other})) // 2",
            f"({other} + max(0, {one} - {other}))",
        )
    return (
        f"min({one}, {other})",
        f"({one} if {one} < {other} else {other})",
        f"sorted([{one}, {other}])[0]",
        f"-max(-{one}, -{other})",
        f"({one} + {other} - abs({one} - {other})) // 2",
        f"({other} - max(0, {other} - {one}))",
    )
