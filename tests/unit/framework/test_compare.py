"""Two frameworks in one table."""

import pytest

from support.frameworks import example_with, text_of
from touchstone.framework import Framework, compare, parse_framework, window_in_words


def shipped(name: str) -> Framework:
    return parse_framework(text_of(name), name)


def test_may_and_june_side_by_side():
    rows = {row.subject: row for row in compare(shipped("us-2026-05-draft"), shipped("us-2026-06"))}
    assert rows["window"].left == "90 days before public release (America/New_York)"
    assert rows["window"].right == "30 days before public release (America/New_York)"
    assert rows["status"].left == "halted since 2026-05-21"
    assert rows["gate"].same
    assert rows["thresholds"].same
    assert rows["designation"].left == "none named"
    assert rows["designation"].right == "made by nsa; concurrence asked of nobody named"
    assert rows["taking part"].left == "nobody"
    assert "meta negotiating" in rows["taking part"].right
    assert rows["claims that conflict"].left == "none"
    assert rows["claims that conflict"].right == ", ".join(shipped("us-2026-06").conflicts) != ""


def test_a_hypothetical_gate_stands_out():
    (gate,) = [
        row
        for row in compare(shipped("us-2026-05-draft"), shipped("approval-gate"))
        if row.subject == "gate"
    ]
    assert not gate.same
    assert gate.right == "approval (hypothetical, for comparison only)"


def test_numbers_are_written_out():
    rows = {row.subject: row for row in compare(shipped("example"), shipped("us-2026-06"))}
    assert "memory-safety: success-rate above 0.5, zone 0.1" in rows["thresholds"].left
    assert rows["taking part"].left == "example-lab participating"


@pytest.mark.parametrize("name", ["approval-gate", "example", "us-2026-05-draft", "us-2026-06"])
def test_a_framework_agrees_with_itself(name: str):
    assert all(row.same for row in compare(shipped(name), shipped(name)))


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        ("submission", "30 business days from submission (America/Port-au-Prince)"),
        ("partner-release", "30 business days before partner release (America/Port-au-Prince)"),
    ],
)
def test_a_window_in_words(anchor: str, words: str):
    text = example_with(
        'unit = "days"\nanchor = "public-release"\ntimezone = "Europe/London"',
        f'unit = "business-days"\nanchor = "{anchor}"\ntimezone = "America/Port-au-Prince"',
    )
    assert window_in_words(parse_framework(text, "mine.toml").window) == words
