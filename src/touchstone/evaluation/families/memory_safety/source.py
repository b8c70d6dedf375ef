"""The program of an item: the same records in one of many shapes."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.claims.words import NAMES
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety.forms import RecordForms

SHAPES = ("chain", "functions", "table", "numbered", "structures")
_TOLD = {
    "apart": ("int {a}, int {b}", "{a}", "{b}", "a, b"),
    "pair": ("const int *{r}", "{r}[0]", "{r}[1]", "(int[]){{a, b}}"),
    "record": ("const struct {s} *{r}", "{r}->{a}", "{r}->{b}", "&(struct {s}){{a, b}}"),
    "value": ("struct {s} {r}", "{r}.{a}", "{r}.{b}", "(struct {s}){{a, b}}"),
}
"""How a record's function is told its numbers: parameters, both numbers, what it is called with."""


@dataclass(frozen=True)
class _Record:
    word: str
    name: str
    lines: list[str]


def memory_program(plan: ClaimPlan, parts: Sequence[Part], label: str) -> str:
    """program.c of these records. The same label gives the same shape and forms."""
    draw = Draws(f"{label}/style")
    shape, told, names, records = _drawn(plan, parts, label, draw)
    states = [names[key] for key in names if key.startswith(("end ", "flag "))]
    head = [
        "#include <string.h>",
        "",
        "void put(int cell, int value);",
        "unsigned char *at(int cell);",
    ]
    head += ["", *_switches(names, draw), ""]
    if told in {"record", "value"}:
        head += [f"struct {names['s']} {{", f"    int {names['a']}, {names['b']};", "};", ""]
    head += [f"static int {', '.join(states)};" if states else "", ""]
    reset = [f"    {state} = 0;" for state in states]
    tail = ["void begin(void)", "{", *reset, "}"]
    body = _body(shape, told, names, draw.sample(records, len(records)), draw)
    return "\n".join([*head, *body, "", *tail]) + "\n"


def record_texts(plan: ClaimPlan, parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
    """Of each record its statements in the program, and the switches that they name."""
    draw = Draws(f"{label}/style")
    _, _, names, records = _drawn(plan, parts, label, draw)
    switches = "\n".join(_switches(names, draw))
    return [("\n".join(record.lines), switches) for record in records]


def _drawn(
    plan: ClaimPlan, parts: Sequence[Part], label: str, draw: Draws
) -> tuple[str, str, dict[str, str], list[_Record]]:
    shape, told = draw.pick(SHAPES), draw.pick(tuple(_TOLD))
    words = [part["record"] for part in plan.parts]
    wanted = [
        *(
            "a",
            "b",
            "own a",
            "own b",
            "r",
            "s",
            "i",
            "j",
            "one",
            "two",
            "three",
            "four",
            "plus",
            "minus",
        ),
        *("held", "from", "count", "table", "name", "does", "number"),
        *(f"end {part['record']}" for part in plan.parts if part["kind"] == "pour"),
        *(f"flag {part['record']}" for part in plan.parts if part["kind"] == "gate"),
        *(f"record {at}" for at in range(len(parts))),
    ]
    free = [name for name in NAMES if name not in words]
    names = dict(zip(wanted, draw.sample(free, len(wanted)), strict=True))
    if shape == "chain":
        told = "apart"
    given = {key: _TOLD[told][at].format(**names) for at, key in ((1, "a"), (2, "b"))}
    records = [
        _Record(
            part["record"],
            names[f"record {at}"],
            RecordForms(part, names, given, Draws(f"{label}/record {at}")).lines(),
        )
        for at, part in enumerate(parts)
    ]
    return shape, told, names, records


def _switches(names: dict[str, str], draw: Draws) -> list[str]:
    values = {"one": 1, "two": 1, "three": 0, "four": 0, "plus": 1, "minus": -1}
    order = draw.sample(list(values), len(values))
    way = draw.below(3)
    if way == 0:
        return ["enum { " + ", ".join(f"{names[key]} = {values[key]}" for key in order) + " };"]
    if way == 1:
        return [f"#define {names[key]} ({values[key]})" for key in order]
    return [f"static const int {names[key]} = {values[key]};" for key in order]


def _indented(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else line for line in lines]


def _body(
    shape: str, told: str, names: dict[str, str], records: Sequence[_Record], draw: Draws
) -> list[str]:
    parameters, _, _, call = (text.format(**names) for text in _TOLD[told])
    if shape == "chain":
        return _chain(names, records, draw)
    lines: list[str] = []
    for record in records:
        lines += [
            f"static void {record.name}({parameters})",
            "{",
            *_indented(record.lines),
            "}",
            "",
        ]
    if shape == "functions":
        inner: list[str] = []
        for number, record in enumerate(records):
            inner += [f'{"else if" if number else "if"} (!strcmp(name, "{record.word}"))']
            inner += [f"    {record.name}({call});"]
        return [*lines, "void take(const char *name, int a, int b)", "{", *_indented(inner), "}"]
    if shape == "numbered":
        listed = ", ".join(f'"{record.word}"' for record in records)
        cases: list[str] = []
        for number, record in enumerate(records):
            cases += [f"case {number}:", f"    {record.name}({call});", "    break;"]
        return [
            *lines,
            f"static const char *const {names['table']}[] = {{{listed}}};",
            "",
            "void take(const char *name, int a, int b)",
            "{",
            f"    int {names['number']} = 0;",
            f"    while (strcmp({names['table']}[{names['number']}], name))",
            f"        {names['number']}++;",
            f"    switch ({names['number']}) {{",
            *_indented(cases),
            "    }",
            "}",
        ]
    return [*lines, *_looked_up(shape, parameters, call, names, records)]


def _looked_up(
    shape: str, parameters: str, call: str, names: dict[str, str], records: Sequence[_Record]
) -> list[str]:
    """A table of functions; each with its word, or beside a table of words."""
    table, name, does, number = (names[key] for key in ("table", "name", "does", "number"))
    if shape == "table":
        entries = [f'    {{"{record.word}", {record.name}}},' for record in records]
        head = [f"    const char *{name};", f"    void (*{does})({parameters});"]
        return [
            "static const struct {",
            *head,
            f"}} {table}[] = {{",
            *entries,
            "};",
            "",
            "void take(const char *name, int a, int b)",
            "{",
            (
                f"    for (unsigned {number} = 0; {number} < sizeof {table} / sizeof *{table}; "
                f"{number}++)"
            ),
            f"        if (strcmp({table}[{number}].{name}, name) == 0)",
            f"            {table}[{number}].{does}({call});",
            "}",
        ]
    words = ", ".join(f'"{record.word}"' for record in records)
    return [
        f"static const char *{name}[] = {{{words}}};",
        f"static void (*{does}[])({parameters}) = {{{', '.join(r.name for r in records)}}};",
        "",
        "void take(const char *name, int a, int b)",
        "{",
        f"    const char **{number} = {name};",
        f"    while (strcmp(name, *{number}) != 0)",
        f"        ++{number};",
        f"    {does}[{number} - {name}]({call});",
        "}",
    ]


def _chain(names: dict[str, str], records: Sequence[_Record], draw: Draws) -> list[str]:
    del draw
    lines = [f"void take(const char *{names['name']}, int {names['a']}, int {names['b']})", "{"]
    for record in records:
        lines += [f'    if (strcmp({names["name"]}, "{record.word}") == 0) {{']
        lines += [*_indented(record.lines, 2), "        return;", "    }"]
    return [*lines, "}"]
