"""Cases are not drawn until one fits: who is entitled to know is told of the others."""

from pathlib import Path

import pytest

from support.small_case import SUBMISSION, measure, settle, small_case
from touchstone.clearance import PUBLIC, party_audience
from touchstone.deeds.known_case import Participants
from touchstone.editions.gathering import untold
from touchstone.editions.sentences import sentence
from touchstone.evaluation import load_submission
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.cases.opening import default_centre, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.reporting.edition_files import render_edition
from touchstone.service.reporting.other_cases import other_cases

AT = "2026-11-21T12:00:00Z"
LAB, CENTRE = party_audience("example-lab"), party_audience("example-centre")
RENAMED = (
    ('name = "Example Model 3"', 'name = "Example-Model 3"'),
    ('id = "example-model-3"', 'id = "other-name"'),
)


def another(case: Case, *changes: tuple[str, str], framework: str = "us-2026-06") -> Case:
    """A further case of the installation, of a submission with these changes."""
    folder = case.installation.home.parent / f"more-{len(case.installation.records.cases())}"
    folder.mkdir()
    text = SUBMISSION.format(framework=framework)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "SUBMISSION.toml").write_text(text, "utf-8")
    submission, standard = load_submission(folder / "SUBMISSION.toml"), load_framework(framework)
    participants = Participants(submission.developer.id, default_centre(standard))
    return open_case(case.installation, standard, submission, participants)


def test_developer_and_centre_are_told_and_nobody_else(tmp_path: Path):
    with small_case(tmp_path) as case:
        here, size = case.installation, case.state.size
        everyone = (LAB, CENTRE, party_audience("example-agency"), PUBLIC)
        before = [render_edition(case, audience, size, AT) for audience in everyone]
        assert other_cases(here, case.id, CENTRE) == (sentence("other-cases.none"),)
        measure(other := another(case))
        another(case, *RENAMED)
        after = [render_edition(case, audience, size, AT) for audience in everyone]
        assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True, True]
        assert untold().encode() in after[-1]
        told = other_cases(here, case.id, LAB)
        assert len(told) == 2
        assert other.id[:12] in told[0] + told[1]
        # What they have in common is found by their contents, which not all of its people see.
        assert other_cases(here, case.id, party_audience("example-lab", "GREEN", "facts")) == (
            untold(),
        )


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ((), "name, id and endpoint"),
        (RENAMED, "name and endpoint"),
        ((RENAMED[0], ("127.0.0.1:9", "127.0.0.1:8")), "name and id"),
        ((*RENAMED, ('name = "Example-Model 3"', 'name = "Fresh"')), "endpoint"),
    ],
)
def test_a_model_is_known_by_any_of_its_marks(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], same: str
):
    with small_case(tmp_path) as case:
        another(case, *changes)
        (told,) = other_cases(case.installation, case.id, CENTRE)
        assert f"has the same {same}: submitted." in told


def test_anothers_model_and_another_model_are_not_named(tmp_path: Path):
    with small_case(tmp_path) as case:
        another(case, ('id = "example-lab"', 'id = "other-lab"'))
        another(case, *RENAMED, ('"Example-Model 3"', '"Fresh"'), ("127.0.0.1:9", "127.0.0.1:8"))
        assert other_cases(case.installation, case.id, CENTRE) == (sentence("other-cases.none"),)


def test_a_destroyed_case_is_still_named(tmp_path: Path):
    with small_case(tmp_path) as case:
        other = another(case)
        measure(other)
        destroy_case(case.installation, other.id)
        (told,) = other_cases(case.installation, case.id, CENTRE)
        assert "the same name: destroyed" in told


def test_what_became_of_a_case_is_told(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case)
        settle(case)
        other = another(case)
        (told,) = other_cases(case.installation, other.id, LAB)
        assert "designated: " in told
        assert "verdicts: " in told
