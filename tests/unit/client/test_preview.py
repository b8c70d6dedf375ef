"""What binds is told before it is signed: also what cannot be told, and where it is cut."""

from dataclasses import replace

import pytest

from support.party_server import CASE, FRAMEWORK, Begun
from touchstone.clearance import Marking, tlp
from touchstone.client.preview import MOST_SHOWN, preview_of
from touchstone.deeds.cases import clock_paused, inquiry_asked, participation_noted, review_halted
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.ledger import dumps


def told(case: Begun, deed: Deed, *, seen: SeenCase | None = None) -> list[str]:
    sight = seen or case.lab.client.look(CASE)
    return list(preview_of(CASE, sight, FRAMEWORK, deed, sight.now()).lines())


def test_what_follows_is_said(case: Begun):
    seen = case.lab.client.look(CASE)
    lines = told(case, review_halted(seen, "example-lab", "We look into a leak."))
    assert "Halts the measuring: We look into a leak." in lines
    assert "The case then stands: halted." in lines


def test_what_would_be_refused_is_said(case: Begun):
    seen = case.agency.client.look(CASE)
    lines = told(case, clock_paused(seen, "example-agency", "We need time."), seen=seen)
    assert any(line.startswith("It would be refused: ") for line in lines)
    assert not any("then stands" in line for line in lines)


def test_what_cannot_be_told_is_said(case: Begun):
    seen = replace(case.lab.client.look(CASE), hidden=(0, 3))
    lines = told(case, participation_noted(seen, "example-lab", "declined", "A letter."), seen=seen)
    assert (
        "2 entries of the case are not open to example-lab: what they changed cannot be told."
        in lines
    )
    assert not any("then stands" in line for line in lines)


@pytest.mark.parametrize(
    ("marking", "readers"),
    [
        (tlp("CLEAR"), "everybody"),
        (tlp("GREEN"), "the community of reviewers"),
        (tlp("RED", "example-lab"), "nobody else"),
        (tlp("AMBER", "example-centre", "outside-lab"), "example-centre, outside-lab"),
        (tlp("AMBER", "@case"), "every party of the case, now and later"),
    ],
)
def test_who_may_read_it_is_said(case: Begun, marking: Marking, readers: str):
    seen = case.lab.client.look(CASE)
    deed = participation_noted(seen, "example-lab", "declined", "A letter.", marking)
    lines = told(case, deed)
    assert f"To be read by {readers}." in lines
    assert f"With it: source, to be read by {readers}." in lines


def test_what_is_beside_the_words_is_shown_with_them(case: Begun):
    seen = case.lab.client.look(CASE)
    deed = inquiry_asked(seen, "example-lab", "first", "internal", "May we?")
    assert "It says: May we?" in told(case, deed)
    for name in ("title", "salt"):
        value = {"text": "May we?", name: "We concede."}
        beside = Content(value, deed.attachments[0].marking)
        lines = told(case, replace(deed, attachments=(beside,)))
        assert f"It says: {dumps(value).decode()}" in lines


def test_long_words_are_cut_and_that_is_said(case: Begun):
    seen = case.lab.client.look(CASE)
    said = "x" * 7_000
    deed = inquiry_asked(seen, "example-lab", "first", "internal", said)
    assert f"It says: {said}" in told(case, deed)
    longer = replace(deed, attachments=(Content({"text": said * 4}, deed.attachments[0].marking),))
    lines = told(case, longer)
    assert f"It says: {(said * 4)[:MOST_SHOWN]}" in lines
    assert any(line.startswith("These are the first 20000 of 28000 characters") for line in lines)
