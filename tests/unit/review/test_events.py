"""Events read back as they were written, and say what is wrong with those that cannot be read."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

import touchstone.review.events as events_package
from support.review_case import AT, LAB, Case, digest, make, outcome, recorded, submission
from touchstone.ledger import dumps, loads
from touchstone.review import BadEventError, State, parse_event
from touchstone.review.events import TYPES, Event, settling
from touchstone.review.events.base import Count, Positive
from touchstone.review.events.opening import CaseOpened
from touchstone.review.evolve import evolve
from touchstone.review.rules import RULES

SOURCES = sorted(Path(str(events_package.__file__)).parent.glob("*.py"))
RELEASE = make(settling.ReleaseAnnounced, LAB, scope="public", variants=(), same_model="not-said")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("abü", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=2), inner),
    max_leaves=6,
)


def test_every_type_has_a_rule_a_reader_and_a_change():
    named = {kind.model_fields["type"].default for kind in TYPES}
    assert len(named) == len(TYPES)
    assert set(RULES) | {CaseOpened} == set(TYPES)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_type_changes_the_state_by_a_rule_of_its_own(kind: Any):
    """Without its fields a rule may fail in any way, but for there being none."""
    said = ""
    try:
        evolve(State(), kind.model_construct(), "2026-11-20T09:00:00Z")
    except Exception as error:  # noqa: BLE001
        said = str(error)
    assert "no rule says" not in said


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_field_is_explained(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            body = node.body
            assert ast.get_docstring(node), node.name
            for field, after in zip(body, [*body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) != "type":
                    told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                    assert told, f"{node.name}.{ast.unparse(field.target)}"


@given(known=st.booleans(), unknown=st.dictionaries(st.sampled_from(["new", "later"]), values))
def test_unknown_fields_survive(known: bool, unknown: dict[str, object]):
    facts = {**submission().facts(), **unknown}
    facts["variants"][0].update(unknown if known else {})
    line = dumps(facts)
    event = parse_event(loads(line))
    assert dumps(event.facts()) == line


def test_a_chunk_reads_back_as_it_was():
    event = recorded(tuple(outcome(index) for index in range(32)))
    again = parse_event(loads(dumps(event.facts())))
    assert again == event
    assert type(again) is type(event)


def test_an_event_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        RELEASE.actor = "example-agency"  # type: ignore[misc]  # that is the point


def test_the_last_year_is_9000():
    latest = {**RELEASE.facts(), "at": "9000-12-31T23:59:59Z"}
    assert parse_event(latest).facts() == latest
    with pytest.raises(BadEventError, match="at"):
        parse_event({**RELEASE.facts(), "at": "9001-01-01T00:00:00Z"})


def test_what_cannot_be_read_is_named_by_its_own_steps_alone():
    with pytest.raises(BadEventError) as refusal:
        parse_event({**RELEASE.facts(), "marking": {**RELEASE.facts()["marking"], "label": 1}})
    assert str(refusal.value).startswith("event release-announced: marking.label: ")


def test_the_version_is_called_schema_in_the_record():
    assert RELEASE.facts()["schema"] == 1
    assert "schema_version" not in RELEASE.facts()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"type": "release-licensed"}, "release-licensed"),
        ({"type": None}, "without a type"),
        ({"type": ["release-announced"]}, "without a type"),
        ({"schema": 2}, "schema"),
        ({"schema": True}, "schema"),
        ({"at": "2026-10-01T12:00:00+00:00"}, "at"),
        ({"at": "2026-02-30T12:00:00Z"}, "at"),
        ({"at": "0001-01-01T00:00:00Z"}, "at"),
        ({"at": "9999-12-31T23:59:59Z"}, "at"),
        ({"actor": ""}, "actor"),
        ({"actor": "Example\u202eLab"}, "actor"),
        ({"actor": "example-lab\n"}, "actor"),
        ({"marking": {"scheme": "TLP:2.0"}}, "marking"),
        ({"marking": None}, "marking"),
        ({"scope": "everyone"}, "scope"),
        ({"variants": "final"}, "variants"),
        ({"review_delay_days": "3"}, "review_delay_days"),
        ({"review_delay_days": -1}, "review_delay_days"),
        ({"review_delay_days": 2**53}, "2"),
        ({"new": 0.5}, "float"),
        ({"new": float("nan")}, "float"),
        ({"new": "\ud800"}, "surrogate"),
        ({"néw": 1}, "ASCII"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_cannot_be_read_is_told_in_one_line(changes: dict[str, object], told: str):
    with pytest.raises(BadEventError) as refusal:
        parse_event({**RELEASE.facts(), **changes})
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("event", "changes", "told"),
    [
        (submission(), {"variants": []}, "variants is empty"),
        (submission(), {"model": "Example\u202e1"}, "U+202E"),
        (submission(), {"model": "Example\u31641"}, "U+3164"),
        (submission(), {"model": "Example\n1"}, "one line"),
        (submission(), {"planned_public_release": "2027-02-29"}, "planned_public_release"),
    ],
)
def test_what_contradicts_itself_is_told(event: Event, changes: dict[str, object], told: str):
    with pytest.raises(BadEventError, match="^event " + event.type) as refusal:
        parse_event({**event.facts(), **changes})
    assert told in str(refusal.value)


@pytest.mark.parametrize("value", [None, [], [["type", "x"]], "release-announced", 7, True])
def test_what_is_no_object_is_told(value: object):
    with pytest.raises(BadEventError, match="is a JSON object"):
        parse_event(value)


def test_a_sample_twice_in_a_chunk_is_told():
    facts = recorded((outcome(1), outcome(2))).facts()
    facts["outcomes"][1]["index"] = 1
    with pytest.raises(BadEventError, match="names a sample twice"):
        parse_event(facts)


Admits = list[dict[str, object]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda admits: admits[1:], "exactly one developer"),
        (lambda admits: [*admits, admits[0]], "names a party twice"),
        (lambda admits: [{**admits[0], "key": admits[1]["key"]}, *admits[1:]], "one key"),
        (lambda admits: [{**each, "role": "counterpart"} for each in admits], "role"),
        (lambda admits: [{**admits[0], "key": "01" + 31 * "00"}, *admits[1:]], "small order"),
        (lambda admits: [admits[0], {**admits[1], "party": "another-centre"}], "not among"),
    ],
)
def test_a_case_opens_with_whom_it_needs(case: Case, change: Callable[[Admits], Admits], told: str):
    facts = case.open().events[0].facts()
    with pytest.raises(BadEventError, match=told):
        parse_event({**facts, "admits": change(facts["admits"])})


def test_times_and_digests_are_plain(case: Case):
    facts = case.open().events[0].facts()
    assert facts["at"] == AT
    assert facts["agreement"] == digest("agreement")


@pytest.mark.parametrize(("kind", "least"), [(Count, 0), (Positive, 1)])
def test_numbers_reach_as_far_as_canonical_json(kind: Any, least: int):
    number = TypeAdapter(kind)
    for fits in (least, 2**53 - 1):
        assert loads(dumps(number.validate_python(fits))) == fits
    for too_far in (least - 1, 2**53):
        with pytest.raises(ValueError, match="equal to"):
            number.validate_python(too_far)


def test_nobody_is_no_party_that_is_admitted():
    with pytest.raises(BadEventError, match="name a party"):
        parse_event(
            {
                **RELEASE.facts(),
                "type": "party-admitted",
                "schema": 2,
                "admits": [],
                "reason": digest("x"),
            }
        )
