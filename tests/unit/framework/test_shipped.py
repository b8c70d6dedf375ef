"""The files that come with the software: what they must say, and what they must never say."""

import json
import re
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.frameworks import SHIPPED, text_of
from touchstone.framework import (
    DeclaredCriterion,
    Framework,
    LifeStage,
    NumericCriterion,
    parse_framework,
)
from touchstone.ledger import dumps

ALL = ("approval-gate", "example", "us-2026-05-draft", "us-2026-06")
REAL = ("us-2026-05-draft", "us-2026-06")
# A case is pinned to a framework by its digest: a change here is a new version for every case.
DIGESTS = {
    "approval-gate": "sha256:2091da9b5bdc172688da514491c4f5219b4323749d11addac58569e0315b299d",
    "example": "sha256:bec4206de952d83e8d1eeb3962c89de94bdffee55a6e21f4404a02922c53b570",
    "us-2026-05-draft": "sha256:cb64a0cb196d45b92a5b789bac536f6096fc094db069ef124151f1ed0a583896",
    "us-2026-06": "sha256:3a7436d5288de97294e7ed5fa9713a7b1cc15d0d6acd0bfa95018473bb15247a",
}
STATUS: dict[str, LifeStage] = {
    "approval-gate": "draft",
    "example": "in-force",
    "us-2026-05-draft": "halted",
    "us-2026-06": "in-force",
}


def shipped(name: str) -> Framework:
    return parse_framework(text_of(name), f"{name}.toml")


def test_these_files_are_shipped_and_no_others():
    assert sorted(path.name for path in SHIPPED.iterdir()) == [f"{name}.toml" for name in ALL]


@pytest.mark.parametrize("name", ALL)
def test_the_file_is_named_by_its_id(name: str):
    assert shipped(name).id == name


@pytest.mark.parametrize("name", ALL)
def test_the_digest_is_stable(name: str):
    assert shipped(name).digest == DIGESTS[name]


@pytest.mark.parametrize("name", ALL)
def test_every_fact_has_a_source_a_date_and_a_status(name: str):
    for fact in shipped(name).facts:
        assert fact.source
        assert fact.date
        assert fact.status in {"primary", "reported", "standard", "analysis"}
        assert "http" not in fact.source


@pytest.mark.parametrize("name", ALL)
def test_the_newest_stage_is_the_status(name: str):
    assert shipped(name).status == STATUS[name]


@pytest.mark.parametrize("name", REAL)
def test_a_real_framework_has_no_gate(name: str):
    framework = shipped(name)
    assert framework.gate == "none"
    assert not framework.comparison_only
    assert not framework.example


@pytest.mark.parametrize("name", REAL)
def test_a_real_framework_says_that_its_thresholds_are_undisclosed(name: str):
    framework = shipped(name)
    assert framework.thresholds == "undisclosed"
    assert framework.criteria == ()
    assert any(fact.id == "thresholds-undisclosed" for fact in framework.facts)


@pytest.mark.parametrize("name", REAL)
def test_a_real_framework_names_nobody_without_a_fact(name: str):
    for party in shipped(name).parties:
        assert party.facts, party.id


@pytest.mark.parametrize("name", REAL)
def test_a_real_framework_claims_nothing_as_read_in_the_original(name: str):
    assert {fact.status for fact in shipped(name).facts} <= {"reported", "analysis"}


@pytest.mark.parametrize("name", sorted(set(ALL) - {"example"}))
def test_only_the_example_has_numbers_to_meet(name: str):
    assert not any(isinstance(each, NumericCriterion) for each in shipped(name).criteria)


def test_the_gate_is_marked_as_a_comparison():
    framework = shipped("approval-gate")
    assert framework.gate == "approval"
    assert framework.comparison_only
    assert "hypothetical" in framework.title


def test_the_example_has_numbers_and_declared_evidence():
    framework = shipped("example")
    numeric = [each for each in framework.criteria if isinstance(each, NumericCriterion)]
    declared = [each for each in framework.criteria if isinstance(each, DeclaredCriterion)]
    assert [each.family for each in numeric] == ["memory-safety", "web-injection", "payment-logic"]
    assert {each.domain for each in declared} == {
        "autonomy-and-control",
        "safeguards",
        "labour",
        "infrastructure",
    }
    assert framework.example
    assert "invented" in framework.title
    assert all(party.name.startswith("Example ") for party in framework.parties)


def test_the_windows_are_those_reported():
    may, june = (shipped(name).window for name in REAL)
    assert (may.days, may.unit, may.anchor) == (90, "days", "public-release")
    assert (june.days, june.unit, june.anchor) == (30, "days", "public-release")


def test_claims_that_conflict_are_found_wherever_they_stand():
    whole = shipped("us-2026-06")
    apart = [fact for each in zip_longest(*whole.conflicts.values()) for fact in each if fact]
    assert len(whole.conflicts) > 1
    assert whole.model_copy(update={"facts": tuple(apart)}).conflicts == whole.conflicts


def test_conflicting_claims_stand_side_by_side():
    conflicts = shipped("us-2026-06").conflicts
    assert {name: len(facts) for name, facts in conflicts.items()} == {
        "how-many-weaknesses": 2,
        "what-the-window-runs-to": 2,
        "when-benchmarking-is-due": 2,
        "whether-review-is-mandatory": 2,
    }
    claims = [fact.claim for fact in conflicts["whether-review-is-mandatory"]]
    assert claims == [
        "The order mandates a federal review process.",
        "The review is not mandatory.",
    ]


def test_participations_keep_their_history():
    framework = shipped("example")
    assert [each.status for each in framework.participations] == ["negotiating", "participating"]


def test_what_a_framework_names_can_be_found_by_its_id():
    framework = shipped("us-2026-06")
    party = framework.party("caisi")
    assert party is not None
    assert party.role == "centre"
    assert framework.party("nobody") is None
    assert [each.id for each in framework.parties_with("centre")] == ["caisi"]
    criterion = shipped("example").criterion("payment-logic")
    assert criterion is not None
    assert criterion.domain == "financial-systems"
    assert framework.criterion("payment-logic") is None


def test_the_digest_is_that_of_the_content_and_of_nothing_else():
    text = text_of("example")
    commented = "# another comment\n" + text.replace("\n[window]", "\n\n\n[window]")
    restated = text.replace('gate = "none"', 'gate = "none"\ncomparison_only = false')
    bom = "\ufeff" + text.replace("\n", "\r\n")
    original = shipped("example").digest
    for same in (commented, restated, bom):
        assert parse_framework(same, "another-name.toml").digest == original


@pytest.mark.parametrize("deep", [False, True])
def test_a_copy_with_other_content_has_another_digest(deep: bool):
    """The digest is computed once, and so must not go with a copy."""
    framework = shipped("example")
    before = framework.digest
    other = framework.model_copy(update={"title": "Another title"}, deep=deep)
    assert other.digest != before == framework.digest
    assert framework.model_copy(deep=deep) == framework == shipped("example")
    assert "digest" not in framework.model_dump()


@given(st.data())
def test_a_change_of_any_value_changes_the_digest(data: st.DataObject):
    framework = shipped("example")
    content = json.loads(framework.model_dump_json(exclude_defaults=True))
    path = data.draw(st.sampled_from(sorted(_claims(content))))
    where = content
    for step in path[:-1]:
        where = where[int(step) if isinstance(where, list) else step]
    where[path[-1]] += "!"
    changed = Framework.model_validate_json(dumps(content))
    assert changed.digest != framework.digest


def _claims(content: dict[str, list[dict[str, str]]]) -> list[tuple[str, ...]]:
    """Where free text stands, which may change without breaking another rule."""
    return [
        (table, str(place), key)
        for table, key in (
            ("facts", "claim"),
            ("facts", "source"),
            ("parties", "name"),
            ("criteria", "title"),
            ("terms", "title"),
        )
        for place in range(len(content[table]))
    ]


@pytest.mark.parametrize("name", ALL)
def test_no_address_is_invented(name: str):
    assert not re.search(r"https?:|www\.|@", text_of(name))


def test_a_framework_cannot_be_changed(monkeypatch: pytest.MonkeyPatch):
    framework = shipped("example")
    with pytest.raises(Exception, match="frozen"):
        monkeypatch.setattr(framework, "gate", "approval")
