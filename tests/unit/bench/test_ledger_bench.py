"""The bench measures what it says, on a size that takes no time."""

import sys

import pytest

from touchstone.bench import ledger


def test_every_measure_is_there_and_positive(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger, "PROOFS", 20)
    monkeypatch.setattr(ledger, "GOAL_SIZE", 100)
    monkeypatch.setitem(sys.modules, "pymerkle", None)
    table = ledger.run(sizes=(100,))
    assert table.title == "ledger (CPU time of one core)"
    assert [row.name for row in table.rows] == [
        "appends at 100",
        "verifies at 100",
        "inclusion proofs at 100",
        "consistency proofs at 100",
        "full verification at 100",
        "its peak memory at 100",
    ]
    assert all(row.value > 0 for row in table.rows)
    assert [row.met for row in table.rows] == [None, None, None, None, True, True]


def test_a_missed_goal_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger, "GOAL_SIZE", 10)
    monkeypatch.setattr(ledger, "FULL_SECONDS", 0.0)
    monkeypatch.setattr(ledger, "FULL_MEGABYTES", 0.0)
    assert [row.met for row in ledger._full_rows(10)] == [False, False]
