"""What developer and centre agree on is held to the framework's own template, by the law."""

from typing import Any

import pytest

from support.review_case import LAB, Case, agreement, digest, example_framework, submission
from support.timed import decide
from touchstone.framework import Framework
from touchstone.review import Refused
from touchstone.review.agreements import submission_is_what_is_told
from touchstone.review.events.opening import Variant
from touchstone.review.parts import Attached


def without_a_template() -> Framework:
    framework = example_framework()
    access = tuple(each for each in framework.terms if each.use == "access")
    return framework.model_copy(update={"terms": access})


@pytest.mark.parametrize(
    "asked",
    [
        {"retention_days": 365},
        {"retention_days": 1, "publication": "nothing"},
        {"publication": "participation-only"},
    ],
)
def test_less_than_the_template_allows_is_agreed(case: Case, asked: dict[str, object]):
    signed = agreement(LAB, **asked)
    assert case.open().do(signed) == signed


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        ({"retention_days": 366}, "retention-too-long", {"days": 366, "most": 365}),
        (
            {"publication": "free"},
            "publication-too-wide",
            {"publication": "free", "most": "agreed-report"},
        ),
    ],
)
def test_more_than_the_template_allows_is_refused(
    case: Case, asked: dict[str, object], code: str, told: dict[str, object]
):
    case.open()
    with pytest.raises(Refused, match="review-agreement, the framework's template") as refusal:
        decide(case.framework, case.state, agreement(LAB, **asked))
    assert refusal.value.code == code
    assert told.items() <= refusal.value.data.items()


@pytest.mark.parametrize("asked", [{"retention_days": 36_500}, {"publication": "free"}])
def test_a_framework_without_a_template_leaves_it_to_the_two(asked: dict[str, object]):
    signed = agreement(LAB, **asked)
    assert Case(without_a_template()).open().do(signed) == signed


@pytest.mark.parametrize(
    ("whole", "told"), [("a", "a"), ("a", "b"), ("a", None), (None, "a"), (None, None)]
)
def test_every_party_is_told_the_weights_that_the_submission_names(
    whole: str | None, told: str | None
):
    named = {"weights": digest(whole)} if whole else {}
    modes = [{"id": "instant", "variant": "final"}]
    parts: dict[str, Any] = {
        "submission": {"developer": {"id": LAB}, "modes": modes},
        "modes": {"modes": modes},
    }
    parts["submission"]["variants"] = [{"id": "final", **named}]
    final = Variant(
        id="final", modes=("instant",), purpose="final", weights=digest(told) if told else None
    )
    event = submission(variants=(final,), schema=2 if told else 1)
    ground = submission_is_what_is_told(
        event, {name: Attached(value={"content": each}) for name, each in parts.items()}
    )
    assert (ground and ground.data) == (None if whole == told else {"what": "weights"})
