"""What only the server's half meets: who signs elsewhere begins, ends and leaves a case."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from support.every_deed import Before
from support.sending import deliver, destroying, recorded, send, signed, taken_back
from support.small_case import small_case
from touchstone.deeds.access import release_announced
from touchstone.deeds.cases import (
    case_closed,
    clock_paused,
    clock_resumed,
    review_withdrawn,
)
from touchstone.framework import Framework
from touchstone.ledger import UnpromisedError
from touchstone.ledger.contract2 import RefusedAnswer, SignedAnswer
from touchstone.service import commit, frameworks, taking
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_to_leave
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.errors import RefusedDeed, UnknownFrameworkError
from touchstone.service.installation import Installation

LAB, CENTRE = "example-lab", "example-centre"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Just opened, under a framework of somebody's own."""
    text = resources.files("touchstone.framework").joinpath("shipped/example.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(text.replace('id = "example"', 'id = "own"', 1), "utf-8")
    with small_case(tmp_path, framework=str(own)) as opened:
        yield opened


def refused(answer: SignedAnswer) -> RefusedAnswer:
    assert isinstance(answer.answer, RefusedAnswer), answer.answer
    return answer.answer


def opened_for(here: Installation, before: Before, **changed: Any) -> SignedAnswer:
    """The answer to what opens a case, changed."""
    event = before.deed.event.model_copy(update=changed)
    return send(here, before.case, replace(before.deed, event=event))


def test_no_case_is_opened_in_the_name_of_another_installation(
    deeds: Mapping[str, Before], monkeypatch: pytest.MonkeyPatch
):
    before = deeds["case-opened"]
    with before.store() as stored, taken_back(stored) as here:
        known = here.records.names()
        answer = refused(opened_for(here, before, installation_key="cd" * 32))
        assert (answer.code, answer.log, answer.size) == (
            "layout-installation-key-unknown",
            None,
            0,
        )
        assert here.records.names() == known
        # Twin: without the check it is begun, and its log holds for nobody.
        monkeypatch.setattr(taking.Taker, "_check_opening", lambda *_: None)
        recorded(opened_for(here, before, installation_key="ef" * 32))


def close(case: Case) -> None:
    recorded(send(case.installation, case.id, case_closed(case, CENTRE, "over")))


def test_a_case_is_destroyed_from_elsewhere_and_its_certificate_is_kept(case: Case):
    close(case)
    here = case.installation
    assert not here.records.destructions.certificate(case.id)
    recorded(send(here, case.id, destroying(here, case.id)))
    assert here.records.case(case.id).destroyed
    kept = here.records.destructions.certificate(case.id)
    assert '"certificate":"touchstone/destruction/1"' in kept
    assert here.records.destructions.draft(case.id) is None


def test_without_its_certificate_nothing_is_promised(case: Case):
    close(case)
    here = case.installation
    sent = signed(here, case.id, destroying(here, case.id))
    drafted = here.records.destructions.draft(case.id)
    assert drafted
    here.records.destructions.keep_draft(case.id, "another")
    with pytest.raises(UnpromisedError, match="not here any more") as plain:
        deliver(here, case.id, sent, CENTRE)
    assert plain.value.code == "certificate"
    here.records.destructions.keep_draft(case.id, drafted)
    recorded(deliver(here, case.id, sent, CENTRE))
    assert here.records.destructions.certificate(case.id) == drafted


def test_a_certificate_is_of_the_head_that_it_is_signed_at(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    here = case.installation
    older = destroying(here, case.id)
    close(case)
    answer = refused(send(here, case.id, older))
    assert "is of another head" in answer.why
    # Twin: without the look the certificate would name a log that had not ended.
    monkeypatch.setattr(taking, "is_of_head", lambda *_: True)
    recorded(send(here, case.id, older))


def test_a_developer_leaves_a_destroyed_case_whose_framework_is_gone(case: Case):
    here = case.installation
    destroy_case(here, case.id)
    found = open_to_leave(here, case.id)
    recorded(send(here, case.id, release_announced(found, LAB, "public", ["final"])))
    recorded(send(here, case.id, review_withdrawn(found, LAB)))
    assert here.state(case.id).withdrawal is not None


def test_twin_without_the_stand_in_neither_is_taken(case: Case, monkeypatch: pytest.MonkeyPatch):
    def gone(named: str, digest: str) -> Framework:
        raise UnknownFrameworkError(f"{named} {digest} is not known")

    here = case.installation
    destroy_case(here, case.id)
    leaving = review_withdrawn(open_to_leave(here, case.id), LAB)
    monkeypatch.setattr(frameworks, "ErasedFramework", gone)
    with pytest.raises(UnpromisedError, match="is not known"):
        send(here, case.id, leaving)


def test_a_framework_is_read_once_for_many_deeds(case: Case, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []
    of = frameworks.pinned_framework

    def counted(here: Any, named: str) -> Framework:
        read.append(named)
        return of(here, named)

    monkeypatch.setattr(frameworks, "pinned_framework", counted)
    for deed in (clock_paused, clock_resumed, clock_paused):
        said = () if deed is clock_resumed else ("so",)
        recorded(send(case.installation, case.id, deed(case, CENTRE, *said)))
    assert read == [case.id]


def test_what_is_refused_is_noted_in_the_side_log_and_a_preview_is_not(case: Case):
    here = case.installation
    here.records.refusals.note(0, "nobody", "none", "none", "first")
    unlawful = clock_resumed(case, CENTRE)
    answer = refused(send(here, case.id, unlawful))
    assert answer.code == "law-clock-not-paused"
    newest = here.records.refusals.newest()[0]
    assert (newest.actor, newest.deed, newest.reason) == (CENTRE, "clock-resumed", answer.why)
    with pytest.raises(RefusedDeed):
        commit.require_lawful(here, case.id, case.framework, [unlawful])
    assert here.records.refusals.newest()[0] == newest


def test_who_is_no_party_is_told_the_same_whether_or_not_there_is_a_case(case: Case):
    here = case.installation
    here.keyring.new_party_key("stranger")
    sent, said = signed(here, case.id, clock_paused(case, "stranger", "so")), set()
    for name in (case.id, "no-such-case"):
        with pytest.raises(UnpromisedError) as told:
            deliver(here, name, sent, "stranger")
        said.add((told.value.code, told.value.why))
    ((code, why),) = said
    assert code == "unknown"
    assert why.startswith("there is no case of that name that takes deeds of yours; fix: ")
    with pytest.raises(UnpromisedError, match="its own party alone"):
        deliver(here, case.id, sent, CENTRE)
