"""Records that hold malformed deeds, as earlier versions could write them, can be read on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from support.every_deed import Before
from support.unchecked import unchecked
from touchstone.clearance import party_audience
from touchstone.deeds.deed import Content, Deed
from touchstone.errors import TouchstoneError
from touchstone.review import LAYOUTS
from touchstone.review.errors import MissingPartError
from touchstone.review.events import opening
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.directive_status import status
from touchstone.service.access.offers import offer
from touchstone.service.access.user_base import UserBase
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found, show_case
from touchstone.service.errors import CannotOrderError
from touchstone.service.file_io import NamedText
from touchstone.service.installation import Installation
from touchstone.service.measurement.forecasting.observed_costs import observed_costs
from touchstone.service.measurement.outcomes import used_before
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen
from touchstone.service.reporting.edition_files import render_edition
from touchstone.service.reporting.other_cases import other_cases
from touchstone.verdicts.modes_compared import ANSWERED, Answers

# One worker makes what all of these look at.

MUST = {"case-opened", "submission-received"}
"""Without what goes with these there is no case to work on."""
WITH_PARTS = sorted(
    str(event.model_fields["type"].default)
    for event, layout in LAYOUTS.items()
    # Of records of contract 1 alone, which take nothing more.
    if layout.parts and event is not opening.PartyAdmitted
)


def bare(deed: Deed) -> Deed:
    return replace(deed, attachments=())


def misshapen(deed: Deed) -> Deed:
    """In the place of each part an empty text, or a list."""
    attached = tuple(
        Content([each.name] if not isinstance(each, Content) else {"text": 7}, each.marking)
        for each in deed.attachments
    )
    return replace(deed, attachments=attached)


def lists(here: Installation, before: Before) -> Iterator[Callable[[], object]]:
    """What anybody asks of an installation."""
    yield lambda: show_case(here, before.case)
    yield lambda: other_cases(here, before.case, party_audience("example-centre"))
    yield lambda: observed_costs(here, "example-lab")


def readings(case: Case) -> Iterator[Callable[[], object]]:
    """What anybody asks of a case."""
    size = case.state.size
    for party in case.participants.centre, case.participants.agencies[-1]:
        yield partial(render_edition, case, party_audience(party), size, case.now())
    yield lambda: used_before(case)
    yield lambda: Answers.of_record(case.entries_of(ANSWERED))
    yield lambda: status(case, UserBase(None, None))
    if case.state.batteries:
        yield lambda: reopen(case)
        yield lambda: conclude(case, "battery-1")


@pytest.mark.parametrize("spoilt", [bare, misshapen])
@pytest.mark.parametrize("kind", WITH_PARTS)
def test_a_malformed_deed_ends_no_reading_in_a_traceback(
    kind: str, spoilt: Callable[[Deed], Deed], deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds[kind].copied(tmp_path / "store")
    with before.store() as here:
        with unchecked():
            before.record(here, spoilt(before.deed))
        for read in lists(here, before):
            with suppress(TouchstoneError):
                read()
        if kind in MUST:
            with pytest.raises(MissingPartError, match="is not"):
                open_found(here, before.case)
            return
        for read in readings(open_found(here, before.case)):
            with suppress(TouchstoneError):
                read()


def test_terms_without_a_text_are_said_to_lack_it_and_can_be_answered(
    deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds["terms-offered"].copied(tmp_path / "store")
    given = before.deed.attachments[0]
    assert isinstance(given, Content)
    text = given.value["text"].replace('version = "1"', 'version = "2"')
    terms = NamedText(text, "terms.toml")
    with before.store() as here:
        with unchecked():
            before.record(here, bare(before.deed))
        case = open_found(here, before.case)
        table = case.state.terms.on_table
        assert table
        with pytest.raises(CannotOrderError, match="in the record is not there"):
            CaseTexts(case).terms(table)
        other = next(p for p, _ in case.participants.roles if p != before.deed.event.actor)
        said = offer(case, terms, other, counter=True)
        assert said.lines()[1] == f"What was on the table ({table}) cannot be read to compare."
        assert CaseTexts(case).terms(said.terms.digest) == said.terms
