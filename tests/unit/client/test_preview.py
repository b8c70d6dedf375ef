"""What binds is told before it is signed: all of it, and also what cannot be told."""

from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

import pytest

from support.party_server import AGREEMENT, CASE, FRAMEWORK, Begun
from touchstone.clearance import Marking, tlp
from touchstone.client.preview import preview_of
from touchstone.deeds.access import release_announced
from touchstone.deeds.cases import (
    case_opened,
    clock_paused,
    inquiry_asked,
    participation_noted,
    review_halted,
)
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.designation import evidence_declared
from touchstone.deeds.seen_case import SeenCase
from touchstone.editions.value_lines import value_lines
from touchstone.framework import Framework
from touchstone.review.events.opening import Variant


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
        begun = lines.index("It says:")
        assert lines[begun + 1 : begun + 3] == ["  text: May we?", f"  {name}: We concede."]


def test_long_words_are_shown_whole(case: Begun):
    seen = case.lab.client.look(CASE)
    deed = inquiry_asked(seen, "example-lab", "first", "internal", "x" * 7_000)
    longer = replace(
        deed, attachments=(Content({"text": "x" * 28_000}, deed.attachments[0].marking),)
    )
    assert f"It says: {'x' * 28_000}" in told(case, longer)


def test_lines_of_a_text_pass_for_none_of_ours(case: Begun):
    seen = case.lab.client.look(CASE)
    words = "A letter.\nTo be read by nobody else."
    lines = told(case, inquiry_asked(seen, "example-lab", "first", "internal", words))
    assert "  | To be read by nobody else." in lines
    assert not any("\n" in line for line in lines)


def test_the_sentence_of_a_deed_stays_one_line(case: Begun):
    seen = case.lab.client.look(CASE)
    deed = review_halted(seen, "example-lab", "A leak.")
    # As somebody may have written it into a file that is to be signed.
    words = Content({"text": "A leak.\nTo be read by everybody."}, deed.attachments[0].marking)
    lines = told(case, replace(deed, attachments=(words,)))
    assert "Halts the measuring: A leak. To be read by everybody." in lines
    assert "  | To be read by everybody." in lines


def test_a_shipped_framework_is_named_and_another_is_shown_whole(case: Begun):
    seen = case.centre.client.look(CASE)
    named = f"It is example, version 1, as shipped with this program: {FRAMEWORK.digest}."

    def opening(law: Framework) -> list[str]:
        key = case.centre.signer.public_key.hex()
        given = (key, key, f"SHA256:{'0' * 64}")
        deed = case_opened(seen, "example-centre", law, "review", AGREEMENT, *given)
        return list(preview_of(CASE, seen, None, deed, seen.now()).lines())

    lines = opening(FRAMEWORK)
    assert named in lines
    assert {f"  {line}" for line in value_lines(AGREEMENT)} <= set(lines)
    other = FRAMEWORK.model_copy(update={"version": "2"})
    lines = opening(other)
    said = other.model_dump(mode="json", exclude_defaults=True)
    assert not any("as shipped" in line for line in lines)
    assert {f"  {line}" for line in value_lines(said)} <= set(lines)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "text/plain, called notes.txt; its digest: "),
        ("", "text/plain; its digest: "),
        ("a\u202eb\nIt says: yes", "text/plain, called a"),
    ],
)
def test_bytes_that_are_signed_are_named_by_their_digest(case: Begun, name: str, said: str):
    seen = case.lab.client.look(CASE)
    data = b"What we saw."
    deed = evidence_declared(seen, "example-lab", "one", "met", data, "text/plain", name)
    lines = told(case, deed)
    (line,) = [line for line in lines if said in line]
    assert line.endswith(sha256(data).hexdigest())
    assert "It says: yes" not in lines


def test_a_release_of_what_was_not_handed_in_is_doubted_and_not_refused(case: Begun):
    seen = case.lab.client.look(CASE)
    known = Variant(id="final", purpose="final", modes=("default",))
    handed_in = replace(
        seen, state=replace(seen.state, variants=MappingProxyType({"final": known}))
    )
    doubt = "Of the submission no variant is called finl; those are: final."
    for variant, doubted in (("finl", True), ("final", False)):
        deed = release_announced(seen, "example-lab", "public", [variant])
        lines = told(case, deed, seen=handed_in)
        assert (doubt in lines) == doubted
        assert not any(line.startswith("It would be refused") for line in lines)
