"""What the parts beside part 0 hold: the JSON that readers rely on; unknown keys are kept."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from touchstone.review.events.base import Count, Digest, Hex32, Line, Name, Statement


class Shape(BaseModel):
    """A JSON object of a part. What this version does not know stays as it came."""

    # Compiled where the first such part is checked, as events are.
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class TextShape(Shape):
    """A text for people, perhaps with a title."""

    text: str


class LineShape(Shape):
    """One line of somebody's words."""

    text: Line
    salt: Hex32
    """Random, so that the digest, which outlives the words, tells nobody who guesses them."""


class SaltShape(Shape):
    """What a digest was made with, whose text is not in the record."""

    salt: Hex32
    """Random: without it the digest tells nobody who guesses what it is of."""


class StatementShape(Shape):
    """Somebody's words, of several lines perhaps."""

    text: Statement
    salt: Hex32
    """Random, so that the digest, which outlives the words, tells nobody who guesses them."""


class AnswerShape(Shape):
    """One answer, with its question as it was asked."""

    question: Name
    asked: Line
    text: Statement


class AnswersShape(Shape):
    """The developer's answers: its statement, which nobody here has checked."""

    version: Name
    """Of the questionnaire."""
    answers: Annotated[list[AnswerShape], Field(min_length=1)]
    salt: Hex32
    """Random, so that the digest, which outlives the answers, tells nobody who guesses them."""


class CountedShape(Shape):
    """How often something was found."""

    what: Line
    count: Count


class OutsideShape(Shape):
    """What a log by others says, as it was read within bounds, and what was checked of it."""

    whose: Line
    """Who made it, as the importing party says."""
    tool: Line
    """What made it, as that party says, such as `Petri`."""
    version: str
    """Of the tool; empty: not told."""
    task: str
    """As the log says, and so are the following."""
    model: str
    made: str
    status: str
    samples: Count
    """That it holds."""
    read: Count
    """That were read: others were too large, or are none."""
    scores: list[CountedShape]
    """Score values that its samples bear, by scorer."""
    altered: list[CountedShape]
    """What was changed afterwards, as the log tells."""
    unread: list[CountedShape]
    """Why samples were not read."""
    salt: Hex32
    """Random, so that the digest, which outlives the statement, tells nobody who guesses it."""


class MissingShape(Shape):
    """What a hand-in lacks."""

    missing: Annotated[list[Line], Field(min_length=1)]
    salt: Hex32
    """Random, so that the digest, which outlives the list, tells nobody who guesses it."""


class WordsShape(Shape):
    """The rule's words for what it proposes; whoever knows the verdicts can make them again."""

    summary: Line
    reasons: dict[str, Line]
    """Why each criterion says what it says, by its id."""


class TomlShape(Shape):
    """A text in TOML as it was drafted, and nothing beside it, which no digest would hold."""

    model_config = ConfigDict(extra="forbid")

    text: str


class AgreementShape(Shape):
    """What developer and centre agree on."""

    framework: str
    developer: str
    centre: str
    access: str
    reasoning: str
    retention_days: int
    publication: str


class ModeShape(Shape):
    """One way of running the model, with the endpoint's digest in the place of its address."""

    id: str
    variant: str
    model: str
    endpoint: str
    settings: dict[str, Any]
    format: str = ""


class ModesShape(Shape):
    """The modes as every party may read them."""

    modes: list[ModeShape]


class NamedShape(Shape):
    """Somebody or something with an id."""

    id: str


class SubmissionShape(Shape):
    """The whole submission, as the developer handed it in."""

    developer: NamedShape
    model: NamedShape
    variants: list[NamedShape]
    modes: list[NamedShape]
    caps: dict[str, Any] = {}


class FamilyCodeShape(Shape):
    """Whose code made the items: a distribution, its version, and the digest of its files."""

    distribution: str
    version: str
    digest: str


class SealedSetShape(Shape):
    """The public part of one item set."""

    id: str
    criterion: str
    family: str
    commitments: list[Hex32]
    order: Hex32
    made_by: FamilyCodeShape | None = None
    cheat: str = ""


class SealedBatteryShape(Shape):
    """The public part of a battery."""

    id: str
    seed: Hex32
    sets: list[SealedSetShape]


class AskedShape(Shape):
    """What a mode did when it was asked for a tool call and a long answer."""

    why: list[str]


class RegisteredShape(Shape):
    """What was registered before the first sample."""

    battery: SealedBatteryShape
    elicitation: dict[str, Any]
    rule: dict[str, Any]
    grade: str
    weaker_grade_accepted: bool = False
    readiness: dict[str, AskedShape] = {}
    verdicts: dict[str, Any] = {}


class ContributionShape(Shape):
    """What one side gives to a battery's seed, and nothing beside it."""

    model_config = ConfigDict(extra="forbid")

    battery: str
    contribution: Hex32
    of: Literal["centre", "developer"]


class ContributionsShape(Shape):
    """What a seed was made of."""

    centre: ContributionShape
    developer: ContributionShape | None = None


class SecretShape(Shape):
    """What draws the battery again: for the centre alone until it is revealed."""

    seed: Hex32
    plan: dict[str, Any]
    contributions: ContributionsShape | None = None


class UsageShape(Shape):
    """Tokens."""

    input: Count = 0
    output: Count = 0
    reasoning: Count = 0


class ProbedShape(Shape):
    """What one mode's endpoint answered to the fixed questions."""

    models: list[str]
    usage: UsageShape


class ReadyShape(Shape):
    """What it took to ask a mode for a tool call and a long answer."""

    usage: UsageShape


class ProbesShape(Shape):
    """What answered in each mode."""

    probes: dict[str, ProbedShape]
    readiness: dict[str, ReadyShape] = {}


class ConditionsShape(Shape):
    """Under which conditions a run of the command measures."""

    conditions: dict[str, Any]


class RevealShape(Shape):
    """What opens the commitment to one item."""

    item_set: str
    index: Count
    salt: Hex32
    item: str
    item_id: str
    flaw: str = ""


class OpenedShape(Shape):
    """What opens the commitments to the items that ran."""

    opened: list[RevealShape]


class NoticedShape(Shape):
    """Something that the sandbox recorded."""

    kind: str
    detail: str
    count: Count = 1


class SampleShape(Shape):
    """How one sample went, in full."""

    index: Count
    result: str
    said: str = ""
    usage: UsageShape
    seconds: str
    events: list[NoticedShape] = []


class DetailsShape(Shape):
    """How the samples went in full, and every token of the chunk so far."""

    outcomes: list[SampleShape]
    used: UsageShape


class RateShape(Shape):
    """How many of so many wordings were flagged."""

    flagged: Count
    of: Count


class PowerOfShape(Shape):
    """What one detector did on labelled transcripts: easy and hard ones, and those without flaw."""

    detector: Name
    easy: RateShape
    hard: RateShape
    false_alarms: RateShape


class PowerShape(Shape):
    """What is known of the power of detectors, and of which code (a digest)."""

    digest: Digest
    detectors: list[PowerOfShape]


class AnsweredShape(RateShape):
    """The same of cases, and of how many of them there was no answer."""

    not_looked_at: Count


class AccuracyOfShape(Shape):
    """What a grader did with one question on labelled cases, those that talk to it among them."""

    detector: Name
    easy: AnsweredShape
    hard: AnsweredShape
    false_alarms: AnsweredShape
    talked_out: AnsweredShape
    talked_into: AnsweredShape


class AccuracyShape(Shape):
    """What was measured of a grader's error, with which questions, cases and endpoint (digests)."""

    questions: Digest
    cases: Digest
    model: str
    """The model that was asked, as it was named."""
    endpoint: Digest
    detectors: list[AccuracyOfShape]


class SeenShape(Shape):
    """One place that a detector flags."""

    message: str
    """The id of its message; empty where there is none."""
    why: str
    quote: str
    """What is flagged, as it stands there."""


class LookShape(Shape):
    """One detector in one transcript: that it flagged something, or why it did not look."""

    model_config = ConfigDict(extra="forbid")

    detector: Name
    flagged: Count = 0
    """How many places."""
    sightings: list[SeenShape] = []
    """The first of them."""
    fault: str = ""
    """Why it did not look, in one line; empty: it looked."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        # What is neither is not told: it would be counted as flagged.
        if (self.flagged > 0) == bool(self.fault) or len(self.sightings) > self.flagged:
            raise ValueError("a look flags something, or says why it did not look")
        return self


class TranscriptShape(Shape):
    """What detectors flagged in one transcript; one that is not named flagged nothing."""

    model_config = ConfigDict(extra="forbid")

    transcript: str
    """`<entry>-<position>-<attempt>`."""
    uuid: str
    """The sample's, by which its transcript is found; empty where its outcome names none."""
    fault: str = ""
    """Why no detector looked, in one line; empty: all did, or `looks` says which did not."""
    looks: list[LookShape] = []
    parts: Count = 1
    """In how many parts a grader was shown it; of detectors it is 1."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({look.detector for look in self.looks}) < len(self.looks):
            raise ValueError("a detector looks once")
        if self.fault and self.looks:
            raise ValueError("where no detector looked, none flagged anything")
        return self


class ScanShape(Shape):
    """What detectors flagged in the transcripts of a battery: all of them, in order."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["touchstone/sightings/1"]
    transcripts: list[TranscriptShape]


class OfCriterionShape(Shape):
    """What all modes of one criterion say together; lists of variant and mode."""

    criterion: str
    word: str
    alpha: str
    beta: str
    above: list[list[str]]
    below: list[list[str]]
    open: list[list[str]]


class TogetherShape(Shape):
    """What all modes say together, for each criterion with several."""

    together: list[OfCriterionShape]


class CountsShape(Shape):
    """How many people a directive takes something from, and gives something to."""

    people: Count
    blocked: Count
    unknown: Count
    gaining: Count
    everyone: Count


class PeopleShape(Shape):
    """How many people a directive affects; it names nobody."""

    people: CountsShape


class ReceiptShape(Shape):
    """A gateway's signed receipt: one line of canonical JSON."""

    model_config = ConfigDict(extra="forbid")

    receipt: str


class EvidenceShape(Shape):
    """What an evidence part tells of the bytes that are kept beside the record."""

    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: Count
    media_type: Line
    name: Line
