"""What a person of a party sees, by its roles: the table, the laws, and the guards' twins."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.clearance import (
    LABELS,
    SIGHTS,
    Audience,
    Label,
    MembershipState,
    Sight,
    decide,
    may_open,
    may_open_to_join,
    may_read,
    party_audience,
    sight_of,
    tlp,
)
from touchstone.server.accounts.roles import SCOPES_OF

LAB = "example-lab"
WIDER: tuple[Sight, ...] = ("nothing", "facts", "contents")
MEMBERSHIPS: tuple[MembershipState, ...] = ("none", "invited", "joined")
roles = st.frozensets(st.sampled_from([*SIGHTS, "unheard-of"]))
labels = st.sampled_from(LABELS)


def seen_by(sight: Sight) -> Audience:
    return party_audience(LAB, "GREEN", sight)


def test_the_table_is_of_the_roles_that_people_have():
    assert set(SIGHTS) == set(SCOPES_OF)
    assert {role for role, sight in SIGHTS.items() if sight != "contents"} == {
        "auditor",
        "counterpart",
        "administrator",
    }


def test_who_is_nothing_and_what_is_unknown_sees_nothing():
    assert sight_of([]) == sight_of(["unheard-of"]) == sight_of(["Lead"]) == "nothing"
    assert sight_of(["auditor", "counterpart"]) == "facts"
    assert sight_of(["auditor", "evaluator"]) == "contents"


@given(roles, roles)
def test_a_further_role_never_takes_away(some: frozenset[str], more: frozenset[str]):
    assert WIDER.index(sight_of(some | more)) >= WIDER.index(sight_of(some))


@given(labels, st.booleans(), st.booleans(), st.booleans())
def test_a_wider_sight_never_takes_away_and_never_adds_to_the_partys(
    label: Label, named: bool, wrote: bool, content: bool
):
    marking, author = tlp(label, *[LAB] * named), LAB if wrote else None
    found = [may_read(seen_by(sight), marking, author, content=content).allowed for sight in WIDER]
    assert found == sorted(found)
    assert found[-1] == may_read(party_audience(LAB, "GREEN"), marking, author).allowed


@pytest.mark.parametrize("label", LABELS)
def test_facts_are_shown_without_contents_and_the_twin(
    label: Label, monkeypatch: pytest.MonkeyPatch
):
    """Also of what the party wrote itself, or of what is open to everybody."""
    probe = seen_by("facts")
    assert may_read(probe, tlp(label, LAB), content=False).allowed
    for author in (None, LAB):
        refused = may_read(probe, tlp(label, LAB), author)
        assert (refused.allowed, refused.reason) == (
            False,
            "whoever asks for example-lab sees facts and proofs, and no contents",
        )
    monkeypatch.setattr(decide, "_beyond_sight", lambda *_, **__: "")
    assert may_read(probe, tlp(label, LAB)).allowed


def test_a_part_of_which_nothing_is_said_is_taken_for_contents():
    assert not may_read(seen_by("facts"), tlp("CLEAR")).allowed


def test_nothing_is_nothing_and_the_twin(monkeypatch: pytest.MonkeyPatch):
    probe = seen_by("nothing")
    for content, label in product((True, False), LABELS):
        assert not may_read(probe, tlp(label, LAB), LAB, content=content).allowed
    for asked in (may_open, may_open_to_join):
        assert not any(asked(probe, each).allowed for each in MEMBERSHIPS)
    monkeypatch.setattr(decide, "_beyond_sight", lambda *_, **__: "")
    assert may_read(probe, tlp("CLEAR"), content=False).allowed
    assert may_open(probe, "joined").allowed


@pytest.mark.parametrize(
    ("membership", "opens", "to_join"),
    [("none", False, False), ("invited", False, True), ("joined", True, True)],
)
def test_a_case_is_open_to_who_joined_and_to_who_is_invited_as_far_as_it_joins(
    membership: MembershipState, *, opens: bool, to_join: bool
):
    for sight in ("facts", "contents"):
        assert may_open(seen_by(sight), membership).allowed == opens
        assert may_open_to_join(seen_by(sight), membership).allowed == to_join
    assert may_open(seen_by("contents"), membership).reason.isprintable()
