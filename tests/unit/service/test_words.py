from typing import get_args

from touchstone.review.events import AnyEvent
from touchstone.service.editions.words import SENTENCES


def test_every_event_has_a_sentence():
    union = get_args(get_args(AnyEvent)[0])
    types = {get_args(kind.model_fields["type"].annotation)[0] for kind in union}
    assert types == set(SENTENCES)


def test_every_sentence_reads_facts_that_its_event_has():
    union = get_args(get_args(AnyEvent)[0])
    for kind in union:
        name = get_args(kind.model_fields["type"].annotation)[0]
        fields = {field.alias or key for key, field in kind.model_fields.items()}
        wanted = {part.split("}")[0].split("[")[0] for part in SENTENCES[name].split("{")[1:]}
        assert wanted <= fields, name
