from support.event_vectors import examples
from support.review_case import early, verdict
from touchstone.editions.event_text import event_sentence


def test_every_event_is_said_in_a_sentence():
    told = {event.type: event_sentence(event) for event in examples()}
    assert all(text[0].isupper() and text[-1] in ".]" for text in told.values()), told


def test_an_early_verdict_is_told_with_its_claim_and_its_stop():
    text = event_sentence(early("thinking", "above", 7, 10))
    assert text.endswith("in thinking mode: above 0.4 (7 of 10 solved, stopped there of 20).")
    text = event_sentence(early("instant", "below", 2, 20))
    assert text.endswith("in instant mode: below 0.6, as elicited (2 of 20 solved).")
    text = event_sentence(verdict("instant", "below", 2))
    assert text.endswith("in instant mode: below the threshold, as elicited (2 of 20 solved).")
