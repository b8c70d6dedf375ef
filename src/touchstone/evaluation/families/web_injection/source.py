"""The program of an item: the same pages in one of many shapes."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.claims.words import NAMES
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.web_injection.forms import StepForms

SHAPES = ("functions", "methods", "closures", "marked", "chain")


@dataclass(frozen=True)
class _Page:
    path: str
    name: str
    lines: list[str]


def application(plan: ClaimPlan, parts: Sequence[Part], label: str) -> str:
    """app.py of these pages. The same label gives the same shape and forms."""
    draw = Draws(f"{label}/style")
    shape, forms, pages = _drawn(plan, parts, label, draw)
    helpers = forms.helpers("\n".join(line for page in pages for line in page.lines))
    head = ["from types import SimpleNamespace", "", *forms.constants(), ""]
    body = _SHAPES[shape](forms, draw.sample(pages, len(pages)), draw)
    return "\n".join([*head, *helpers, *body]) + "\n"


def page_texts(plan: ClaimPlan, parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
    """Of each page its statements in the program, and the helpers that they call."""
    _, forms, pages = _drawn(plan, parts, label, Draws(f"{label}/style"))
    texts = []
    for page in pages:
        own = "\n".join(page.lines)
        texts.append((own, "\n".join([*forms.constants(), *forms.helpers(own)])))
    return texts


def _drawn(
    plan: ClaimPlan, parts: Sequence[Part], label: str, draw: Draws
) -> tuple[str, StepForms, list[_Page]]:
    shape = draw.pick(SHAPES)
    wanted = (
        *("value", "given", "made", "decode", "guard", "specials", "few", "escape", "mark"),
        *("one", "two", "three", "four", "local", "other", "known", "holder", "app", "left"),
        *("codes", "each", *(f"page {at}" for at in range(len(parts)))),
    )
    names = dict(zip(wanted, draw.sample(NAMES, len(wanted)), strict=True))
    own = "self." if shape == "methods" else ""
    forms = StepForms(plan.facts, names, own, draw)
    pages = []
    for at, part in enumerate(parts):
        drawn = Draws(f"{label}/page {at}")
        lines = forms.page(part, drawn)
        pages.append(_Page(part["page"], names[f"page {at}"], lines))
    return shape, forms, pages


def _indented(lines: Sequence[str], levels: int = 1) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else line for line in lines]


def _kept(forms: StepForms, page: str, value: str, made: str) -> list[str]:
    """Statements that keep what a page was given and what it made of it."""
    given, kept = forms.table("given"), forms.table("made")
    return forms.draw.pick(
        (
            [f"{given}[{page}] = {value}", f"{kept}[{page}] = {made} or ''"],
            [f"{given}[{page}], {kept}[{page}] = {value}, {made} or ''"],
            [f"{kept}.update({{{page}: {made} or ''}})", f"{given}.update({{{page}: {value}}})"],
            [f"{given}[{page}] = {value}", f"{kept}[{page}] = '' if {made} is None else {made}"],
        )
    )


def _asked(forms: StepForms, draw: Draws, call: str, query: str) -> list[str]:
    """The body of what answers requests: `call` prepares, `query` is what stands before."""
    value = forms.names["left"]
    loops = (
        ["for request in requests:", "    page, value = request['page'], request['value']"],
        ["for page, value in [(each['page'], each['value']) for each in requests]:"],
        ["for request in requests:", "    page = request['page']", "    value = request['value']"],
    )
    loop = draw.pick(loops)
    done = draw.pick(
        (
            f"    answer = None if {value} is None else {query} + {value}",
            f"    answer = {value} if {value} is None else ''.join([{query}, {value}])",
            f"    answer = f'{{{query}}}{{{value}}}' if {value} is not None else None",
        )
    )
    return [
        "answer = None",
        *loop,
        f"    {value} = {call}",
        *_indented(_kept(forms, "page", "value", value)),
        done,
        "return answer",
    ]


def _queries(forms: StepForms) -> str:
    return forms.names["known"]


def _functions(forms: StepForms, pages: Sequence[_Page], draw: Draws) -> list[str]:
    given, made = forms.names["given"], forms.names["made"]
    value, known = forms.names["value"], _queries(forms)
    lines = [f"{given}, {made} = {{}}, {{}}", "", ""]
    for page in pages:
        lines += [f"def {page.name}({value}):", *_indented(page.lines), "", ""]
    table = ", ".join(f"'{page.path}': {page.name}" for page in pages)
    return [
        *lines,
        f"{known} = {{{table}}}",
        "",
        "",
        "def asked(requests):",
        f"    for each in ({given}, {made}):",
        "        each.clear()",
        *_indented(_asked(forms, draw, f"{known}[page](value)", f"{forms.names['codes']}[page]")),
    ]


def _methods(forms: StepForms, pages: Sequence[_Page], draw: Draws) -> list[str]:
    name, value = forms.names["app"].title(), forms.names["value"]
    given, made = forms.names["given"], forms.names["made"]
    lines = [f"class {name}:", "    def __init__(self):"]
    lines += [f"        self.{given} = {{}}", f"        self.{made} = {{}}", ""]
    for page in pages:
        lines += [f"    def on_{page.path}(self, {value}):", *_indented(page.lines, 2), ""]
    body = _asked(
        forms, draw, "getattr(self, 'on_' + page)(value)", f"{forms.names['codes']}[page]"
    )
    return [
        *lines,
        "    def all(self, requests):",
        *_indented(body, 2),
        "",
        "",
        "def asked(requests):",
        f"    return {name}().all(requests)",
    ]


def _closures(forms: StepForms, pages: Sequence[_Page], draw: Draws) -> list[str]:
    given, made = forms.names["given"], forms.names["made"]
    value, known = forms.names["value"], _queries(forms)
    lines = ["def asked(requests):", f"    {given}, {made}, {known} = {{}}, {{}}, {{}}", ""]
    for page in pages:
        lines += [f"    def {page.name}({value}):", *_indented(page.lines, 2), ""]
        lines += [f"    {known}['{page.path}'] = {page.name}", ""]
    body = _asked(forms, draw, f"{known}[page](value)", f"{forms.names['codes']}[page]")
    return [*lines, *_indented(body)]


def _marked(forms: StepForms, pages: Sequence[_Page], draw: Draws) -> list[str]:
    given, made = forms.names["given"], forms.names["made"]
    value, known = forms.names["value"], _queries(forms)
    lines = [f"{given} = {{}}", f"{made} = {{}}", f"{known} = []", "", ""]
    lines += ["def page(path):", "    def keep(made):", f"        {known}.append((path, made))"]
    lines += ["        return made", "", "    return keep", "", ""]
    for one in pages:
        lines += [
            f"@page('{one.path}')",
            f"def {one.name}({value}):",
            *_indented(one.lines),
            "",
            "",
        ]
    return [
        *lines,
        "def asked(requests):",
        f"    {given}.clear()",
        f"    {made}.clear()",
        *_indented(
            _asked(forms, draw, f"dict({known})[page](value)", f"{forms.names['codes']}[page]")
        ),
    ]


def _chain(forms: StepForms, pages: Sequence[_Page], draw: Draws) -> list[str]:
    given, made = forms.names["given"], forms.names["made"]
    value = forms.names["value"]
    lines = [f"def prepared(page, {value}, {given}, {made}):"]
    for number, page in enumerate(pages):
        lines += [f"    {'elif' if number else 'if'} page == '{page.path}':"]
        lines += _indented(page.lines, 2)
    body = _asked(
        forms, draw, f"prepared(page, value, {given}, {made})", f"{forms.names['codes']}[page]"
    )
    return [
        *lines,
        "    return None",
        "",
        "",
        "def asked(requests):",
        f"    {given}, {made} = dict(), dict()",
        *_indented(body),
    ]


_SHAPES = {
    "functions": _functions,
    "methods": _methods,
    "closures": _closures,
    "marked": _marked,
    "chain": _chain,
}
