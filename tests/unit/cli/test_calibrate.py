"""`touchstone calibrate` as it is typed: table, values, what it keeps and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.cli.app import BAD, DONE, run
from touchstone.service import calibrating
from touchstone.service.calibration_file import recorded_calibration
from touchstone.verdicts.calibration import CalibratedLevel, CalibratedRow, Calibration, SeenRate

FOUND = Calibration(
    seed="s",
    items=12,
    detectors="sha256:d",
    elicitation="sha256:e",
    plants="sha256:p",
    grade="confined",
    engine="Touchstone, Inspect",
    rows=(
        CalibratedRow(
            kind="detector",
            name="tampering",
            forms={
                "plain": SeenRate(flagged=11, of=12),
                "cut": SeenRate(flagged=3, of=12, not_looked_at=1),
            },
            false_alarms=SeenRate(flagged=0, of=92),
        ),
    ),
    levels=(CalibratedLevel(level=1, right=1, solved=1, of=12),),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it would keep a calibration; what runs is not run."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(calibrating, "calibrate", lambda *_: FOUND)
    return tmp_path / "home"


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["calibrate", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_table_says_each_rate_and_that_nothing_clears(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    code, out, _ = typed(capsys)
    assert code == DONE
    assert "11 of 12 (.62 to 1.00)" in out
    assert "3 of 12 (.05 to .65), 1 not looked at" in out
    assert "1 were not looked at: they count at both ends" in out
    assert "That it flags nothing clears nothing." in out
    assert FOUND.digest in out
    assert not home.exists()


def test_json_holds_the_bounds(home: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = typed(capsys, "--json")
    told: dict[str, Any] = json.loads(out)
    assert code == DONE
    assert told["digest"] == FOUND.digest
    (row,) = told["rows"]
    assert row["forms"]["plain"]["low"] == pytest.approx(0.615, abs=1e-3)
    assert row["hard"] == row["forms"]["cut"]
    assert told["levels"][0]["high"] < 1
    assert not home.exists()


def test_record_keeps_it_for_the_reviews_to_come(home: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = typed(capsys, "--record")
    assert code == DONE
    assert recorded_calibration(home) == FOUND
    assert "reviews that run from now on name it" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--items", "0"], "--items 0: write a number from 1 to 100"),
        (["--items", "101"], "--items 101: write a number from 1 to 100"),
        (["--workers", "17"], "--workers 17: write a number from 1 to 16"),
        (["--seed", ""], "--seed: write 1 to 200 ASCII characters on one line"),
        (["--seed", "a\nb"], "--seed: write 1 to 200 ASCII characters on one line"),
    ],
)
def test_what_it_cannot_take_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
):
    code, out, err = typed(capsys, *words)
    assert (code, out, err) == (BAD, "", f"touchstone: {said}\n")
    assert not home.exists()
