"""Benches are found by name, and an option goes only with the bench that takes it."""

from typing import Any

import pytest

from touchstone.bench import directive, gateway, run
from touchstone.bench.table import BenchTable
from touchstone.errors import BadInputError


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("none", {}, "no bench is called 'none'; there are ledger"),
        ("terms", {"rounds": 3}, "--rounds goes with bench gateway or directive"),
        ("directive", {"seconds": 1.0}, "--seconds goes with bench gateway"),
        (None, {"rounds": 3}, "--rounds goes with"),
        ("gateway", {"shuffle_items": True}, "--shuffle-items goes with bench verdicts"),
        ("directive", {"rounds": 0}, "--rounds is 0: write at least 1"),
        ("gateway", {"rounds": 0}, "--rounds is 0: write at least 1"),
        ("gateway", {"seconds": 0.0}, "--seconds is 0: write more than 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(name: str | None, options: dict[str, Any], says: str):
    with pytest.raises(BadInputError, match=says):
        run.run_benches(name, options)


def test_options_reach_the_bench(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def noted(**options: Any) -> BenchTable:
        asked.append(options)
        return BenchTable("noted", ())

    monkeypatch.setattr(directive, "run", noted)
    monkeypatch.setattr(gateway, "run", noted)
    run.run_benches("directive", {"rounds": 100})
    run.run_benches("gateway", {"rounds": 1, "seconds": 2.0})
    assert asked == [{"rounds": 100}, {"rounds": 1, "seconds": 2.0}]


def test_all_are_those_that_take_minutes_at_most(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    class Noting:
        def __init__(self, name: str) -> None:
            self.name = name.rpartition(".")[2]

        def run(self, **_: Any) -> BenchTable:
            asked.append(self.name)
            return BenchTable(self.name, ())

    monkeypatch.setattr(run, "import_module", Noting)
    run.run_benches()
    assert asked == [each for each in run.NAMES if each not in {"portal", "cheats"}]
