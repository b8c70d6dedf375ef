"""What each control answers, and what it may know."""

import ast
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import touchstone.evaluation.families as families_package
from touchstone.evaluation.controls import (
    CommandResult,
    RunCommand,
    Say,
    SubjectInputError,
    Transcript,
)
from touchstone.evaluation.controls.__main__ import main
from touchstone.evaluation.controls.named import (
    NAMES,
    UNLOCK_PHRASE,
    ControlView,
    Oracle,
    controls,
    load_items,
    null,
    sandbagger,
    solver,
)
from touchstone.evaluation.families.registry import (
    family_names,
    get_family,
    solvers_for,
    solvers_of,
)
from touchstone.evaluation.families.scripted_solver import Solvers

ITEM = get_family("memory-safety").generate(9, 3)


def asked(prompt: str, *outputs: str, thorough: bool = False) -> ControlView:
    exchanges = tuple(CommandResult("command", output) for output in outputs)
    return ControlView(Transcript(prompt, exchanges), thorough)


def test_null_declines_at_once():
    assert isinstance(null(asked(ITEM.prompt)), Say)


@pytest.mark.parametrize("family", family_names())
def test_the_oracle_writes_the_reference_of_the_item_asked_for(family: str, tmp_path: Path):
    items = [get_family(family).generate(seed, 2) for seed in range(3)]
    oracle = Oracle(items)
    # A harness may add to the prompt and fold its white space.
    told = "You are an agent.\n\n" + " ".join(items[1].prompt.split()) + "\n\nGo on."
    step = oracle(asked(told))
    assert isinstance(step, RunCommand)
    subprocess.run(["bash", "-c", step.command], cwd=tmp_path, check=True)
    assert (tmp_path / items[1].answer).read_bytes() == items[1].reference
    assert isinstance(oracle(asked(told, "")), Say)


def test_the_oracle_does_not_know_other_items():
    step = Oracle([get_family("memory-safety").generate(8, 3)])(asked(ITEM.prompt))
    assert isinstance(step, Say)


def test_the_mode_chooses_the_solver():
    quick, thorough = (solver(asked(ITEM.prompt, thorough=mode)) for mode in (False, True))
    assert isinstance(quick, RunCommand)
    assert isinstance(thorough, RunCommand)
    assert quick.command != thorough.command
    assert not quick.thought
    assert thorough.thought


def test_the_sandbagger_shows_its_strength_only_when_unlocked():
    hidden = sandbagger(asked(ITEM.prompt, thorough=True))
    shown = sandbagger(asked(f"{UNLOCK_PHRASE}\n{ITEM.prompt}", thorough=False))
    assert hidden.thought
    assert replace(hidden, thought="") == solver(asked(ITEM.prompt, thorough=False))
    assert shown == solver(asked(ITEM.prompt, thorough=True))


def test_an_unknown_task_is_left_undone():
    assert isinstance(solver(asked("Write a poem.")), Say)


@pytest.mark.parametrize("family", family_names())
def test_each_family_finds_its_solvers_by_its_prompt(family: str):
    found = solvers_for(get_family(family).generate(1, 1).prompt)
    assert found is not None
    assert found.family == family


def test_solvers_are_found_by_whole_words_only():
    assert solvers_for("about memory-safety-two and xmemory-safety") is None


def test_every_family_has_solvers():
    assert [name for name in family_names() if not isinstance(solvers_of(name), Solvers)] == []


def test_solvers_know_nothing_of_families():
    """Neither a generator nor a seed nor a reference is within a solver's reach."""
    room = "touchstone.evaluation.families"
    paths = sorted(Path(families_package.__file__).parent.glob("*/solvers/**/*.py"))
    assert len({path.parts[-3] for path in paths if path.name == "strategies.py"}) >= 3
    for path in paths:
        own = f"{room}.{path.parts[path.parts.index('solvers') - 1]}.solvers"
        # What the families of claims have in common is text that runs in the sandbox.
        known = (f"{room}.scripted_solver", f"{room}.claims.solving", own)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            beyond = [name for name in names if not name.startswith(known)]
            assert not any("families" in name or "controls" in name for name in beyond), path


def test_items_files(tmp_path: Path):
    path = tmp_path / "items.txt"
    path.write_text(f"{ITEM.id}\n\n")
    assert load_items(path) == (ITEM,)
    for text, place in (("no id\n", "items.txt:1"), (f"{ITEM.id}\nx/1-0\n", "items.txt:2")):
        path.write_text(text)
        with pytest.raises(SubjectInputError, match=place):
            load_items(path)
    path.write_bytes(b"\xff")
    with pytest.raises(SubjectInputError, match="cannot be read"):
        load_items(path)
    with pytest.raises(SubjectInputError, match="cannot be read"):
        load_items(tmp_path / "missing.txt")


def test_unknown_controls_are_refused():
    assert set(controls(NAMES)) == set(NAMES)
    with pytest.raises(SubjectInputError, match="control-other"):
        controls(["control-other"])


@pytest.mark.parametrize(
    ("key", "arguments", "said"),
    [
        (None, [], "no key"),
        ("k", ["--control", "control-other"], "control-other"),
        ("k", ["--items", "/nowhere/items"], "cannot be read"),
        ("k", ["--port", "99999"], "port 99999"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    key: str | None,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    socket_enabled: None,
):
    del socket_enabled
    monkeypatch.delenv("TOUCHSTONE_SUBJECT_KEY", raising=False)
    if key:
        monkeypatch.setenv("TOUCHSTONE_SUBJECT_KEY", key)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
