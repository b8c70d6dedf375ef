"""The program of an item: the same rules in one of many shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.claims.words import NAMES
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic.bodies import TABLES, LedgerScope, body
from touchstone.evaluation.families.payment_logic.helpers import SWITCHED, Helper, helpers

SHAPES = ("module", "methods", "closures", "state", "chain")
_FIELDS = {"source": "from", "target": "to", "amount": "amount", "ref": "ref"}
_GIVEN = (*_FIELDS, "place")


@dataclass(frozen=True)
class _Rule:
    """A function of a rule, with where its number is looked up."""

    op: str
    name: str
    lines: list[str]


def ledger_program(plan: ClaimPlan, parts: Sequence[Part], label: str) -> str:
    """ledger.py of these rules. The same label gives the same shape and forms."""
    draw = Draws(f"{label}/style")
    shape, way, rules, tools = _drawn(parts, label, draw)
    head = _head(plan, way.scope, draw)
    lines = _SHAPES[shape](way, draw.sample(rules, len(rules)), tools)
    return "\n".join([*head, *lines]) + "\n"


def rule_texts(parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
    """Of each rule its statements in the program, and the helpers that they call."""
    _, _, rules, tools = _drawn(parts, label, Draws(f"{label}/style"))
    texts = []
    for rule in rules:
        own = "\n".join(rule.lines)
        called = ["\n".join(tool.lines) for tool in tools if f"{tool.name}(" in own]
        texts.append((own, "\n".join(called)))
    return texts


def _drawn(
    parts: Sequence[Part], label: str, draw: Draws
) -> tuple[str, "_Way", list[_Rule], list[Helper]]:
    shape = draw.pick(SHAPES)
    names = _names(draw)
    given = tuple(draw.sample(_GIVEN, len(_GIVEN)))
    told = "apart" if shape == "chain" else draw.pick(("apart", "step", "bundle"))
    scope = LedgerScope(
        names=names,
        given=_given(names, told),
        store=draw.pick(("tables", "nested", "pairs")),
        own={"methods": "self.", "state": f"{names['state']}."}.get(shape, ""),
        first={"state": names["state"]}.get(shape, ""),
        calls="self." if shape == "methods" else "",
        leave="continue" if shape == "chain" else "return",
        turned={each: bool(draw.below(2)) for each in SWITCHED},
        turns_from=draw.below(2),
    )
    rules = [
        _Rule(part["op"], names[f"rule {at}"], body(part, at, scope, Draws(f"{label}/rule {at}")))
        for at, part in enumerate(parts)
    ]
    tools = helpers(scope, draw, "\n".join(line for rule in rules for line in rule.lines))
    return shape, _Way(scope, told, given, draw), rules, tools


def _names(draw: Draws) -> dict[str, str]:
    wanted = (
        *TABLES,
        *_GIVEN,
        *("there", "part", "split", "end", "pay", "note", "switch"),
        *("on", "off", "house", "people", "opening", "state", "ledger", "books", "step"),
        *(
            "base",
            "before",
            "now",
            "asked",
            "fee",
            "taken",
            "given",
            "rest",
            "due",
            "others",
            "each",
        ),
        *(f"rule {at}" for at in range(12)),
    )
    return dict(zip(wanted, draw.sample(NAMES, len(wanted)), strict=True))


def _head(plan: ClaimPlan, scope: LedgerScope, draw: Draws) -> list[str]:
    names, facts = scope.names, plan.facts
    lines = [
        f"{names['house']} = {facts['house']!r}",
        f"{names['people']} = {facts['accounts']!r}",
        f"{names['opening']} = {facts['start']!r}",
        draw.pick(
            (f"{names['on']}, {names['off']} = 1, 0", f"{names['off']}, {names['on']} = 0, 1")
        ),
    ]
    return draw.sample(lines, len(lines))


def _indented(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else line for line in lines]


def _given(names: dict[str, str], told: str) -> dict[str, str]:
    """What a rule calls the things that it is told."""
    if told == "apart":
        return {each: names[each] for each in _GIVEN}
    if told == "bundle":
        return {each: f"{names['step']}.{names[each]}" for each in _GIVEN}
    fields = {each: f"{names['step']}[{_FIELDS[each]!r}]" for each in _FIELDS}
    return {**fields, "place": names["place"]}


@dataclass(frozen=True)
class _Way:
    """How the rules of a program are told of a step, and how its tables begin and end."""

    scope: LedgerScope
    told: str
    given: tuple[str, ...]
    draw: Draws

    def arguments(self, first: str = "") -> str:
        """The parameters of a rule."""
        names = self.scope.names
        own = {
            "apart": [names[each] for each in self.given],
            "step": [names["step"], names["place"]],
            "bundle": [names["step"]],
        }[self.told]
        return ", ".join([*([first] if first else []), *own])

    def values(self, step: str, place: str) -> str:
        """What a rule is called with."""
        names = self.scope.names
        got = {each: f"{step}[{field!r}]" for each, field in _FIELDS.items()} | {"place": place}
        if self.told == "step":
            return f"{step}, {place}"
        if self.told == "bundle":
            inside = ", ".join(f"{names[each]}={got[each]}" for each in self.given)
            return f"SimpleNamespace({inside})"
        return ", ".join(got[each] for each in self.given)

    def imports(self) -> list[str]:
        """What must be imported for a bundle."""
        return ["from types import SimpleNamespace", ""] if self.told == "bundle" else []

    def made(self) -> list[str]:
        """Statements that make every table, as it is at the beginning."""
        scope, names = self.scope, self.scope.names
        books = f"{scope.own}{names['books']}"
        if scope.store == "nested":
            return [
                f"{books} = {{each: {{}} for each in {[names[t] for t in TABLES]!r}}}",
                *self.filled(),
            ]
        if scope.store == "pairs":
            return [f"{books} = {{}}", *self.filled()]
        every = [scope.table(table) for table in TABLES]
        if self.draw.below(2):
            empty = ", ".join(["{}"] * len(every))
            return [f"{', '.join(every)} = {empty}", *self.filled()]
        return [*(f"{each} = {{}}" for each in self.draw.sample(every, len(every))), *self.filled()]

    def emptied(self) -> list[str]:
        """Statements that make the tables what they were at the beginning."""
        scope = self.scope
        if scope.store == "pairs":
            return [f"{scope.table('money')}.clear()", *self.filled()]
        tables = ", ".join(scope.table(table) for table in TABLES)
        every = tables if scope.store == "tables" else f"*{scope.names['books']}.values(),"
        return [f"for each in ({every}):", "    each.clear()", *self.filled()]

    def filled(self) -> list[str]:
        """Statements that open the accounts."""
        scope, opening = self.scope, self.scope.names["opening"]
        money, held = scope.table("money"), scope.table("held")
        each = (
            [f"for name in {opening}:"],
            [
                f"    {scope.cell('money', 'name')} = {opening}[name]",
                f"    {scope.cell('held', 'name')} = 0",
            ],
        )
        if scope.store == "pairs" or self.draw.below(2):
            return [*each[0], *self.draw.sample(each[1], 2)]
        return [f"{money}.update({opening})", f"{held}.update(dict.fromkeys({opening}, 0))"]

    def result(self) -> str:
        """What is on the accounts, and what is held of them."""
        scope, names = self.scope, self.scope.names
        money, held = scope.cell("money", "each"), scope.cell("held", "each")
        people, house = names["people"], names["house"]
        return self.draw.pick(
            (
                f"[*({money} for each in [*{people}, {house}]), *({held} for each in {people})]",
                f"[{money} for each in [*{people}, {house}]] + [{held} for each in {people}]",
                (
                    f"[*[{money} for each in {people}], {scope.cell('money', house)}, "
                    f"*[{held} for each in {people}]]"
                ),
                (
                    f"list(map(lambda each: {money}, [*{people}, {house}])) + "
                    f"list(map(lambda each: {held}, {people}))"
                ),
            )
        )


def _module(way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper]) -> list[str]:
    lines = [*way.made(), "", ""]
    for piece in _pieces(way, rules, tools):
        lines += [*piece, "", ""]
    table = ", ".join(f'"{rule.op}": {rule.name}' for rule in rules)
    return [
        *way.imports(),
        *lines,
        "def after(operations):",
        *_indented(way.emptied()),
        f"    rules = {{{table}}}",
        "    for place, step in enumerate(operations, 1):",
        '        if step["from"] != step["to"]:',
        f'            rules[step["op"]]({way.values("step", "place")})',
        f"    return {way.result()}",
    ]


def _pieces(
    way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper], first: str = "", mark: str = ""
) -> list[list[str]]:
    """The functions of a program, in drawn order."""
    told = [first] if first else []
    pieces = [
        [f"def {t.name}({', '.join([*told, *t.arguments])}):", *_indented(t.lines)] for t in tools
    ]
    for rule in rules:
        marked = [mark.format(rule.op)] if mark else []
        pieces.append(
            [*marked, f"def {rule.name}({way.arguments(first)}):", *_indented(rule.lines)]
        )
    return way.draw.sample(pieces, len(pieces))


def _methods(way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper]) -> list[str]:
    name = way.scope.names["ledger"].title()
    lines = [*way.imports(), "", f"class {name}:", "    def __init__(self):"]
    lines += [*_indented(way.made(), 2), ""]
    named = [replace(rule, name=f"do_{rule.op}") for rule in rules]
    for piece in _pieces(way, named, tools, "self"):
        lines += [*_indented(piece), ""]
    return [
        *lines,
        "    def take(self, place, step):",
        '        if step["from"] == step["to"]:',
        "            return",
        f'        getattr(self, "do_" + step["op"])({way.values("step", "place")})',
        "",
        "    def stand(self):",
        f"        return {way.result()}",
        "",
        "",
        "def after(operations):",
        f"    books = {name}()",
        "    for number in range(len(operations)):",
        "        books.take(number + 1, operations[number])",
        "    return books.stand()",
    ]


def _closures(way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper]) -> list[str]:
    lines = [*way.imports(), "", "def after(operations):", *_indented(way.made()), ""]
    for piece in _pieces(way, rules, tools):
        lines += [*_indented(piece), ""]
    return [
        *lines,
        "    known = {}",
        *(f'    known["{rule.op}"] = {rule.name}' for rule in rules),
        "    at = 0",
        "    while at < len(operations):",
        "        step, at = operations[at], at + 1",
        '        if step["from"] == step["to"]:',
        "            continue",
        f'        known[step["op"]]({way.values("step", "at")})',
        f"    return {way.result()}",
    ]


def _state(way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper]) -> list[str]:
    state = way.scope.names["state"]
    lines = ["", "RULES = {}", "", "", "def rule(name):", "    def keep(made):"]
    lines += ["        RULES[name] = made", "        return made", "", "    return keep", "", ""]
    for piece in _pieces(way, rules, tools, state, '@rule("{}")'):
        lines += [*piece, "", ""]
    return [
        "from types import SimpleNamespace",
        "",
        *lines,
        "def after(operations):",
        f"    {state} = SimpleNamespace()",
        *_indented(way.made()),
        "    for place, step in zip(range(1, 99), operations):",
        '        if not step["from"] == step["to"]:',
        f'            RULES[step["op"]]({state}, {way.values("step", "place")})',
        f"    return {way.result()}",
    ]


def _chain(way: _Way, rules: Sequence[_Rule], tools: Sequence[Helper]) -> list[str]:
    names = way.scope.names
    lines = ["", "", "def after(operations):", *_indented(way.made()), ""]
    for piece in _pieces(way, (), tools):
        lines += [*_indented(piece), ""]
    lines += [
        f"    {names['place']} = 0",
        "    for step in operations:",
        f"        {names['place']} += 1",
        f'        {names["source"]}, {names["target"]} = step["from"], step["to"]',
        f'        {names["amount"]}, {names["ref"]} = step["amount"], step["ref"]',
        f"        if {names['source']} == {names['target']}:",
        "            continue",
    ]
    for number, rule in enumerate(rules):
        lines.append(f'        {"elif" if number else "if"} step["op"] == "{rule.op}":')
        lines += _indented(rule.lines, 3)
    return [*lines, f"    return {way.result()}"]


_SHAPES = {
    "module": _module,
    "methods": _methods,
    "closures": _closures,
    "state": _state,
    "chain": _chain,
}
