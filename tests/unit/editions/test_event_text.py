from typing import get_args

from support.review_case import early, verdict
from touchstone.editions.event_text import SENTENCES, sentence
from touchstone.review.events import TYPES


def test_every_event_has_a_sentence():
    types = {get_args(kind.model_fields["type"].annotation)[0] for kind in TYPES}
    assert types == set(SENTENCES)


def test_every_sentence_reads_facts_that_its_event_has():
    for kind in TYPES:
        name = get_args(kind.model_fields["type"].annotation)[0]
        fields = {field.alias or key for key, field in kind.model_fields.items()}
        wanted = {part.split("}")[0].split("[")[0] for part in SENTENCES[name].split("{")[1:]}
        assert wanted <= fields, name


def test_an_early_verdict_is_told_with_its_claim_and_its_stop():
    text = sentence(early("thinking", "above", 7, 10))
    assert text.endswith("in thinking mode: above 0.4 (7 of 10 solved, stopped there of 20).")
    text = sentence(early("instant", "below", 2, 20))
    assert text.endswith("in instant mode: below 0.6, as elicited (2 of 20 solved).")
    text = sentence(verdict("instant", "below", 2))
    assert text.endswith("in instant mode: below the threshold, as elicited (2 of 20 solved).")
