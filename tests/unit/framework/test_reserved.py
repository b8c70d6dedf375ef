"""What no party may be called, and that nothing which the code treats specially is missing."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.small_case import SUBMISSION, small_case
from touchstone.clearance import COMMUNITY, LABELS, PUBLIC
from touchstone.deeds.deed import Deed
from touchstone.evaluation import load_submission
from touchstone.framework import FrameworkFileError, Role, may_name, not_a_name, parse_framework
from touchstone.framework.kinds import RESERVED
from touchstone.keys import KeyFileError, KeyMissingError, Keyring
from touchstone.review import Refused
from touchstone.review.events import base, joining
from touchstone.service.cases.opening import check_parties
from touchstone.service.frameworks import load_framework
from touchstone.verdicts.errors import CannotRunError

SHIPPED = Path(__file__).parents[3] / "src/touchstone/framework/shipped/example.toml"


def test_every_audience_role_and_label_is_reserved():
    labels = {label.lower().replace("+", "-") for label in LABELS}
    roles = {*get_args(Role), *get_args(base.Role)}
    assert {PUBLIC.name, COMMUNITY.name, *labels, *roles} <= RESERVED


@pytest.mark.parametrize(
    "party", ["Public", "COMMUNITY", "amber+strict", "co.evaluator", "public."]
)
def test_other_spellings_are_reserved_too(party: str):
    assert not may_name(party, "auditor")


def test_a_centre_may_be_called_centre_and_nobody_else():
    assert may_name("centre", "centre")
    assert not may_name("centre", "developer")
    assert not may_name("developer", "developer")
    assert may_name("public-health-office", "agency")


@pytest.mark.parametrize(
    "party",
    ["", "Agency", "agency.x", "agency_x", "-agency", "a b", "a\n", "\u00e4gency", "a" * 65],
)
def test_what_no_key_can_be_kept_under_is_no_party(party: str):
    assert not may_name(party, "agency")
    assert "lowercase letters, digits and hyphens" in not_a_name(party)


@given(st.text("abcXYZ09-._/ \n\u00df", max_size=66) | st.from_regex(r"[a-z0-9-]{1,66}"))
def test_who_may_be_named_can_have_a_key(tmp_path_factory: pytest.TempPathFactory, party: str):
    """The law of parties and the keyring mean the same by a party's id."""
    keyring = Keyring(tmp_path_factory.getbasetemp() / "keys")
    try:
        keyring.party(party)
    except KeyMissingError:
        assert may_name(party, "agency") or "a word of the system" in not_a_name(party)
    except KeyFileError:
        assert not may_name(party, "agency")


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_framework_names_no_party_so(word: str):
    text = SHIPPED.read_text("utf-8").replace("example-treasury", word)
    with pytest.raises(FrameworkFileError, match="is a word of the system"):
        parse_framework(text, "small.toml")


@pytest.mark.parametrize("word", ["public", "community", "centre", "red", "agency"])
def test_a_submission_names_no_developer_so(tmp_path: Path, word: str):
    path = tmp_path / "SUBMISSION.toml"
    path.write_text(SUBMISSION.format(framework="example").replace("example-lab", word), "utf-8")
    with pytest.raises(CannotRunError, match=f"developer.id: '{word}' is a word of the system"):
        check_parties(load_framework("example"), load_submission(path))


def test_nobody_joins_a_case_under_such_a_name(tmp_path: Path):
    with small_case(tmp_path) as case:
        joins = joining.PartyInvited(
            actor="example-lab",
            at=case.now(),
            marking=case.marks.public,
            key_act=joining.InvitedAct(party="community", role="auditor", expects=None),
        )
        with pytest.raises(Refused, match="'community' is a word of the system"):
            case.record([Deed(joins)])
