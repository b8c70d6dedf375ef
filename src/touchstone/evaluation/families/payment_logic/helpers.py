"""The helpers of a ledger: small functions under names without meaning, each in several forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic.bodies import LedgerScope


@dataclass(frozen=True)
class Helper:
    """A helper of a program."""

    name: str
    arguments: tuple[str, ...]
    lines: list[str]


SWITCHED = ("there", "part", "split", "end")
"""Helpers that do one of two things."""


def helpers(scope: LedgerScope, draw: Draws, used: str) -> list[Helper]:
    """The helpers that rules use, in drawn order."""
    wanted = [name for name in _MAKERS if f"{scope.names[name]}(" in used]
    return [_tool(scope, draw, name) for name in draw.sample(wanted, len(wanted))]


def _tool(scope: LedgerScope, draw: Draws, name: str) -> Helper:
    names = scope.names
    arguments = tuple(names[each] for each in _ARGUMENTS[name])
    if name not in SWITCHED:
        return Helper(names[name], arguments, _MAKERS[name](scope, draw, *arguments))
    switch = arguments[-1]
    forms = (f"(1 - {switch})", f"({switch} == 0)", f"(not {switch})", f"({switch} ^ 1)")
    plain = (switch, f"({switch} > 0)", f"({switch} == 1)", f"bool({switch})")
    way = draw.below(len(forms))
    yes, no = (forms[way], plain[way]) if scope.turned[name] else (plain[way], forms[way])
    value = _MAKERS[name](scope, draw, *arguments[:-1], yes, no)
    local = names["base"]
    lines = draw.pick(([f"return {value}"], [f"{local} = {value}", f"return {local}"]))
    return Helper(names[name], arguments, lines)


_ARGUMENTS = {
    "there": ("given", "switch"),
    "part": ("given", "taken", "switch"),
    "split": ("given", "taken", "switch"),
    "end": ("given", "switch"),
    "pay": ("given", "taken", "due"),
    "note": ("place", "given", "rest", "fee", "source", "target"),
}


def _there(scope: LedgerScope, draw: Draws, one: str, yes: str, no: str) -> str:
    """What is free, or all."""
    money, held = scope.cell("money", one), scope.cell("held", one)
    return draw.pick(
        (
            f"{money} - {held} * {yes}",
            f"{money} - {yes} * {held}",
            f"{money} if {no} else {money} - {held}",
            f"sum([{money}, -{held} * {yes}])",
            f"-({held} if {yes} else 0) + {money}",
        )
    )


def _part(scope: LedgerScope, draw: Draws, one: str, two: str, yes: str, no: str) -> str:
    """Rounded up, or down."""
    del scope
    return draw.pick(
        (
            f"({one} + ({two} - 1) * {yes}) // {two}",
            f"divmod({one} + {yes} * ({two} - 1), {two})[0]",
            f"-(-{one} // {two}) if {yes} else {one} // {two}",
            f"{one} // {two} if {no} else ({one} - 1) // {two} + 1",
            f"{one} // {two} + min({one} % {two}, {yes})",
            f"len(range(({two} - 1) * {no}, {one}, {two}))",
        )
    )


def _split(scope: LedgerScope, draw: Draws, one: str, two: str, yes: str, no: str) -> str:
    """What is taken and what is given, with a charge on top, or out of the amount."""
    del scope
    return draw.pick(
        (
            f"({one} + {two} * {yes}, {one} - {two} * {no})",
            f"({one} + {two}, {one}) if {yes} else ({one}, {one} - {two})",
            f"({one}, {one} - {two}) if {no} else (sum([{one}, {two}]), {one})",
            f"[{one} + {yes} * {two}, {one} - ({two} if {no} else 0)]",
        )
    )


def _end(scope: LedgerScope, draw: Draws, one: str, yes: str, no: str) -> str:
    """The first, or the last."""
    del scope
    return draw.pick(
        (
            f"{one}[{yes} - 1]",
            f"{one}[-1 * {no}]",
            f"{one}[0 if {yes} else -1]",
            f"{one}[(len({one}) - 1) * {no}]",
            f"next(reversed({one}) if {no} else iter({one}))",
        )
    )


def _pay(scope: LedgerScope, draw: Draws, one: str, two: str, three: str) -> list[str]:
    less, more = scope.cell("money", one), scope.cell("money", two)
    return draw.pick(
        (
            [f"{less} -= {three}", f"{more} += {three}"],
            [
                f"for name, sign in (({one}, -1), ({two}, 1)):",
                f"    {scope.cell('money', 'name')} += sign * {three}",
            ],
            [f"{more} = {more} + {three}", f"{less} = {less} - {three}"],
        )
    )


def _note(scope: LedgerScope, draw: Draws, *given: str) -> list[str]:
    tables = ("paid", "left", "fees", "payer", "payee")
    lines = [f"{scope.cell(t, given[0])} = {v}" for t, v in zip(tables, given[1:], strict=True)]
    return draw.sample(lines, len(lines))


_MAKERS: dict[str, Callable[..., Any]] = {
    "there": _there,
    "part": _part,
    "split": _split,
    "end": _end,
    "pay": _pay,
    "note": _note,
}
