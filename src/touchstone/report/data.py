"""The facts of one edition, gathered before a line of it is drawn.

Every field is already fit for the audience: what it may not read is in `withheld`, as a label.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A labelled line."""

    label: str
    text: str


@dataclass(frozen=True)
class PartyFacts:
    """An institution and what it does in this review."""

    id: str
    name: str
    role: str
    asked: str
    """What it asked for or undertook, in one sentence; empty where it asked nothing."""


@dataclass(frozen=True)
class TimelineEvent:
    """One entry of the record, in words. What is withheld has its number and its label alone."""

    n: int
    """Place in the case's log, from 0."""
    at: str
    """UTC, `YYYY-MM-DDTHH:MM:SSZ`."""
    actor: str
    text: str


@dataclass(frozen=True)
class ClockFacts:
    """The review window. Dates are `YYYY-MM-DD` in `timezone`; None where there is none."""

    window: str
    """The window in words."""
    timezone: str
    submitted: str
    share_by: str | None
    ends: str | None
    planned_release: str | None
    shortfall_days: int
    """Days by which the submission came later than the framework asks; 0: it came in time."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModeFacts:
    """One way of running the model, as it was measured."""

    id: str
    variant: str
    model: str
    endpoint: str
    """The digest of the endpoint, never its address or key."""
    settings: str
    snapshots: str
    """What the probes before, during and after say, in one sentence."""


@dataclass(frozen=True)
class DifficultyCount:
    """Solved and counted at one difficulty."""

    difficulty: int
    solved: int
    counted: int


@dataclass(frozen=True)
class ResultRow:
    """One criterion in one mode."""

    criterion: str
    title: str
    domain: str
    mode: str
    verdict: str
    """above, below, within-zone, at-ceiling or undetermined; no-threshold where none is stated."""
    solved: int
    counted: int
    low: float
    """Lower end of the exact 95% interval of the success rate."""
    high: float
    threshold: float | None
    """None where the framework states no number: then there is a measurement and no verdict."""
    zone: float
    alpha: float
    beta: float
    extreme: bool
    """All or none were solved."""
    outcomes: tuple[tuple[str, int], ...]
    """(result, number), most frequent first."""
    by_difficulty: tuple[DifficultyCount, ...]


@dataclass(frozen=True)
class FindingFacts:
    """A signed statement with its response."""

    id: str
    title: str
    text: str
    signed_by: str
    response: str
    """The developer's response, or that there is none so far."""


@dataclass(frozen=True)
class CriterionReason:
    """What one criterion contributes to the designation."""

    criterion: str
    title: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class DesignationFacts:
    """What the rule proposes, and what people have made of it so far."""

    proposed: str
    rule: str
    reasons: tuple[CriterionReason, ...]
    made: str
    """What officials decided and when, or that they have not."""
    concurrence: tuple[Fact, ...]
    """Each agency with concurred, dissented or missing: silence is never consent."""


@dataclass(frozen=True)
class NotMeasured:
    """Something that this review cannot speak to."""

    what: str
    why: str


@dataclass(frozen=True)
class Withheld:
    """Something that this audience may not read."""

    what: str
    label: str


@dataclass(frozen=True)
class VerificationFacts:
    """How an outsider checks the record behind the page."""

    log: str
    size: int
    root: str
    fingerprint: str
    """Of the installation's first key; to be compared over another channel."""
    bundle: str
    """File name of the bundle that belongs to this page."""


@dataclass(frozen=True)
class ReportData:
    """Everything that one edition says."""

    title: str
    audience: str
    marking: str
    case: str
    made_at: str
    summary: str
    """Two or three sentences that a minister may read alone."""
    model: tuple[Fact, ...]
    framework: tuple[Fact, ...]
    parties: tuple[PartyFacts, ...]
    clock: ClockFacts | None
    """None where the audience may not read it; so everywhere below."""
    timeline: tuple[TimelineEvent, ...]
    modes: tuple[ModeFacts, ...]
    elicitation: tuple[Fact, ...]
    results: tuple[ResultRow, ...]
    findings: tuple[FindingFacts, ...]
    designation: DesignationFacts | None
    not_measured: tuple[NotMeasured, ...]
    spent: tuple[Fact, ...]
    verification: VerificationFacts
    withheld: tuple[Withheld, ...] = ()
