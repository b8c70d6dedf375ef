"""People's words go with the case: after its destruction no byte of them is left in the home.

For every type with words, through the store: a deed is recorded with words of ours, the case is
shown, destroyed, and what it says is looked for in every file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.every_deed import Before
from support.let_go import destroyed
from support.newer import add_event, unknown
from touchstone.clearance import PUBLIC, party_audience
from touchstone.deeds.deed import Content, Deed
from touchstone.evaluation.digests import digest_value
from touchstone.review import layout_of
from touchstone.review.audience_view import read_entries
from touchstone.review.events import TYPES
from touchstone.review.events.base import EventWithTexts
from touchstone.review.events.opening import PartyAdmitted
from touchstone.service.cases.case_admin import open_found, rebuild_index, show_case
from touchstone.service.cases.checking import check
from touchstone.service.installation import Installation
from touchstone.service.reporting.edition_files import bundle_lines, render_edition
from touchstone.verifier import verify_bundle

WITH_TEXTS = {
    str(kind.model_fields["type"].default): kind.TEXTS
    for kind in TYPES
    # Of records of contract 1 alone, which take nothing more.
    if issubclass(kind, EventWithTexts) and kind is not PartyAdmitted
}
RULES_OWN = "designation-proposed"
"""Its words are the rule's, which nobody chooses."""
ENDED, ERASED = "the agreed retention has ended", "[the text is erased]"
TOKENS = st.binary(min_size=8, max_size=8).map(bytes.hex)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=40)
IN_SENTENCES = ("review-halted", "case-closed", "finding-disputed", "review-resumed")
"""Some whose sentence in the timeline says the words."""


def saying(deed: Deed, text: str) -> Deed:
    """The deed with other words in each place for words, those that may be left out as well."""
    layout, event = layout_of(deed.event), deed.event
    assert isinstance(event, EventWithTexts)
    names = [name for name in layout.names(event, len(deed.attachments)) if name]
    parts: dict[str, Any] = dict(zip(names, deed.attachments, strict=True))
    for name in event.TEXTS:
        said: object = [text] if name == "missing" else text
        inside = {name if name == "missing" else "text": said, "salt": "ab" * 32}
        parts[name] = Content(inside, event.marking)
    changed: dict[str, Any] = {name: digest_value(parts[name].value) for name in event.TEXTS} | (
        {"complete": False} if "missing" in event.TEXTS else {}
    )
    order = [part.name for part in layout.parts]
    event = event.model_copy(update=changed)
    return Deed(event, tuple(parts[name] for name in sorted(parts, key=order.index)))


def on_disk(here: Installation) -> bytes:
    return b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())


def holds(case: str, here: Installation) -> None:
    """A destroyed case folds, is whole, and shows each of its entries."""
    assert here.state(case).status == "destroyed"
    assert check(here, lambda _: None).sound
    shown = show_case(here, case)
    assert len(shown.timeline) == here.state(case).size


@pytest.mark.parametrize("kind", sorted(WITH_TEXTS))
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=TOKENS, words=WORDS)
def test_no_byte_of_a_text_outlives_its_case(
    kind: str,
    deeds: Mapping[str, Before],
    tmp_path_factory: pytest.TempPathFactory,
    token: str,
    words: str,
):
    folder = tmp_path_factory.mktemp("text")
    before = deeds[kind].copied(folder / "store")
    deed = before.deed if kind == RULES_OWN else saying(before.deed, f"{token} {words} {token}")
    looked_for = [token, words] if kind != RULES_OWN else _rules_words(before.deed)
    with before.store() as here:
        before.record(here, deed)
        (entry,) = [e for e in _read(here, before.case) if e.event == deed.event][-1:]
        if kind in IN_SENTENCES:
            told = show_case(here, before.case).timeline[entry.n]["text"]
            assert str(told).count(token) == 2
        assert all(text in str(entry.parts) for text in looked_for)
        destroyed(here, before.case, ENDED)
        left = on_disk(here)
        for text in (each for each in looked_for if len(each) > 8):
            assert text.encode() not in left, kind
        (entry,) = [e for e in _read(here, before.case) if e.n == entry.n]
        for name in WITH_TEXTS[kind]:
            assert entry.content(name) is None
            assert entry.lacking(name) == "erased"
        if kind in IN_SENTENCES:
            assert ERASED in str(show_case(here, before.case).timeline[entry.n]["text"])
        holds(before.case, here)


def _read(here: Installation, case: str) -> list[Any]:
    return [*read_entries(here.records.case(case), party_audience("example-centre"))]


def _rules_words(deed: Deed) -> list[str]:
    first = deed.attachments[0]
    assert isinstance(first, Content)
    words = first.value
    return [words["summary"], *words["reasons"].values()]


def old(here: Installation, before: Before, kind: str, **facts: Any) -> int:
    """An entry of schema 1, as older versions wrote it: the words are among the facts."""
    state = here.state(before.case)
    return add_event(here, before.case, unknown(state, here.now(), kind, **facts))


def test_what_an_older_version_wrote_says_its_words_and_keeps_them(
    deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds["terms-offered"].copied(tmp_path / "store")
    said = "what was said while words were facts"
    with before.store() as here:
        n = old(here, before, "review-halted", reason=said)
        assert here.state(before.case).halted
        assert show_case(here, before.case).timeline[n]["text"] == f"Halts the measuring: {said}"
        case = open_found(here, before.case)
        page = render_edition(case, party_audience(case.participants.centre), n + 1, case.now())
        assert said.encode() in page
        assert said.encode() not in render_edition(case, PUBLIC, n + 1, case.now())
        # Nor for who is to see facts alone: these hold words.
        auditor = party_audience(case.participants.centre, "GREEN", "facts")
        assert said.encode() not in render_edition(case, auditor, n + 1, case.now())
        rebuild_index(here)
        assert check(here, lambda _: None).sound
        destroyed(here, before.case, ENDED)
        # The twin of the law above: the search finds what is left where words are facts.
        assert said.encode() in on_disk(here)
        assert said in str(show_case(here, before.case).timeline[n]["text"])


def test_an_old_deed_with_parts_has_them_under_their_own_names(
    deeds: Mapping[str, Before], tmp_path: Path
):
    """Its `people` came second, where newer ones have the reason."""
    before = deeds["directive-issued"].copied(tmp_path / "store")
    facts = before.deed.event.facts()
    kept = {name: facts[name] for name in ("directive", "order", "expires", "number", "restores")}
    parts = before.deed.attachments
    names = layout_of(before.deed.event).names(before.deed.event, len(parts))
    by_name = dict(zip(names, parts, strict=True))
    with before.store() as here:
        state = here.state(before.case)
        agency = {"actor": before.deed.event.actor, "marking": before.deed.event.marking}
        event = unknown(state, here.now(), "directive-issued", **kept, reason="as it was")
        event = event.model_copy(update=agency)
        order, people = by_name["order"], by_name["people"]
        assert isinstance(order, Content)
        assert isinstance(people, Content)
        add_event(here, before.case, event, order, people)
        entry = _read(here, before.case)[state.size]
        assert entry.said("reason") == "as it was"
        assert entry.content("order") == order.value
        assert entry.content("people") == people.value


def test_who_may_not_read_a_text_is_told_so_in_the_same_phrase(
    deeds: Mapping[str, Before], tmp_path: Path
):
    before = deeds["review-halted"].copied(tmp_path / "store")
    with before.store() as here:
        before.record(here, saying(before.deed, "for the parties alone"))
        reader = here.records.case(before.case)
        *_, entry = (e for e in read_entries(reader, PUBLIC) if e.kind == "review-halted")
        assert entry.said("reason") == "[the text is withheld from this audience]"
        case = open_found(here, before.case)
        path = tmp_path / "bundle.jsonl"
        proof = here.records.installation.prove(case.id)
        path.write_bytes(b"".join(bundle_lines(case, PUBLIC, proof, case.now())))
        assert b"for the parties alone" not in path.read_bytes()
        trust = (here.keyring.history.lines[0].fingerprint,)
        assert verify_bundle(path, trust=trust, now=here.clock.now()).holds
