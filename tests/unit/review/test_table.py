"""Laws of who may do what: of kinds of deeds, so that a new row is held to them as well.

That `decide` does what the table says is proved in `test_guards.py`, row by row.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from touchstone.review.events import measuring, parting, settling
from touchstone.review.events.base import Event, Role
from touchstone.review.rule import ALWAYS, EVERYONE, HEARD, OVER, Rule
from touchstone.review.rules import RULES

OWNERS: Mapping[str, tuple[Role, ...]] = {
    # What was measured is said by whoever measured it.
    r"^(battery|snapshot|outcomes|verdict|sandbox|measuring)-": ("centre",),
    # Orders, and what officials decide of a designation, are theirs; a rule only proposes.
    r"^designation-(?!proposed)|^directive-(issued|lifted)": ("agency",),
    # A party answers for itself: of a model, nobody but its developer.
    r"-(responded|disputed|announced|withdrawn)$|^(postponement|directive)-answer": ("developer",),
    r"^(bundle|receipt|standing)-|^clock-extended|^submission-received": ("developer",),
    # What the two signed together, either may halt, and neither for the other's officials.
    r"^(agreement-|review-(halted|resumed)|clock-(paused|resumed|ended)|case-closed)": (
        "developer",
        "centre",
    ),
}
"""Whose alone a kind of deed is, by what it is called."""


def broken(rules: Mapping[type[Event], Rule]) -> list[str]:
    """Deeds that others may do than those whose they are."""
    return [
        name
        for event, rule in rules.items()
        for kind, owners in OWNERS.items()
        if re.search(kind, name := event.model_fields["type"].default) and rule.roles != owners
    ]


def test_a_kind_of_deed_is_its_owners_alone():
    assert broken(RULES) == []


@pytest.mark.parametrize("kind", OWNERS)
def test_twin_a_deed_of_each_kind_given_to_others_is_found(kind: str):
    mine = [e for e in RULES if re.search(kind, e.model_fields["type"].default)]
    assert mine
    for event in mine:
        wider = {**RULES, event: replace(RULES[event], roles=EVERYONE)}
        assert broken(wider) == [event.model_fields["type"].default]


def test_officials_partners_and_auditors_measure_nothing():
    """Nothing that measuring consists of, its clock and its halts included."""
    for event, rule in RULES.items():
        if event.__module__ == measuring.__name__:
            assert set(rule.roles) <= {"developer", "centre"}
            assert rule.when == (HEARD if event is measuring.ReviewResumed else ("open",))


def test_whoever_can_halt_can_lift_the_halt_as_long_as_it_keeps_anything():
    """A halt outlives the review, and keeps what is there: none may stand that nobody can lift."""
    halted, resumed = (RULES[each] for each in (measuring.ReviewHalted, measuring.ReviewResumed))
    assert halted.roles == resumed.roles
    assert {*halted.when, *RULES[settling.CaseDestroyed].when} <= {*resumed.when}


def test_what_a_developer_may_answer_it_may_answer_in_every_status():
    answers = re.compile(r"-(responded|disputed|announced|withdrawn)$|-answer(ed|-revised)$")
    found = [
        rule
        for event, rule in RULES.items()
        if rule.roles == ("developer",) and answers.search(event.model_fields["type"].default)
    ]
    assert found
    assert all(rule.when == ALWAYS for rule in found)


def test_after_leaving_nothing_is_done_to_the_developer_by_the_review():
    """An order stands outside of the review. Besides, the review itself can only be put away.

    Lifting a halt belongs to that: measuring does not go on. Who left may still lose its keys, and
    answers orders: two others can let it go on with a new one, unless it objects.
    """
    away = r"^case-(closed|destroyed)$|^terms-declined$|^review-resumed$|^party-reinvited$"
    for event, rule in RULES.items():
        name = event.model_fields["type"].default
        if "withdrawn" in rule.when and "centre" in rule.roles and rule.roles != EVERYONE:
            assert re.search(away, name)
        if "withdrawn" in rule.when and rule.roles == ("agency",):
            assert re.search(r"^directive-|^designation-(concurred|dissented)$", name)


def test_closing_takes_no_word_from_an_agency():
    """Either party may close, and then be as free of an agency's word as if it had been heard."""
    assert all("closed" in rule.when for rule in RULES.values() if "agency" in rule.roles)


def test_a_case_is_destroyed_only_once_it_is_over():
    destroyed = [rule.when for event, rule in RULES.items() if "Destroyed" in event.__name__]
    assert destroyed == [OVER]


def test_auditors_only_speak_for_themselves():
    """Of an auditor, only what everybody may do; of a partner, besides, its terms.

    Developer and centre leave in ways of their own: the others by one deed.
    """
    for event, rule in RULES.items():
        if event is parting.PartyLeft:
            assert {*EVERYONE} - {*rule.roles} == {"developer", "centre"}
        elif "auditor" in rule.roles:
            assert rule.roles == EVERYONE
        elif "trusted-partner" in rule.roles:
            assert event.model_fields["type"].default.startswith("terms-")
