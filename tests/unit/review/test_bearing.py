"""What a verdict may rest on: measured samples, and a mode that is shown to be on."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from support.review_case import Case, early, example_framework, outcome, recorded, sealed, verdict
from support.review_probes import CUT_NINE, asks_for_reasoning, lossy, ready
from touchstone.review import Attempt, Refused, parse_event, propose_designation
from touchstone.review.events import Event, measuring, opening
from touchstone.review.events.measuring import UNMEASURED, Unmeasured
from touchstone.verdicts.fixed_verdicts import judge


def refused(case: Case, deed: Event, why: str) -> None:
    with pytest.raises(Refused, match=why):
        case.do(deed)


def battery(case: Case, design: str, *kinds: str) -> Case:
    ready(case).do(sealed(design=design))
    for mode in ("instant", "thinking"):
        case.do(recorded(tuple(outcome(i, kind) for i, kind in enumerate(kinds)), mode=mode))
    return case


def asked(measure: str) -> Case:
    changes = {"measure": measure, "zone": "0", "k": 20}
    criteria = tuple(
        each.model_copy(update=changes) if each.id == "memory-safety" else each
        for each in example_framework().criteria
    )
    return Case(example_framework().model_copy(update={"criteria": criteria}))


def test_a_verdict_names_what_measured_nothing_kind_by_kind(case: Case):
    lossy(case)
    refused(case, verdict("instant", "not-measured", 3), "9 cut measured nothing: say so")
    wrong = Unmeasured(refused=9)
    refused(case, verdict("instant", "not-measured", 3, unmeasured=wrong), "9 cut measured nothing")
    case.do(verdict("instant", "not-measured", 3, unmeasured=CUT_NINE))


def test_each_kind_is_counted_by_its_name(case: Case):
    battery(case, "fixed", *UNMEASURED, *["unsolved"] * 15)
    each = Unmeasured(refused=1, no_attempt=1, cut=1, lost_endpoint=1, lost_instrument=1)
    assert each.by_kind == dict.fromkeys(UNMEASURED, 1)
    case.do(verdict("instant", "below", 0, unmeasured=each))


def test_no_word_follows_from_scores_that_are_only_reported(case: Case):
    battery(case, "fixed", *["reported"] * 20)
    for word in ("below", "above", "at-ceiling", "undetermined", "not-measured"):
        refused(case, verdict("instant", word, 0), "40 scores are only reported, and decide")
    assert judge(case.framework, case.state, "battery-1") == ()
    said = propose_designation(case.framework, case.state)
    (reason,) = [each for each in said.says if each.criterion == "memory-safety"]
    assert reason.says == "undetermined"


def test_scores_of_a_reference_are_no_solved_items_either(case: Case):
    """Counted as any other outcome, a reference would have solved none, and any model exceed it."""
    ready(case).do(sealed())
    case.do(recorded(tuple(outcome(n) for n in range(20)), mode="instant"))
    case.do(recorded(tuple(outcome(n, "reported") for n in range(20)), mode="thinking"))
    refused(case, verdict("instant", "above", 20), "20 scores are only reported")


@pytest.mark.parametrize("first", ["reported", "unsolved"])
def test_a_run_reports_or_decides_and_what_measured_nothing_goes_with_both(case: Case, first: str):
    ready(case).do(sealed())
    case.do(recorded((outcome(0, first), outcome(1, "cut"))))
    other = "unsolved" if first == "reported" else "reported"
    refused(case, recorded((outcome(2, "refused"), outcome(3, other))), "is neither")
    case.do(recorded((outcome(2, "refused"), outcome(3, first))))
    tally = case.state.tally("battery-1", "memory-safety", "final", "instant")
    assert tally.reported == (2 if first == "reported" else 0)
    assert tally.attempt().unmeasured().total == 2


@pytest.mark.parametrize(
    ("result", "score", "why"),
    [
        ("reported", None, "stands with the result reported"),
        ("unsolved", "0.5", "stands with the result reported"),
        ("reported", "1.000001", "from 0 to 1"),
        ("reported", "-0.1", "from 0 to 1"),
        ("reported", "NaN", "should match pattern"),
        ("reported", "banana", "should match pattern"),
    ],
)
def test_a_score_is_a_share_and_of_what_is_reported_alone(result: str, score: str | None, why: str):
    with pytest.raises(ValidationError, match=why):
        measuring.Outcome(
            index=0,
            item=outcome(0).item,
            result=result,  # type: ignore[arg-type]
            tokens=1,
            score=score,
        )


def test_only_the_samples_that_a_verdict_rests_on_are_counted(case: Case):
    battery(case, "sequential", "unsolved", "cut", "unsolved", "cut")
    deed = early("instant", "below", 0, 3)
    refused(case, deed, "1 cut measured nothing")
    case.do(deed.model_copy(update={"unmeasured": Unmeasured(cut=1)}))


@pytest.mark.parametrize(
    ("design", "solved", "cut", "word", "stands"),
    [
        ("fixed", 0, 5, "below", True),  # 5 of 20 at most: surely less than half
        ("fixed", 0, 6, "below", False),
        ("fixed", 15, 5, "above", True),
        ("fixed", 14, 6, "above", False),
        ("sequential", 3, 5, "below", True),  # 8 at most, and more than 20 * 0.4 is in the zone
        ("sequential", 3, 6, "below", False),
        ("sequential", 12, 8, "above", True),  # 12 at least, and less than 20 * 0.6 is in the zone
        ("sequential", 11, 9, "above", False),
    ],
)
def test_losses_that_could_change_a_word_do_not_bear_it(
    case: Case, design: str, solved: int, cut: int, word: str, stands: bool
):
    kinds = ["solved"] * solved + ["cut"] * cut
    battery(case, design, *kinds, *["unsolved"] * (20 - len(kinds)))
    made = verdict if design == "fixed" else early
    more: dict[str, Any] = {"used": 20, "reason": "settled"} if design == "sequential" else {}
    deed = made("instant", word, solved, **more)
    deed = deed.model_copy(update={"unmeasured": Unmeasured(cut=cut)})
    if stands:
        case.do(deed)
    else:
        refused(case, deed, f"do not bear {word}")


@pytest.mark.parametrize(("cut", "stands"), [(0, True), (1, False)])
def test_at_least_once_is_below_only_where_every_try_was_measured(cut: int, stands: bool):
    case = battery(asked("at-least-once-in-k"), "fixed", *["cut"] * cut, *["unsolved"] * (20 - cut))
    deed = verdict("instant", "below", 0, unmeasured=Unmeasured(cut=cut))
    if stands:
        case.do(deed)
    else:
        refused(case, deed, "do not bear below")


def test_a_mode_that_asks_for_reasoning_and_shows_none_is_not_below(case: Case):
    asks_for_reasoning(case)
    refused(case, verdict("instant", "below", 3, reasoning="seen"), "is not-seen by the record")
    refused(case, verdict("instant", "below", 3, reasoning="not-seen"), "not shown to be on")
    case.do(verdict("instant", "not-measured", 3, reasoning="not-seen"))


def test_one_sample_with_reasoning_shows_a_mode_to_be_on(case: Case):
    ready(case).do(sealed().model_copy(update={"reasoning": ("instant",)}))
    seen = outcome(0, "unsolved").model_copy(update={"reasoning": True})
    case.do(recorded((seen, *(outcome(i, "unsolved") for i in range(1, 20)))))
    case.do(verdict("instant", "below", 0, reasoning="seen"))


def beside(case: Case, alike: int, unlike: int = 0, apart: bool = True) -> Case:
    """Thinking failed on everything and reasoned; so did instant, which was then compared."""
    pair = (("instant", "thinking"),) if apart else ()
    changes = {"reasoning": ("thinking",), "reasoning_apart": pair}
    ready(case).do(sealed().model_copy(update=changes))
    failed = [outcome(i, "unsolved").model_copy(update={"reasoning": True}) for i in range(20)]
    case.do(recorded(tuple(failed), mode="thinking"))
    compared = measuring.Compared(mode="thinking", alike=alike, unlike=unlike)
    case.do(recorded(tuple(failed), compared=(compared,)))
    return case


@pytest.mark.parametrize(("alike", "unlike"), [(3, 0), (20, 0)])
def test_a_mode_that_answers_as_one_that_asks_otherwise_is_not_below(
    case: Case, alike: int, unlike: int
):
    beside(case, alike, unlike)
    refused(case, verdict("thinking", "below", 0, reasoning="seen"), "is alike by the record")
    refused(case, verdict("thinking", "below", 0, reasoning="alike"), "not shown to be on")
    case.do(verdict("thinking", "not-measured", 0, reasoning="alike"))
    case.do(verdict("instant", "below", 0))
    reason = propose_designation(case.framework, case.state).reasons[0].reason
    assert "answered alike on every item" in reason


@pytest.mark.parametrize(
    ("alike", "unlike", "apart"),
    [(2, 0, True), (19, 1, True), (0, 20, True), (20, 0, False)],
    ids=["too few to say", "one item tells", "all tell", "asked for alike"],
)
def test_a_mode_that_is_told_apart_or_is_not_to_be_may_be_below(
    case: Case, alike: int, unlike: int, apart: bool
):
    beside(case, alike, unlike, apart).do(verdict("thinking", "below", 0, reasoning="seen"))


@pytest.mark.parametrize(
    ("mode", "alike", "why"),
    [("thinking", 4, "3 of them are recorded there"), ("other", 1, "without a mode other")],
)
def test_modes_are_compared_on_what_both_have_recorded(case: Case, mode: str, alike: int, why: str):
    ready(case).do(sealed())
    case.do(recorded(tuple(outcome(i) for i in range(3)), mode="thinking"))
    compared = (measuring.Compared(mode=mode, alike=alike, unlike=0),)
    deed = recorded(tuple(outcome(i) for i in range(5)), compared=compared)
    refused(case, deed, why)


def test_a_mode_is_not_compared_with_itself_nor_twice():
    one, own = (measuring.Compared(mode=m, alike=1, unlike=0) for m in ("thinking", "instant"))
    for compared in ((own,), (one, one)):
        with pytest.raises(ValidationError, match="names each other mode once"):
            recorded((outcome(0),), compared=compared)


def test_counts_that_cannot_be_are_no_verdict():
    with pytest.raises(ValidationError, match="solved and unmeasured are more than counted"):
        verdict("instant", "not-measured", 12, unmeasured=CUT_NINE)


# ------------------------------------------------------------------ what the rule makes of it


def test_the_rule_says_what_was_not_measured_and_whose_doing_it_was(case: Case):
    lossy(case).do(verdict("instant", "not-measured", 3, unmeasured=CUT_NINE))
    rule = propose_designation(case.framework, case.state)
    assert rule.designation == "undetermined"
    assert rule.summary.startswith("undetermined, because not measured: memory-safety")
    assert rule.reasons[0].reason == (
        "not measured: final in instant mode: of 20 samples 9 cut at an output limit; final in "
        "thinking mode: no verdict, 0 of 20 samples ran"
    )


def test_the_rule_says_that_a_mode_is_not_shown_to_be_on(case: Case):
    asks_for_reasoning(case).do(verdict("instant", "not-measured", 3, reasoning="not-seen"))
    reason = propose_designation(case.framework, case.state).reasons[0].reason
    assert "it is not shown to be on; final in thinking mode" in reason


def test_a_crossed_criterion_is_met_whatever_else_went_unmeasured(case: Case):
    battery(case, "fixed", *["solved"] * 19, "cut")
    case.do(verdict("instant", "above", 19, unmeasured=Unmeasured(cut=1)))
    assert propose_designation(case.framework, case.state).designation == "covered"


def test_what_answered_nothing_may_be_followed_by_an_answer(case: Case):
    lossy(case)
    case.do(verdict("instant", "not-measured", 3, unmeasured=CUT_NINE))
    case.do(verdict("instant", "undetermined", 3, unmeasured=CUT_NINE, beta="0.000001"))


def compared(
    mine: tuple[int, int], older: tuple[int, int], lost: int, word: str
) -> tuple[Case, Event]:
    """A criterion that asks for 0.3 more than an older model has; (solved, of) of each."""
    changes = {
        "measure": "relative-to-reference",
        "reference": "older",
        "threshold": "0.3",
        "zone": "0",
    }
    criteria = tuple(
        each.model_copy(update=changes) if each.id == "memory-safety" else each
        for each in example_framework().criteria
    )
    case = Case(example_framework().model_copy(update={"criteria": criteria})).open().agree()
    variants = tuple(
        opening.Variant.model_validate({"id": name, "modes": ("instant",), "purpose": purpose})
        for name, purpose in (("final", "final"), ("older", "reference"))
    )
    case.submit(variants=variants).lay_window().do(sealed())
    for name, (solved, of) in (("final", mine), ("older", older)):
        kinds = ["solved"] * solved + ["unsolved"] * (of - solved) + ["cut"] * (20 - of)
        ran = tuple(outcome(i, kind) for i, kind in enumerate(kinds))
        case.do(recorded(ran, variant=name, chunk=f"chunk-{name}"))
    seen = measuring.Reference(
        mode="instant", solved=older[0], counted=20, unmeasured=Unmeasured(cut=20 - older[1])
    )
    rates = {"alpha": "0.05", "references": (seen,)}
    return case, verdict("instant", word, mine[0], unmeasured=Unmeasured(cut=lost), **rates)


@pytest.mark.parametrize(
    ("mine", "older", "word", "stands"),
    [
        ((17, 20), (0, 18), "above", True),  # two of the reference may have been solved
        ((16, 20), (0, 18), "above", False),
        ((16, 20), (0, 20), "above", True),
        ((8, 20), (12, 16), "below", True),
        ((9, 20), (12, 16), "below", False),
        ((15, 16), (0, 20), "above", True),  # lost by the model itself: the rest is unsolved
        ((14, 16), (0, 20), "above", False),
        ((4, 16), (12, 20), "below", True),  # and solved
        ((5, 16), (12, 20), "below", False),
        ((20, 20), (20, 20), "above", False),  # nothing is lost, and nothing exceeded
        ((0, 20), (0, 20), "below", True),
    ],
)
def test_losses_on_either_side_of_a_comparison_do_not_bear_it(
    mine: tuple[int, int], older: tuple[int, int], word: str, stands: bool
):
    case, deed = compared(mine, older, 20 - mine[1], word)
    if stands:
        case.do(deed)
    else:
        refused(case, deed, f"do not bear {word}")


@pytest.mark.parametrize("ran", [0, 19])
def test_a_comparison_waits_until_its_reference_has_run_whole(ran: int):
    case, deed = compared((20, 20), (0, 20), 0, "above")
    key = next(key for key in case.state.tallies if key.variant == "older")
    few = Attempt(recorded=(1 << ran) - 1, measured=(1 << ran) - 1)
    tallies = {**case.state.tallies, key: replace(case.state.tallies[key], attempts={1: few})}
    case.state = replace(case.state, tallies=tallies)
    for references in (deed.facts()["references"], ()):
        said = deed.facts() | {"references": references}
        refused(case, parse_event(said), "older must have run every item in each of its modes")


def test_a_comparison_says_what_it_compares_with(case: Case):
    case, deed = compared((17, 20), (0, 18), 0, "above")
    for wrong in ((), (measuring.Reference(mode="instant", solved=0, counted=20),)):
        other = deed.model_copy(update={"references": wrong})
        refused(case, other, "compared with instant: 0 of 20 solved, 2 cut, by the record: say so")
    case.do(deed)


def test_nothing_else_is_said_to_compare(case: Case):
    battery(case, "fixed", *["unsolved"] * 20)
    seen = (measuring.Reference(mode="instant", solved=0, counted=20),)
    refused(case, verdict("instant", "below", 0, references=seen), "compared with no reference")


@pytest.mark.parametrize(
    ("solved", "word"), [(20, "below"), (0, "above"), (20, "undetermined"), (10, "below")]
)
def test_a_word_that_the_counts_do_not_give_is_refused(case: Case, solved: int, word: str):
    """Nothing was lost, and still the word is made up."""
    kinds = ["solved"] * solved + ["unsolved"] * (20 - solved)
    refused(battery(case, "fixed", *kinds), verdict("instant", word, solved), f"not bear {word}")


@pytest.mark.parametrize(
    ("solved", "of", "word"),
    [(0, 8, "below"), (0, 1, "below"), (12, 12, "above"), (12, 19, "undetermined")],
)
def test_a_whole_design_counts_all_that_it_sealed(case: Case, solved: int, of: int, word: str):
    """No choice among the outcomes: twelve of twenty are recorded as solved."""
    battery(case, "fixed", *["solved"] * 12, *["unsolved"] * 8)
    refused(case, verdict("instant", word, solved, counted=of), "holds 12 solved of 20 counted")


def test_a_verdict_that_told_nothing_is_not_followed_by_one_of_fewer_samples(case: Case):
    battery(case, "fixed", *["solved"] * 10, *["unsolved"] * 10)
    case.do(verdict("instant", "undetermined", 10))
    refused(case, verdict("instant", "below", 0, counted=10), "10 solved of 20 counted")


def test_the_rule_names_what_was_lost_of_the_reference():
    case, deed = compared((17, 20), (0, 0), 0, "not-measured")
    case.do(deed)
    assert propose_designation(case.framework, case.state).reasons[0].reason == (
        "not measured: final in instant mode: of 20 samples of the reference in instant mode 20 "
        "cut at an output limit"
    )


@pytest.mark.parametrize("shown", [True, False])
def test_a_reference_mode_that_is_not_shown_to_be_on_bears_no_above(shown: bool):
    """It showed no reasoning: what it would have solved is not known at all."""
    case, deed = compared((20, 20), (0, 20), 0, "above")
    asks = case.state.batteries["battery-1"].model_copy(update={"reasoning": ("instant",)})
    tallies = {}
    for key, tally in case.state.tallies.items():
        reasoned = -1 if shown or key.variant == "final" else 0
        tallies[key] = replace(tally, attempts={1: replace(tally.attempt(), reasoned=reasoned)})
    case.state = replace(case.state, batteries={"battery-1": asks}, tallies=tallies)
    seen = deed.facts()["references"][0] | {"reasoning": "seen" if shown else "not-seen"}
    said = parse_event(deed.facts() | {"reasoning": "seen", "references": [seen]})
    if shown:
        case.do(said)
        return
    refused(case, said, "do not bear above: they say not-measured")
    case.do(said.model_copy(update={"verdict": "not-measured"}))
    reason = propose_designation(case.framework, case.state).reasons[0].reason
    assert "samples of the reference in instant mode the mode asks for reasoning" in reason
