"""What is chosen for a run and can change nothing in the case as it stands is not passed over."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.small_case import measure, small_case
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions, ReviewResult
from touchstone.service.reviews.reviewing import run_review
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import RunProgress


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, rows: Sequence[RunProgress]) -> None:
        del rows


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (ReviewOptions(agencies=("nobody",)), "--agency: case .* is open with agencies: example-"),
        (ReviewOptions(resume="x"), "--resume: case .* is measured and not halted"),
    ],
)
def test_on_a_measured_case_it_is_refused(tmp_path: Path, chosen: ReviewOptions, told: str):
    with small_case(tmp_path) as case:
        measure(case)
        conclude(case, "battery-1")
        size, path = case.state.size, tmp_path / "SUBMISSION.toml"
        with pytest.raises(CannotRunError, match=told):
            run_review(case.installation, path, tmp_path / "out", chosen, Told())
        assert case.state.size == size
        again = run_review(case.installation, path, tmp_path / "out", ReviewOptions(), Told())
        assert isinstance(again, ReviewResult)


def test_an_interrupted_resume_goes_on_and_says_that_nothing_is_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = Told()
    monkeypatch.delenv("EXAMPLE_LAB_KEY", raising=False)
    options, path, out = ReviewOptions(resume="x"), tmp_path / "SUBMISSION.toml", tmp_path / "out"
    with small_case(tmp_path) as case, pytest.raises(CannotRunError, match="EXAMPLE_LAB_KEY"):
        run_review(case.installation, path, out, options, told)
    assert told.lines == ["Note: --resume: nothing is halted here, so nothing is lifted"]


def test_a_folder_that_takes_no_file_is_found_before_anything_is_asked(tmp_path: Path):
    path = tmp_path / "SUBMISSION.toml"
    with small_case(tmp_path) as case, pytest.raises(CannotRunError, match="--out /proc: cannot"):
        run_review(case.installation, path, Path("/proc"), ReviewOptions(), Told())
