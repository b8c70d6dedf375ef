"""What a page says of verdicts that may stop early, from numbers of the real statistics."""

import html
import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.report_data import early, early_report, result, sample_report
from touchstone.editions.page import (
    EvidenceCurve,
    ReportData,
    ResultRow,
    charts,
    evidence_charts,
    render_html,
)
from touchstone.editions.page.phrases import chances, claim, stopped, tie, times
from touchstone.editions.page.saving_picture import describe, draw, saving
from touchstone.editions.sentences import Catalogue, english, using
from touchstone.statistics import exact_percent, percent_interval


@pytest.fixture(scope="module")
def data() -> ReportData:
    return early_report()


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return render_html(data)


def section(page: str) -> str:
    """The words of the section without its pictures, spaces made one."""
    found = page.partition('<section aria-labelledby="evidence">')[2].partition("</section>")[0]
    bare = re.sub(r"<svg.*?</svg>", " ", found, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare)))


def stops_table(page: str) -> str:
    return page.partition('<table class="stack reached">')[2].partition("</table>")[0]


def facts(row: ResultRow) -> EvidenceCurve:
    assert row.evidence
    return row.evidence


def test_the_sample_holds_every_reason_to_stop(data: ReportData):
    early_rows = [row for row in data.results if row.evidence]
    assert {facts(row).reason for row in early_rows} == {"evidence", "settled"}
    assert {row.verdict for row in early_rows} == {"above", "below"}
    assert any(row.evidence is None for row in data.results)


def test_each_run_says_how_many_samples_it_used_and_saved(page: str, data: ReportData):
    said = section(page)
    for row in data.results:
        if row.evidence:
            assert f"{facts(row).used} of {facts(row).size}" in said
            assert f"{facts(row).unrun} never ran" in said
            assert f"{facts(row).used} of {facts(row).size} used" in page


def test_all_runs_are_summed_up(page: str, data: ReportData):
    sums = saving(data.results)
    early_rows = [facts(row) for row in data.results if row.evidence]
    assert sums.runs == len(early_rows)
    assert sums.sealed == sum(each.size for each in early_rows)
    assert f"{sums.unrun} never had to run" in section(page)
    assert describe(sums) in html.unescape(page)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_bar_is_as_long_as_its_numbers(data: ReportData, narrow: bool):
    sums = saving(data.results)
    drawn = draw(sums, narrow=narrow)
    used, whole = (
        float(re.search(rf'class="{kind}"[^>]* width="([\d.]+)"', drawn)[1])  # type: ignore[index] # a miss fails the test as well
        for kind in ("used", "unrun")
    )
    assert used / whole == pytest.approx(sums.used / sums.sealed, abs=0.01)
    assert draw(replace(sums, overshoot=0)).count(' d=""') == 1


def test_the_claim_is_the_rate_at_the_edge_of_the_zone(page: str):
    said = section(page)
    assert "claims: fewer than 60% of these 60 tasks would be solved" in said
    assert "claims: more than 40% of these 60 tasks would be solved" in said
    assert "claims: fewer than 50% of these 60 tasks would be solved" in said
    assert said.count("With its zone of 10 points") == 1, "two of three criteria have none"


def test_the_chart_of_rates_says_in_words_what_is_claimed(page: str):
    (told,) = re.findall(r'<desc id="rates-d">([^<]+)', page)
    assert "threshold 50%: above 40%." in told
    assert "threshold 50%: below 60%, as elicited." in told


def test_error_rates_are_said_as_chances(page: str):
    said = section(page)
    assert "an “above” like this would come at most 25 times in 1,000 in each mode" in said
    assert "a “below” at most 5 times in 100" in said


@pytest.mark.parametrize(
    "words",
    [
        "holds back on purpose is judged on what it showed",
        "Another agent, other tools, more attempts or a larger budget may draw out more",
        "speak of this battery",
        "by the model as it is when the item is drawn",
        "the estimate leans towards its verdict",
        "hold at the stop",
        "may still reach a rate that the one-sided verdict excludes",
    ],
)
def test_what_is_not_claimed_is_said(page: str, words: str):
    assert words in section(page).partition("What is not claimed")[2]


def test_the_pill_says_the_rate_that_is_claimed(page: str, data: ReportData):
    for row in data.results:
        if row.evidence and row.verdict in {"above", "below"}:
            words = f"{row.verdict.capitalize()} {exact_percent(facts(row).claimed or 0)}"
            assert f'<span class="pill {row.verdict}">{words}</span>' in page
    assert '<span class="pill below">Below</span>' in page  # of the fixed run, which names no rate


def test_all_alike_show_an_interval_and_no_point():
    row = early("Memory safety", "instant", 0.5)
    assert row.extreme
    assert row.rate is None
    page = render_html(replace(sample_report(), results=(row,)))
    assert "estimate " not in stops_table(page)
    assert "estimated rate" not in page
    mixed = replace(row, extreme=False)
    assert "estimate " in stops_table(render_html(replace(sample_report(), results=(mixed,))))


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("both", "on either side, “above” claims more than 40% and “below” fewer than 60%"),
        ("below", "below it, “above” claims more than 40% and “below” fewer than 50%"),
        ("above", "above it, “above” claims more than 50% and “below” fewer than 60%"),
    ],
)
def test_a_zone_on_one_side_is_said_with_what_each_word_claims(side: str, said: str):
    row = replace(early("Memory safety", "instant", 0.5), zone_side=side)
    assert said in section(render_html(replace(sample_report(), results=(row,))))


def test_a_tie_is_told_for_every_kind_of_zone():
    row = early("Memory safety", "instant", 0.5)
    assert "either word is right" in tie(row)
    assert "“above” is right and “below” is wrong" in tie(replace(row, zone_side="below"))
    assert "“below” is right and “above” is wrong" in tie(replace(row, zone_side="above"))
    assert "a tie, either word is wrong" in tie(replace(row, zone=0.0))
    assert tie(row) in section(render_html(replace(sample_report(), results=(row,))))


def test_the_two_intervals_are_told_apart(page: str, data: ReportData):
    row = data.results[2]
    said = section(page)
    assert f"{facts(row).low:.0%} to {facts(row).high:.0%}" in said
    assert f"{facts(row).beyond_low:.0%} to {facts(row).beyond_high:.0%}" in said
    assert "these tasks are themselves only a sample" in said
    unsaid = replace(row, evidence=replace(facts(row), beyond_low=None, beyond_high=None))
    assert "too little to say" in section(render_html(replace(data, results=(unsaid,))))


def test_the_results_show_the_interval_that_is_valid_at_the_stop(data: ReportData):
    row = data.results[2]
    page = render_html(replace(data, results=(row,)))
    results = page.partition('id="results"')[2].partition('id="evidence"')[0]
    assert percent_interval(facts(row).low, facts(row).high) in results
    assert percent_interval(row.low, row.high) not in results
    assert "Exact" not in results
    assert "exact" not in results


def test_few_that_are_all_solved_are_no_ceiling_of_the_battery(page: str):
    results = page.partition('id="results"')[2].partition('id="evidence"')[0]
    assert "all solved of those used" in results
    assert "at the items' ceiling" not in results


def test_each_picture_of_evidence_is_told_in_words(page: str, data: ReportData):
    described = html.unescape(" ".join(re.findall(r'<desc id="evidence-\d-d">([^<]+)', page)))
    for row in data.results:
        if row.evidence:
            each = facts(row)
            said = f"{row.verdict} {exact_percent(each.claimed or 0)}"
            assert f"{row.title}, {row.mode}: {said}, {each.used} of {each.size}" in described
            assert f"{times(each.above[-1])} at the end" in described
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_names_from_outside_stay_text_in_the_pictures():
    row = early('</desc><script>alert("1")</script>', "'] + window + ['", 0.5)
    page = render_html(replace(sample_report(), results=(row,)))
    assert "<script" not in page
    assert page.count("</desc>") == page.count("<desc ")


def test_fixed_designs_are_named_beside_the_others(page: str):
    assert "number of samples was fixed beforehand: Effects on work in instant." in section(page)


def test_without_early_verdicts_the_section_says_so_to_those_who_read_all():
    page = render_html(replace(sample_report(), whole=True))
    assert "No verdict came early: the number of samples was fixed beforehand" in section(page)
    assert "What is not claimed" not in page
    assert "Exact 95% interval" in page


def test_without_early_verdicts_others_learn_only_that_nothing_is_shown():
    page = render_html(sample_report())
    assert 'id="evidence"' not in page
    assert "<li>How the verdicts were reached</li>" in page


def test_before_the_first_verdict_the_section_says_so():
    page = render_html(replace(sample_report(), results=(), whole=True))
    assert "No verdict has been reached so far." in section(page)


def test_a_run_without_a_path_has_its_line_and_no_picture():
    """As one of at-least-once-in-k, which counts and does not bet."""
    row = early("Memory safety", "instant", 0.5)
    bare = replace(row, evidence=replace(facts(row), above=(), below=(), claimed=None))
    page = render_html(replace(sample_report(), results=(bare,)))
    assert "How to read the pictures" not in page
    assert 'id="evidence-0' not in page
    assert "claims what the rule above says, and no rate" in section(page)


def test_a_stop_whose_path_is_withheld_is_not_said_to_be_of_a_fixed_design():
    row = replace(early("Memory safety", "instant", 0.5), evidence=None)
    page = render_html(replace(sample_report(), results=(row,)))
    said = section(page)
    assert "with no path of evidence to show here: Memory safety in instant, 5 of 60 used." in said
    assert "fixed beforehand" not in said
    assert "What is not claimed" in said
    assert "5 of 60 used" in page.partition('id="evidence"')[0]
    assert "Exact 95% interval" not in page


def test_outcomes_beyond_the_stop_are_said_to_be_among_those_counted(page: str):
    results = page.partition('id="results"')[2].partition('id="evidence"')[0]
    assert results.count("all that ran") == sum(
        bool(row.evidence and row.evidence.overshoot) for row in early_report().results
    )


def test_a_bound_reached_is_said_though_the_word_was_settled_too():
    row = early("Memory safety", "instant", 0.5)
    both = replace(facts(row), reason="settled")
    assert stopped(row, both) == (
        "the evidence for “below” reached its bound, and no answer still to come could change the "
        "word"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: replace(e, reason="evidence"), "the evidence for “below” reached its bound"),
        (lambda e: replace(e, reason="settled", above=(), below=()), "no answer still to come"),
        (lambda e: replace(e, reason="settled", size=e.used), "the whole battery had run"),
        (lambda e: replace(e, reason="open"), "neither bound was reached with the samples that"),
    ],
)
def test_why_it_stopped(change: Callable[[EvidenceCurve], EvidenceCurve], words: str):
    row = early("Memory safety", "instant", 0.5)
    assert words in stopped(row, change(facts(row)))


def test_other_words_claim_what_they_mean():
    row = early("Memory safety", "instant", 0.5)
    silent = replace(facts(row), claimed=None)
    within = replace(row, verdict="within-zone")
    assert claim(within, silent) == "claims: between 40% and 60% of these 60 tasks would be solved"
    assert stopped(within, silent) == "the evidence for either word reached its bound"
    assert claim(replace(row, verdict="undetermined"), silent) == "claims nothing"


def test_a_run_that_the_record_gives_no_verdict_claims_nothing():
    row = replace(early("Memory safety", "thinking", 6.0, seed=2), verdict="not-reached")
    assert claim(row, facts(row)) == "claims nothing"
    assert stopped(row, facts(row)) == "the evidence for a word reached its bound"


@given(st.floats(1e-6, 0.5))
def test_an_error_rate_is_never_said_to_be_lower_than_it_is(alpha: float):
    said = chances(-math.log10(alpha)).replace("once", "1").replace(",", "")
    times_, scale = (int(number) for number in re.findall(r"\d+", said))
    assert alpha * (1 - 1e-6) <= times_ / scale <= alpha * 1.051


@pytest.mark.parametrize(
    ("alpha", "words"),
    [
        (0.05, "5 times in 100"),
        (0.025, "25 times in 1,000"),
        (0.01, "once in 100"),
        (0.016666, "17 times in 1,000"),
    ],
)
def test_usual_error_rates_read_well(alpha: float, words: str):
    assert chances(-math.log10(alpha)) == words


@given(st.floats(-1.99, 5.9))
def test_evidence_is_never_said_to_be_more_than_it_is(evidence: float):
    said = float(times(evidence).removesuffix("-fold").replace(",", ""))
    assert said <= 10**evidence * (1 + 1e-5)
    assert said >= 10**evidence * 0.85 - 0.01


def test_evidence_that_nobody_reads_to_the_digit():
    assert times(7.2) == "over 1,000,000-fold"
    assert times(-3) == "under 0.01-fold"
    assert times(-math.log10(0.025)) == "40-fold"
    assert exact_percent(0.075) == "7.5%"


def long_path(size: int) -> EvidenceCurve:
    """A run that used all of a large battery; only the numbers of its picture matter."""
    grown = tuple(3 * math.sin(n / 40) for n in range(size))
    return EvidenceCurve(
        size, size, 0, "settled", 0.5, 1.6, 1.3, grown, grown[::-1], 0.5, 0.5, 0.5, None, None
    )


@given(st.integers(1, 3000), st.sampled_from(["above", "below"]))
def test_long_paths_are_thinned_out_and_keep_their_end(size: int, side: str):
    evidence = long_path(size)
    points = evidence_charts._path(side, evidence)[1]["data"]["values"]
    assert len(points) <= evidence_charts.MOST_POINTS + 1
    assert (points[0]["x"], points[-1]["x"]) == (0, size)
    bound = evidence.bound_above if side == "above" else -evidence.bound_below
    drawn = [point["y"] / bound for point in points]
    assert all(0 <= height <= evidence_charts.HIGHEST for height in drawn)


def test_a_bound_that_was_reached_is_crossed_in_the_picture(data: ReportData):
    for row in data.results:
        if row.evidence and row.evidence.reason == "evidence":
            points = evidence_charts._path(row.verdict, row.evidence)[1]["data"]["values"]
            bounds = {"above": row.evidence.bound_above, "below": -row.evidence.bound_below}
            reached = [abs(point["y"]) >= abs(bounds[row.verdict]) - 1e-9 for point in points]
            assert reached == [False] * (len(points) - 1) + [True]


@pytest.mark.parametrize("word", ["above", "below"])
def test_a_settled_word_is_marked_on_its_own_side(word: str):
    """With evidence that leans the other way, as it may where the rate is near the threshold."""
    row = early("Memory safety", "instant", 0.5)
    leaning = replace(facts(row), reason="settled", above=(0.4, 0.3), below=(0.3, 0.4), used=2)
    mark, _ = evidence_charts._stop(word, leaning, 200)
    assert mark["data"]["values"][0]["y"] == (0.3 if word == "above" else -0.4)
    assert mark["mark"]["shape"] == "diamond"


def test_a_fixed_row_has_its_own_rate_and_interval():
    row = result("Payment logic", "thinking", (4, 3, 3, 3, 2), 6)
    assert (row.rate, row.interval) == (0.5, (row.low, row.high))


def test_twenty_modes_are_told_apart_by_colour_and_shape_together():
    pairs = {
        (
            charts.MODE_COLOURS[number % len(charts.MODE_COLOURS)],
            charts.MODE_SHAPES[number % len(charts.MODE_SHAPES)],
        )
        for number in range(20)
    }
    assert len(pairs) == 20


def test_an_apostrophe_of_another_language_ends_no_formula(data: ReportData):
    words = {**english().messages, "evidence.fold.said": "{factor}'x"}
    rows = tuple(row for row in data.results if row.evidence and row.evidence.above)[:1]
    with using(Catalogue("en", words)):
        drawn = evidence_charts.draw(rows, "apostrophe")
    assert "'x" in html.unescape(drawn.partition("</desc>")[2])
