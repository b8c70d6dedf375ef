"""The bench of scans: both arms are the same samples, and the better round of each counts."""

from types import SimpleNamespace

import pytest

from touchstone.bench import oversight


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """CPU seconds of samples and of their scan, in the order of measuring; the first warms up."""
    measured = [(9.0, 9.0), (4.0, 3.0), (5.0, 1.0)]
    monkeypatch.setattr(oversight, "_both", lambda *_: measured.pop(0))
    monkeypatch.setattr(oversight, "import_cpu", lambda: 2.0)
    monkeypatch.setattr(oversight, "preflight", lambda: SimpleNamespace(grade="confined"))
    return measured


def test_the_scan_is_counted_on_top_of_its_own_samples(rounds: list[tuple[float, float]]):
    alone, scanned, loaded = oversight.run(40).rows
    assert (alone.value, scanned.value, loaded.value) == (100.0, 125.0, 2000.0)
    assert (scanned.ratio, scanned.met) == (1.25, True)
    assert rounds == []


def test_a_scan_beyond_the_goal_does_not_meet_it(rounds: list[tuple[float, float]]):
    rounds[1:] = [(4.0, 2.0), (4.0, 1.5)]
    _, scanned, _ = oversight.run(40).rows
    assert scanned.met is False


def test_without_a_sandbox_nothing_is_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(oversight, "preflight", lambda: SimpleNamespace(grade="none"))
    assert oversight.run().rows == ()
