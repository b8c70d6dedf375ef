"""`touchstone terms`: what terms say, change and promise, and refusals in one line."""

import json
from pathlib import Path

import pytest

import touchstone.terms
from touchstone.cli.app import run

EXAMPLE = Path(str(touchstone.terms.__file__)).with_name("templates") / "example.toml"
PROMISE = "no person without a known nationality reaches mode thinking"


def test_check_repeats_every_rule(capsys: pytest.CaptureFixture[str]):
    assert run(["terms", "check", str(EXAMPLE), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert run(["terms", "check", str(EXAMPLE)]) == 0
    text = capsys.readouterr().out
    assert told["rules"]
    assert all(rule["id"] in text for rule in told["rules"])


def test_a_promise_is_proved_and_without_its_rule_refuted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["terms", "prove", str(EXAMPLE), PROMISE]) == 0
    assert capsys.readouterr().out.startswith("PROVED")
    head, _, rest = EXAMPLE.read_text("utf-8").partition('[[rules]]\nid = "known-nationality"')
    assert rest
    weaker = tmp_path / "weaker.toml"
    weaker.write_text(head + "[[rules]]" + rest.partition("[[rules]]")[2], "utf-8")
    assert run(["terms", "prove", str(weaker), PROMISE]) == 1
    assert capsys.readouterr().out.startswith("REFUTED")
    assert run(["terms", "diff", str(EXAMPLE), str(weaker)]) == 0
    assert "gain" in capsys.readouterr().out.lower()


def test_compile_prints_cedar(capsys: pytest.CaptureFixture[str]):
    assert run(["terms", "compile", str(EXAMPLE)]) == 0
    assert "permit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["check", "no-such-file.toml"],
        ["prove", str(EXAMPLE), "anything goes"],
        ["diff", str(EXAMPLE), "no-such-file.toml"],
        ["check", str(EXAMPLE), "--entities", "x"],
    ],
)
def test_what_cannot_be_used_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(["terms", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_options_of_verdicts_go_with_verdicts(capsys: pytest.CaptureFixture[str]):
    assert run(["bench", "ledger", "--tau", "0.5"]) == 2
    assert "--tau goes with bench verdicts" in capsys.readouterr().err
