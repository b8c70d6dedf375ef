"""Use cases take values and ids, never paths or options, and raise codes that are worded once."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import parsed
from touchstone.cli.option_names import option_of, sentence_of
from touchstone.service import errors
from touchstone.service.errors import CannotOrderError, CodedError
from touchstone.service.wording import SENTENCES, sentence_for

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
SERVICE = SOURCE / "service"
FEATURES = ("access", "cases", "measurement", "reporting")
AROUND = ("case_context", "commit", "taking")
"""Modules that every deed goes through, beside those of the features and of `deeds`."""
MODULES = sorted(
    [path for each in FEATURES for path in (SERVICE / each).rglob("*.py")]
    + [SERVICE / f"{each}.py" for each in AROUND]
    + [*(SOURCE / "deeds").rglob("*.py")]
)
TAKES_PATHS = {
    "service/reporting/edition_files.py:_renew",
    "service/reporting/edition_files.py:issue_editions",
}
"""Functions that take a path, as `file:function`: editions are files, and this is where they are
written. It only shrinks."""
CODED = {
    name
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, CodedError)
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    for node in parsed.nodes(source):
        if isinstance(node, Function):
            yield node


def takes_a_path(function: Function) -> bool:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    hints = [ast.unparse(each.annotation) for each in every if each and each.annotation]
    return any(re.search(r"\bPath\b", each) for each in hints)


def names_an_option(function: Function) -> bool:
    """Whether a text of it, but for its docstring, holds two dashes and a letter."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"--[a-z]", node.value)
        for statement in body
        for node in ast.walk(statement)
    )


def having(fault: object) -> set[str]:
    assert callable(fault)
    return {
        f"{path.relative_to(SOURCE)}:{function.name}"
        for path in MODULES
        for function in functions(path.read_text("utf-8"))
        if fault(function)
    }


def test_no_use_case_takes_a_path():
    assert having(takes_a_path) == TAKES_PATHS


def test_no_use_case_names_an_option():
    assert having(names_an_option) == set()


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f(out: Path): pass", takes_a_path),
        ("def f(*, out: 'Path | None' = None): pass", takes_a_path),
        ("def f(*out: Path): pass", takes_a_path),
        ("async def f(out: list[Path]): pass", takes_a_path),
        ("def f():\n    raise E('--as: name it')", names_an_option),
        ("def f(x):\n    '''Doc.'''\n    return f'write {x} --out FOLDER'", names_an_option),
    ],
)
def test_the_walk_sees_each(source: str, fault: object):
    assert callable(fault)
    assert [fault(each) for each in functions(source)] == [True]


def test_the_walk_sees_no_other():
    fine = "def f(path: PathLike):\n    '''Of --out.'''\n    return 'a -- b' + '-- '"
    assert not any(takes_a_path(each) or names_an_option(each) for each in functions(fine))


def raised() -> Iterator[tuple[str, str, set[str]]]:
    """(place, code, what is told) of each coded error that is raised somewhere."""
    for path in sorted(SERVICE.parent.rglob("*.py")):
        for function in functions(path.read_text("utf-8")):
            inside = tuple(ast.walk(function))
            for call in inside:
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in CODED:
                    told = {each.arg or "" for each in call.keywords}
                    for code in _codes(call, inside):
                        yield f"{path.name}:{call.lineno}", code, told


def _codes(call: ast.Call, inside: tuple[ast.AST, ...]) -> set[str]:
    """The codes that a call may raise: as they stand in it, or in what its variable was set to."""
    source: ast.AST = call.args[0]
    if isinstance(source, ast.Name):
        named, line = source.id, call.lineno
        source = max(
            (
                node
                for node in inside
                if isinstance(node, ast.Assign) and node.lineno <= line
                if named in {n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)}
            ),
            key=lambda node: node.lineno,
        ).value
    return {
        str(node.value)
        for node in ast.walk(source)
        if isinstance(node, ast.Constant) and (source is node or node.value in SENTENCES)
    }


def test_each_code_has_its_sentence_and_tells_what_that_needs():
    found = list(raised())
    assert {code for _, code, _ in found} == {*SENTENCES}
    lacking = [
        (place, code, missing)
        for place, code, told in found
        if (missing := _fields(SENTENCES[code]) - told)
    ]
    assert lacking == []


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_a_program_reads_code_and_data_and_a_person_the_sentence():
    error = CannotOrderError("agency-unnamed", agencies=("one", "two"))
    assert (error.code, dict(error.data)) == ("agency-unnamed", {"agencies": ("one", "two")})
    assert str(error) == "party: name the agency that issues; in this case are: one, two"
    assert sentence_of(error) == "--as: name the agency that issues; in this case are: one, two"


def test_what_somebody_typed_is_no_field_and_no_form():
    said = sentence_for("stream-malformed", {"stream": "<party>{0}{stream}"}, option_of)
    assert said.startswith("--stream '<party>{0}{stream}': write letters")
