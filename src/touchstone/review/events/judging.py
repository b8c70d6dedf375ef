"""What is found and how it is judged: findings, evidence declared, designation."""

from collections.abc import Mapping
from typing import Any, Literal

from touchstone.ledger import digest_value
from touchstone.review.events.base import (
    Digest,
    Event,
    EventWithTexts,
    Facts,
    Name,
    Positive,
)

Designation = Literal["covered", "not-covered", "undetermined"]
"""Whether a model is a covered frontier model; `undetermined` is an answer too."""


class FindingSigned(Event):
    """An evaluator signs a statement with evidence."""

    type: Literal["finding-signed"] = "finding-signed"
    finding: Name
    """The finding's id in this case."""
    domain: Name
    """The framework's domain that it is about."""
    criterion: Name | None = None
    """The criterion that it bears on, if one."""
    statement: Digest
    """The digest of the finding's text, a part of its own."""


class OutsideFindingSigned(EventWithTexts):
    """An independent evaluator signs a finding and keeps its evidence back."""

    type: Literal["outside-finding-signed"] = "outside-finding-signed"
    TEXTS = ("withheld_reason",)
    finding: Name
    """The finding's id in this case."""
    domain: Name
    """The framework's domain that it is about."""
    criterion: Name | None = None
    """The criterion that it bears on, if one."""
    statement: Digest
    """The digest of the finding's text."""
    withheld_evidence: Digest
    """The digest of the evidence that the evaluator keeps, so that it can be checked later."""
    withheld_reason: Digest
    """The digest of a text: why it is withheld."""


class FindingResponded(Event):
    """The developer answers a finding. A later answer replaces it; none is not agreement."""

    type: Literal["finding-responded"] = "finding-responded"
    finding: Name
    """The finding."""
    stance: Literal["accepted", "noted", "mitigated"]
    """What the developer says of it; to contest it is `finding-disputed`."""
    response: Digest
    """The digest of the response's text."""


class FindingDisputed(EventWithTexts):
    """The developer contests a finding."""

    type: Literal["finding-disputed"] = "finding-disputed"
    TEXTS = ("grounds",)
    finding: Name
    """The finding."""
    grounds: Digest
    """The digest of a text: on what grounds."""
    rerun_wanted: bool
    """Whether a re-run is asked for."""


class FindingRerun(Event):
    """What came of looking at a disputed finding again."""

    type: Literal["finding-rerun"] = "finding-rerun"
    finding: Name
    """The finding."""
    outcome: Literal["upheld", "revised", "withdrawn"]
    """Whether it stands."""
    battery: Name | None = None
    """The battery of the re-run, if tasks were run again."""
    statement: Digest
    """The digest of the text that holds now."""


class EvidenceDeclared(Event):
    """The party that a criterion names says what its declared evidence shows."""

    type: Literal["evidence-declared"] = "evidence-declared"
    criterion: Name
    """A criterion without a number."""
    shows: Literal["met", "not-met", "inconclusive"]
    """Whether the criterion is met, as the declaring party reads it."""
    evidence: Digest
    """The digest of the evidence."""


class CriterionSays(Facts):
    """What one criterion says."""

    criterion: Name
    """The criterion."""
    says: Literal["met", "not-met", "undetermined"]
    """What it says by the rule."""


class DesignationProposed(EventWithTexts):
    """The centre proposes what the rule gives; it cannot propose anything else."""

    type: Literal["designation-proposed"] = "designation-proposed"
    TEXTS = ("words",)
    designation: Designation
    """What `propose_designation` gives."""
    says: tuple[CriterionSays, ...]
    """What each criterion of the framework says, in its order."""
    words: Digest
    """The digest of the rule's words for it: why, in all and criterion by criterion."""

    @classmethod
    def contents_v1(cls, facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The rule's words, which stood beside what each criterion says."""
        reasons = {each["criterion"]: each["reason"] for each in facts["reasons"]}
        return {"words": {"summary": facts["summary"], "reasons": reasons}}

    @classmethod
    def upcast_v1_v2(cls, facts: dict[str, Any]) -> dict[str, Any]:
        """What each criterion says stays; why goes into the words."""
        left = {name: each for name, each in facts.items() if name not in {"summary", "reasons"}}
        says = [{name: each[name] for name in ("criterion", "says")} for each in facts["reasons"]]
        return {**left, "says": says, "words": digest_value(cls.contents_v1(facts)["words"])}


class DesignationConcurred(Event):
    """An agency agrees with the proposal of this number. Nothing else counts as agreement."""

    type: Literal["designation-concurred"] = "designation-concurred"
    proposal: Positive
    """The number of the newest proposal, from 1; a new proposal needs a new concurrence."""
    designation: Designation
    """What the agency agrees with: the designation made on this proposal, else the proposed one."""


class DesignationDissented(EventWithTexts):
    """An agency disagrees with the proposal of this number."""

    type: Literal["designation-dissented"] = "designation-dissented"
    TEXTS = ("reason",)
    proposal: Positive
    """The number of the newest proposal, from 1."""
    designation: Designation
    """What it disagrees with: the designation made on this proposal, else the proposed one."""
    reason: Digest
    """The digest of a text: why."""


class DesignationMade(EventWithTexts):
    """The designating agency decides. It may decide otherwise than proposed, with its reasons."""

    type: Literal["designation-made"] = "designation-made"
    TEXTS = ("reasons",)
    proposal: Positive
    """The number of the proposal that it rests on."""
    designation: Designation
    """What is decided."""
    reasons: Digest
    """The digest of a text: why."""


class DesignationRevised(EventWithTexts):
    """The designating agency changes its decision."""

    type: Literal["designation-revised"] = "designation-revised"
    TEXTS = ("reasons",)
    proposal: Positive
    """The number of the proposal that it rests on."""
    designation: Designation
    """What is decided now."""
    reasons: Digest
    """The digest of a text: why."""
