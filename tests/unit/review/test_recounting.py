"""From counts to words: shares of the error rates, references together, words that may be said."""

from itertools import combinations

import pytest

from support.review_case import (
    Case,
    early,
    example_framework,
    outcome,
    recorded,
    verdict,
)
from support.review_probes import changed
from touchstone.framework import NumericCriterion
from touchstone.review import Refused
from touchstone.review.events import measuring, opening
from touchstone.review.recounting import may_say, references_of, rule_of, whole
from touchstone.review.shares import share, ways_of_crossing
from touchstone.statistics import VerdictWord

SIZE = 2_000


def criterion(**changes: object) -> NumericCriterion:
    found = example_framework().criterion("memory-safety")
    assert isinstance(found, NumericCriterion)
    return found.model_copy(update=changes)


RELATIVE = criterion(
    measure="relative-to-reference", reference="older", threshold="0.2", zone="0.1"
)


def reference(solved: int, counted: int, lost: int = 0) -> measuring.Reference:
    cut = measuring.Unmeasured(cut=lost)
    return measuring.Reference(mode="m", solved=solved, counted=counted, unmeasured=cut)


BESIDE = {
    VerdictWord.BELOW: reference(SIZE, SIZE),
    VerdictWord.NOT_MEASURED: reference(0, SIZE, SIZE),
    VerdictWord.UNDETERMINED: reference(16, 20),
    VerdictWord.AT_CEILING: reference(3, 3),
    VerdictWord.WITHIN_ZONE: reference(1_600, SIZE),
    VerdictWord.ABOVE: reference(0, SIZE),
}
"""What is said of a model that solves everything beside each; the word that wins first."""


@pytest.mark.parametrize("word", BESIDE)
def test_one_reference_gives_its_word(word: VerdictWord):
    rule = rule_of(RELATIVE, 1)
    assert whole(RELATIVE, rule, (SIZE, SIZE, 0), [BESIDE[word]]).word is word


@pytest.mark.parametrize(("first", "second"), list(combinations(BESIDE, 2)))
def test_above_is_said_beside_all_and_below_beside_one(first: VerdictWord, second: VerdictWord):
    rule = rule_of(RELATIVE, 1, 2)
    for pair in ((first, second), (second, first)):
        found = whole(RELATIVE, rule, (SIZE, SIZE, 0), [BESIDE[word] for word in pair])
        assert found.word is first


def test_the_bounds_shown_are_those_beside_the_best_mode():
    far, near = BESIDE[VerdictWord.ABOVE], BESIDE[VerdictWord.WITHIN_ZONE]
    found = whole(RELATIVE, rule_of(RELATIVE, 1, 2), (SIZE, SIZE, 0), [far, near])
    assert 0.1 < found.lower < 0.2 < found.upper < 0.3


@pytest.mark.parametrize("reasoning", ["not-seen", "alike"])
def test_a_reference_that_is_not_shown_to_be_on_may_have_any_rate(reasoning: measuring.Reasoning):
    """So there is no "above" beside it, and a "below" that holds beside any rate stands."""
    rule = rule_of(RELATIVE, 1)
    silent = reference(0, SIZE).model_copy(update={"reasoning": reasoning})
    assert whole(RELATIVE, rule, (SIZE, SIZE, 0), [silent]).word is VerdictWord.NOT_MEASURED
    assert whole(RELATIVE, rule, (0, SIZE, 0), [silent]).word is VerdictWord.BELOW


def test_rates_are_shared_out_and_never_up():
    rule = rule_of(criterion(alpha="0.05", beta="0.02"), 3, 7)
    assert (rule.alpha, rule.beta) == (0.016666, 0.002857)
    assert share("0.05", 3) * 3 <= share("0.05", 1)
    alone = rule_of(criterion(alpha="0.05", beta="0.02"), 1)
    assert (alone.alpha, alone.beta) == (0.05, 0.02)


def test_ways_are_the_judged_modes_of_what_is_under_review(case: Case):
    case.open().agree().submit(
        variants=(
            opening.Variant(id="final", modes=("instant", "thinking"), purpose="final"),
            opening.Variant(id="older", modes=("old",), purpose="reference"),
        )
    )
    assert ways_of_crossing(criterion(), case.state) == 2
    assert ways_of_crossing(criterion(modes=("thinking", "old")), case.state) == 1
    case.do(changed())
    assert ways_of_crossing(criterion(), case.state) == 2


def compared(*ran: int) -> Case:
    """A comparison with two modes of the reference, each with so many outcomes, all solved."""
    framework = example_framework()
    criteria = tuple(RELATIVE if c.id == RELATIVE.id else c for c in framework.criteria)
    case = Case(framework.model_copy(update={"criteria": criteria})).open().agree()
    modes = ("one", "other")
    case.submit(
        variants=(
            opening.Variant(id="final", modes=("instant",), purpose="final"),
            opening.Variant(id="older", modes=modes, purpose="reference"),
        )
    )
    case.lay_window().seal().measure("instant", solved=0)
    for mode, count in zip(modes, ran, strict=True):
        if count:
            told = tuple(outcome(index) for index in range(count))
            case.do(recorded(told, variant="older", mode=mode, chunk=mode))
    return case


@pytest.mark.parametrize("ran", [(0, 0), (20, 0), (20, 19), (19, 20)])
def test_a_reference_that_has_not_run_whole_in_each_mode_is_not_compared_with(
    ran: tuple[int, int],
):
    assert references_of(RELATIVE, compared(*ran).state, "battery-1") == ()


def test_what_is_compared_with_is_each_mode_in_the_order_of_the_submission():
    case = compared(20, 20)
    found = references_of(RELATIVE, case.state, "battery-1")
    assert [(each.mode, each.solved, each.counted) for each in found] == [
        ("one", 20, 20),
        ("other", 20, 20),
    ]
    assert references_of(criterion(), case.state, "battery-1") == ()
    deed = verdict("instant", "below", 0, references=found, beta="0.05")
    with pytest.raises(Refused, match=r"beta 0\.025000, or stricter"):
        case.do(deed)
    case.do(deed.model_copy(update={"beta": "0.025"}))


ONCE = criterion(measure="at-least-once-in-k", k=20, zone="0")


@pytest.mark.parametrize(
    ("solved", "used", "lost", "said"),
    [
        (1, 4, 0, {("above", "settled")}),
        (1, 4, 3, {("above", "settled")}),
        (0, 4, 0, set()),
        (0, 19, 0, set()),
        (0, 20, 0, {("below", "settled")}),
        (0, 20, 1, {("not-measured", "settled")}),
    ],
)
def test_one_success_or_all_tries_answer_at_least_once(
    solved: int, used: int, lost: int, said: set[tuple[str, str]]
):
    deed = early("instant", "above", solved, used, claimed=None)
    deed = deed.model_copy(update={"unmeasured": measuring.Unmeasured(cut=lost)})
    assert isinstance(deed, measuring.VerdictReached)
    assert may_say(ONCE, deed) == said


@pytest.mark.parametrize(
    ("reasoning", "word"),
    [("seen", "below"), ("not-seen", "not-measured"), ("alike", "not-measured")],
)
def test_below_of_a_mode_that_is_not_shown_to_be_on_is_not_said(
    reasoning: measuring.Reasoning, word: str
):
    assert may_say(criterion(), verdict("instant", "below", 0, reasoning=reasoning)) == {
        (word, None)
    }
    deed = early("instant", "below", 0, 20).model_copy(update={"reasoning": reasoning})
    assert isinstance(deed, measuring.VerdictReached)
    assert may_say(criterion(), deed) == {(word, "settled")}


def test_a_whole_design_says_one_word_at_the_rates_that_it_states():
    assert may_say(criterion(), verdict("instant", "below", 15)) == {("above", None)}
    stricter = verdict("instant", "below", 15, alpha="0.001")
    assert may_say(criterion(), stricter) == {("undetermined", None)}
