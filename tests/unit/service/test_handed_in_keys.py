"""What measures takes the key that the developer handed in, and none that it revoked."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.scripted_pool import ScriptedPool, run_of
from support.silent import Silent
from support.small_case import copied_case, probed, small_case
from touchstone.deeds.cases import case_closed, review_withdrawn
from touchstone.evaluation import Usage
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import EndpointKeyError, UnreachableError
from touchstone.records.endpointkeys import EndpointKeyFiles, HandedInKey
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import rebuild_index
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.cases.endpoint_keys import (
    endpoint_key_of,
    hand_in_endpoint_key,
    handed_in_keys,
)
from touchstone.service.errors import StoppedError
from touchstone.service.measurement import coordinator
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.service.reviews import measuring, reviewing
from touchstone.service.reviews.measuring import measure_review
from touchstone.service.reviews.requirements import endpoint_keys
from touchstone.verdicts.errors import CannotRunError

NAME = "EXAMPLE_LAB_KEY"
TOTAL = Usage(input=10, output=5)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sealed")
    with small_case(home) as case:
        seal(case, 40, "confined", accepted=True)
        probed(case)
    return home


@pytest.fixture
def case(sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setenv(NAME, "of the machine")
    with copied_case(sealed, tmp_path) as found:
        yield found


def hand_in(case: Case, value: str) -> None:
    keys = case.installation.records.endpoint_keys
    keys.hand_in(HandedInKey(NAME, case.id, value, by="ann", at=case.now()))


def revoke(case: Case) -> None:
    keys = case.installation.records.endpoint_keys
    keys.revoke(HandedInKey(NAME, case.id, "", by="ann", at=case.now()))


def setting_of(case: Case) -> Setting:
    return Setting(case, reopen(case), endpoint_keys(case.submission, case), {}, 1, {})


def test_the_developers_word_goes_before_the_environment(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    assert endpoint_keys(case.submission, case) == {NAME: "of the machine"}
    hand_in(case, "of-the-lab")
    assert endpoint_keys(case.submission, case) == {NAME: "of-the-lab"}
    # Of another case, or before there is one, nothing was handed in.
    assert endpoint_keys(case.submission) == {NAME: "of the machine"}
    revoke(case)
    with pytest.raises(CannotRunError, match=f"{NAME} was revoked"):
        endpoint_keys(case.submission, case)
    monkeypatch.delenv(NAME)
    hand_in(case, "of-the-lab-again")
    assert endpoint_keys(case.submission, case) == {NAME: "of-the-lab-again"}
    with pytest.raises(CannotRunError, match=f"set {NAME} in the environment"):
        endpoint_keys(case.submission)


def test_a_review_that_goes_on_asks_with_the_key_that_was_handed_in(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []

    def told(_case: Case, _prepared: Any, keys: Any, *_: Any) -> None:
        asked.append(dict(keys))
        raise CannotRunError("seen")

    monkeypatch.setattr(reviewing, "measure_review", told)
    monkeypatch.setattr(reviewing, "require_proof", lambda *_: None)
    monkeypatch.delenv(NAME)
    hand_in(case, "of-the-lab")
    with pytest.raises(CannotRunError, match="seen"):
        reviewing.measure_case(
            case.installation, case.id, tmp_path / "out", ReviewOptions(), Silent()
        )
    assert asked == [{NAME: "of-the-lab"}]


@pytest.mark.parametrize("change", ["revoked", "replaced", "kept"])
def test_no_chunk_begins_with_a_key_that_was_revoked_or_replaced(
    case: Case, monkeypatch: pytest.MonkeyPatch, change: str
):
    hand_in(case, "of-the-lab")
    begun: list[str] = []

    def runs(job: WorkerJob) -> list[WorkerEvent]:
        begun.append(job.spec.id)
        if change == "revoked":
            revoke(case)
        elif change == "replaced":
            hand_in(case, "another")
        end = {"event": "finished", "chunk": job.spec.id, "total": TOTAL}
        return [*run_of(job), WorkerEvent.model_validate(end)]

    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(runs))
    setting = setting_of(case)
    if change == "kept":
        coordinator.measure(setting, Silent())
        assert len(begun) > 1
        return
    with pytest.raises(StoppedError, match="revoked or replaced") as told:
        coordinator.measure(setting, Silent())
    # What was under way came to its end, and is recorded.
    assert (len(begun), told.value.reason) == (1, "endpoint-failing")
    ran = sum(tally.attempt().recorded.bit_count() for tally in case.state.tallies.values())
    assert ran > 0
    assert not setting.keys_hold()
    with pytest.raises(StoppedError):
        setting.require_keys()


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("revoked", [True, False])
def test_nothing_is_asked_afterwards_with_a_key_that_was_revoked(
    case: Case, monkeypatch: pytest.MonkeyPatch, stopped: bool, revoked: bool
):
    hand_in(case, "of-the-lab")
    asked: list[str] = []

    def measures(*_: Any) -> None:
        if revoked:
            revoke(case)
        if stopped:
            raise StoppedError("told", "halted")

    def snapshots(_case: Case, _keys: Any, when: str, *_: Any) -> dict[str, Any]:
        asked.append(when)
        return {}

    for name, stands_in in (("measure", measures), ("take_snapshots", snapshots)):
        monkeypatch.setattr(measuring, name, stands_in)
    monkeypatch.setattr(measuring, "probe_modes", lambda *_: {})
    monkeypatch.setattr(measuring, "ask_modes", lambda *_, **__: {})
    keys = endpoint_keys(case.submission, case)
    options = ReviewOptions(accept_grade=True)
    monkeypatch.setattr(measuring, "preflight", lambda: SimpleNamespace(grade="confined"))
    why = "told" if stopped else "revoked or replaced"
    ends = pytest.raises(StoppedError, match=why) if stopped or revoked else nullcontext()
    with ends:
        measure_review(case, reopen(case), keys, options, Silent(), None)
    assert asked == ["before", *([] if revoked else ["during" if stopped else "after"])]


def test_what_measures_shows_no_key(case: Case):
    hand_in(case, "sk-canary-5d1e")
    assert "sk-canary" not in repr(setting_of(case))


OTHER = "OTHER_LAB_KEY"
ENDINGS: dict[str, Callable[[Case], object]] = {
    "withdrawn": lambda case: case.record([review_withdrawn(case, case.participants.developer)]),
    "closed": lambda case: case.record([case_closed(case, case.participants.centre, "over")]),
    "destroyed": lambda case: destroy_case(case.installation, case.id),
}


def lying(case: Case) -> list[Path]:
    folder = case.installation.records.endpoint_keys.folder(case.id)
    return [*folder.iterdir()] if folder.exists() else []


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_key_of_a_case_outlives_its_end(case: Case, ending: str):
    here, lab = case.installation, case.participants.developer
    hand_in(case, "of-the-lab")
    revoked = HandedInKey(OTHER, case.id, "", by="ann", at=case.now())
    here.records.endpoint_keys.hand_in(replace(revoked, value="of-the-lab-too"))
    here.records.endpoint_keys.revoke(revoked)
    assert len(lying(case)) == 2
    ENDINGS[ending](case)
    assert len(lying(case)) == (ending != "destroyed")
    assert endpoint_key_of(here, case.id, NAME) is None
    if ending != "destroyed":
        # What was taken back stays so: the variable of that name is still not for this case.
        assert [each.name for each in handed_in_keys(here, lab, case.id)] == [OTHER]
        with pytest.raises(UnpromisedError, match="has ended") as refused:
            hand_in_endpoint_key(here, lab, HandedInKey(NAME, case.id, "late", "ann", case.now()))
        assert refused.value.code == "case-ended"
        assert len(lying(case)) == 1


def test_a_key_that_the_submission_does_not_name_is_refused_with_those_that_it_does(case: Case):
    here, lab = case.installation, case.participants.developer
    with pytest.raises(EndpointKeyError, match=f"it names: {NAME}$") as refused:
        hand_in_endpoint_key(here, lab, HandedInKey(OTHER, case.id, "of-it", "ann", case.now()))
    assert refused.value.code == "key-unnamed"
    assert lying(case) == []
    hand_in_endpoint_key(here, lab, HandedInKey(NAME, case.id, "of-it", "ann", case.now()))
    assert len(lying(case)) == 1


LOOKS: dict[str, Callable[[Case], object]] = {
    "asked for": lambda case: endpoint_key_of(case.installation, case.id, NAME),
    "listed": lambda case: handed_in_keys(case.installation, case.participants.developer, case.id),
    "rebuilt": lambda case: rebuild_index(case.installation),
}


@pytest.mark.parametrize("look", LOOKS)
def test_what_a_crash_left_of_an_ended_case_goes_at_the_next_look(
    case: Case, monkeypatch: pytest.MonkeyPatch, look: str
):
    hand_in(case, "of-the-lab")

    def dies(*_: object) -> None:
        raise UnreachableError("the disk is gone")

    with monkeypatch.context() as crash:
        crash.setattr(EndpointKeyFiles, "end", dies)
        # The deed stands all the same.
        ENDINGS["closed"](case)
    assert (case.state.status, len(lying(case))) == ("closed", 1)
    LOOKS[look](case)
    assert lying(case) == []


def test_a_key_that_comes_as_the_case_ends_does_not_stay(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    keys, lab = case.installation.records.endpoint_keys, case.participants.developer
    late = HandedInKey(NAME, case.id, "late", by="ann", at=case.now())
    hands_in = keys.hand_in

    def first_ends(handed: HandedInKey) -> None:
        ENDINGS["closed"](case)
        hands_in(handed)

    monkeypatch.setattr(keys, "hand_in", first_ends)
    with pytest.raises(UnpromisedError, match="has ended"):
        hand_in_endpoint_key(case.installation, lab, late)
    assert lying(case) == []
