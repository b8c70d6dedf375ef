"""What the rule proposes, and who has agreed with it."""

from typing import Any

import pytest

from support.review_case import (
    AGENCY,
    TREASURY,
    Case,
    outcome,
    proposed,
    recorded,
    shipped_framework,
    verdict,
)
from support.review_probes import (
    changed,
    concurs,
    declared,
    dissents,
    made,
    ready,
    revised,
    running,
)
from touchstone.framework import Framework
from touchstone.review import Proposal, Refused, State, concurrences, propose_designation
from touchstone.review.events import opening
from touchstone.review.events.measuring import Unmeasured

NUMERIC = ("memory-safety", "web-injection", "payment-logic")
DECLARED = (
    "control-of-own-agents",
    "safeguards-before-release",
    "employment-effects",
    "data-centre-demand",
)


@pytest.fixture
def two_criteria(framework: Framework) -> Framework:
    """One numeric criterion and one that asks for declared evidence."""
    kept = tuple(c for c in framework.criteria if c.id in {"memory-safety", DECLARED[0]})
    return framework.model_copy(update={"criteria": kept})


SHOWN = {
    "above": (20, 19),
    "below": (20, 3),
    "undetermined": (20, 10),
    "within-zone": (120, 60),
    "at-ceiling": (5, 5),
    "not-measured": (20, 3),
}
"""How many items a word needs, and how many of them solved."""


def reached(case: Case, mode: str, answer: str, battery: str = "battery-1") -> None:
    """A verdict with the outcomes that give it; on a battery of its own where it needs more."""
    size, solved = SHOWN[answer]
    key = battery if size == SHOWN["above"][0] else f"{battery}-of-{size}"
    if key not in case.state.batteries:
        case.seal(key, size)
    lost = 9 if answer == "not-measured" else 0
    kinds = ["solved"] * solved + ["cut"] * lost + ["unsolved"] * (size - solved - lost)
    ran = tuple(outcome(index, kind) for index, kind in enumerate(kinds))
    case.do(recorded(ran, mode=mode, battery=key))
    cut = Unmeasured(cut=lost)
    case.do(verdict(mode, answer, solved, counted=size, battery=key, unmeasured=cut))


def declare(case: Case, shows: str, criterion: str = DECLARED[0]) -> None:
    case.do(declared(criterion).model_copy(update={"shows": shows}))


def says(case: Case) -> dict[str, str]:
    proposal = propose_designation(case.framework, case.state)
    return {reason.criterion: reason.says for reason in proposal.reasons}


def test_where_nobody_is_named_the_centre_proposes(framework: Framework):
    case = ready(Case(framework.model_copy(update={"designation": None})))
    deed = proposed(case.framework, case.state)
    with pytest.raises(Refused, match="so the centre does"):
        case.do(deed.model_copy(update={"actor": TREASURY}))
    case.do(deed)
    assert case.state.designating.proposals


def test_nothing_measured_is_undetermined(case: Case):
    proposal = propose_designation(case.framework, ready(case).state)
    assert proposal.designation == "undetermined"
    assert [reason.criterion for reason in proposal.reasons] == [*NUMERIC, *DECLARED]
    assert {reason.says for reason in proposal.reasons} == {"undetermined"}
    assert proposal.reasons[0].reason == (
        "not measured: final in instant mode; final in thinking mode"
    )
    assert proposal.reasons[3].reason == "no evidence is declared yet"
    assert proposal.summary.startswith("undetermined, because not measured: memory-safety, ")


@pytest.mark.parametrize("name", ["us-2026-06", "us-2026-05-draft"])
def test_a_framework_without_numbers_is_never_decided_by_rule(name: str):
    framework = shipped_framework(name)
    proposal = propose_designation(framework, State())
    assert proposal.designation == "undetermined"


def test_no_criterion_is_undetermined(framework: Framework):
    bare = framework.model_copy(update={"criteria": ()})
    assert propose_designation(bare, State()) == Proposal(
        "undetermined", "the framework states no criterion", ()
    )


@pytest.mark.parametrize(
    ("instant", "thinking", "evidence", "designation"),
    [
        ("below", "above", None, "covered"),
        ("above", None, None, "covered"),
        ("above", "below", "not-met", "covered"),
        ("below", "below", "met", "covered"),
        ("below", "below", "not-met", "not-covered"),
        ("below", "below", "inconclusive", "undetermined"),
        ("below", "below", None, "undetermined"),
        ("below", None, "not-met", "undetermined"),
        ("below", "within-zone", "not-met", "undetermined"),
        ("below", "at-ceiling", "not-met", "undetermined"),
        ("undetermined", "below", "not-met", "undetermined"),
        (None, None, "not-met", "undetermined"),
    ],
)
def test_the_rule(
    two_criteria: Framework,
    instant: str | None,
    thinking: str | None,
    evidence: str | None,
    designation: str,
):
    case = ready(Case(two_criteria))
    for mode, answer in (("instant", instant), ("thinking", thinking)):
        if answer:
            reached(case, mode, answer)
    if evidence:
        declare(case, evidence)
    assert propose_designation(two_criteria, case.state).designation == designation


def test_another_battery_does_not_wash_an_above_away(two_criteria: Framework):
    case = ready(Case(two_criteria))
    reached(case, "instant", "above")
    for mode in ("instant", "thinking"):
        reached(case, mode, "below", battery="battery-2")
    declare(case, "not-met")
    proposal = propose_designation(two_criteria, case.state)
    assert proposal.designation == "covered"
    assert proposal.reasons[0].reason == (
        "above the threshold: final in instant mode, battery battery-1"
    )


def test_a_changed_snapshot_must_be_measured_anew(two_criteria: Framework):
    case = ready(Case(two_criteria))
    for mode in ("instant", "thinking"):
        reached(case, mode, "below")
    declare(case, "not-met")
    case.do(changed())
    assert says(case)["memory-safety"] == "undetermined"
    proposal = propose_designation(two_criteria, case.state)
    assert proposal.reasons[0].reason == (
        "not measured: final-2 in instant mode: no verdict, 0 of 20 samples ran; "
        "final-2 in thinking mode: no verdict, 0 of 20 samples ran"
    )


def test_a_reference_model_is_not_under_review(two_criteria: Framework):
    case = Case(two_criteria).open().agree()
    final = opening.Variant(id="other", modes=("instant",), purpose="final")
    reference = opening.Variant(id="final", modes=("instant",), purpose="reference")
    case.submit(variants=(final, reference))
    reached(case, "instant", "above")
    assert says(case)["memory-safety"] == "undetermined"


def test_a_mode_that_nobody_judges_in_is_not_waited_for(two_criteria: Framework):
    judged = two_criteria.criteria[0].model_copy(update={"modes": ("thinking",)})
    framework = two_criteria.model_copy(update={"criteria": (judged,)})
    case = ready(Case(framework))
    reached(case, "thinking", "below")
    assert propose_designation(framework, case.state).designation == "not-covered"


@pytest.mark.parametrize(
    ("modes", "told"),
    [
        (("dreaming",), "not measured: nothing was submitted in dreaming mode"),
        (("dreaming", "instant"), "not measured: nothing was submitted in dreaming mode"),
        (
            ("thinking", "instant", "dreaming"),
            "final in thinking mode: no verdict, 0 of 20 samples ran",
        ),
    ],
)
def test_a_named_mode_that_nobody_handed_in_is_not_measured(
    two_criteria: Framework, modes: tuple[str, ...], told: str
):
    """It may be the one that crosses: what was handed in cannot answer for it."""
    judged = two_criteria.criteria[0].model_copy(update={"modes": modes})
    framework = two_criteria.model_copy(update={"criteria": (judged,)})
    case = ready(Case(framework))
    if "instant" in modes:
        reached(case, "instant", "below")
    proposal = propose_designation(framework, case.state)
    assert proposal.designation == "undetermined"
    assert proposal.summary == "undetermined, because not measured: memory-safety"
    assert proposal.reasons[0].reason.endswith(told)


def test_a_named_mode_is_handed_in_by_any_variant_under_review(two_criteria: Framework):
    judged = two_criteria.criteria[0].model_copy(update={"modes": ("thinking",)})
    framework = two_criteria.model_copy(update={"criteria": (judged,)})
    case = ready(Case(framework))
    case.do(changed())
    case.seal()
    case.do(
        recorded(
            tuple(outcome(i, "unsolved") for i in range(20)), variant="final-2", mode="thinking"
        )
    )
    case.do(verdict("thinking", "below", 0, variant="final-2"))
    assert propose_designation(framework, case.state).designation == "not-covered"


@pytest.mark.parametrize("first", ["instant", "thinking"])
@pytest.mark.parametrize("unclear", ["within-zone", "undetermined", "at-ceiling"])
def test_what_was_not_measured_comes_first_in_whatever_order(
    two_criteria: Framework, first: str, unclear: str
):
    case = ready(Case(two_criteria))
    other = next(mode for mode in ("instant", "thinking") if mode != first)
    words = {first: unclear, other: "not-measured"}
    for mode, word in words.items():
        reached(case, mode, word)
    declare(case, "not-met")
    proposal = propose_designation(two_criteria, case.state)
    assert proposal.summary == "undetermined, because not measured: memory-safety"
    assert proposal.reasons[0].reason == (
        f"not measured: final in {other} mode: of 20 samples 9 cut at an output limit; {unclear}: "
        f"final in {first} mode"
    )


def test_a_summary_stays_one_line(framework: Framework):
    criterion = framework.criteria[0]
    many = tuple(criterion.model_copy(update={"id": f"c{n:02}-{'x' * 60}"}) for n in range(60))
    wide = framework.model_copy(update={"criteria": many})
    case = ready(Case(wide)).propose()
    summary = propose_designation(wide, case.state).summary
    assert "and 54 more" in summary
    assert len(summary) <= 500
    assert case.state.designating.proposals


def test_the_longest_names_still_make_a_proposal(framework: Framework):
    """Six ids of criteria that were not measured and six that are unclear are more than a line."""
    longest = [f"{letter}-{'x' * 62}" for letter in "abcdefghijkl"]
    numeric, evidence = framework.criteria[0], framework.criterion(DECLARED[0])
    assert evidence
    many = tuple(
        (numeric if place < 6 else evidence).model_copy(update={"id": name})
        for place, name in enumerate(longest)
    )
    modes = tuple(f"{letter}-{'y' * 62}" for letter in "abcdefghijkl")
    case = Case(framework.model_copy(update={"criteria": many})).open().agree()
    case.submit(variants=(opening.Variant(id="z" * 64, modes=modes, purpose="final"),))
    case.propose()
    said = propose_designation(case.framework, case.state)
    assert len(said.summary) == len(said.reasons[0].reason) == 500
    assert said.summary.endswith("…")


def test_silence_shows_as_missing(case: Case):
    assert concurrences(State(), case.framework) == {TREASURY: "missing"}
    ready(case).propose()
    assert concurrences(case.state, case.framework) == {TREASURY: "missing"}


@pytest.mark.parametrize(("answer", "word"), [(concurs, "concurred"), (dissents, "dissented")])
def test_a_new_proposal_needs_a_new_answer(case: Case, answer: Any, word: str):
    ready(case).propose().do(answer())
    assert concurrences(case.state, case.framework) == {TREASURY: word}
    case.propose()
    assert concurrences(case.state, case.framework) == {TREASURY: "missing"}


def test_agreeing_with_the_proposal_is_not_agreeing_with_another_decision(case: Case):
    ready(case).propose().do(concurs())
    case.do(made(answer="covered"))
    assert case.state.designating.made == "covered"
    assert concurrences(case.state, case.framework) == {TREASURY: "missing"}
    case.do(concurs(answer="covered"))
    assert concurrences(case.state, case.framework) == {TREASURY: "concurred"}
    case.do(revised().model_copy(update={"designation": "not-covered"}))
    assert concurrences(case.state, case.framework) == {TREASURY: "missing"}


def test_an_agency_may_change_its_answer(case: Case):
    ready(case).propose().do(concurs())
    case.do(dissents())
    assert concurrences(case.state, case.framework) == {TREASURY: "dissented"}


def test_officials_may_decide_over_a_missing_or_dissenting_voice(case: Case):
    ready(case).propose().do(dissents())
    case.do(made())
    assert case.state.designating.made == "undetermined"
    assert concurrences(case.state, case.framework) == {TREASURY: "dissented"}


def test_where_the_sources_name_no_maker_any_agency_designates(framework: Framework):
    rule = framework.designation
    assert rule
    open_rule = rule.model_copy(update={"made_by": None, "proposed_by": None})
    case = ready(Case(framework.model_copy(update={"designation": open_rule}))).propose()
    case.do(made(actor=TREASURY))
    assert case.state.designating.made == "undetermined"


def test_who_proposes_is_whom_the_framework_names(framework: Framework):
    rule = framework.designation
    assert rule
    named = rule.model_copy(update={"proposed_by": AGENCY})
    case = ready(Case(framework.model_copy(update={"designation": named})))
    deed = proposed(case.framework, case.state)
    with pytest.raises(Refused, match=f"{AGENCY} proposes"):
        case.do(deed)
    case.do(deed.model_copy(update={"actor": AGENCY}))


def test_in_question_is_what_the_newest_proposal_says(case: Case):
    running(case).propose()
    case.measure("instant", solved=19).measure("thinking", solved=19)
    case.do(verdict("instant", "above", 19))
    case.do(verdict("thinking", "above", 19))
    case.propose()
    first, second = (each.designation for each in case.state.designating.proposals)
    assert (first, second) == ("undetermined", "covered")
    assert case.state.designating.in_question == "covered"
