"""`touchstone plan`: what it prints, and refusals in one line."""

import json
from pathlib import Path

import pytest

from support.reviews import write_submission

from .conftest import Command

URL = "http://127.0.0.1:9/v1"


def test_a_plan_is_a_table_and_words(command: Command, tmp_path: Path):
    said = command("plan", write_submission(tmp_path, URL), "--items", "20")
    assert said.code == 0
    assert "memory-safety, instant" in said.out
    assert "neither" in said.out


def test_a_plan_that_cannot_answer_is_a_no(command: Command, tmp_path: Path):
    words = ("--items", "83", "--clusters", "20", "--points", "5", "--json")
    said = command("plan", write_submission(tmp_path, URL), *words)
    assert said.code == 1
    told = json.loads(said.out)
    assert told["answerable"] is False
    (cannot, *_) = told["runs"][0]["cannot"]
    assert "5 points from the threshold: a model that solves 0.55 of such tasks" in cannot
    assert told["worst"]["samples"] == 3 * 83


def test_a_question_needs_no_submission(command: Command):
    said = command(
        "plan", "--tasks", "83", "--clusters", "20", "--points", "5", "--threshold", "0.5"
    )
    assert said.code == 1
    assert said.out.startswith("5 points on 83 tasks in 20 clusters, against the threshold: power")
    assert command("plan", "--tasks", "900", "--points", "5").code == 0
    said = command("plan", "--attempts", "10", "--rate", "0.1", "--json")
    assert said.code == 1
    assert json.loads(said.out)["needed"] == 29


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name a SUBMISSION.toml, or ask a question"),
        (("--tasks", "83"), "name a SUBMISSION.toml, or ask a question"),
        (("--tasks", "1", "--points", "5"), "at least two clusters"),
        (("--tasks", "83", "--points", "5", "--clusters", "90"), "83 tasks in 90 clusters"),
        (("--tasks", "83", "--points", "nan"), "--points nan"),
        (("--tasks", "83", "--points", "5", "--threshold", "1"), "strictly between 0 and 1"),
        (("--tasks", "83", "--points", "5", "--alpha", "0"), "strictly between 0 and 1"),
        (("--tasks", "83", "--points", "5", "--alpha", "0.9"), "alpha 0.9 must be smaller"),
        (("--tasks", "83", "--points", "5", "--icc", "2"), "0 to below 1, not 2"),
        (("--tasks", "83", "--points", "5", "--items", "3"), "--items goes with a SUBMISSION"),
        (("--out", "plan.html"), "--out goes with a SUBMISSION"),
        (("--attempts", "10"), "--attempts and --rate go together"),
        (("--attempts", "0", "--rate", "0.1"), "at least one attempt"),
        (("--attempts", "3", "--rate", "0.1", "--tasks", "5"), "--tasks does not go with"),
        (("none.toml",), "none.toml"),
    ],
)
def test_what_cannot_be_asked_is_one_line(command: Command, words: tuple[str, ...], told: str):
    assert told in command("plan", *words).refused()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tasks", "83"), "--tasks is for a question without a submission"),
        (("--items", "0"), "--items 0: write a number from 1 to 5000"),
        (("--clusters", "31"), "30 tasks in 31 clusters"),
        (("--icc", "1.5"), "0 to below 1, not 1.5"),
        (("--price-in", "3"), "--price-in and --price-out go together"),
        (("--concurrency", "0"), "--concurrency 0"),
        (("--seconds-per-sample", "0"), "--seconds-per-sample 0"),
        (("--framework", "nope"), "no framework is called 'nope'"),
        (("--framework", "approval-gate"), "is for comparison only"),
    ],
)
def test_options_beside_a_submission(
    command: Command, home: Path, tmp_path: Path, words: tuple[str, ...], told: str
):
    submission = write_submission(tmp_path, URL)
    assert told in command("plan", submission, *words).refused()
    assert not home.exists()
