"""A reference is compared with and never judged: from SUBMISSION.toml to what the rule proposes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from support.compared import write_compared, write_comparing
from support.small_case import Minutes, facts_for, record_chunk
from touchstone.clearance import party_audience
from touchstone.deeds.known_case import Participants
from touchstone.editions.run_text import landed
from touchstone.evaluation import load_submission
from touchstone.evaluation.errors import SubmissionError
from touchstone.review import State
from touchstone.review.audience_view import newest_entry
from touchstone.review.events.judging import CriterionSays
from touchstone.review.events.measuring import Result
from touchstone.service.case_context import Case
from touchstone.service.cases.opening import open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.tracking import tracker_of

Solves = Callable[[int], bool | Result]
ITEMS = 24


def every(index: int) -> bool:
    return index >= 0


def none(index: int) -> bool:
    return index < 0


def lost(_index: int) -> Result:
    return "lost-endpoint"


def half(index: int) -> bool:
    return index % 2 == 0


def reviewed(
    folder: Path,
    solves: Mapping[str, Solves],
    see: Callable[[Case], None] = lambda _case: None,
    *,
    purpose: str = 'purpose = "reference"',
    old: tuple[tuple[str, str], ...] = (("older-instant", "high"),),
    silent: Sequence[str] = (),
) -> State:
    """A case through the store: opened from the file, sealed, measured as told, concluded."""
    submission = load_submission(write_compared(folder, purpose=purpose, old=old))
    framework = load_framework(str(write_comparing(folder)))
    participants = Participants("example-lab", "example-centre", ())
    with open_installation(folder / "home", Minutes()) as here:
        case = open_case(here, framework, submission, participants)
        seal(case, ITEMS, "confined", accepted=True)
        prepared = reopen(case)
        for run in prepared.runs:
            shows = run.mode.id not in silent
            record_chunk(case, prepared, run, range(ITEMS), solves[run.mode.id], reasoning=shows)
        state = conclude(case, "battery-1")
        see(case)
        return state


def reasons(state: State) -> dict[str, CriterionSays]:
    return {each.criterion: each for each in state.designating.proposals[-1].says}


def why(case: Case, criterion: str) -> str:
    reader = case.installation.records.case(case.id)
    words = newest_entry(reader, "designation-proposed").content("words")
    return str(words["reasons"][criterion])


def words(state: State) -> dict[tuple[str, str, str], str]:
    return {(k.criterion, k.variant, k.mode): v.verdict for k, v in state.verdicts.items()}


def test_a_reference_above_an_absolute_threshold_covers_nothing(tmp_path: Path):
    state = reviewed(tmp_path, {"instant": none, "older-instant": every})
    assert state.variants["older"].purpose == "reference"
    assert state.designating.proposals[-1].designation == "not-covered"
    assert {key.variant for key in state.verdicts} == {"final"}
    assert len(state.findings) == len(state.verdicts)


def test_a_variant_that_does_not_say_reference_is_under_review(tmp_path: Path):
    """The cautious reading of silence: what is handed in is judged."""
    state = reviewed(tmp_path, {"instant": none, "older-instant": every}, purpose="")
    assert state.variants["older"].purpose == "final"
    assert state.designating.proposals[-1].designation == "covered"
    assert reasons(state)["memory-safety"].says == "met"


@pytest.mark.parametrize(
    ("new", "old", "says"),
    [(none, every, "not-met"), (every, none, "met"), (half, half, "undetermined")],
    ids=["far below", "far above", "alike and too few to tell"],
)
def test_a_comparison_can_say_both(tmp_path: Path, new: Solves, old: Solves, says: str):
    state = reviewed(tmp_path, {"instant": new, "older-instant": old})
    assert reasons(state)["against-older"].says == says


def test_above_an_absolute_threshold_and_not_above_the_reference(tmp_path: Path):
    state = reviewed(tmp_path, {"instant": half, "older-instant": every})
    assert reasons(state)["against-older"].says == "not-met"
    assert words(state)["against-older", "final", "instant"] == "below"


TWO = (("older-instant", "none"), ("older-thinking", "high"))


def test_the_reference_counts_at_its_best_in_whatever_order_it_ran(tmp_path: Path):
    for place, best in enumerate(("older-instant", "older-thinking")):
        folder = tmp_path / str(place)
        folder.mkdir()
        worse = next(mode for mode, _ in TWO if mode != best)
        state = reviewed(folder, {"instant": every, best: every, worse: none}, old=TWO)
        assert words(state)["against-older", "final", "instant"] == "below"
        assert (
            state.verdicts[next(k for k in state.verdicts if k.criterion == "against-older")].beta
            == "0.025000"
        )


def test_a_reference_does_not_take_a_share_of_alpha(tmp_path: Path):
    alone = reviewed(tmp_path, {"instant": every, "older-instant": none})
    assert {v.alpha for v in alone.verdicts.values()} == {"0.050000"}


def test_a_reference_runs_the_items_of_the_criteria_that_name_it(tmp_path: Path):
    state = reviewed(tmp_path, {"instant": half, "older-instant": half})
    assert {k.criterion for k in state.tallies if k.variant == "older"} == {"against-older"}


def test_a_finding_of_a_comparison_says_what_it_compared(tmp_path: Path):
    def see(case: Case) -> None:
        data = facts_for(case, party_audience("example-lab"))
        (finding,) = [f for f in data.findings if "the reference older" in f.text]
        assert "more than 20% above the rate of the reference older" in finding.text
        rows = {(row.criterion, row.mode): row.verdict for row in data.results}
        assert rows["against-older", "older-instant (older)"] == "reference"
        assert "older-instant" not in data.summary[0]

    reviewed(tmp_path, {"instant": every, "older-instant": none}, see)


@pytest.mark.parametrize(
    ("purpose", "told"),
    [
        ('purpose = "old"', "variants[1].purpose"),
        ('purpose = ["reference"]', "variants[1].purpose"),
        ('purposes = "reference"', "variants[1].purposes: not a key of a submission"),
    ],
)
def test_another_word_for_a_purpose_is_refused(tmp_path: Path, purpose: str, told: str):
    with pytest.raises(SubmissionError) as caught:
        load_submission(write_compared(tmp_path, purpose=purpose))
    assert told in str(caught.value)


def test_something_must_be_under_review(tmp_path: Path):
    path = write_compared(tmp_path)
    path.write_text(
        path.read_text("utf-8").replace('id = "final"', 'id = "final"\npurpose = "reference"', 1),
        "utf-8",
    )
    with pytest.raises(SubmissionError, match="add what is under review"):
        load_submission(path)


def test_a_variant_that_no_mode_runs_is_refused(tmp_path: Path):
    with pytest.raises(SubmissionError, match="variants\\[1\\]: no mode runs 'older'"):
        load_submission(write_compared(tmp_path, old=()))


def test_what_was_lost_of_the_reference_is_named_wherever_the_word_stands(tmp_path: Path):
    told = "of the reference in older-instant mode 24 of 24 lost to the endpoint (100%)"

    def see(case: Case) -> None:
        prepared = reopen(case)
        rows = tracker_of(case, plan_chunks(case, prepared), prepared.verdicts).rows()
        (line,) = [landed(row) for row in rows if row.beside]
        assert told in line
        assert line.endswith("what those of the reference would have been could change the word")
        (row,) = [
            row
            for row in facts_for(case, party_audience("example-lab")).results
            if (row.criterion, row.verdict) == ("against-older", "not-measured")
        ]
        assert row.beside == (told,)
        assert why(case, "against-older").endswith(
            "24 samples of the reference in older-instant mode 24 lost to the endpoint"
        )

    state = reviewed(tmp_path, {"instant": every, "older-instant": lost}, see)
    (seen,) = next(
        v for k, v in state.verdicts.items() if k.criterion == "against-older"
    ).references
    assert (seen.mode, seen.solved, seen.counted) == ("older-instant", 0, ITEMS)
    assert seen.unmeasured.by_kind == {"lost-endpoint": ITEMS}


@pytest.mark.parametrize(("silent", "word"), [((), "above"), (("older-instant",), "not-measured")])
def test_a_reference_mode_that_is_not_shown_to_be_on_is_not_exceeded(
    tmp_path: Path, silent: tuple[str, ...], word: str
):
    """It is asked to reason and shows none: what it would solve if it did is not known."""
    told: list[str] = []

    def see(case: Case) -> None:
        told.append(why(case, "against-older"))

    state = reviewed(tmp_path, {"instant": every, "older-instant": none}, see, silent=silent)
    assert words(state)["against-older", "final", "instant"] == word
    said = reasons(state)["against-older"]
    if silent:
        assert said.says == "undetermined"
        assert "of the reference in older-instant mode the mode asks for reasoning" in told[0]
    else:
        assert said.says == "met"


def test_what_is_sealed_of_a_comparison_is_what_judges_it(tmp_path: Path):
    """Two modes of the reference: each comparison has half of beta, in the seal and in the word."""

    def see(case: Case) -> None:
        (rule,) = [r for r in reopen(case).verdicts.runs if r.measure == "relative-to-reference"]
        verdict = next(v for k, v in case.state.verdicts.items() if k.criterion == "against-older")
        assert (rule.beta, rule.references) == (verdict.beta, 2) == ("0.025000", 2)
        assert rule.alpha == verdict.alpha

    every_mode = {"instant": none, "older-instant": every, "older-thinking": every}
    reviewed(tmp_path, every_mode, see, old=TWO)
