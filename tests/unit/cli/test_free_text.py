"""Bad text in any option of any command is one line on stderr, exit 2, and nothing written.

The walk finds every option that takes text by itself, so that none that is added later is left out.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from cyclopts import App

from support.small_case import measure, small_case
from touchstone.cli.app import app
from touchstone.handin import is_unseen
from unit.cli.conftest import Command

BAD = {
    "nothing": "",
    "two lines": "one\ntwo",
    "too long": "x" * 600,
    "a turned direction": "a\u202eb",
    "a private character": "a\ue000b",
    "nothing but a blank pattern": "\u2800",
    "a filler": "a\u3164b",
    "selectors": "a\ufe0fb\U000e0100",
    "half a pair": "a\udc80b",
}
SKIP = {"bench": "it makes no record, and what its names may be is tested with it"}


Words = tuple[str, ...]


def commands(of: App, path: Words = ()) -> Iterator[tuple[Words, Callable[..., Any]]]:
    """Every command with its words."""
    for name in of:
        if name.startswith("-"):
            continue
        under = of[name]
        if under.default_command is not None:
            yield (*path, name), under.default_command
        yield from commands(under, (*path, name))


def takes_text(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return takes_text(get_args(annotation)[0])
    return annotation is str or any(map(takes_text, get_args(annotation)))


def options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function, eval_str=True).parameters)


def flag(name: str, parameter: inspect.Parameter) -> str:
    """How an option is called: by its own name, or by that of its parameter."""
    for each in getattr(parameter.annotation, "__metadata__", ()):
        if named := getattr(each, "name", None):
            return str(named if isinstance(named, str) else named[0])
    return "--" + name.strip("_").replace("_", "-")


WALKED = [
    (words, name)
    for words, function in commands(app)
    for name, parameter in options(function).items()
    if takes_text(parameter.annotation) and words[0] not in SKIP
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a case that is being measured, terms, a directive and a table of runs."""
    folder = tmp_path_factory.mktemp("texts")
    with small_case(folder) as case:
        measure(case)
        (folder / "case").write_text(case.id)
    (folder / "runs.csv").write_text("model,item,outcome\n" + "m,a,1\nm,b,0\n" * 3)
    (folder / "file").write_text("")
    return folder


def written(home: Path) -> str:
    """A digest of all that a home holds."""
    found = hashlib.sha256()
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal")):
            found.update(str(path).encode() + path.read_bytes())
    return found.hexdigest()


def arguments(place: Path, words: tuple[str, ...], bad: str, text: str) -> list[str]:
    """A command with what it needs, good but for one text."""
    function = dict(commands(app))[words]
    said: list[str] = []
    for name, parameter in options(function).items():
        needed = parameter.default is inspect.Parameter.empty
        if name == bad:
            said += [flag(name, parameter), text]
        elif needed or (words[-1] == "answer" and name == "contested" and bad == "reason"):
            said += [flag(name, parameter), good(place, name)]
    return said


def good(place: Path, name: str) -> str:
    known = {
        "case": (place / "case").read_text(),
        "submission": str(place / "SUBMISSION.toml"),
        "results": str(place / "runs.csv"),
        "out": str(place / "out"),
        "party": "example-lab",
        "number": "1",
        "claim": "nobody reaches variant final",
        "reason": "a plain line",
        "contested": "a plain line",
        "fingerprint": "SHA256:" + "0" * 64,
    }
    return known.get(name, str(place / "file"))


@pytest.mark.parametrize(
    ("words", "name"), WALKED, ids=[f"{'-'.join(words)}-{name}" for words, name in WALKED]
)
def test_bad_text_is_one_line_and_writes_nothing(
    command: Command,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    name: str,
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(place / "home"))
    monkeypatch.chdir(place)
    before = written(place / "home")
    wrong = {}
    for kind, text in BAD.items():
        said = command(*words, *arguments(place, words, name, text))
        one = len(said.err.splitlines()) == 1 and said.err.startswith("touchstone: ")
        seen = not any(is_unseen(c) for c in (said.out + said.err).replace("\n", ""))
        if not (said.code == 2 and one and seen and said.out == ""):
            wrong[kind] = (said.code, said.out[:80], said.err[:300])
    assert wrong == {}
    assert written(place / "home") == before


def test_the_walk_finds_the_options():
    found = {(" ".join(words), name) for words, name in WALKED}
    assert {
        ("review halt", "reason"),
        ("review run", "resume"),
        ("keys rotate", "reason"),
        ("terms decline", "reason"),
        ("directive answer", "contested"),
    } <= found
    assert len(found) > 30
