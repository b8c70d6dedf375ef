"""Who may take part in a case, before one is opened."""

from pathlib import Path

import pytest

from support.reviews import write_submission
from touchstone.deeds.known_case import Participants, participants_of
from touchstone.evaluation import Submission, load_submission
from touchstone.service.cases.opening import check_parties, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation
from touchstone.verdicts.errors import CannotRunError


@pytest.fixture(name="submission")
def _submission(tmp_path: Path) -> Submission:
    return load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1"))


AGENCIES = ("example-agency", "example-treasury")


@pytest.mark.parametrize("agencies", [(), AGENCIES[:1], AGENCIES], ids=["none", "one", "both"])
def test_agencies_of_the_framework_take_part(
    submission: Submission, tmp_path: Path, agencies: tuple[str, ...]
):
    """Whom the check lets pass, a case is opened with, and they have the role in its record."""
    framework = load_framework("example")
    check_parties(framework, submission, agencies)
    participants = Participants(submission.developer.id, "example-centre", agencies)
    with open_installation(tmp_path / "home") as installation:
        state = open_case(installation, framework, submission, participants).state
    assert state.having("agency") == agencies
    assert participants_of(state) == participants


@pytest.mark.parametrize(
    "agencies",
    [("nobody",), ("example-bank",), ("example-agency", "example-agency"), ("",)],
    ids=["unknown", "another-role", "twice", "empty"],
)
def test_others_are_refused_by_name(submission: Submission, agencies: tuple[str, ...]):
    with pytest.raises(CannotRunError, match="they are example-agency, example-treasury"):
        check_parties(load_framework("example"), submission, agencies)
