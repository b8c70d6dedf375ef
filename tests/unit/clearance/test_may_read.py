"""Who may read what: the table, the laws, and each guard with its twin."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from touchstone.clearance import (
    COMMUNITY,
    EVERY_PARTY,
    LABELS,
    PUBLIC,
    TLP,
    Audience,
    Ceiling,
    Label,
    Marking,
    decide,
    may_read,
    party_audience,
    tlp,
)

LAB = party_audience("example-lab")
CENTRE = party_audience("example-centre")
MEMBER = party_audience("example-bank", ceiling="GREEN")
PARTIES = ("example-lab", "example-centre", "example-agency", "example-bank")

labels = st.sampled_from(LABELS)
named = st.lists(st.sampled_from(PARTIES), unique=True, max_size=4)
ceilings: st.SearchStrategy[Ceiling] = st.sampled_from(("CLEAR", "GREEN"))
audiences = st.builds(
    Audience,
    name=st.just("somebody"),
    parties=st.frozensets(st.sampled_from(PARTIES)),
    ceiling=ceilings,
)


@pytest.mark.parametrize(
    ("label", "readers"),
    [
        ("CLEAR", {"public", "community", "example-lab", "example-centre", "example-bank"}),
        ("GREEN", {"community", "example-bank"}),
        ("AMBER", set()),
        ("AMBER+STRICT", set()),
        ("RED", set()),
    ],
)
def test_a_label_that_names_nobody(label: Label, readers: set[str]):
    everyone = (PUBLIC, COMMUNITY, LAB, CENTRE, MEMBER)
    assert {who.name for who in everyone if may_read(who, tlp(label)).allowed} == readers


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_names_a_party_is_limited_to_it(label: Label):
    marking = tlp(label, "example-lab")
    everyone = (PUBLIC, COMMUNITY, LAB, CENTRE, MEMBER)
    assert [who.name for who in everyone if may_read(who, marking).allowed] == ["example-lab"]


def test_a_party_reads_what_it_wrote_and_the_centre_is_nothing_special():
    withheld = tlp("RED", "example-evaluator")
    assert may_read(LAB, withheld, author="example-lab").allowed
    assert not may_read(CENTRE, withheld, author="example-lab").allowed
    assert not may_read(CENTRE, withheld).allowed


@pytest.mark.parametrize(
    ("audience", "marking", "reason"),
    [
        (PUBLIC, tlp("CLEAR"), "CLEAR is for everyone"),
        (COMMUNITY, tlp("GREEN"), "GREEN is for the community"),
        (PUBLIC, tlp("GREEN"), "GREEN is for the community, and public is not in it"),
        (LAB, tlp("RED"), "RED is for named parties, and none is named"),
        (LAB, tlp("RED", "example-lab"), "RED names example-lab"),
        (
            PUBLIC,
            tlp("AMBER", "example-lab"),
            "AMBER is limited to parties that public is not among",
        ),
        (
            LAB,
            Marking(scheme="NATIONAL", label="SECRET", parties=("example-lab",)),
            "the marking scheme 'NATIONAL' is not known here",
        ),
        (LAB, Marking(scheme=TLP, label="WHITE"), "TLP:2.0 has no label 'WHITE'"),
    ],
)
def test_every_answer_has_its_reason(audience: Audience, marking: Marking, reason: str):
    assert may_read(audience, marking).reason == reason


def test_the_reason_for_no_does_not_say_who_may():
    reason = may_read(PUBLIC, tlp("RED", "example-lab")).reason
    assert "example-lab" not in reason


@given(audiences, labels, named, st.sampled_from(PARTIES))
def test_naming_one_more_party_never_takes_away(
    audience: Audience, label: Label, parties: list[str], more: str
):
    """From an empty list the first name is what limits a CLEAR or GREEN part: see ADR 0022."""
    assume(parties and more not in parties)
    if may_read(audience, tlp(label, *parties)).allowed:
        assert may_read(audience, tlp(label, *parties, more)).allowed


@given(labels, named, st.sampled_from(PARTIES))
def test_naming_a_party_always_lets_it_read(label: Label, parties: list[str], more: str):
    assume(more not in parties)
    assert may_read(party_audience(more), tlp(label, *parties, more)).allowed


@given(audiences, labels, labels, named)
def test_lowering_the_label_never_takes_away(
    audience: Audience, one: Label, other: Label, parties: list[str]
):
    narrow, wide = sorted((one, other), key=LABELS.index)
    if may_read(audience, tlp(narrow, *parties)).allowed:
        assert may_read(audience, tlp(wide, *parties)).allowed


@given(audiences, labels, named)
def test_a_wider_ceiling_never_takes_away(audience: Audience, label: Label, parties: list[str]):
    wider = Audience(audience.name, audience.parties, "GREEN")
    marking = tlp(label, *parties)
    if may_read(audience, marking).allowed:
        assert may_read(wider, marking).allowed


@given(audiences, st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=64), named)
def test_what_is_unknown_is_denied_to_everyone(
    audience: Audience, scheme: str, label: str, parties: list[str]
):
    assume(scheme != TLP or label not in LABELS)
    marking = Marking(scheme=scheme, label=label, parties=tuple(parties))
    for author in (None, *PARTIES):
        decision = may_read(audience, marking, author)
        assert not decision.allowed
        assert ascii(scheme) in decision.reason or ascii(label) in decision.reason


@given(labels.filter(lambda label: label not in {"GREEN", "CLEAR"}), audiences)
def test_no_membership_opens_amber_or_red(label: Label, audience: Audience):
    assert not may_read(audience, tlp(label)).allowed


@given(audiences, labels, named, st.sampled_from(PARTIES))
def test_only_the_author_gains_from_having_written_it(
    audience: Audience, label: Label, parties: list[str], author: str
):
    marking = tlp(label, *parties)
    expected = author in audience.parties or may_read(audience, marking).allowed
    assert may_read(audience, marking, author).allowed == expected


# Each guard, and its twin: with the guard taken away, the same probe gets through.


def test_an_unknown_scheme_and_its_twin(monkeypatch: pytest.MonkeyPatch):
    probe = Marking(scheme="NATIONAL", label="CLEAR")
    assert not may_read(PUBLIC, probe).allowed
    monkeypatch.setattr(decide, "TLP", "NATIONAL")
    assert may_read(PUBLIC, probe).allowed


def test_an_unknown_label_and_its_twin(monkeypatch: pytest.MonkeyPatch):
    probe = Marking(scheme=TLP, label="WHITE", parties=("example-lab",))
    assert not may_read(LAB, probe).allowed
    monkeypatch.setattr(decide, "LABELS", (*LABELS, "WHITE"))
    assert may_read(LAB, probe).allowed


def test_the_limit_to_named_parties_and_its_twin(monkeypatch: pytest.MonkeyPatch):
    probe = tlp("CLEAR", "example-lab")
    assert not may_read(PUBLIC, probe).allowed
    monkeypatch.setattr(decide, "_named", lambda who, marking, _: decide._unnamed(who, marking))
    assert may_read(PUBLIC, probe).allowed


@given(labels, audiences, st.frozensets(st.sampled_from(PARTIES)))
def test_every_party_of_the_case_means_those_who_are_in_it_and_nobody_else(
    label: Label, audience: Audience, taking_part: frozenset[str]
):
    marking = tlp(label, EVERY_PARTY)
    decision = may_read(audience, marking, case_parties=taking_part)
    assert decision.allowed == bool(audience.parties & taking_part)
    # It names them as they are now, as if they stood there.
    named = tlp(label, *sorted(taking_part)) if taking_part else tlp(label, "nobody")
    assert decision.allowed == may_read(audience, named).allowed


def test_nobody_is_called_every_party():
    for audience in (COMMUNITY, party_audience(EVERY_PARTY, "GREEN")):
        assert not may_read(audience, tlp("GREEN", EVERY_PARTY), case_parties=LAB.parties).allowed


def test_the_ceiling_and_its_twin():
    probe = tlp("GREEN")
    assert not may_read(PUBLIC, probe).allowed
    assert may_read(Audience("public", ceiling="GREEN"), probe).allowed
