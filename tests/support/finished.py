"""A finished review, run again."""

from support.silent import Silent
from touchstone.service.case_context import Case
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.reviews.reviewing import run_review


def run_again(case: Case) -> None:
    """The same command once more, beside the case's home: no endpoint is asked."""
    folder = case.installation.home.parent
    path = folder / "SUBMISSION.toml"
    run_review(case.installation, path, folder / "out", ReviewOptions(), Silent())
