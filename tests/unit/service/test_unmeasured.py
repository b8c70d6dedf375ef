"""A review in which nothing, or not everything, was measured says so, and says nothing else of it.

Small reviews through the store, up to the page of an edition and the lines of the terminal.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from support.report_data import early_report
from support.silent import Silent
from support.small_case import facts_for, probed, record_chunk, small_case
from touchstone.clearance import Audience, party_audience
from touchstone.deeds.cases import review_halted
from touchstone.editions.page import ReportData, render_html
from touchstone.editions.page.charts import describe_difficulty
from touchstone.editions.page.saving_picture import describe, saving
from touchstone.editions.run_text import landed, remarks
from touchstone.review.events.measuring import Result
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.tracking import tracker_of
from touchstone.service.reviews.results import stopped_review
from touchstone.statistics import percent_interval
from touchstone.verdicts.run_progress import RunProgress

CENTRE, AGENCY = party_audience("example-centre"), party_audience("example-agency")
ITEMS = 6


def run_all(
    case: Case, met: Callable[[str, int], bool | Result], *, whole: bool, grade: str = "confined"
) -> None:
    """Seal, record what each sample of each mode met, and conclude."""
    seal(case, ITEMS, grade, accepted=True, whole=whole)
    probed(case)
    prepared = reopen(case)
    for run in prepared.runs:
        record_chunk(case, prepared, run, range(ITEMS), partial(met, run.mode.id))
    conclude(case, "battery-1")


@pytest.fixture(scope="module", params=[True, False], ids=["whole", "early"])
def nothing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """Not one sample measured anything: no attempt in one mode, a failing endpoint in the other."""
    with small_case(tmp_path_factory.mktemp("nothing")) as case:
        run_all(
            case,
            lambda mode, _: "no-attempt" if mode == "instant" else "lost-endpoint",
            whole=request.param,
        )
        yield case


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Thinking solves all; instant lost all but its first two samples, which it did not solve."""
    with small_case(tmp_path_factory.mktemp("some")) as case:
        run_all(case, lambda mode, index: mode == "thinking" or (index > 1 and "cut"), whole=True)
        yield case


def words(page: str) -> str:
    """A page's words without marks, spaces made one."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def rows_of(case: Case) -> list[RunProgress]:
    """The runs as the terminal shows them."""
    prepared = reopen(case)
    return tracker_of(case, plan_chunks(case, prepared), prepared.verdicts).rows()


@pytest.mark.parametrize("audience", [CENTRE, AGENCY])
def test_what_measured_nothing_is_neither_drawn_nor_counted_as_a_failure(
    nothing: Case, audience: Audience
):
    facts = facts_for(nothing, audience)
    assert all(row.by_difficulty == () and not row.extreme for row in facts.results)
    page = words(render_html(facts))
    for false in ("level 1:", "By difficulty", "no lower limit", "no upper limit", "none solved"):
        assert false not in page


def test_only_what_was_measured_is_counted_by_difficulty(some: Case):
    facts = facts_for(some, CENTRE)
    instant = [row for row in facts.results if row.mode == "instant"]
    thinking = [row for row in facts.results if row.mode == "thinking"]
    assert instant
    for row in instant:
        assert sum(level.counted for level in row.by_difficulty) == row.measured == 2
    assert all(sum(level.counted for level in row.by_difficulty) == ITEMS for row in thinking)
    page = words(render_html(facts))
    assert "of those measured, level" in page
    assert "Samples that measured nothing are left out." in page
    assert " of 0" not in describe_difficulty(facts.results)


def test_no_sample_carries_a_verdict_where_none_was_given(nothing: Case):
    page, rows = words(render_html(facts_for(nothing, CENTRE))), rows_of(nothing)
    for false in ("used for the verdicts", "carry the verdicts", "when a verdict fell"):
        assert false not in page
    assert "each rests on all of them" not in page
    said = " ".join(remarks(rows))
    assert "verdicts rest on" not in said
    if any(row.may_stop for row in rows):
        assert "they carry no verdict" in said
        assert "none carries a verdict" in page


def test_the_bar_tells_what_carries_a_verdict_from_what_does_not():
    data = early_report()
    before = saving(data.results)
    row = next(each for each in data.results if each.evidence)
    assert row.evidence is not None
    open_one = replace(row, verdict="not-reached", claimed=None)
    rows = tuple(open_one if each is row else each for each in data.results)
    after, ran = saving(rows), row.evidence.used + row.evidence.overshoot
    assert (after.sealed, after.wordless) == (before.sealed, ran)
    assert after.used == before.used - row.evidence.used
    assert f"{ran} ran in runs without one" in describe(after)
    page = words(render_html(replace(data, results=rows)))
    assert f"{ran} ran in runs without a verdict" in page
    assert "never had to run" not in page
    assert "without one" not in describe(before)


def test_early_is_said_of_verdicts_that_came_early_and_of_no_other():
    whole = RunProgress("pay", "plain", 12, 12, 9, 0, verdict="above", used=12, may_stop=True)
    early = replace(whole, used=8)
    lost = replace(whole, verdict="not-measured", solved=0, lost={"cut": 12})
    assert remarks([whole]) == ["12 of 12 samples sealed were run (100%); no verdict came early"]
    assert "the early verdicts rest on 8," in remarks([whole, early, lost])[0]
    assert "they carry no verdict" in remarks([lost])[0]


def test_an_interval_is_the_same_text_in_every_place(some: Case):
    facts = facts_for(some, CENTRE)
    page = words(render_html(facts))
    assert facts.findings
    for row in facts.results:
        text = percent_interval(*row.interval)
        assert f"95% interval {text}" in page
        if not (row.evidence and row.evidence.whole and not row.lost):
            assert page.count(text) > 1
    for finding in facts.findings:
        above = [row for row in facts.results if finding.title == f"{row.title} ({row.mode} mode)"]
        assert all(percent_interval(*row.interval) in finding.text for row in above)


def test_a_weaker_sandbox_is_said_only_where_one_was_used(tmp_path: Path):
    told = []
    for name, grade in (("met", "confined"), ("weak", "none")):
        (tmp_path / name).mkdir()
        with small_case(tmp_path / name) as case:
            seal(case, ITEMS, grade, accepted=True)
            (fact,) = [
                each
                for each in facts_for(case, CENTRE).elicitation
                if each.label == "Accepted by the centre"
            ]
            told.append(fact.text)
    met, weak = told
    assert "would have been; it was not needed" in met
    assert weak.startswith("a sandbox weaker than the cards ask for: none, and they ask for ")


def of_mode(facts: ReportData, mode: str) -> list[str]:
    """Why each run of a mode is called not measured, by the section of the report."""
    return [row.why for row in facts.not_measured if row.what.endswith(f", in mode {mode}")]


@pytest.mark.parametrize("audience", [CENTRE, AGENCY])
def test_the_section_and_the_lede_name_each_run_and_whose_loss_it_was(
    nothing: Case, audience: Audience
):
    facts = facts_for(nothing, audience)
    runs = sum(row.mode == "instant" for row in facts.results)
    assert runs
    whose = {"instant": "without an attempt by the model", "thinking": "lost to the endpoint"}
    lede = facts.summary[0]
    for mode, loss in whose.items():
        told = of_mode(facts, mode)
        assert len(told) == runs
        for why in told:
            assert why.startswith("nothing was measured: ")
            assert re.match(rf"nothing was measured: (\d) of \1 samples were {loss}", why)
        assert re.search(rf"Nothing was measured on “[^.]+” in {mode} mode: [^.]+{loss}", lede)
    for false in (" measured Example Model 3 on", "undecided", "it is "):
        assert false not in lede.partition("Nothing was measured")[0]
    assert "undecided" not in lede
    assert loss in words(render_html(facts)).partition("What was not measured")[2]


def test_where_some_was_measured_only_that_is_said_to_be(some: Case):
    facts = facts_for(some, CENTRE)
    lede, told = facts.summary[0], of_mode(facts, "instant")
    assert "in one mode. In thinking mode it is" in lede
    assert "In instant mode it is" not in lede
    assert "Too little was measured on" in lede
    assert told
    assert set(told) == {
        f"too little was measured: {ITEMS - 2} of {ITEMS} samples were cut at an output limit"
    }
    assert of_mode(facts, "thinking") == []


def test_a_review_that_was_halted_says_of_each_run_how_far_it_came(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, ITEMS, "confined", accepted=True, whole=True)
        probed(case)
        prepared = reopen(case)
        first = prepared.runs[0]
        record_chunk(case, prepared, first, range(2), lambda index: index == 0 or "refused")
        case.record([review_halted(case, case.participants.centre, "somebody looks")])
        (tmp_path / "out").mkdir()
        stop = StoppedError("the review is halted by example-centre", "halted")
        result = stopped_review(case, stop, tmp_path / "out", Silent())
        facts = facts_for(case, CENTRE)
    assert len(result.rows) == len(prepared.runs)
    halted, lines = "measuring stopped because it was halted", result.lines()
    begun = next(line for line in result.unmeasured if line.startswith(f"{first.criterion}: "))
    assert f"2 of {ITEMS} samples ran, 1 refused by the model or its provider, {halted}" in begun
    assert len(result.unmeasured) == len({run.criterion for run in prepared.runs})
    for line in result.unmeasured:
        assert f"in thinking mode: no verdict, 0 of {ITEMS} samples ran, {halted}" in line
        assert f"Not measured: {line}" in lines
    for row in result.rows:
        assert landed(row).endswith(f": no verdict, {row.recorded} of {ITEMS} ran")
    told = of_mode(facts, "instant") + of_mode(facts, "thinking")
    assert len(told) == len(prepared.runs)
    stopped = "since measuring stopped: it was halted"
    assert sum(f"{ITEMS} of {ITEMS} samples never ran, {stopped}" in why for why in told) == (
        len(prepared.runs) - 1
    )
    assert sum(f"{ITEMS - 2} of {ITEMS} samples never ran, {stopped}" in why for why in told) == 1
    assert "it was halted" in facts.summary[0]
    assert "undecided" not in facts.summary[0]
