"""What is found and how it is judged: findings, evidence declared, designation."""

from typing import Literal

from touchstone.review.events.base import Digest, Event, Facts, Line, Name, Positive, Statement

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


class OutsideFindingSigned(Event):
    """An independent evaluator signs a finding and keeps its evidence back."""

    type: Literal["outside-finding-signed"] = "outside-finding-signed"
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
    withheld_reason: Line
    """Why it is withheld."""


class FindingResponded(Event):
    """The developer answers a finding. A later answer replaces it; none is not agreement."""

    type: Literal["finding-responded"] = "finding-responded"
    finding: Name
    """The finding."""
    stance: Literal["accepted", "noted", "mitigated"]
    """What the developer says of it; to contest it is `finding-disputed`."""
    response: Digest
    """The digest of the response's text."""


class FindingDisputed(Event):
    """The developer contests a finding."""

    type: Literal["finding-disputed"] = "finding-disputed"
    finding: Name
    """The finding."""
    grounds: Statement
    """On what grounds."""
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


class CriterionReason(Facts):
    """What one criterion says."""

    criterion: Name
    """The criterion."""
    says: Literal["met", "not-met", "undetermined"]
    """What it says by the rule."""
    reason: Line
    """Why, in one line."""


class DesignationProposed(Event):
    """The centre proposes what the rule gives; it cannot propose anything else."""

    type: Literal["designation-proposed"] = "designation-proposed"
    designation: Designation
    """What `propose_designation` gives."""
    summary: Line
    """Why, in one line."""
    reasons: tuple[CriterionReason, ...]
    """What each criterion of the framework says, in its order."""


class DesignationConcurred(Event):
    """An agency agrees with the proposal of this number. Nothing else counts as agreement."""

    type: Literal["designation-concurred"] = "designation-concurred"
    proposal: Positive
    """The number of the newest proposal, from 1; a new proposal needs a new concurrence."""
    designation: Designation
    """What the agency agrees with: the designation made on this proposal, else the proposed one."""


class DesignationDissented(Event):
    """An agency disagrees with the proposal of this number."""

    type: Literal["designation-dissented"] = "designation-dissented"
    proposal: Positive
    """The number of the newest proposal, from 1."""
    designation: Designation
    """What it disagrees with: the designation made on this proposal, else the proposed one."""
    reason: Statement
    """Why."""


class DesignationMade(Event):
    """The designating agency decides. It may decide otherwise than proposed, with its reasons."""

    type: Literal["designation-made"] = "designation-made"
    proposal: Positive
    """The number of the proposal that it rests on."""
    designation: Designation
    """What is decided."""
    reasons: Statement
    """Why."""


class DesignationRevised(Event):
    """The designating agency changes its decision."""

    type: Literal["designation-revised"] = "designation-revised"
    proposal: Positive
    """The number of the proposal that it rests on."""
    designation: Designation
    """What is decided now."""
    reasons: Statement
    """Why."""
