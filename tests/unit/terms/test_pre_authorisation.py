"""Standing classes: which directives are answered at once, and what keeps one out."""

from dataclasses import replace

import pytest

from support.terms_files import NOW, POPULATION, REGISTRY, terms
from touchstone.terms import Directive, Population, Terms, TermsFileError, parse_directive
from touchstone.terms.directives import coverage
from touchstone.terms.directives import pre_authorisation as room
from touchstone.terms.directives.coverage import Beyond
from touchstone.terms.directives.pre_authorisation import (
    Circumstances,
    StandingClasses,
    match,
    parse_standing,
)

CLASSES = """format = "touchstone/standing-classes/1"
id = "standing-2026"
title = "What we carry out at once"
until = "2027-04-01T00:00:00Z"
[[classes]]
id = "foreign-thinking"
title = "Thinking, for foreign nationals"
issuers = ["example-agency"]
nationality = ["foreign"]
dual = "home"
modes = ["thinking"]
max_share = 30
max_days = 14
[[classes.spares]]
staff = true
"""
ORDER = """format = "touchstone/directive/1"
id = "june-12"
title = "Suspend"
reason = "an invented worry"
expires = "2026-12-01T00:00:00Z"
[[rules]]
id = "foreign"
effect = "forbid"
nationality = ["of-concern"]
dual = "home"
modes = ["thinking"]
[[rules.except]]
staff = true
"""
OPEN = {"id": "open", "effect": "permit"}


@pytest.fixture(scope="module")
def agreed() -> Terms:
    return terms(OPEN, dual="home")


@pytest.fixture(scope="module")
def classes(agreed: Terms) -> StandingClasses:
    return parse_standing(CLASSES, "standing.toml", agreed)


def order(agreed: Terms, old: str = "", new: str = "") -> Directive:
    assert old in ORDER
    return parse_directive(ORDER.replace(old, new) if old else ORDER, "d.toml", agreed)


def test_a_directive_within_a_class_matches(agreed: Terms, classes: StandingClasses):
    now = Circumstances(agreed, (), POPULATION, NOW)
    assert match(classes, "example-agency", order(agreed), now).matched == "foreign-thinking"
    (said,) = classes.lines()
    assert said.startswith("foreign-thinking: a directive of example-agency that forbids")
    assert said.endswith(
        "or less, for at most 14 days, and takes something from at most 30% of "
        "the users, is carried out at once."
    )


OUTSIDE = [
    ("another issuer", "", "", "example-treasury", "is for directives of example-agency, not of"),
    ("longer", "2026-12-01", "2026-12-09", "example-agency", "is for at most 14 days"),
    ("another mode", "thinking", "instant", "example-agency", "reaches further: "),
    (
        "not only foreign",
        'nationality = ["of-concern"]\ndual = "home"\n',
        "",
        "example-agency",
        "reaches further: ",
    ),
    (
        "staff too",
        "[[rules.except]]\nstaff = true\n",
        "",
        "example-agency",
        "the developer's own staff) asking for",
    ),
]


RESTORES = """[[restores]]
directive = "june-10"
nationality = ["foreign"]
modes = ["thinking"]
"""


@pytest.mark.parametrize(
    "text", [ORDER + RESTORES, ORDER[: ORDER.index("[[rules]]")] + RESTORES], ids=["both", "alone"]
)
def test_what_gives_back_is_in_no_class(agreed: Terms, classes: StandingClasses, text: str):
    now = Circumstances(agreed, (), POPULATION, NOW)
    directive = parse_directive(text, "d.toml", agreed)
    found = match(classes, "example-agency", directive, now)
    assert found.matched is None
    assert "june-12 also spares people" in found.reasons[0]


@pytest.mark.parametrize(
    ("old", "new", "issuer", "told"),
    [each[1:] for each in OUTSIDE],
    ids=[each[0] for each in OUTSIDE],
)
def test_what_is_outside_of_a_class_is_said(
    agreed: Terms, classes: StandingClasses, old: str, new: str, issuer: str, told: str
):
    now = Circumstances(agreed, (), POPULATION, NOW)
    found = match(classes, issuer, order(agreed, old, new), now)
    assert found.matched is None
    assert told in found.reasons[0]
    assert "\n" not in found.reasons[0]


def test_more_people_than_authorised_is_said(agreed: Terms, classes: StandingClasses):
    stricter = replace(classes, classes=(replace(classes.classes[0], max_share=24),))
    now = Circumstances(agreed, (), POPULATION, NOW)
    found = match(stricter, "example-agency", order(agreed, "of-concern", "foreign"), now)
    assert "june-12 takes something from 25.0% of the users" in found.reasons[0]


def test_without_real_people_no_share_is_sure(agreed: Terms, classes: StandingClasses):
    nobody = Circumstances(agreed, (), Population(REGISTRY), NOW)
    found = match(classes, "example-agency", order(agreed), nobody)
    assert "without real users nobody can say" in found.reasons[0]


def test_classes_end(agreed: Terms, classes: StandingClasses):
    late = Circumstances(agreed, (), POPULATION, classes.until)
    assert match(classes, "example-agency", order(agreed), late).reasons == (
        "standing-2026 has ended",
    )


def test_what_was_not_compared_in_full_matches_nothing(
    agreed: Terms, classes: StandingClasses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(coverage, "exceeds", lambda *_: Beyond(None, thorough=False))
    now = Circumstances(agreed, (), POPULATION, NOW)
    assert (
        "too many people apart" in match(classes, "example-agency", order(agreed), now).reasons[0]
    )


@pytest.mark.parametrize("guard", ["_by_words", "_by_reach"])
def test_twin_without_the_check_a_directive_outside_matches(
    agreed: Terms, classes: StandingClasses, monkeypatch: pytest.MonkeyPatch, guard: str
):
    issuer = "example-treasury" if guard == "_by_words" else "example-agency"
    wrong = order(agreed) if guard == "_by_words" else order(agreed, "thinking", "instant")
    now = Circumstances(agreed, (), POPULATION, NOW)
    assert match(classes, issuer, wrong, now).matched is None
    monkeypatch.setattr(room, guard, lambda *_: None)
    assert match(classes, issuer, wrong, now).matched == "foreign-thinking"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("max_share = 30", "max_share = 101", 'max_share" is 101: write at most 100'),
        ("max_days = 14\n", "", 'classes 1 ("foreign-thinking"): the key "max_days" is missing'),
        ("staff = true", "", "spares 1: names nobody"),
        ('thinking"]', 'dreaming"]', '"dreaming"'),
        ("issuers", "issuer", 'unknown key "issuer" (did you mean "issuers"?)'),
    ],
)
def test_a_lawyer_is_told_file_key_and_mend(agreed: Terms, old: str, new: str, told: str):
    with pytest.raises(TermsFileError) as refused:
        parse_standing(CLASSES.replace(old, new), "standing.toml", agreed)
    assert str(refused.value).startswith("standing.toml: ")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
