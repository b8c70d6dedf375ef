"""The program of an item: the same clauses in one of many shapes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.tariff_flaws.forms import Scope, condition_form, effect_form
from touchstone.evaluation.families.tariff_flaws.plan import Plan
from touchstone.evaluation.families.tariff_flaws.rules import KIND, TariffClause, Test
from touchstone.evaluation.families.tariff_flaws.words import LOCALS, VERBS

SHAPES = ("straight", "functions", "methods", "registered", "closures")


@dataclass(frozen=True)
class _Style:
    """What is drawn once for a program."""

    shape: str
    access: str
    """How a field is reached: subscript, unpacked, attribute."""
    due: str
    first: str
    sums_with: bool
    place_from: int
    names: tuple[str, ...]
    """What the clauses' functions are called."""
    past: bool
    """Whether the earlier orders are kept, and not their sums."""
    order: tuple[int, ...]
    """In which order the functions stand."""
    arguments: tuple[str, ...]
    """What each function is told, where there are functions of their own."""
    remembers: bool
    """Whether any clause looks at earlier orders."""
    numbered: bool
    """Whether any clause looks at which order this is."""
    looped: bool
    """Whether the clauses' functions are called in a loop, where they can be."""
    aliased: bool
    """Whether a method names the order first."""

    @property
    def returns(self) -> bool:
        """Whether the clauses are functions that give what is due after them."""
        return self.shape in {"functions", "registered"}


def program(plan: Plan, clauses: Sequence[TariffClause], label: str) -> str:
    """tariff.py of these clauses. The same label gives the same shape and forms."""
    style = _style(plan, Draws(f"{label}/style"))
    bodies = [
        _body(clause, _scope(plan, style), Draws(f"{label}/clause {place}"), style.returns)
        for place, clause in enumerate(clauses)
    ]
    return "\n".join(_SHAPES[style.shape](plan, style, bodies)) + "\n"


def _style(plan: Plan, draw: Draws) -> _Style:
    due, first = draw.sample(LOCALS, 2)
    count = len(plan.clauses)
    names = [
        f"{draw.pick(VERBS)}_{draw.pick(plan.fields)}_{n}" for n in draw.sample(range(90), count)
    ]
    shape = draw.pick(SHAPES)
    tests = {condition.test for clause in plan.clauses for condition in clause.conditions}
    remembers, numbered, past = Test.SUM in tests, Test.TURN in tests, bool(draw.below(2))
    told = ["order", due, first]
    told += [("past" if past else "sums")] * remembers + ["place"] * numbered
    return _Style(
        shape=shape,
        access=draw.pick(("subscript", "attribute", "unpacked")),
        due=f"self.{due}" if shape == "methods" else due,
        first=f"self.{first}" if shape == "methods" else first,
        sums_with=bool(draw.below(2)),
        place_from=draw.below(2),
        names=tuple(names),
        past=past,
        order=tuple(draw.sample(range(count), count)),
        arguments=tuple(draw.sample(told, len(told))),
        remembers=remembers,
        numbered=numbered,
        looped=bool(draw.below(2)),
        aliased=bool(draw.below(2)),
    )


def _scope(plan: Plan, style: _Style) -> Scope:
    own = "self." if style.shape == "methods" else ""
    order = "order" if style.aliased else f"{own}order"
    fields = {
        field: {
            "subscript": f"{order}[{field!r}]",
            "attribute": f"{order}.{field}",
            "unpacked": field,
        }[style.access]
        for field in (KIND, *plan.fields)
    }
    each = "each[{!r}]" if style.access == "subscript" else "each.{}"
    sums = {
        field: f"sum({each.format(field)} for each in {own}past)"
        if style.past
        else f"{own}sums[{field!r}]"
        for field in plan.fields
    }
    return Scope(
        fields=fields,
        kind=fields[KIND],
        due=style.due,
        first=style.first,
        sums=sums,
        sums_with=style.sums_with,
        place=f"{own}place",
        alone=style.shape in {"methods", "closures"},
        place_from=style.place_from,
    )


def _body(clause: TariffClause, scope: Scope, draw: Draws, returns: bool) -> list[str]:
    """Statements of one clause; where functions return what is due, to the function's end."""
    guards = [condition_form(each, scope, draw) for each in clause.conditions]
    effect = effect_form(clause.effect, scope, draw)
    way, last = draw.below(6), f"return {scope.due}"
    if not guards:
        return _returned(effect, scope.due, way) if returns else effect
    guard = guards[0]
    if len(guards) > 1:
        joint, opposite = ("or", "and") if clause.either else ("and", "or")
        one, other = guards if draw.below(2) else guards[::-1]
        guard = draw.pick(
            (
                f"({one}) {joint} ({other})",
                f"{'any' if clause.either else 'all'}([{one}, {other}])",
                f"not (not ({one}) {opposite} not ({other}))",
            )
        )
    if returns and way in {3, 4}:
        early = draw.below(2)
        if early:
            return [f"if not ({guard}):", f"    {last}", *_returned(effect, scope.due, way)]
        return [f"if {guard}:", *_indented(_returned(effect, scope.due, way)), last]
    if scope.alone and way in {3, 4}:
        return [f"if not ({guard}):", "    return", *effect]
    return [*_guarded(guard, effect, way), *[last] * returns]


def _returned(effect: list[str], due: str, way: int) -> list[str]:
    """The statements and what is due after them, at times in one."""
    *before, last = effect
    if way % 2 and last.startswith(f"{due} = "):
        return [*before, f"return {last.removeprefix(f'{due} = ')}"]
    if way % 2 and last.startswith(f"{due} += "):
        return [*before, f"return {due} + {last.removeprefix(f'{due} += ')}"]
    return [*effect, f"return {due}"]


def _guarded(guard: str, effect: list[str], way: int) -> list[str]:
    inner = _indented(effect)
    if way == 0:
        return [f"holds = {guard}", "if holds:", *inner]
    if way == 1:
        return [f"if not ({guard}):", "    pass", "else:", *inner]
    if way == 2:  # noqa: PLR2004 - one of the ways
        return [f"for _ in range(bool({guard})):", *inner]
    return [f"if {guard}:", *inner]


def _indented(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else line for line in lines]


def _unpack(plan: Plan, style: _Style, body: Sequence[str], order: str = "order") -> list[str]:
    """Local names for the fields that the statements use."""
    if style.access != "unpacked":
        return []
    used = [field for field in (KIND, *plan.fields) if re.search(rf"\b{field}\b", "\n".join(body))]
    return [f"{field} = {order}.{field}" for field in used]


def _imports(style: _Style) -> list[str]:
    if style.access == "subscript":
        return []
    return ["from types import SimpleNamespace", "", ""]


def _read(style: _Style) -> str:
    return "given" if style.access == "subscript" else "SimpleNamespace(**given)"


def _kept(style: _Style, own: str = "") -> list[str]:
    """Statements that remember the order at hand."""
    if not style.remembers:
        return []
    if style.past:
        return [f"{own}past.append({own}order)"]
    value = f"{own}order[name]" if style.access == "subscript" else f"getattr({own}order, name)"
    return [f"for name in {own}sums:", f"    {own}sums[name] += {value}"]


def _state(plan: Plan, style: _Style, own: str = "") -> list[str]:
    if not style.remembers:
        return []
    fields = list(plan.fields)
    return [f"{own}past = []" if style.past else f"{own}sums = dict.fromkeys({fields!r}, 0)"]


def _each_order(style: _Style, kept: list[str], middle: list[str], own: str = "") -> list[str]:
    """The loop's body: the order is read and, before or after its clauses, remembered."""
    read = [f"{own}order = {_read(style)}"]
    if style.sums_with:
        return [*read, *kept, *middle]
    return [*read, *middle, *kept]


def _straight(plan: Plan, style: _Style, bodies: list[list[str]]) -> list[str]:
    named = _unpack(plan, style, list(chain(*bodies)))
    middle = [*named, f"{style.due} = 0", *bodies[0], f"{style.first} = {style.due}"]
    for body in bodies[1:]:
        middle += body
    middle.append(f"done.append({style.due})")
    loop = _each_order(style, _kept(style), middle)
    return [
        *_imports(style),
        "def dues(orders):",
        *_indented(_state(plan, style)),
        "    done = []",
        f"    for place, given in enumerate(orders, {style.place_from}):"
        if style.numbered
        else "    for given in orders:",
        *_indented(loop, 2),
        "    return done",
    ]


def _functions(plan: Plan, style: _Style, bodies: list[list[str]]) -> list[str]:
    lines = _imports(style)
    arguments = ", ".join(style.arguments)
    for at in style.order:
        lines += [
            f"def {style.names[at]}({arguments}):",
            *_indented(_unpack(plan, style, bodies[at])),
            *_indented(bodies[at]),
            "",
            "",
        ]
    steps = ", ".join(style.names[1:])
    middle = [
        f"{style.first} = {style.due} = 0",
        f"{style.first} = {style.due} = {style.names[0]}({arguments})",
        f"for step in ({steps},):",
        f"    {style.due} = step({arguments})",
        f"done += [{style.due}]",
    ]
    return [
        *lines,
        "def dues(orders):",
        f"    done, place = [], {style.place_from}" if style.numbered else "    done = []",
        *_indented(_state(plan, style)),
        "    for given in orders:",
        *_indented(_each_order(style, _kept(style), middle), 2),
        *["        place += 1"] * style.numbered,
        "    return done",
    ]


def _called(names: Sequence[str], style: _Style) -> list[str]:
    if style.looped:
        return [f"for work in [{', '.join(names)}]:", "    work()"]
    return [f"{name}()" for name in names]


def _methods(plan: Plan, style: _Style, bodies: list[list[str]]) -> list[str]:
    lines = [
        *_imports(style),
        "class Customer:",
        "    def __init__(self):",
        *_indented(_state(plan, style, "self."), 2),
        *[f"        self.place = {style.place_from}"] * style.numbered,
        "        self.order = None",
        "",
    ]
    for at in style.order:
        lines += [
            f"    def {style.names[at]}(self):",
            *["        order = self.order"] * (style.aliased and style.access != "unpacked"),
            *_indented(_unpack(plan, style, bodies[at], "self.order"), 2),
            *_indented(bodies[at], 2),
            "",
        ]
    middle = [
        f"{style.due} = {style.first} = 0",
        f"self.{style.names[0]}()",
        f"{style.first} = {style.due}",
        *_called([f"self.{name}" for name in style.names[1:]], style),
    ]
    return [
        *lines,
        "    def take(self, given):",
        *_indented(_each_order(style, _kept(style, "self."), middle, "self."), 2),
        *["        self.place += 1"] * style.numbered,
        f"        return {style.due}",
        "",
        "",
        "def dues(orders):",
        "    customer = Customer()",
        "    return [customer.take(order) for order in orders]",
    ]


def _registered(plan: Plan, style: _Style, bodies: list[list[str]]) -> list[str]:
    arguments = ", ".join(style.arguments)
    lines = [*_imports(style), "STEPS = {}", "", "", "def at(number):", "    def keep(step):"]
    lines += ["        STEPS[number] = step", "        return step", "", "    return keep", "", ""]
    for at in style.order:
        lines += [
            f"@at({at + 1})",
            f"def {style.names[at]}({arguments}):",
            *_indented(_unpack(plan, style, bodies[at])),
            *_indented(bodies[at]),
            "",
            "",
        ]
    middle = [
        f"{style.due} = {style.first} = 0",
        "for number in sorted(STEPS):",
        f"    {style.due} = STEPS[number]({arguments})",
        "    if number == 1:",
        f"        {style.first} = {style.due}",
        f"yield {style.due}",
    ]
    return [
        *lines,
        "def each_due(orders):",
        *_indented(_state(plan, style)),
        f"    for place, given in zip(range({style.place_from}, 10**6), orders):"
        if style.numbered
        else "    for given in iter(orders):",
        *_indented(_each_order(style, _kept(style), middle), 2),
        "",
        "",
        "def dues(orders):",
        "    return list(each_due(orders))",
    ]


def _closures(plan: Plan, style: _Style, bodies: list[list[str]]) -> list[str]:
    lines = [*_imports(style), "def dues(orders):", *_indented(_state(plan, style))]
    lines += [f"    order, place = None, {style.place_from - 1}"] if style.numbered else []
    lines += [f"    {style.due} = {style.first} = 0", ""]
    for at in style.order:
        lines += [
            f"    def {style.names[at]}():",
            f"        nonlocal {style.due}",
            *_indented(_unpack(plan, style, bodies[at]), 2),
            *_indented(bodies[at], 2),
            "",
        ]
    head, *rest = style.names
    middle = [
        f"{style.due} = 0",
        f"{head}()",
        f"{style.first} = {style.due}",
        *_called(rest, style),
        f"done = [*done, {style.due}]",
    ]
    return [
        *lines,
        "    done = []",
        "    while len(done) < len(orders):",
        "        given = orders[len(done)]",
        *["        place += 1"] * style.numbered,
        *_indented(_each_order(style, _kept(style), middle), 2),
        "    return done",
    ]


_SHAPES = {
    "straight": _straight,
    "functions": _functions,
    "methods": _methods,
    "registered": _registered,
    "closures": _closures,
}
