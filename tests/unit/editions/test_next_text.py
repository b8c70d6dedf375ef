"""Each reason why a deed is next has its words, with what it is about in them."""

from support.review_case import LAB, Case, shipped_framework
from support.review_probes import by_key, opened, postponement, reinvited, then
from touchstone.editions.next_text import next_text
from touchstone.review.next_deeds import next_deeds

NOON = "2026-10-02T12:00:00Z"


def test_a_deed_is_told_with_its_reason_and_its_end():
    case = then(opened, postponement())(Case(shipped_framework("example")))
    found = next_deeds(case.framework, case.state, LAB, NOON)
    (asked,) = [next_text(each, NOON) for each in found if each.reason == "postponement-unanswered"]
    assert asked.what == "Answer request p1 to postpone."
    assert asked.why.endswith("It binds nobody, and no answer is no consent.")
    assert asked.stands == "waits for you"
    assert asked.due == "2027-01-01 23:59 Europe/London"


def test_a_party_is_called_by_its_name():
    case = then(by_key, reinvited())(Case(shipped_framework("example")))
    found = next_deeds(case.framework, case.state, "example-centre", NOON)
    (told,) = [each for each in found if each.reason == "recovery-unconfirmed"]
    names = {"example-agency": "The Example Agency"}
    assert "that The Example Agency goes on" in next_text(told, NOON, names).what
    assert "that example-agency goes on" in next_text(told, NOON).what
