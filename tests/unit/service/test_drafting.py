"""Functions of deeds: values in, a draft out, and one way into the record."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.every_deed import Before
from support.small_case import small_case
from touchstone.deeds.access import release_announced
from touchstone.deeds.cases import clock_extended, review_halted
from touchstone.deeds.designation import finding_disputed, finding_responded
from touchstone.review import BadEventError
from touchstone.review.rules import RULES
from touchstone.service.errors import RefusedDeed

EARLIER = {"party-admitted"}
"""Deeds of records of contract 1 alone."""


def test_every_deed_is_done_through_the_store(deeds: Mapping[str, Before]):
    kinds = {str(kind.model_fields["type"].default) for kind in RULES}
    assert kinds - EARLIER <= set(deeds)


@pytest.mark.parametrize("bad", ["", "two\nlines", "\x1b[31m", "x" * 501])
def test_what_is_ill_formed_is_refused_in_a_line_that_names_it(tmp_path: Path, bad: str):
    with small_case(tmp_path) as case:
        with pytest.raises(BadEventError, match="reason"):
            review_halted(case, case.participants.centre, bad)
        with pytest.raises(BadEventError, match="days"):
            clock_extended(case, case.participants.developer, -1, "as agreed")


def test_a_draft_is_no_deed_until_it_is_recorded(tmp_path: Path):
    with small_case(tmp_path) as case:
        size = case.installation.records.case(case.id).size
        draft = release_announced(case, case.participants.developer, "internal", ("final",))
        assert case.installation.records.case(case.id).size == size
        case.record([draft])
        assert case.installation.records.case(case.id).size == size + 1


def test_the_law_decides_who_may_not_the_function(tmp_path: Path):
    with small_case(tmp_path) as case:
        answer = finding_responded(case, case.participants.centre, "none", "noted", "As we see it.")
        with pytest.raises(RefusedDeed):
            case.record([answer])
        with pytest.raises(RefusedDeed):
            case.record([finding_disputed(case, case.participants.developer, "none", "as it is")])
