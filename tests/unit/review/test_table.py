"""The table of who may do what, against the issue's own words rather than against itself."""

import pytest

from touchstone.review.rules import ALWAYS, OVER, RULES, Rule

NAMED = {event.model_fields["type"].default: rule for event, rule in RULES.items()}

ONLY = {
    "developer": {
        "inquiry-asked",
        "submission-received",
        "clock-extended",
        "finding-responded",
        "finding-disputed",
        "evidence-declared",
        "postponement-answered",
        "release-announced",
        "directive-answered",
        "directive-answer-revised",
        "standing-classes-authorised",
        "bundle-published",
        "receipt-noted",
        "review-withdrawn",
    },
    "centre": {
        "submission-assessed",
        "clock-anchored",
        "battery-sealed",
        "snapshot-seen",
        "snapshot-changed",
        "outcomes-recorded",
        "verdict-reached",
        "sandbox-breached",
        "measuring-stopped",
        "release-compared",
        "report-issued",
        "case-destroyed",
    },
    "agency": {
        "designation-concurred",
        "designation-dissented",
        "designation-made",
        "designation-revised",
        "directive-issued",
        "directive-lifted",
    },
    "independent-evaluator": {"outside-finding-signed"},
}


@pytest.mark.parametrize("role", sorted(ONLY))
def test_what_is_one_roles_alone(role: str):
    alone = {name for name, rule in NAMED.items() if rule.roles == (role,)}
    assert alone == ONLY[role]


def test_the_developers_answers_are_always_open():
    answers = {name for name, rule in NAMED.items() if _always_the_developers(rule)}
    assert answers == {
        "release-announced",
        "review-withdrawn",
        "finding-responded",
        "finding-disputed",
        "postponement-answered",
        "directive-answered",
        "directive-answer-revised",
        "standing-classes-authorised",
        "bundle-published",
        "receipt-noted",
    }


def _always_the_developers(rule: Rule) -> bool:
    return rule.roles == ("developer",) and rule.when == ALWAYS


def test_after_leaving_nothing_is_done_to_the_developer_by_the_review():
    """In a withdrawn case orders stand outside of the review, and an agency says what it thinks of
    what was proposed before; the rest is tidying."""
    left = {name for name, rule in NAMED.items()
            if "withdrawn" in rule.when and rule.roles != ("developer",)}  # fmt: skip
    assert left == {
        "party-admitted",
        "participation-noted",
        "terms-declined",
        "designation-concurred",
        "designation-dissented",
        "directive-issued",
        "directive-lifted",
        "case-closed",
        "case-destroyed",
    }


def test_closing_takes_no_word_from_an_agency():
    """Either party may close, and then be as free of an agency's word as if it had been heard."""
    silenced = {name for name, rule in NAMED.items()
                if "agency" in rule.roles and "closed" not in rule.when}  # fmt: skip
    assert silenced == set()


def test_officials_measure_nothing_and_halt_nothing():
    officials = {name for name, rule in NAMED.items() if "agency" in rule.roles}
    assert not officials & {
        "agreement-signed",
        "battery-sealed",
        "outcomes-recorded",
        "verdict-reached",
        "review-halted",
        "clock-paused",
        "clock-extended",
        "case-closed",
    }


def test_a_case_is_destroyed_only_once_it_is_over():
    assert NAMED["case-destroyed"].when == OVER


def test_auditors_and_partners_only_speak_for_themselves():
    assert {name for name, rule in NAMED.items() if "auditor" in rule.roles} == {
        "party-admitted",
        "participation-noted",
    }
    partners = {name for name, rule in NAMED.items() if "trusted-partner" in rule.roles}
    assert partners == {
        "party-admitted",
        "participation-noted",
        "terms-countered",
        "terms-agreed",
        "terms-declined",
    }
