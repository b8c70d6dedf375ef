"""The facts of one edition, gathered before a line of it is drawn.

Every field is already fit for the audience: what it may not read is in `withheld`, as a label.
"""

from dataclasses import dataclass

from touchstone.editions.page.control_facts import ControlFacts
from touchstone.editions.page.grading_facts import GradingFacts
from touchstone.statistics import VerdictWord
from touchstone.verdicts.budget_curves import BudgetPoint


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
class Claim:
    """What one source says of the framework."""

    text: str
    source: str
    date: str
    status: str


@dataclass(frozen=True)
class Conflict:
    """Claims that contradict one another, side by side; none of them is chosen."""

    title: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class TimelineEvent:
    """Entries of the record, in words: one, or a run of like ones folded into a line.

    What is withheld has its numbers and its label alone.
    """

    n: int
    """Place of the first in the case's log, from 0."""
    last: int
    """Place of the last; `n` where it is one entry."""
    at: str
    """UTC, `YYYY-MM-DD HH:MM:SS`, of the first; empty where it is withheld."""
    actor: str
    text: str
    folded: tuple[str, ...] = ()
    """The entries of a run, a line each."""


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
    came: str
    """Whether the submission came in time, in a sentence; empty where nothing says by when."""
    today: str
    """The day on which the edition is made."""
    pauses: tuple[tuple[str, str], ...] = ()
    """First and last day of each pause."""
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
    answered: str
    """The model name that the endpoint reported, where the audience may read it."""
    snapshots: str
    """What the probes before, during and after say, in one sentence."""


@dataclass(frozen=True)
class DifficultyCount:
    """Solved and measured at one difficulty; what measured nothing is in neither."""

    difficulty: int
    solved: int
    counted: int


@dataclass(frozen=True)
class EvidenceCurve:
    """How the verdict of one row was reached, sample by sample in the sealed order.

    Evidence is a logarithm to base 10 of a betting factor: 0 is a fair wager, 1 ten to one. Index
    i of the two paths is the evidence after i + 1 samples of the prefix that was used.
    """

    used: int
    """Samples of the sealed order that the verdict rests on, always its first ones."""
    size: int
    """Samples that were sealed: the whole battery."""
    overshoot: int
    """Samples that were under way when the verdict fell: paid for, and not in it."""
    reason: str
    """evidence: a bound was crossed; settled: no answer still to come could change it; open:
    neither was reached."""
    claimed: float | None
    """The success rate over the whole battery that the verdict's word claims to lie above or
    below; None where the word claims none."""
    bound_above: float
    """Evidence at which "above" is said: log10(1 / alpha)."""
    bound_below: float
    """Evidence at which "below" is said: log10(1 / beta)."""
    above: tuple[float, ...]
    """Evidence that the rate lies above, after each sample used."""
    below: tuple[float, ...]
    """Evidence that the rate lies below, after each sample used."""
    estimate: float | None
    """Success rate over the whole battery, as estimated at the stop; None where samples that
    measured nothing leave no single number."""
    low: float
    """Lower end of the 95% confidence sequence for that rate, valid at the stop."""
    high: float
    """Its upper end."""
    beyond_low: float | None
    """Lower end of the 95% interval of the success rate on tasks beyond these, of the same kinds;
    None where the samples are too few or too alike to say."""
    beyond_high: float | None
    """Its upper end."""

    @property
    def unrun(self) -> int:
        """Samples that were sealed and never had to run."""
        return self.size - self.used - self.overshoot

    @property
    def whole(self) -> bool:
        """Whether the verdict rests on every sample that was sealed."""
        return self.used == self.size

    @property
    def reached(self) -> bool:
        """Whether a bound was reached at the stop, though the answer may have been settled too."""
        above = bool(self.above) and self.above[-1] >= self.bound_above
        return (
            self.reason == "evidence"
            or above
            or (bool(self.below) and self.below[-1] >= self.bound_below)
        )


WORDED = frozenset(VerdictWord) - {VerdictWord.NOT_MEASURED}
"""Verdicts that rest on what was measured."""


@dataclass(frozen=True)
class ResultRow:
    """One criterion in one mode."""

    criterion: str
    title: str
    domain: str
    mode: str
    verdict: str
    """above, below, within-zone, at-ceiling, undetermined or not-measured; no-threshold where none
    is stated; not-reached where the record holds none that the audience may read; reference where
    the row is of a model to compare with."""
    solved: int
    counted: int
    low: float
    """Lower end of the 95% interval of the success rate: exact for a fixed number of samples, valid
    at the stop otherwise."""
    high: float
    """Its upper end."""
    rule: str
    """Threshold, zone and error rates in words, the same in every row of a criterion."""
    threshold: float | None
    """On the scale of success rates, to be drawn; None where there is none on that scale."""
    zone: float
    """Width of the zone on each of its sides."""
    extreme: bool
    """All or none were solved, and every one of them was measured."""
    outcomes: tuple[tuple[str, int], ...]
    """(result, number), most frequent first; empty where the outcomes are not to be read."""
    by_difficulty: tuple[DifficultyCount, ...]
    evidence: EvidenceCurve | None = None
    """None where the number of samples was fixed beforehand, or there is no path that the audience
    may read."""
    lost: tuple[tuple[str, int], ...] = ()
    """(kind, number) of the counted samples that measured nothing."""
    beside: tuple[str, ...] = ()
    """Of each mode of the reference that is compared with, what measured nothing; in words."""
    repeated: int = 0
    """Samples that were begun more than once, as a death, a halt or the endpoint broke
    earlier executions off."""
    sealed: int | None = None
    """Samples that were sealed for a verdict that could stop at any of them, and rests on the first
    `counted`; None where their number was fixed beforehand."""
    instrument: str = ""
    """Where the items check the instrument and no capability: that they do, and the cheapest way
    known to solve them without. Empty: no such way is known."""
    notes: tuple[str, ...] = ()
    """Whose statement items and scores are, and what bears on the result alone: calibration."""
    claimed: float | None = None
    """The success rate that the verdict's word claims to lie above or below; None: it claims none
    on that scale."""
    attempts: str = ""
    """What several attempts at each item say, in words; empty where each had one."""
    zone_side: str = "both"
    """Where the zone lies: on both sides of the threshold, below or above it."""

    @property
    def above_claims(self) -> float:
        """The rate that an early "above" claims to be exceeded; 0 without a threshold."""
        return (self.threshold or 0.0) - (self.zone if self.zone_side != "above" else 0.0)

    @property
    def below_claims(self) -> float:
        """The rate that an early "below" claims not to be reached; 0 without a threshold."""
        return (self.threshold or 0.0) + (self.zone if self.zone_side != "below" else 0.0)

    @property
    def measured(self) -> int:
        """How many of the counted samples measured the model."""
        return self.counted - sum(number for _, number in self.lost)

    @property
    def worded(self) -> bool:
        """Whether it has a verdict that rests on what was measured."""
        return self.verdict in WORDED

    @property
    def rate(self) -> float | None:
        """The success rate to be shown: over the whole battery where a run may stop early.

        None where all outcomes are alike, which bound the rate on one side and show no point, or
        where samples that measured nothing leave no single number.
        """
        if self.extreme or self.lost:
            return None
        return self.evidence.estimate if self.evidence else self.solved / self.counted

    @property
    def tied(self) -> bool:
        """Whether every item ran and the share solved is the threshold itself."""
        whole = self.evidence is not None and self.evidence.whole and not self.lost
        return (
            whole
            and self.threshold is not None
            and (
                abs(self.solved - self.threshold * self.counted) < 1e-9  # noqa: PLR2004 - rounding
            )
        )

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval, valid however the run stopped."""
        return (self.evidence.low, self.evidence.high) if self.evidence else (self.low, self.high)


@dataclass(frozen=True)
class PowerFacts:
    """What a detector did on labelled transcripts: of each a share, and its interval or nothing."""

    easy: tuple[str, str]
    hard: tuple[str, str]
    false_alarms: tuple[str, str]


@dataclass(frozen=True)
class DetectorRow:
    """One detector over all transcripts."""

    detector: str
    flagged: int
    unflagged: int
    not_looked_at: int
    power: PowerFacts | None
    """None where it is not to be read."""


@dataclass(frozen=True)
class FlagFacts:
    """What detectors flagged, and what they did not look at."""

    transcripts: int
    looked_at: int
    """Those that every detector looked through."""
    rows: tuple[DetectorRow, ...]
    notes: tuple[str, ...] = ()
    calibration: str = ""
    """Digest of the calibration that the shares are of; empty: they are of labelled transcripts."""


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
    says: str
    """met, not-met or undetermined; declared-met or declared-not-met where a party declared it and
    nobody measured it; not-declared where nothing was declared."""
    reason: str


@dataclass(frozen=True)
class DesignationFacts:
    """What the rule proposes, and what people have made of it so far."""

    proposed: str
    rule: str
    reasons: tuple[CriterionReason, ...]
    made: tuple[str, ...]
    """What officials decided and when, newest last; or that they have not."""
    concurrence: tuple[Fact, ...]
    """Each agency with concurred, dissented or missing: silence is never consent."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotMeasured:
    """Something that this review cannot speak to."""

    what: str
    why: str


@dataclass(frozen=True)
class WithheldParts:
    """Parts that this audience may not read."""

    what: str
    label: str
    """The marking that withholds them, or why they were erased."""
    parts: int
    erased: bool = False
    """Gone for everybody, not only for this audience."""


@dataclass(frozen=True)
class Accounting:
    """Every part of the record, each counted once."""

    entries: int
    parts: int
    opened: int
    withheld: int
    erased: int


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
class BudgetCurve:
    """What smaller budgets would have given, of one run."""

    title: str
    """The criterion's."""
    mode: str
    points: tuple[BudgetPoint, ...]
    """By ascending budget."""


@dataclass(frozen=True)
class ReportData:
    """Everything that one edition says."""

    title: str
    audience: str
    marking: str
    case: str
    made_at: str
    summary: tuple[str, ...]
    """Two or three short paragraphs that a minister may read alone."""
    whole: bool
    """Whether the audience may read everything that happened, so that absence says something."""
    notices: tuple[str, ...]
    """What must be said before anything else, as that the parties are invented."""
    model: tuple[Fact, ...]
    framework: tuple[Fact, ...]
    conflicts: tuple[Conflict, ...]
    parties: tuple[PartyFacts, ...]
    other_cases: tuple[str, ...]
    """Sentences on other cases of the same model; for most audiences always the same one."""
    clock: ClockFacts | None
    """None where the audience may not read it; so everywhere below."""
    timeline: tuple[TimelineEvent, ...]
    modes: tuple[ModeFacts, ...]
    elicitation: tuple[Fact, ...]
    results: tuple[ResultRow, ...]
    """In the framework's order of criteria; the rows of one criterion stand together."""
    findings: tuple[FindingFacts, ...]
    designation: DesignationFacts | None
    flags: FlagFacts | None
    not_measured: tuple[NotMeasured, ...]
    spent: tuple[Fact, ...]
    accounting: Accounting
    withheld: tuple[WithheldParts, ...]
    verification: VerificationFacts
    control: ControlFacts | None = None
    """Loss of control; None where the framework does not ask, or nothing is for this audience."""
    curves: tuple[BudgetCurve, ...] = ()
    """Of each run whose answers were judged at checkpoints as well."""
    reported: tuple[Fact, ...] = ()
    """Of each run of which the scores are only reported: they stand in no row of the results."""
    gradings: tuple[GradingFacts, ...] = ()
    """Of each model that was asked about the transcripts."""
