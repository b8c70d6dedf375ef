"""A marking is carried exactly, or refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from touchstone.clearance import LABELS, Label, Marking, MarkingError, parse_marking, tlp
from touchstone.errors import BadInputError
from touchstone.ledger import dumps, loads

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)


def test_it_is_written_in_the_form_of_the_record():
    marking = tlp("AMBER+STRICT", "example-lab", "example-centre")
    assert dumps(marking.as_dict()) == (
        b'{"label":"AMBER+STRICT","parties":["example-lab","example-centre"],"scheme":"TLP:2.0"}'
    )


@given(texts, texts, st.lists(texts, unique=True, max_size=5))
def test_any_marking_survives_the_record(scheme: str, label: str, parties: list[str]):
    stored = {"scheme": scheme, "label": label, "parties": parties}
    marking = parse_marking(loads(dumps(stored)))
    assert marking.as_dict() == stored
    assert marking.model_dump(mode="json") == stored


@pytest.mark.parametrize("label", LABELS)
def test_each_label_of_the_protocol(label: Label):
    assert tlp(label) == Marking(scheme="TLP:2.0", label=label)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "marking: Input should be a valid dictionary or instance of Marking"),
        ({"scheme": "TLP:2.0"}, "marking 'label': Field required"),
        ({"scheme": 2, "label": "RED"}, "marking 'scheme': Input should be a valid string"),
        ({"scheme": 2, "label": ""}, "marking 'scheme': Input should be a valid string"),
        (
            {"scheme": "TLP:2.0", "label": ""},
            "marking 'label': String should have at least 1 character",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "caveat": "x"},
            "marking 'caveat': Extra inputs are not permitted",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "parties": ["a", "a"]},
            "marking 'parties': each party is named once, by a non-empty id",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "parties": [""]},
            "marking 'parties': each party is named once, by a non-empty id",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "parties": "example-lab"},
            "marking 'parties': Input should be a valid tuple",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "parties": {"example-lab"}},
            "marking 'parties': Input should be a valid tuple",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "parties": [7]},
            "marking 'parties' '0': Input should be a valid string",
        ),
        (
            {"scheme": "TLP:2.0", "label": "RED", "\u202e\n": 1},
            r"marking '\u202e\n': Extra inputs are not permitted",
        ),
    ],
)
def test_what_is_no_marking_is_refused_in_one_line(value: object, line: str):
    with pytest.raises(MarkingError) as refused:
        parse_marking(value)
    assert isinstance(refused.value, BadInputError)
    assert str(refused.value) == f"{line}: write a scheme, a label and a list of parties"
    assert str(refused.value).isprintable()


def test_a_label_of_another_scheme_is_no_tlp_marking():
    with pytest.raises(MarkingError, match=r"^no TLP 2\.0 label 'SECRET': write one of RED"):
        tlp("SECRET")  # type: ignore[arg-type]


def test_a_marking_cannot_be_changed():
    marking = tlp("RED", "example-lab")
    with pytest.raises(ValidationError, match="frozen"):
        marking.label = "CLEAR"  # type: ignore[misc]
