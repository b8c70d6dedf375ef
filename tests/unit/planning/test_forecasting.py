"""What a plan foretells: samples, costs, caps, window, and what it says cannot be answered."""

import re
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.reviews import write_submission
from support.small_case import small_case
from touchstone.cli.plan import plan as plan_command
from touchstone.errors import BadInputError
from touchstone.evaluation import ChunkSpec, Outcome, Usage, endpoint_digest, load_submission
from touchstone.evaluation.elicitation import ELICITATION, Elicitation
from touchstone.framework import NumericCriterion
from touchstone.planning.costing import MeanCost
from touchstone.planning.forecast import Forecast, tabulated_distances
from touchstone.planning.notes import PlanNote
from touchstone.planning.options import PlanOptions
from touchstone.planning.power_query import PowerQuery, attempts_result, power_result
from touchstone.planning.sample_sizes import sample_size_curve
from touchstone.planning.verdict_probabilities import (
    ClusterAssumption,
    family_probabilities,
    verdict_probabilities,
)
from touchstone.review import RunKey
from touchstone.review.events.measuring import Reference
from touchstone.review.recounting import rule_of, whole
from touchstone.service.case_context import Case
from touchstone.service.measurement.forecasting.observed_costs import (
    observed_costs,
    observed_costs_here,
)
from touchstone.service.measurement.forecasting.page import plan_page, said_rows, table_rows
from touchstone.service.measurement.forecasting.plan_review import plan_review
from touchstone.service.measurement.forecasting.words import (
    attempts_lines,
    forecast_lines,
    note_in_words,
    power_lines,
)
from touchstone.service.measurement.outcomes import record_outcomes
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.statistics import difficulty_design, replay_outcomes
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.preregistration import CHUNK, RunRule
from touchstone.verdicts.sequential_verdicts import RunMonitor

NOW = "2026-11-21T04:00:00Z"
URL = "http://127.0.0.1:9/v1"
TWO = {"instant": "none", "thinking": "high"}
USUAL = {("memory-safety", ""): MeanCost(24, 1, 1000.0, 500.0, 40.0)}
CRITERION = '[[criteria]]\nkind = "numeric"\nid = "memory-safety"'


def said_of(notes: Sequence[PlanNote]) -> tuple[str, ...]:
    return tuple(map(note_in_words, notes))


def planned(folder: Path, options: PlanOptions | None = None, **more: str) -> Forecast:
    seen = USUAL if more.pop("seen", "") else {}
    extra, framework = more.pop("extra", ""), more.pop("framework", "example")
    path = write_submission(folder, URL, modes=TWO, framework=framework, extra=extra, **more)
    return plan_review(load_submission(path), options or PlanOptions(), NOW, seen)


def example_with(folder: Path, old: str, new: str) -> str:
    """The shipped example framework, changed in one place, as a file."""

    shipped = resources.files("touchstone.framework").joinpath("shipped/example.toml")
    text = shipped.read_text("utf-8")
    assert old in text
    path = folder / "changed.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return str(path)


def rule(**changed: object) -> RunRule:
    numbers: dict[str, Any] = {
        "threshold": "0.5",
        "zone": "0.1",
        "alpha": "0.025",
        "beta": "0.05",
        "measure": "success-rate",
        "design": "sequential",
    } | changed
    return RunRule(item_set="a", criterion="a", variant="final", mode="m", **numbers)


def test_every_run_is_foretold_and_all_of_them_are_summed(tmp_path: Path):
    found = planned(tmp_path)
    assert [(run.criterion, run.mode) for run in found.runs] == [
        (criterion, mode)
        for criterion in ("memory-safety", "web-injection", "payment-logic")
        for mode in TWO
    ]
    assert found.worst.samples == 6 * 30
    assert found.worst.tokens == 6 * 30 * ELICITATION.token_limit
    assert 0 < found.expected.samples < found.worst.samples
    assert found.answerable
    assert (found.review_by, found.days_left) == ("2027-01-05 23:59 Europe/London", 45)
    zone = '"above" claims more than 0.4 and "below" less than 0.6; between them the order decides'
    assert zone in str(forecast_lines(found))


def test_the_foretold_samples_are_those_that_replays_take():
    """The mean over seeded orders and batteries lies where replays by another seed put it."""
    levels = [1, 2, 3, 4, 5] * 6
    curve = sample_size_curve(rule(), levels)
    assert curve
    told = curve.near(0.2)
    assert told
    rng = np.random.default_rng(8)
    used = []
    for _ in range(150):
        # Easier items are solved more often, and 21 of 30 are solved.
        odds = -1.0 * np.array(levels) + rng.logistic(size=30)
        solved = np.argsort(np.argsort(-odds)) < 21
        order = rng.permutation(30)
        course = difficulty_design(rule().rule, [levels[item] for item in order])
        used.append(replay_outcomes(course, dict(enumerate(solved[order].astype(float)))).used)
    assert told.mean == pytest.approx(np.mean(used), rel=0.15)
    assert told.mean <= told.begun <= told.mean + CHUNK
    assert told.mean < told.most


@pytest.mark.parametrize("side", ["both", "below"])
def test_a_plan_says_what_reviews_then_say(side: str):
    """Reviews of 30 batteries a rate, replayed as the record is: the words come as often as told.

    The fault: a plan told 80% of words that no review gave. And at 54% with a zone of ten points
    "below" comes in a fifth of the orders, and "within zone" never.
    """
    levels, registered = [1, 2, 3, 4, 5] * 10, rule(zone_side=side)
    told = {
        point.rate: point
        for point in verdict_probabilities(registered, levels, ClusterAssumption(50, 0.0))
    }
    rng, repeats = np.random.default_rng(3), 60
    for rate, items in ((0.4, 20), (0.55, 28), (0.7, 35)):
        words: list[str] = []
        for _ in range(repeats):
            odds = -1.0 * np.array(levels) + rng.logistic(size=50)
            solved = np.argsort(np.argsort(-odds)) < items
            order = rng.permutation(50)
            watch = RunMonitor(registered, [levels[item] for item in order])
            words.append(watch.feed([bool(solved[item]) for item in order]).word.value)
        found = told[rate].battery
        assert found
        assert told[rate].solved == items
        for word, chance in (("above", found.above), ("below", found.below)):
            # Two samples of the same chance, five standard errors apart at most.
            spread = (max(chance * (1 - chance), 0.02) * (1 / repeats + 1 / 160)) ** 0.5
            assert abs(words.count(word) / repeats - chance) <= 5 * spread
    near = told[0.55].battery
    assert near
    if side == "both":
        assert 0.05 < near.below < 0.4
        assert near.within_zone < 0.02
    else:
        assert near.below <= 0.05 + 5 * (0.05 / 160) ** 0.5


def test_modes_together_are_told_by_holm():
    """Two modes at the same rate: one "above" is enough, and "below" needs both."""
    levels, rules = [1, 2, 3, 4, 5] * 6, [rule(), rule()]
    both = family_probabilities("a", rules, levels, 0.05, 0.05)
    assert both
    alone = {
        p.rate: p.battery
        for p in verdict_probabilities(rules[0], levels, ClusterAssumption(30, 0.0))
    }
    for rate, chances in both.points:
        one = alone[rate]
        assert one
        assert chances.below == pytest.approx(one.below**2, abs=0.2)
        assert chances.above >= one.above - 0.1
    assert family_probabilities("a", rules[:1], levels, 0.05, 0.05) is None


def test_distances_are_told_by_their_dearer_side_and_only_where_there_is_room():
    curve = sample_size_curve(rule(threshold="0.25", zone="0"), [1] * 40)
    assert curve
    told = dict(tabulated_distances(curve))
    above, below = curve.near(0.2), curve.near(-0.2)
    assert above
    assert below
    assert told[0.2] == max(above.mean, below.mean)
    assert curve.near(-0.3) is None
    assert told[0.05] > told[0.2]


def test_the_first_success_ends_attempts():
    curve = sample_size_curve(
        rule(threshold="0.3").model_copy(update={"measure": "at-least-once-in-k"}), [1] * 10
    )
    assert curve
    means = {point.rate: point.mean for point in curve.points}
    assert means[0.0] == 10
    assert means[1.0] == 1
    assert means[0.5] == pytest.approx((1 - 0.5**10) / 0.5)


def test_whole_batteries_run_whole(tmp_path: Path):
    found = planned(tmp_path, PlanOptions(whole_battery=True))
    assert all(run.curve is None for run in found.runs)
    assert found.expected == found.worst
    assert "all items run before any verdict" in str(forecast_lines(found))


def test_what_earlier_samples_took_is_expected_and_the_limits_are_the_worst(tmp_path: Path):
    found = planned(tmp_path, seen="yes")
    known, unknown = found.runs[0], found.runs[2]
    assert known.measured
    assert known.expected.tokens == pytest.approx(known.expected.samples * 1500)
    assert known.expected.days == pytest.approx(known.expected.samples * 40 / 8 / 86_400)
    assert not unknown.measured
    assert unknown.expected.tokens == unknown.expected.samples * ELICITATION.token_limit
    assert known.worst == unknown.worst
    assert "memory-safety 1,500 tokens and 40 s (mean of 24 samples in 1 earlier case" in str(
        forecast_lines(found)
    )


def test_prices_are_the_submissions_or_those_typed(tmp_path: Path):
    caps = '[caps]\nprice_input = "1"\nprice_output = "10"\ncurrency = "EUR"\n'
    found = planned(tmp_path, extra=caps, seen="yes")
    run = found.runs[0]
    samples = Decimal(run.expected.samples)
    assert found.currency == "EUR"
    assert run.expected.money == pytest.approx(samples * (1000 * 1 + 500 * 10) / 10**6)
    assert run.worst.money == Decimal(30 * 200_000 * 10) / 10**6
    typed = PlanOptions(price_in=Decimal(20), price_out=Decimal(10))
    found = planned(tmp_path, typed, extra=caps)
    assert found.currency == "USD"
    assert found.runs[0].worst.money == Decimal(30 * 200_000 * 20) / 10**6


def test_a_cap_in_another_currency_is_not_compared(tmp_path: Path):
    typed = PlanOptions(price_in=Decimal(20), price_out=Decimal(10))
    caps = '[caps]\nmoney = "1"\nprice_input = "1"\nprice_output = "1"\ncurrency = "{}"\n'
    same = planned(tmp_path, typed, extra=caps.format("USD"))
    assert any("goes beyond the cap of 1 USD" in each for each in said_of(same.notes))
    other = planned(tmp_path, typed, extra=caps.format("EUR"))
    assert not any(
        "beyond the cap of 1 EUR" in each for each in said_of((*other.notes, *other.cannot))
    )
    said = "Prices were given in USD, so the cap of 1 EUR is not compared with them."
    assert said in said_of(other.notes)


def test_caps_that_hold_the_expected_only_warn_and_those_that_do_not_are_a_no(tmp_path: Path):
    seen = {
        (name, ""): USUAL["memory-safety", ""]
        for name in ("memory-safety", "web-injection", "payment-logic")
    }

    def with_caps(tokens: int, known: dict[tuple[str, str], MeanCost]) -> Forecast:
        path = write_submission(tmp_path, URL, modes=TWO, extra=f"[caps]\ntokens = {tokens}\n")
        return plan_review(load_submission(path), PlanOptions(), NOW, known)

    small, ample = with_caps(60_000, seen), with_caps(1_000_000, seen)
    assert said_of(small.cannot) == ("what is expected goes beyond the cap of 60,000 tokens",)
    assert not small.answerable
    assert ample.answerable
    assert "In the worst case, at the limits of the elicitation, it goes beyond the cap" in str(
        forecast_lines(ample)
    )
    # Without earlier samples nothing is expected but the limits, and they are no expectation.
    assert with_caps(60_000, {}).answerable


def test_a_window_too_short_is_a_no(tmp_path: Path):
    slow = PlanOptions(seconds_per_sample=86_400, concurrency=1)
    (text,) = said_of(planned(tmp_path, slow).cannot)
    assert "beyond the 45 days left in the window (until 2027-01-05 23:59 Europe/London)" in text
    assert planned(tmp_path, PlanOptions(seconds_per_sample=60)).answerable


def test_a_window_of_business_days_is_counted_in_them_and_filled_by_every_day(tmp_path: Path):
    """45 days are 32 business days; samples that take 40 days of 24 hours fit in."""
    path = example_with(tmp_path, 'unit = "days"', 'unit = "business-days"')
    samples = planned(tmp_path, PlanOptions(framework=path)).expected.samples

    def taking(days: int) -> Forecast:
        pace = days * 86_400 / samples
        return planned(
            tmp_path, PlanOptions(framework=path, seconds_per_sample=pace, concurrency=1)
        )

    found = taking(40)
    assert (found.days_left, found.business_days, found.calendar_days) == (32, True, 45)
    assert found.cannot == ()
    assert "32 business days left" in plan_page(found, NOW).byline
    (text,) = said_of(taking(50).cannot)
    assert "beyond the 32 business days left" in text


def test_points_between_those_of_the_table_are_told_at_their_own_distance(tmp_path: Path):
    """A model 8 points off is told by a rate of 0.58 or 0.42, and never by one 10 points off."""
    found = planned(tmp_path, PlanOptions(items=40, points=8))
    (line,) = [line for line in forecast_lines(found) if "points from the threshold" in line]
    assert "8 points from the threshold: a model that solves 0.58 " in line
    told = int(line.partition("with probability ")[2].partition("%")[0]) / 100
    ten, five = (
        next(p.drawn.above for p in found.runs[0].said if p.rate == pytest.approx(at))
        for at in (0.6, 0.55)
    )
    assert five < told < ten


def test_a_comparison_may_ask_for_more_than_half():
    high = rule(
        measure="relative-to-reference", design="fixed", threshold="0.6", zone="0", alpha="0.05"
    )
    said = verdict_probabilities(high, [3] * 200, ClusterAssumption(200, 0.3))
    assert said[-1].rate == pytest.approx(0.8)
    assert said[-1].drawn.above > 0.95
    assert next(p.drawn for p in said if p.rate == 0.6).above < 0.05


@pytest.mark.parametrize(("items", "side"), [(2, "above"), (3, "below"), (1, "one item")])
def test_a_tiny_battery_is_told_to_be_too_small(tmp_path: Path, items: int, side: str):
    found = planned(tmp_path, PlanOptions(items=items))
    assert not found.answerable
    assert side in str([said_of(run.cannot) for run in found.runs])


def test_rates_that_a_few_items_cannot_tell_apart_are_one_battery(tmp_path: Path):
    """The fault: of six items 45% got "above" more often than 55% did, and both are three."""
    found = planned(tmp_path, PlanOptions(items=6))
    run = found.runs[0]
    for group in (run.said, found.together[0].points):
        by_count: dict[int, set[object]] = {}
        for each in group:
            rate, chances = each if isinstance(each, tuple) else (each.rate, each.battery)
            by_count.setdefault(round(rate * 6), set()).add(chances)
        assert {len(chances) for chances in by_count.values()} == {1}
    # Each battery once, at the rate nearest to its own: of 1/3 that is 0.3, and 0.4 is none.
    assert {p.rate: p.solved for p in run.shown if p.battery}.items() >= {0.3: 2, 0.5: 3}.items()
    assert {p.rate for p in run.shown if not p.battery} >= {0.4, 0.45, 0.55, 0.6}
    lines = forecast_lines(found)
    (coarse,) = [line for line in lines if "in steps of" in line]
    assert "6 items tell rates in steps of 17 points alone" in coarse
    (zone,) = [line for line in lines if "items solved" in line]
    assert zone.count("items solved") == 1


def test_enough_items_tell_each_rate_of_the_table(tmp_path: Path):
    found = planned(tmp_path, PlanOptions(items=20))
    assert all(point.battery for point in found.runs[0].shown)
    assert "in steps of" not in str(forecast_lines(found))


def test_points_beyond_the_items_are_asked_for_and_cannot_be_told(tmp_path: Path):
    asked = PlanOptions(items=40, clusters=10, points=5)
    found = planned(tmp_path, asked)
    assert not found.answerable
    (line,) = [line for line in forecast_lines(found) if line.startswith("CANNOT")]
    assert "all criteria: 5 points from the threshold: a model that solves 0." in line
    assert "only, and 80% is asked for; plan more items than 40" in line
    assert "40 items in 10 clusters count as 21 independent ones" in str(forecast_lines(found))
    plain = planned(tmp_path, PlanOptions(items=40, points=30))
    assert plain.answerable
    # Near-copies spread what a battery shows of a model, and so the words that it gets.
    for one, other in zip(found.runs[0].said, plain.runs[0].said, strict=True):
        if one.rate in {0.3, 0.7}:
            assert max(one.drawn.above, one.drawn.below) < max(other.drawn.above, other.drawn.below)
        assert one.battery == other.battery


@pytest.mark.parametrize(
    ("seconds", "days"), [(0.01, "<0.001"), (600, " to 0.026"), (1e7, " to 434")]
)
def test_days_are_written_as_people_write_them(tmp_path: Path, seconds: float, days: str):
    found = planned(tmp_path, PlanOptions(seconds_per_sample=seconds))
    assert table_rows(found)[0][-1].endswith(days)
    assert all(
        low != high
        for row in table_rows(found)
        for low, _, high in (cell.partition(" to ") for cell in row if " to " in cell)
    )


def test_rare_successes_have_their_chance_to_be_missed(tmp_path: Path):
    text = 'id = "memory-safety"\ntitle'
    once = 'measure = "at-least-once-in-k"\nk = 10'
    path = example_with(tmp_path, 'measure = "success-rate"', once)
    assert text in Path(path).read_text("utf-8")
    run = planned(tmp_path, PlanOptions(framework=path)).runs[0]
    assert run.size == 10
    assert [point.drawn.above for point in run.said if point.rate == 0.1] == [
        pytest.approx(1 - 0.9**10)
    ]
    assert "a model with a 10% success rate fails all 10 attempts with probability 35%" in (
        note_in_words(run.notes[0])
    )


def test_a_comparison_runs_whole_and_is_told_by_two_bounds(tmp_path: Path):
    relative = 'measure = "relative-to-reference"\nreference = "final"'
    path = example_with(tmp_path, 'measure = "success-rate"', relative)
    found = planned(tmp_path, PlanOptions(framework=path))
    run = found.runs[0]
    assert run.curve is None
    said = {point.rate: point.drawn for point in run.said}
    assert said[0.0].above == 0
    assert said[-0.5].below > 0.95
    assert said[0.5].above < said[0.5].above + said[0.5].neither
    assert "all items run in both models" in note_in_words(run.notes[0])


def test_a_comparison_with_two_modes_is_told_as_it_will_be_judged():
    """By both of them together, each with its half of beta: the words of reviews are these."""
    criterion = NumericCriterion(
        kind="numeric",
        id="a",
        title="A",
        domain="cyber",
        family="memory-safety",
        measure="relative-to-reference",
        reference="older",
        threshold="0.2",
        zone="0",
        alpha="0.05",
        beta="0.05",
    )
    sealed, draws = rule_of(criterion, 1, 2), 400
    told = rule(
        measure="relative-to-reference",
        design="fixed",
        references=2,
        threshold="0.2",
        zone="0",
        alpha="0.05",
        beta=f"{sealed.beta:.6f}",
    )
    points = verdict_probabilities(told, [1] * 60, ClusterAssumption(60, 0.0))
    foretold = next(each.drawn for each in points if each.rate == -0.1)
    rng = np.random.default_rng(7)
    words = []
    for own, one, two in rng.binomial(60, [0.4, 0.5, 0.5], (draws, 3)).tolist():
        beside = [Reference(mode=str(n), solved=n, counted=60) for n in (one, two)]
        words.append(whole(criterion, sealed, (own, 60, 0), beside).word.value)
    assert foretold.below == pytest.approx(words.count("below") / draws, abs=0.07)
    assert foretold.above == pytest.approx(words.count("above") / draws, abs=0.02)
    alone = verdict_probabilities(
        told.model_copy(update={"references": 1}), [1] * 60, ClusterAssumption(60, 0.0)
    )
    assert next(each.drawn.below for each in alone if each.rate == -0.1) < foretold.below - 0.1


@pytest.mark.parametrize(
    ("modes", "told"),
    [('["instant", "thinking"]', None), ('["instant", "dreaming"]', "dreaming mode")],
)
def test_a_named_mode_that_nobody_hands_in_is_told_beforehand(
    tmp_path: Path, modes: str, told: str | None
):
    path = example_with(tmp_path, 'modes = "any"', f"modes = {modes}")
    found = planned(tmp_path, PlanOptions(framework=path))
    said = [line for line in forecast_lines(found) if "is also judged in" in line]
    assert found.answerable == (told is None)
    assert bool(said) == (told is not None)
    if told:
        assert said[0].startswith("CANNOT: criterion ")
        assert f"is also judged in {told}, and nothing under review was handed in" in said[0]


def test_a_framework_without_numbers_runs_all_and_concludes_nothing(tmp_path: Path):
    found = planned(tmp_path, framework="us-2026-06")
    assert found.expected.samples == found.worst.samples
    assert "the framework states no number" in str(forecast_lines(found))
    assert plan_page(found, NOW).samples == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"price_in": Decimal(1)}, "--price-in and --price-out go together"),
        ({"price_in": Decimal("NaN"), "price_out": Decimal(1)}, "--price-in NaN"),
        ({"seconds_per_sample": float("inf")}, "--seconds-per-sample inf"),
        ({"concurrency": 0}, "--concurrency 0"),
        ({"points": 0.0}, "--points 0"),
        ({"points": float("nan")}, "--points nan"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], told: str):
    with pytest.raises(CannotRunError, match=told):
        PlanOptions(**options)  # type: ignore[arg-type]  # as the command line passes them


def test_an_error_rate_of_which_no_share_is_left_is_refused_before_anything(tmp_path: Path):
    """Of a millionth two modes have half each, which no record holds: the shares would be 0."""
    named = example_with(tmp_path, 'alpha = "0.05"', 'alpha = "0.000001"')
    with pytest.raises(CannotRunError, match=r"alpha of 0\.000001, shared out among 2 modes, is"):
        planned(tmp_path, PlanOptions(framework=named))


def test_the_table_and_the_page_say_the_same(tmp_path: Path):
    found = planned(tmp_path, PlanOptions(points=5))
    rows = table_rows(found)
    assert len(rows) == 7
    assert rows[0][:2] == ("memory-safety, instant", "30")
    page = plan_page(found, NOW)
    assert page.rows == tuple(rows)
    assert page.headline == "As planned, it cannot answer all that is asked"
    assert [curve.title for curve in page.samples] == ["memory-safety and 2 more, each of 2 modes"]
    assert page.samples[0].size == 30
    assert [curve.title for curve in page.words] == [page.samples[0].title]
    assert page.words[0].points[-1][1] > 0.9
    assert page.said == tuple(said_rows(found))
    assert ("memory-safety and 2 more, each of 2 modes", "0.5") in {row[:2] for row in page.said}
    assert "together" in str(page.said)


def test_nothing_is_written_but_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    path = write_submission(tmp_path, URL)
    assert plan_command(path) == 0
    assert not home.exists()
    assert plan_command(path, out=tmp_path / "plan.html") == 0
    assert not home.exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["SUBMISSION.toml", "plan.html"]
    text = (tmp_path / "plan.html").read_text("utf-8")
    assert text.count("<svg") == 4
    # Each picture has its curve: an empty one has axes too.
    assert len(re.findall(r'<path[^>]*aria-|role-mark[^>]*><path[^>]* d="M\d', text)) >= 4
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/", "")


@pytest.mark.parametrize("out", [".", "no/plan.html"])
def test_a_page_that_cannot_be_written_is_refused(tmp_path: Path, out: str):
    with pytest.raises(BadInputError, match="--out"):
        plan_command(write_submission(tmp_path, URL), out=tmp_path / out)


# ------------------------------------------------------------------ what earlier cases took


def record_some(case: Case, mode: str, seconds: Sequence[str]) -> None:
    prepared = reopen(case)
    run = next(run for run in prepared.runs if run.mode.id == mode)
    spec = ChunkSpec(
        case=case.id,
        battery=prepared.battery.sealed.digest,
        item_set=run.item_set,
        variant=run.mode.variant,
        mode=mode,
        endpoint=endpoint_digest(run.mode),
        elicitation=prepared.elicitation.digest,
        rule=prepared.rule.digest,
        indices=tuple(range(len(seconds))),
    )
    committed = prepared.battery.sealed.find(run.item_set).commitments
    outcomes = [
        Outcome(
            index=index,
            commitment=committed[index],
            result="solved",
            score="1",
            reason="yes",
            usage=Usage(input=100 * (index + 1), output=10),
            seconds=each,
        )
        for index, each in enumerate(seconds)
    ]
    key = RunKey(prepared.name, run.criterion, run.mode.variant, mode)
    record_outcomes(case, prepared.battery, spec, key, outcomes, Usage())


def test_means_of_earlier_samples_come_from_the_record(tmp_path: Path):
    with small_case(tmp_path) as case:
        here = case.installation
        assert observed_costs(here, "example-lab") == {}
        seal(case, 4, "confined", accepted=True)
        record_some(case, "instant", ["10", "20"])
        record_some(case, "thinking", ["60.5"])
        found = observed_costs(here, "example-lab")
        family = next(iter(found))[0]
        assert found[family, "instant"] == MeanCost(2, 1, 150.0, 10.0, 15.0)
        assert found[family, ""].samples == 3
        assert found[family, ""].seconds == pytest.approx(90.5 / 3)
        # Another developer's plan is not told what this one's model takes.
        assert observed_costs(here, "other-lab") == {}


def test_samples_of_another_budget_are_no_experience_of_the_usual_one(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 4, "confined", accepted=True, elicitation=Elicitation(id="x", token_limit=10**6))
        record_some(case, "instant", ["10", "20"])
        assert observed_costs(case.installation, "example-lab") == {}


def test_a_chosen_elicitation_is_planned_at_its_own_limits(tmp_path: Path):
    usual = planned(tmp_path, PlanOptions(), seen="so")
    dear = Elicitation(id="x", token_limit=10_000_000, working_seconds=43_200)
    chosen = planned(tmp_path, PlanOptions(elicitation=dear), seen="so")
    assert chosen.worst.tokens == 50 * usual.worst.tokens
    assert chosen.worst.days == pytest.approx(72 * usual.worst.days)
    # What the usual one took before is no expectation for it.
    assert chosen.expected.tokens > 50 * usual.expected.tokens


def test_without_an_installation_there_is_no_experience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "none"))
    assert observed_costs_here("example-lab") == {}
    assert not (tmp_path / "none").exists()


# ------------------------------------------------------------------ questions


def test_five_points_on_eighty_three_tasks_cannot_be_told():
    found = power_result(PowerQuery(83, 5, clusters=83, relative=True))
    assert not found.can
    assert power_lines(found)[0] == (
        "5 points on 83 tasks, against a reference model on the same tasks: power 16%; not enough. "
        "It would need about 675 tasks against a reference on the same tasks, 1,570 tasks per "
        "model if different tasks are used and 785 tasks against the threshold."
    )
    clustered = power_result(PowerQuery(83, 5, clusters=20))
    assert clustered.told[0].needed == pytest.approx(785 * 1.945, rel=0.02)
    assert "83 tasks count as 43 independent ones" in power_lines(clustered)[1]


def test_enough_tasks_can():
    found = power_result(PowerQuery(800, 5))
    assert found.can
    assert "power 81%; enough" in power_lines(found)[0]


def test_a_power_that_falls_short_never_reads_as_enough():
    short = next(
        found
        for n in range(700, 800)
        if 0.795 <= (found := power_result(PowerQuery(n, 5))).told[0].power < 0.8
    )
    assert not short.can
    assert "power 80%" not in power_lines(short)[0]
    assert "power 79." in power_lines(short)[0]
    assert power_lines(power_result(PowerQuery(200, 20)))[0].endswith("power >99%; enough.")


def test_the_harder_side_is_promised_where_both_have_room():
    """From 0.7, 20 points down lead to 0.5, where outcomes vary most."""
    above, below = (power_result(PowerQuery(40, 20, threshold=t)).told[0] for t in (0.7, 0.3))
    assert above.power == pytest.approx(below.power)
    assert above.needed == below.needed


def test_a_miss_that_is_rare_is_not_told_as_impossible():
    assert (
        "fails all 100 attempts with probability <1%"
        in attempts_lines(attempts_result(100, 0.1, 0.05))[0]
    )


def test_a_battery_at_its_ceiling_is_told_so():
    lines = power_lines(power_result(PowerQuery(6, 9, threshold=0.9)))
    assert lines[-1] == "At ceiling: even with all of the tasks solved there would be no verdict."


@pytest.mark.parametrize("points", [0, -5, 60, float("nan")])
def test_points_out_of_reach_are_refused(points: float):
    with pytest.raises(CannotRunError, match="--points"):
        power_result(PowerQuery(83, points))


def test_ten_attempts_miss_one_in_ten_too_often():
    found = attempts_result(10, 0.1, 0.05)
    assert not found.can
    assert (
        "success rate of 0.1 fails all 10 attempts with probability 35%" in attempts_lines(found)[0]
    )
    assert found.needed == 29
    assert attempts_result(29, 0.1, 0.05).can


@pytest.mark.parametrize(("threshold", "beta", "k"), [("0.99", "0.01", 1), ("0.7", "0.09", 2)])
def test_attempts_that_are_exactly_enough_are_enough(
    tmp_path: Path, threshold: str, beta: str, k: int
):
    """Where rounding puts the chance to miss a hair above beta: the verdict says "below"."""
    measure = f'measure = "at-least-once-in-k"\nk = {k}'
    path = Path(example_with(tmp_path, 'measure = "success-rate"', measure))
    text = path.read_text("utf-8")
    for key, value in (("threshold", threshold), ("beta", beta), ("zone", "0")):
        text = re.sub(rf'(?m)^{key} = "[0-9.]+"', f'{key} = "{value}"', text, count=1)
    path.write_text(text, "utf-8")
    run = planned(tmp_path, PlanOptions(framework=str(path))).runs[0]
    assert (run.size, run.cannot) == (k, ())
    assert [each.drawn.below for each in run.said if each.rate == 0.0] == ([1.0] if k > 1 else [])
    assert attempts_result(k, float(threshold), float(beta)).can
