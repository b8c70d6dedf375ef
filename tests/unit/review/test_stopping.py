"""Verdicts that stop early: what counts alone allow, and what the rule makes of them."""

import pytest
from pydantic import ValidationError

from support.review_case import Case, early, example_framework, outcome, recorded, sealed, verdict
from support.review_probes import ready, stopping
from touchstone.review import Refused, parse_event, propose_designation
from touchstone.review.events import Event, measuring


def run(case: Case, solved: int, used: int, mode: str = "thinking") -> Case:
    results = tuple(outcome(i, "solved" if i < solved else "unsolved") for i in range(used))
    case.do(recorded(results, mode=mode))
    return case


def rarely(case: Case, k: int) -> Case:
    """The criterion asks for one success in k attempts."""
    criteria = tuple(
        each.model_copy(update={"measure": "at-least-once-in-k", "k": k, "zone": "0"})
        if each.id == "memory-safety"
        else each
        for each in case.framework.criteria
    )
    case.framework = case.framework.model_copy(update={"criteria": criteria})
    ready(case).do(sealed(size=k, design="sequential"))
    return case


def once(answer: str, solved: int, used: int) -> Event:
    return early("thinking", answer, solved, used, reason="settled", claimed=None, size=10)


def refused(case: Case, deed: Event, why: str) -> None:
    with pytest.raises(Refused, match=why):
        case.do(deed)


def test_an_early_verdict_rests_on_the_first_outcomes_in_their_order(case: Case):
    stopping(case)
    refused(
        case, early("instant", "above", 5, 9), "holds 8 without a gap, 5 solved of 8, not 5 of 9"
    )
    refused(case, early("instant", "above", 4, 8), "5 solved of 8, not 4 of 8")
    refused(case, early("instant", "above", 5, 8, size=30), "20 items were sealed")
    refused(case, early("instant", "above", 5, 8, overshoot=2), "holds 9 outcomes, 2 beyond")
    case.do(early("instant", "above", 5, 7, overshoot=2))


@pytest.mark.parametrize(
    ("answer", "solved", "used", "stands"),
    [
        ("above", 9, 12, True),  # 9 is more than 20 * 0.4
        ("above", 8, 12, False),
        ("below", 3, 12, True),  # 3 and the 8 to come are less than 20 * 0.6
        ("below", 4, 12, False),
        ("within-zone", 9, 18, True),
        ("within-zone", 3, 18, False),  # 5 at most: no evidence speaks for more than 8
        ("within-zone", 11, 20, True),
        ("at-ceiling", 20, 20, False),  # twenty of twenty tell
        ("at-ceiling", 12, 12, False),
        ("undetermined", 8, 20, False),  # all have run, and 8 is less than 20 * 0.6
        ("below", 8, 20, True),
        ("undetermined", 8, 12, False),
    ],
)
def test_settled_means_that_nothing_to_come_can_change_it(
    case: Case, answer: str, solved: int, used: int, stands: bool
):
    ready(case).do(sealed(design="sequential"))
    run(case, solved, used)
    deed = early("thinking", answer, solved, used, reason="settled")
    if stands:
        case.do(deed)
    else:
        refused(case, deed, f"do not bear {answer} as settled")


@pytest.mark.parametrize(
    ("answer", "solved", "used", "stands"),
    [
        ("below", 0, 8, True),
        ("above", 8, 8, True),  # 8 of 20 may yet be all: it needs evidence
        ("above", 9, 9, False),  # settled it is, and no evidence
        ("above", 5, 8, True),
        ("below", 8, 8, False),  # no failure speaks for it
        ("above", 0, 8, False),
        ("below", 12, 20, False),
        ("undetermined", 5, 8, False),
        ("at-ceiling", 8, 8, False),
        ("not-measured", 5, 8, False),
    ],
)
def test_evidence_speaks_only_for_what_could_still_be(
    case: Case, answer: str, solved: int, used: int, stands: bool
):
    ready(case).do(sealed(design="sequential"))
    run(case, solved, used)
    deed = early("thinking", answer, solved, used)
    if stands:
        case.do(deed)
    else:
        refused(case, deed, f"do not bear {answer} as evidence")


def test_at_least_once_knows_no_evidence(case: Case):
    """One success answers it, or all tries: there is nothing to be weighed."""
    run(rarely(case, 10), 1, 4)
    deed = early("thinking", "above", 1, 4, claimed=None, size=10)
    refused(case, deed, "do not bear above as evidence: they say above")


@pytest.mark.parametrize(
    ("solved", "cut", "used", "stands"),
    [
        (0, 12, 12, True),  # low: 0 and 8 to come are less than 12; high: 12 is more than 8
        (0, 8, 12, False),  # high: 8 is not more than 8, and 8 to come could make it less than 12
        (0, 9, 16, True),
        (0, 8, 16, False),  # high: 8 and the 4 to come could be either
        (4, 9, 13, True),
        (5, 8, 13, False),  # low: 5 and the 7 to come are not less than 12
        (9, 1, 12, True),  # both are above, whatever comes
        (5, 8, 20, True),  # nothing is to come
    ],
)
def test_not_measured_is_settled_early_only_where_both_worst_cases_are(
    case: Case, solved: int, cut: int, used: int, stands: bool
):
    """Else a run that would still be answered could be given up as not measured."""
    ready(case).do(sealed(design="sequential"))
    kinds = ["solved"] * solved + ["cut"] * cut + ["unsolved"] * (used - solved - cut)
    case.do(recorded(tuple(outcome(i, k) for i, k in enumerate(kinds)), mode="thinking"))
    deed = early("thinking", "not-measured", solved, used, reason="settled")
    deed = deed.model_copy(update={"unmeasured": measuring.Unmeasured(cut=cut)})
    if stands:
        case.do(deed)
    else:
        refused(case, deed, "do not bear not-measured as settled")


@pytest.mark.parametrize(
    ("answer", "solved", "used", "stands"),
    [
        ("above", 1, 4, True),
        ("above", 0, 4, False),
        ("below", 0, 10, True),
        ("below", 0, 9, False),
        ("undetermined", 0, 9, False),
    ],
)
def test_one_success_settles_at_least_once_and_only_the_whole_set_settles_never(
    case: Case, answer: str, solved: int, used: int, stands: bool
):
    run(rarely(case, 10), solved, used)
    if stands:
        case.do(once(answer, solved, used))
    else:
        refused(case, once(answer, solved, used), f"do not bear {answer} as settled")


def test_a_verdict_keeps_to_the_design_that_was_sealed(case: Case):
    stopping(case)
    refused(case, verdict("instant", "above", 5, counted=8), "sealed with a sequential design")


def test_an_early_verdict_counts_what_it_used():
    with pytest.raises(ValidationError, match="counts the samples that it used"):
        early("instant", "above", 5, 8).model_validate(
            {
                **early("instant", "above", 5, 8).facts(),
                "counted": 9,
                "interval": ("0.1", "0.9"),
                "references": (),
            }
        )


def test_verdicts_and_batteries_of_before_still_fold(case: Case):
    """Records written before verdicts could stop early know neither design nor stop."""
    ready(case)
    battery = sealed().facts()
    del battery["verdicts"], battery["item_sets"][0]["design"]
    case.do(parse_event(battery))
    run(case, 19, 20)
    late = verdict("thinking", "above", 19).facts()
    del late["stop"]
    case.do(parse_event(late))
    (found,) = case.state.verdicts.values()
    assert isinstance(found, measuring.VerdictReached)
    assert (found.stop, found.verdict) == (None, "above")


def test_the_rule_names_the_rate_that_an_early_verdict_claims(case: Case):
    stopping(case).do(early("instant", "above", 5, 8))
    reason = propose_designation(case.framework, case.state).reasons[0]
    assert reason.says == "met"
    assert reason.reason == (
        "above 0.4, the threshold less its zone: final in instant mode, battery battery-1"
    )


def test_the_rule_names_what_below_claims(case: Case):
    ready(case).do(sealed(design="sequential"))
    for mode in ("instant", "thinking"):
        run(case, 0, 8, mode).do(early(mode, "below", 0, 8))
    reason = propose_designation(case.framework, case.state).reasons[0]
    assert reason.says == "not-met"
    assert reason.reason.startswith("below 0.6, the threshold plus its zone, as elicited: final in")


def test_a_zone_on_one_side_is_the_claim_of_one_word_alone():
    criteria = tuple(
        each.model_copy(update={"zone_side": "below"}) if each.id == "memory-safety" else each
        for each in example_framework().criteria
    )
    case = ready(Case(example_framework().model_copy(update={"criteria": criteria})))
    case.do(sealed(design="sequential"))
    for mode in ("instant", "thinking"):
        run(case, 0, 8, mode)
        refused(case, early(mode, "below", 0, 8), "below claims 0.5 here, not 0.6")
        case.do(early(mode, "below", 0, 8, claimed="0.5"))
    reason = propose_designation(case.framework, case.state).reasons[0]
    assert reason.reason.startswith("below the threshold, as elicited: final in")


def test_without_a_zone_the_rate_is_the_threshold():
    criteria = tuple(
        each.model_copy(update={"zone": "0"}) if each.id == "memory-safety" else each
        for each in example_framework().criteria
    )
    case = stopping(Case(example_framework().model_copy(update={"criteria": criteria})))
    case.do(early("instant", "above", 5, 8, claimed="0.5"))
    reason = propose_designation(case.framework, case.state).reasons[0]
    assert reason.reason.startswith("above the threshold: final in instant mode")
