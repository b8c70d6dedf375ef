"""The bench measures what the issue names, on documents of the size that it names."""

from collections.abc import Callable
from typing import Any

import pytest

from support.terms_files import NOW
from touchstone.bench import terms as bench
from touchstone.terms import Decider, in_force
from touchstone.terms.analysis.difference import difference
from touchstone.terms.analysis.prove import prove

DECISION, DIFFERENCE, PROOF = 140e-6, 0.9, 0.09
"""Seconds that each piece of work takes here: just within the limits."""


class WorkClock:
    """A clock that only the work itself moves: what is measured must have been done."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        """Seconds of work so far."""
        return self.now

    def taking(self, seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, which now takes so long."""

        def slower(*args: Any, **named: Any) -> Any:
            self.now += seconds
            return work(*args, **named)

        return slower


def measured(monkeypatch: pytest.MonkeyPatch, slowness: float) -> list[tuple[str, Any, bool]]:
    """Each row's unit, value and whether its limit is kept, on a machine slower by so much."""
    clock = WorkClock()
    monkeypatch.setattr(bench, "process_time", clock.read)
    monkeypatch.setattr(Decider, "decide", clock.taking(DECISION * slowness, Decider.decide))
    monkeypatch.setattr(bench, "difference", clock.taking(DIFFERENCE * slowness, difference))
    monkeypatch.setattr(bench, "prove", clock.taking(PROOF * slowness, prove))
    return [(row.unit, row.value, bool(row.met)) for row in bench.run(rounds=1, people=500).rows]


@pytest.mark.parametrize(("slowness", "met"), [(1.0, True), (1.2, False)])
def test_every_limit_has_a_row_that_measures_its_work(
    monkeypatch: pytest.MonkeyPatch, slowness: float, *, met: bool
):
    proof = ("ms", pytest.approx(90 * slowness), met)
    assert measured(monkeypatch, slowness) == [
        ("us", pytest.approx(140 * slowness), met),
        ("ms", pytest.approx(900 * slowness), met),
        proof,
        proof,
        proof,
    ]


def test_every_claim_is_a_row_and_both_answers_are_measured():
    names = [row.name for row in bench.run(rounds=1, people=500).rows]
    assert names[:2] == ["decision, uncached", "difference of two documents"]
    assert [name.partition(": ")[2] for name in names[2:]] == list(bench._CLAIMS)
    assert {name.partition(": ")[0] for name in names[2:]} == {"proof", "counter-example"}


def test_the_documents_differ_and_neither_is_empty():
    old, new = bench.document(0), bench.document(1)
    assert len(old.rules) == len(new.rules) == 40
    found = difference(in_force(old), in_force(new), bench.users(500), at=NOW)
    assert found.gaining
    assert found.losing
