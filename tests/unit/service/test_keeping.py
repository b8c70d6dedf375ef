"""Through the store: what a case still carries keeps it from being destroyed, and is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from support.small_case import Minutes, small_case
from touchstone.deeds.access import directive_issued, directive_lifted
from touchstone.deeds.cases import (
    case_closed,
    case_destroyed,
    review_halted,
    review_resumed,
)
from touchstone.deeds.designation import finding_disputed, finding_rerun, finding_signed
from touchstone.ledger import dumps
from touchstone.review.events.base import Event
from touchstone.review.events.settling import CaseDestroyed
from touchstone.review.rules import RULES
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case, require_destroyable
from touchstone.service.certificates import draft_certificate
from touchstone.service.commit import record_destruction
from touchstone.service.errors import RefusedDeed
from touchstone.terms import parse_directive, parse_terms

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"


@pytest.fixture
def clock() -> Minutes:
    return Minutes()


@pytest.fixture
def case(tmp_path: Path, clock: Minutes) -> Iterator[Case]:
    with small_case(tmp_path, clock) as opened:
        yield opened


def directive(case: Case) -> None:
    """An order that stands until 2026-12-31 and that nobody answered."""
    june = resources.files("touchstone.demo.june")
    terms, text = (
        june.joinpath(f"{each}.toml").read_text("utf-8") for each in ("terms", "june-12")
    )
    order = parse_directive(text, "june-12.toml", parse_terms(terms, "terms.toml"))
    case.record([directive_issued(case, AGENCY, order, text, 1)])


def dispute(case: Case) -> None:
    said = {"title": "A finding", "text": "As we see it."}
    case.record([finding_signed(case, CENTRE, "f1", "cyber", None, said)])
    case.record([finding_disputed(case, LAB, "f1", "It is not so.")])


def halt(case: Case) -> None:
    case.record([review_halted(case, LAB, "We look into a leak.")])


def lifted(case: Case) -> None:
    (name,) = case.state.directives
    case.record([directive_lifted(case, AGENCY, name)])


def looked_at_again(case: Case) -> None:
    case.record([finding_rerun(case, CENTRE, "f1", "upheld", "As it was.")])


def resumed(case: Case) -> None:
    case.record([review_resumed(case, LAB, "It was none.")])


Step = Callable[[Case], None]
CARRIED: dict[str, tuple[Step, Step, str]] = {
    "no_directive_is_in_force": (
        directive,
        lifted,
        "directive june-12 of example-agency is in force until 2027-",
    ),
    "no_dispute_is_open": (
        dispute,
        looked_at_again,
        "finding f1 is disputed, and example-centre has not answered",
    ),
    "no_halt_is_in_force": (halt, resumed, "the review is halted by example-lab, who can lift"),
}
"""By guard: what makes the case carry something, what ends that, and what the refusal names."""


def over(case: Case) -> None:
    case.record([case_closed(case, CENTRE, "done")])


def record(case: Case) -> None:
    """The deed itself, past what the use case asks beforehand."""
    certificate = draft_certificate(case.installation, case.id, "over")
    deed, text = case_destroyed(case, CENTRE, certificate), dumps(certificate).decode()
    record_destruction(case.installation, case.id, case.framework, deed, text)


def test_there_is_a_scene_for_each_guard():
    assert [each.__name__ for each in RULES[CaseDestroyed].guards] == [*CARRIED]


@pytest.mark.parametrize("guard", CARRIED)
def test_what_is_carried_keeps_a_case_and_nothing_is_written(case: Case, guard: str):
    begin, end, named = CARRIED[guard]
    begin(case)
    here, size = case.installation, case.state.size
    for ask in (require_destroyable, destroy_case):
        with pytest.raises(RefusedDeed, match=named):
            ask(here, case.id)
        # Nor is the case closed, which would have been the first step.
        assert (case.state.size, case.state.status) == (size, "open")
    over(case)
    with pytest.raises(RefusedDeed, match=named):
        record(case)
    assert (case.state.size, here.records.case(case.id).destroyed) == (size + 1, False)
    assert not here.records.destructions.certificate(case.id)
    end(case)
    done = destroy_case(here, case.id)
    assert done.gone is not None
    assert case.state.destroyed is not None
    assert here.records.destructions.certificate(case.id) == done.certificate


@pytest.mark.parametrize("guard", CARRIED)
def test_twin_without_the_guard_it_is_destroyed(
    case: Case, guard: str, monkeypatch: pytest.MonkeyPatch
):
    destruction: type[Event] = CaseDestroyed
    row = RULES[destruction]
    fewer = tuple(each for each in row.guards if each.__name__ != guard)
    CARRIED[guard][0](case)
    over(case)
    monkeypatch.setitem(RULES, destruction, replace(row, guards=fewer))
    record(case)
    assert case.installation.records.case(case.id).destroyed


def test_the_end_of_a_directive_lets_go_of_the_case(case: Case, clock: Minutes):
    directive(case)
    (known,) = case.state.directives.values()
    clock.moment = datetime.fromisoformat(known.issued.expires) - timedelta(minutes=1)
    with pytest.raises(RefusedDeed, match="is in force until"):
        require_destroyable(case.installation, case.id)
    clock.pass_by()
    destroy_case(case.installation, case.id)


def test_the_centre_lifts_its_own_halt_for_the_reason_that_it_destroys_for(case: Case):
    case.record([review_halted(case, CENTRE, "to look")])
    destroy_case(case.installation, case.id, "asked for")
    types = [each["type"] for each in case.installation.records.case(case.id).events()]
    assert types[-3:] == ["case-closed", "review-resumed", "case-destroyed"]


def test_a_refused_destruction_is_noted_beside_the_record(case: Case):
    halt(case)
    with pytest.raises(RefusedDeed):
        destroy_case(case.installation, case.id)
    (noted,) = case.installation.records.refusals.newest()
    assert noted.deed == "case-destroyed"
