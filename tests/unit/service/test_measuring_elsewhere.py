"""The centre's key is elsewhere: what measures here signs with a key that the centre admitted."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from support.party_server import CASE, FRAMEWORK, Begun, begin, begun
from support.silent import Silent
from support.small_case import SUBMISSION, Minutes, measure
from touchstone.deeds.cases import (
    clock_anchored,
    signer_admitted,
    signer_removed,
    submission_assessed,
    submission_received,
)
from touchstone.evaluation import Submission, load_submission
from touchstone.keys import KeyMissingError
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_to_add
from touchstone.service.cases.opening import require_ready
from touchstone.service.errors import KeyHolderError, StoppedError
from touchstone.service.installation import open_installation
from touchstone.service.measurement.record_verdicts import awaited, conclude
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.service.reviews.results import finished_run
from touchstone.service.reviews.reviewing import measure_case
from touchstone.service.signers import (
    MEASURING,
    automation_key,
    make_automation_key,
)

CENTRE = "example-centre"


@pytest.fixture(scope="module", name="homes")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that was handed in, looked over and put on the clock, each by its party's own key."""
    homes = tmp_path_factory.mktemp("handed-in")
    clock = Minutes()
    with open_installation(homes / "server", clock, apart=True) as here:
        begin(here, homes)
        make_automation_key(here, CENTRE)
        hand_in(begun(here, clock, homes), submitted(homes))
    return homes


@pytest.fixture(name="begun_case")
def _begun_case(homes: Path, tmp_path: Path) -> Iterator[Begun]:
    shutil.copytree(homes, tmp_path, dirs_exist_ok=True)
    clock = Minutes()
    with open_installation(tmp_path / "server", clock, apart=True) as here:
        yield begun(here, clock, tmp_path)


def submitted(folder: Path) -> Submission:
    path = folder / "SUBMISSION.toml"
    path.write_text(SUBMISSION.format(framework="example"), "utf-8")
    return load_submission(path)


def hand_in(case: Begun, submission: Submission) -> None:
    case.lab.act(lambda seen: submission_received(seen, "example-lab", submission))
    case.centre.act(lambda seen: submission_assessed(seen, CENTRE, submission.digest, ()))
    state = case.here.state(CASE)
    handed_in = state.submission
    assert handed_in is not None
    case.centre.act(
        lambda seen: clock_anchored(
            seen, CENTRE, FRAMEWORK.window, handed_in, case.here.state(CASE).submitted_at
        )
    )


def admit(case: Begun, kinds: Sequence[str] = MEASURING) -> None:
    key = automation_key(case.here, CENTRE).public_key
    case.centre.act(lambda seen: signer_admitted(seen, CENTRE, key, kinds, "measuring"))


def on_the_server(case: Begun) -> Case:
    return open_to_add(case.here, CASE)


def test_the_server_measures_with_the_key_that_the_centre_admitted(begun_case: Begun) -> None:
    admit(begun_case)
    case = on_the_server(begun_case)
    require_ready(case)
    measure(case)
    state = conclude(case, "battery-1")
    assert state.designating.proposals
    assert state.findings
    assert begun_case.here.keyring.parties() == ()
    own = begun_case.here.keyring.automation(CENTRE).fingerprint
    log = begun_case.here.records.deeds.log(CASE)
    assert log.last_deed(own) is not None
    # What the centre's people sign is by another key, and stands beside it.
    assert begun_case.centre.client.look(CASE).state.designating.proposals
    assert finished_run(case) is not None


def test_without_a_key_of_the_centre_nothing_is_measured(begun_case: Begun) -> None:
    case = on_the_server(begun_case)
    before = case.state.size
    shown = automation_key(begun_case.here, CENTRE)
    with pytest.raises(KeyMissingError) as refused:
        measure(case)
    said = str(refused.value)
    assert f"the key of automation here, {shown.fingerprint}, is not admitted in this case" in said
    assert f"touchstone party signers admit {shown.claim} --label measuring --kind " in said
    assert case.state.size == before


def test_a_key_that_was_removed_signs_nothing_more(begun_case: Begun) -> None:
    admit(begun_case)
    key = automation_key(begun_case.here, CENTRE).fingerprint
    begun_case.centre.act(lambda seen: signer_removed(seen, CENTRE, key))
    case = on_the_server(begun_case)
    assert not case.signs_here(CENTRE, "battery-sealed")
    with pytest.raises(KeyMissingError, match=f"{key}, was removed in this case; make another"):
        measure(case)
    # It was not even tried: a refusal of it would stand in the record.
    assert begun_case.here.records.deeds.log(CASE).last_deed(key) is None


def test_findings_and_proposal_wait_for_people_where_the_centre_keeps_them(
    begun_case: Begun, tmp_path: Path
) -> None:
    theirs = {"finding-signed", "designation-proposed", "report-issued"}
    admit(begun_case, sorted(set(MEASURING) - theirs))
    case = on_the_server(begun_case)
    measure(case)
    state = conclude(case, "battery-1")
    assert state.verdicts
    assert not state.findings
    assert not state.designating.proposals
    assert awaited(case) == ((CENTRE, "finding-signed"), (CENTRE, "designation-proposed"))
    # There is no more to be done here: the same command measures nothing a second time.
    assert finished_run(case) is not None
    size = case.state.size
    editions = issue_editions(case, tmp_path / "out", audiences(case.participants))
    assert all(each.bundle.exists() for each in editions)
    assert case.state.size == size


def test_a_case_is_not_measured_before_its_parties_opened_it(tmp_path: Path) -> None:
    with open_installation(tmp_path / "server", Minutes(), apart=True) as here:
        begin(here, tmp_path)
        with pytest.raises(StoppedError, match="waits for a hand-in that example-centre"):
            measure_case(here, CASE, tmp_path / "out", ReviewOptions(), Silent())


def test_no_automation_key_beside_the_partys_own(begun_case: Begun) -> None:
    begun_case.here.keyring.new_party_key("other-centre")
    with pytest.raises(KeyHolderError) as refused:
        make_automation_key(begun_case.here, "other-centre")
    assert refused.value.code == "automation-beside-party-key"
    with pytest.raises(KeyHolderError) as refused:
        make_automation_key(begun_case.here, "public")
    assert refused.value.code == "automation-for-nobody"
