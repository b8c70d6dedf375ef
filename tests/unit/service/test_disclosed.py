"""What a reader would else have to guess: what was begun twice, left out, tied, or paid beside."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from support.report_data import early_report
from support.silent import Silent
from support.small_case import SUBMISSION, Minutes, facts_for, measure, probed, small_case
from touchstone.clearance import party_audience
from touchstone.deeds.known_case import Participants
from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import render_html
from touchstone.editions.page.phrases import verdict_phrase
from touchstone.editions.run_text import landed
from touchstone.editions.sections.summary import summary
from touchstone.evaluation import Outcome, Usage, load_submission
from touchstone.review.audience_view import read_entries
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import show_case
from touchstone.service.cases.opening import default_centre, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.outcomes import record_outcomes
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions, ReviewResult
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.tracking import tracker_of
from touchstone.service.reviews.reviewing import run_review

CENTRE, AGENCY = party_audience("example-centre"), party_audience("example-agency")
ITEMS = 6


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Every run's second sample had begun twice, and each chunk cost 40 tokens beside its own."""
    with small_case(tmp_path_factory.mktemp("again")) as case:
        seal(case, ITEMS, "confined", accepted=True, whole=True)
        probed(case)
        prepared = reopen(case)
        for spec, key in plan_chunks(case, prepared).values():
            committed = prepared.battery.sealed.find(spec.item_set).commitments
            outcomes = [
                Outcome(
                    index=index,
                    commitment=committed[index],
                    result="unsolved",
                    score="0",
                    reason="as told",
                    seconds="1",
                    usage=Usage(input=10),
                    reasoning="full",
                    executions=1 + (index == 1),
                )
                for index in spec.indices
            ]
            used = Usage(input=10 * len(outcomes) + 40)
            record_outcomes(case, prepared.battery, spec, key, outcomes, used)
        conclude(case, "battery-1")
        yield case


def test_a_second_execution_is_in_the_record_and_counted_beside_each_verdict(again: Case):
    prepared = reopen(again)
    rows = tracker_of(again, plan_chunks(again, prepared), prepared.verdicts).rows()
    assert {row.repeated for row in rows} == {1}
    assert all(", 1 begun more than once" in landed(row) for row in rows)
    for audience in (CENTRE, AGENCY):
        facts = facts_for(again, audience)
        assert {row.repeated for row in facts.results} == {1}
        assert "1 begun more than once" in render_html(facts)
    shown = show_case(again.installation, again.id)
    assert {verdict["repeated"] for verdict in shown.verdicts} == {1}


def test_twin_where_nothing_ran_twice_nothing_is_said(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case)
        conclude(case, "battery-1")
        facts = facts_for(case, CENTRE)
        assert {row.repeated for row in facts.results} == {0}
        assert "begun more than once" not in render_html(facts)


def test_the_cost_names_what_was_paid_beside_the_samples(again: Case):
    spent = {fact.label: fact.text for fact in facts_for(again, CENTRE).spent}
    chunks = len(plan_chunks(again, reopen(again)))
    samples = int(spent["Samples"])
    assert spent["Tokens of these samples, in and out"] == f"{10 * samples:,}"
    assert spent["Tokens of executions that ended without an outcome"] == f"{40 * chunks:,}"
    assert spent["Tokens of probes and of questions asked before"] == "0"
    assert "Not in this" in {fact.label for fact in facts_for(again, AGENCY).spent}


def test_an_edition_with_rows_of_a_reference_alone_concludes_nothing(again: Case):
    entries = tuple(read_entries(again.installation.records.case(again.id), CENTRE))
    shown = AudienceCase(again.id, entries, CENTRE)
    rows = [replace(row, verdict="reference") for row in facts_for(again, CENTRE).results]
    first = summary(shown, rows)[0]
    assert "Nothing has been measured so far" in first
    assert "discloses no threshold" not in first


def test_a_tie_is_not_called_too_few_items():
    row = next(each for each in early_report().results if each.evidence is not None)
    assert row.evidence is not None
    size = row.evidence.size
    tie = replace(
        row,
        verdict="undetermined",
        claimed=None,
        solved=size // 2,
        counted=size,
        lost=(),
        threshold=size // 2 / size,
        evidence=replace(row.evidence, used=size, overshoot=0),
    )
    assert "tie" in verdict_phrase(tie)
    assert "too few" in verdict_phrase(replace(tie, solved=size // 2 - 1))
    part = replace(row.evidence, used=size - 1, overshoot=0)
    assert "too few" in verdict_phrase(replace(tie, evidence=part))


def reviewed(case: Case, folder: Path, framework: str | None = None) -> ReviewResult:
    path, options = folder / "SUBMISSION.toml", ReviewOptions(framework=framework)
    return run_review(case.installation, path, folder / "out", options, Silent())


def test_a_criterion_that_nothing_here_speaks_to_is_not_measured_and_says_so(tmp_path: Path):
    shipped = resources.files("touchstone.framework").joinpath("shipped/example.toml")
    text = shipped.read_text("utf-8")
    assert 'family = "web-injection"' in text
    standard = tmp_path / "standard.toml"
    standard.write_text(text.replace('family = "web-injection"', 'family = "card-games"'), "utf-8")
    path = tmp_path / "SUBMISSION.toml"
    path.write_text(SUBMISSION.format(framework="example"), "utf-8")
    framework = load_framework(str(standard))
    participants = Participants("example-lab", default_centre(framework))
    with open_installation(tmp_path / "home", Minutes()) as here:
        case = open_case(here, framework, load_submission(path), participants)
        measure(case)
        conclude(case, "battery-1")
        result = reviewed(case, tmp_path, str(standard))
    assert not result.measured
    (line,) = result.unmeasured
    assert line.startswith("web-injection: ")
    assert f"Not measured: {line}" in result.lines()
    assert result.as_dict()["unmeasured"] == [line]


def test_twin_a_review_of_every_criterion_is_measured(tmp_path: Path):
    with small_case(tmp_path) as case:
        measure(case)
        conclude(case, "battery-1")
        result = reviewed(case, tmp_path)
    assert result.measured
    assert result.unmeasured == ()
