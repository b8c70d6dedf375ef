"""A breach in the record with its halt, and what a breach that stands alone keeps from going on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.small_case import measure, small_case
from touchstone.clearance import party_audience
from touchstone.deeds.drafting import worded
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.outcomes import record_breach
from touchstone.service.measurement.sealing import reopen
from touchstone.service.reviews.measuring import lift_halt


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with small_case(tmp_path) as case:
        measure(case)
        yield case


def newest(case: Case, count: int) -> list[str]:
    reader = case.installation.records.case(case.id)
    entries = read_entries(reader, party_audience(case.participants.centre))
    return [entry.event.type for entry in entries][-count:]


def breach(case: Case) -> None:
    spec, _ = next(iter(plan_chunks(case, reopen(case)).values()))
    record_breach(case, spec, [])


def test_a_breach_is_recorded_with_its_halt_and_under_a_halt_alone(case: Case):
    breach(case)
    assert newest(case, 2) == ["sandbox-breached", "review-halted"]
    assert case.state.halted_by == {case.participants.centre}
    breach(case)
    assert newest(case, 2) == ["review-halted", "sandbox-breached"]
    lift_halt(case, "mended")
    assert not case.state.halted


def test_a_breach_that_stands_alone_stops_until_the_centre_halts_and_resumes(case: Case):
    alone = worded(
        case,
        measuring.SandboxBreached,
        case.participants.centre,
        case.marks.pair,
        texts={"guard": "a mount"},
        seen_at=case.now(),
    )
    case.record([alone])
    assert newest(case, 1) == ["sandbox-breached"]
    with pytest.raises(StoppedError, match="a breach of the sandbox"):
        lift_halt(case, None)
    assert newest(case, 1) == ["sandbox-breached"]
    lift_halt(case, "mended")
    assert newest(case, 3) == ["sandbox-breached", "review-halted", "review-resumed"]
    assert not case.state.halted
