"""Who may take part in a case, before one is opened."""

from pathlib import Path

import pytest

from support.reviews import write_submission
from touchstone.evaluation import Submission, load_submission
from touchstone.service.errors import CannotRunError
from touchstone.service.frameworks import load_framework
from touchstone.service.opening import check_parties


@pytest.fixture(name="submission")
def _submission(tmp_path: Path) -> Submission:
    return load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1"))


def test_agencies_of_the_framework_may_take_part(submission: Submission):
    check_parties(load_framework("example"), submission, ("example-agency", "example-treasury"))


@pytest.mark.parametrize(
    "agencies",
    [("nobody",), ("example-bank",), ("example-agency", "example-agency"), ("",)],
    ids=["unknown", "another-role", "twice", "empty"],
)
def test_others_are_refused_by_name(submission: Submission, agencies: tuple[str, ...]):
    with pytest.raises(CannotRunError, match="they are example-agency, example-treasury"):
        check_parties(load_framework("example"), submission, agencies)
