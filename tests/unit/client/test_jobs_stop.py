"""Whoever halts, leaves or closes from its own machine stops what is planned to run, at once."""

import pytest

from support.party_server import CASE, Begun, halts, noted
from touchstone.deeds.cases import case_closed, review_resumed, review_withdrawn
from touchstone.service import taking


@pytest.fixture
def planned(case: Begun) -> Begun:
    """One job waits, and one runs."""
    for name in ("a", "b"):
        case.here.records.jobs.put(CASE, name, "work")
    assert case.here.records.jobs.lease(CASE, "worker", 1000) is not None
    return case


def waiting(case: Begun) -> tuple[int, int]:
    """How many jobs may run, and how many are halted."""
    counts = case.here.records.jobs.counts(CASE)
    return counts["waiting"] + counts["leased"], counts["halted"]


def test_a_halt_from_elsewhere_stops_what_waits_and_what_runs(planned: Begun):
    noted(planned.lab)
    assert waiting(planned) == (2, 0)
    planned.lab.act(halts("example-lab"))
    assert waiting(planned) == (0, 2)


def test_jobs_go_on_only_when_no_halt_stands(planned: Begun):
    planned.lab.act(halts("example-lab"))
    planned.centre.act(halts("example-centre"))
    planned.lab.act(lambda seen: review_resumed(seen, "example-lab", "It was none."))
    assert waiting(planned) == (0, 2)
    planned.centre.act(lambda seen: review_resumed(seen, "example-centre", "Mended."))
    assert waiting(planned) == (2, 0)


@pytest.mark.parametrize("leaves", [True, False])
def test_who_leaves_or_closes_stops_them_too(planned: Begun, leaves: bool):
    if leaves:
        planned.lab.act(lambda seen: review_withdrawn(seen, "example-lab"))
    else:
        planned.centre.act(lambda seen: case_closed(seen, "example-centre", "Over."))
    assert waiting(planned) == (0, 2)


def test_twin_without_it_they_would_run_on(planned: Begun, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(taking, "STOPPING", frozenset[str]())
    planned.lab.act(halts("example-lab"))
    assert waiting(planned) == (2, 0)
