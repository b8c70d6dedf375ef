"""What one room does for all: reading TOML, reading times, and putting a file in its place."""

import ast
from functools import cache
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
# Each exception has its reason. A new one needs a reason too.
READERS = {
    "handin": "reads for all",
    "verifier": "imports no other room",
    "ledger/forms.py": "the record's own form, as its page has it",
}
WRITERS = {
    "keys/files.py": "writes for all",
    "bench/gateways/scene.py": "one rename and nothing else between two clocks",
}
TIMES = {"strptime", "fromisoformat"}
RENAMES = {"os.replace", "os.rename", "os.renames", "shutil.move", "mkstemp", "NamedTemporaryFile"}
LAST = {each.rpartition(".")[2] for each in RENAMES}
# Programs that run inside a sandbox, where nothing of ours can be imported.
INSIDE = "/solvers/scripts/"


@cache
def found(source: str) -> dict[str, set[str]]:
    """What a module does that one place does for all, by kind: `toml`, `times`, `renames`."""
    kinds: dict[str, set[str]] = {"toml": set(), "times": set(), "renames": set()}
    for node in parsed.nodes(source):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names]
            kinds["toml"] |= {"tomllib"} & {str(name).split(".")[0] for name in names}
        elif isinstance(node, ast.Attribute) and node.attr in TIMES:
            kinds["times"].add(node.attr)
        elif isinstance(node, ast.Call):
            kinds["renames"] |= _renames(node)
    return kinds


def _renames(node: ast.Call) -> set[str]:
    last = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
    if last not in LAST:
        return set()
    name = ast.unparse(node.func)
    called = name if name in RENAMES else name.rpartition(".")[2]
    if called in RENAMES:
        return {called}
    # `Path.replace` takes one argument; that of texts two, that of times and tuples names.
    if called == "rename" or (called == "replace" and len(node.args) == 1 and not node.keywords):
        return {called}
    return set()


def strangers(kind: str, known: dict[str, str]) -> list[str]:
    return [
        name
        for path in sorted(SOURCE.rglob("*.py"))
        if not (name := str(path.relative_to(SOURCE))).startswith((*known,))
        and INSIDE not in name
        and found(path.read_text("utf-8"))[kind]
    ]


@pytest.mark.parametrize(
    ("kind", "known"), [("toml", READERS), ("times", READERS), ("renames", WRITERS)]
)
def test_one_place_does_it_for_all(kind: str, known: dict[str, str]):
    assert strangers(kind, known) == []


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("toml", "import tomllib as t"),
        ("toml", "from tomllib import loads"),
        ("times", "import datetime as d\nd.datetime.strptime(a, b)"),
        ("times", "from datetime import date\nx = map(date.fromisoformat, y)"),
        ("renames", "import os\nos.replace(a, b)"),
        ("renames", "draft.replace(path)"),
        ("renames", "Path(draft).rename(path)"),
        ("renames", "import tempfile\ntempfile.mkstemp()"),
    ],
)
def test_the_walk_sees_each_kind(kind: str, source: str):
    assert found(source)[kind]


def test_the_walk_leaves_texts_and_copies_alone():
    assert not found("a.replace('x', 'y')\nreplace(facts, a=1)\nat.replace(tzinfo=UTC)")["renames"]


def test_every_exception_is_still_needed():
    for known, kinds in ((READERS, ("toml", "times")), (WRITERS, ("renames",))):
        for name in known:
            place = SOURCE / name
            files = [place] if place.is_file() else [*place.rglob("*.py")]
            assert any(found(each.read_text("utf-8"))[kind] for each in files for kind in kinds)


def test_nothing_takes_the_length_of_escaped_json_for_that_of_a_text():
    """`evaluation.usage.text_bytes` measures for all: escapes make a character six bytes long."""
    measured = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if "len(json.dumps(" in path.read_text("utf-8")
    ]
    assert measured == ["evaluation/usage.py"]
