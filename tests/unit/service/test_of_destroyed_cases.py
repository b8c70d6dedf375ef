"""A destroyed case of a framework that is none of the shipped: what its facts bear is done."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from support.small_case import small_case
from touchstone.deeds.access import release_announced
from touchstone.deeds.cases import participation_noted, review_withdrawn
from touchstone.deeds.deed import Deed
from touchstone.errors import TouchstoneError
from touchstone.framework import Framework
from touchstone.service import frameworks
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_to_act, open_to_leave
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.errors import DestroyedCaseError, UnknownFrameworkError
from touchstone.service.frameworks import pinned_framework


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Destroyed, under a framework of somebody's own, whose text went with it."""
    text = resources.files("touchstone.framework").joinpath("shipped/example.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(text.replace('id = "example"', 'id = "own"', 1), "utf-8")
    with small_case(tmp_path, framework=str(own)) as opened:
        assert opened.framework.id == "own"
        destroy_case(opened.installation, opened.id)
        yield opened


def release(case: Case) -> None:
    case.record([release_announced(case, "example-lab", "public", ["final"])])


def test_a_developer_releases_and_leaves(case: Case):
    found = open_to_leave(case.installation, case.id)
    release(found)
    found.record([review_withdrawn(found, "example-lab")])
    assert [each.scope for each in found.state.releases] == ["public"]
    assert found.state.withdrawal is not None


def test_twin_without_the_stand_in_neither_could_be_done(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    def gone(named: str, digest: str) -> Framework:
        raise UnknownFrameworkError(f"{named} {digest} is not known")

    monkeypatch.setattr(frameworks, "ErasedFramework", gone)
    with pytest.raises(TouchstoneError, match="is not known"):
        release(open_to_leave(case.installation, case.id))


def test_what_asks_for_the_frameworks_text_is_refused(case: Case):
    framework = pinned_framework(case.installation, case.id)
    assert framework.digest == case.framework.digest
    with pytest.raises(UnknownFrameworkError, match="the text of framework own went with"):
        framework.parties_with("agency")


def test_words_are_told_to_whoever_said_them_and_not_kept(case: Case):
    told: list[Deed] = []
    found = open_to_act(case.installation, case.id)
    said = Case(
        found.installation, found.id, found.framework, None, found.participants, told.append
    )
    said.record([participation_noted(said, "example-lab", "declined", "in a letter")])
    (deed,) = told
    assert "in a letter" in str(deed.attachments)
    reader = case.installation.records.case(case.id)
    assert not any(b"in a letter" in (part.data or b"") for part in reader.parts())
    assert said.state.participations["example-lab"].source == deed.event.facts()["source"]


def test_what_was_handed_in_is_gone(case: Case):
    with pytest.raises(DestroyedCaseError, match="was destroyed on 2026"):
        _ = open_to_act(case.installation, case.id).submission
