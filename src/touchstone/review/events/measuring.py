"""How a model is measured: clock, battery, snapshots, outcomes, verdicts, breaches, halts."""

from decimal import Decimal as Number
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from touchstone.review.events.base import (
    Count,
    Day,
    Decimal,
    Digest,
    Event,
    EventWithTexts,
    Facts,
    Hex32,
    Line,
    Name,
    Positive,
    ReckonedDay,
    Time,
)
from touchstone.review.events.seeding import SeedOrigin
from touchstone.statistics import VerdictWord


def _word(value: object) -> object:
    """In the record the word stands as text, which a strict model takes for no member."""
    return VerdictWord(value) if isinstance(value, str) else value


MOST_ITEMS = 100_000
"""An item set is at most so large, so that no event can ask for unbounded memory."""


class ClockAnchored(Event):
    """The review window is laid. Made by `window_laid`; the days are in the framework's zone."""

    type: Literal["clock-anchored"] = "clock-anchored"
    anchor: Literal["submission", "public-release", "partner-release"]
    """What the window is tied to."""
    anchor_day: Day
    """The day of the anchor."""
    shared_day: ReckonedDay
    """The day on which the submission came in."""
    window_days: Positive
    """How long the window is, in counted days."""
    business_days: bool
    """Whether Monday to Friday count, instead of every day."""
    holidays: tuple[Day, ...] = ()
    """Days that do not count as business days."""
    timezone: Line
    """The IANA zone in which days begin and end."""
    share_by: ReckonedDay
    """The latest day to share the model so that the whole window fits."""
    review_by: ReckonedDay
    """The day on which the window ends unless it is paused or extended."""
    shortfall_days: Count
    """How many days of the window had gone when the model was shared. Nobody is blocked by it."""


class ClockPaused(EventWithTexts):
    """The window stands still, for instance while an endpoint is down."""

    type: Literal["clock-paused"] = "clock-paused"
    TEXTS = ("reason",)
    reason: Digest
    """The digest of a text: why."""


class ClockResumed(Event):
    """The window runs again."""

    type: Literal["clock-resumed"] = "clock-resumed"


class ClockExtended(EventWithTexts):
    """The developer gives more days. Nobody else can."""

    type: Literal["clock-extended"] = "clock-extended"
    TEXTS = ("reason",)
    days: Annotated[Positive, Field(le=3650)]
    """How many more counted days."""
    reason: Digest
    """The digest of a text: why."""


class ClockEnded(EventWithTexts):
    """The window is over, or no longer counts."""

    type: Literal["clock-ended"] = "clock-ended"
    TEXTS = ("reason",)
    reason: Digest
    """The digest of a text: why."""


class ItemSet(Facts):
    """The part of a battery that serves one criterion."""

    criterion: Name
    """The numeric criterion; where the framework states none, a name for what is measured."""
    size: Annotated[Positive, Field(le=MOST_ITEMS)]
    """How many items."""
    attempts: Positive = 1
    """How many attempts at each item."""
    design: Literal["fixed", "sequential"] = "fixed"
    """Whether every item runs before a verdict, or a verdict may stop at any sample."""


class BatterySealed(Event):
    """Tasks and elicitation are fixed before the first sample runs."""

    type: Literal["battery-sealed"] = "battery-sealed"
    schema_version: Annotated[int, Field(ge=1, le=2)] = Field(default=1, alias="schema")
    """2 where the centre had committed to the seed before, 1 where it drew it as it sealed."""
    battery: Name
    """The battery's id in this case."""
    commitment: Hex32
    """The root of the commitments to its items."""
    item_sets: tuple[ItemSet, ...]
    """Its items by criterion; at least one."""
    elicitation: Digest
    """The digest of the elicitation record."""
    order: Hex32
    """The commitment to the order in which the items run."""
    verdicts: Digest | None = None
    """The digest of how verdicts are reached: rules, expectations, design. Before: none said."""
    reasoning: tuple[Name, ...] = ()
    """The modes that ask the model to reason, and are to show that it did."""
    reasoning_apart: tuple[tuple[Name, Name], ...] = ()
    """Pairs of modes of one variant that ask for reasoning otherwise, and are to show that."""
    origin: SeedOrigin | None = None
    """What the seed is made of; null: the centre drew it alone, and had committed to nothing."""

    @model_validator(mode="after")
    def _origin_as_its_schema_says(self) -> Self:
        # Whoever does not know of origins is to upgrade, and not to take the seed for drawn alone.
        if (self.schema_version == 1) != (self.origin is None):
            raise ValueError("origin stands in schema 2, and schema 2 has one: take the other")
        return self

    @model_validator(mode="after")
    def _a_set_for_each_criterion(self) -> Self:
        if not self.item_sets:
            raise ValueError("item_sets is empty: seal at least one")
        if len({each.criterion for each in self.item_sets}) < len(self.item_sets):
            raise ValueError("item_sets names a criterion twice: join the two sets")
        return self

    def item_set(self, criterion: str) -> ItemSet | None:
        """The items that serve this criterion, if any."""
        return next((each for each in self.item_sets if each.criterion == criterion), None)


class SnapshotSeen(Event):
    """What answered was identified. Another identity than before is `snapshot-changed`."""

    type: Literal["snapshot-seen"] = "snapshot-seen"
    variant: Name
    """The variant that should have answered."""
    method: Literal["build-attestation", "weights-digest", "behaviour-probe"]
    """How it was identified."""
    digest: Digest
    """The identity."""
    moment: Literal["before", "during", "after"]
    """When, relative to the samples."""


class SnapshotChanged(Event):
    """Something else answered: it is a new variant, and its outcomes are never pooled."""

    type: Literal["snapshot-changed"] = "snapshot-changed"
    variant: Name
    """The variant that answered before; nothing more is recorded for it."""
    new_variant: Name
    """The id of what answers now; it takes over the modes."""
    method: Literal["build-attestation", "weights-digest", "behaviour-probe"]
    """How the change was seen."""
    digest: Digest
    """The new identity."""


Result = Literal[
    "solved",
    "unsolved",
    "limit",
    "reported",
    "refused",
    "no-attempt",
    "cut",
    "lost-endpoint",
    "lost-instrument",
]
"""How a sample ended.

`solved`, `unsolved` and `limit` (the planned budget was used up) measure the model. `reported`: a
pack's score stands, and no threshold says what it counts as, so that it decides nothing. The rest
measures nothing: `refused` (the model or its provider declined), `no-attempt` (no tool ever ran,
and nothing was submitted or every call was spoilt), `cut` (a call ended at an output limit that the
plan does not name as the budget), `lost-endpoint`, `lost-instrument` (sandbox, judge or engine).
"""
MEASURED: frozenset[Result] = frozenset({"solved", "unsolved", "limit"})
"""The results that a word may rest on; what measured nothing counts against every word."""
REPORTED: Result = "reported"
UNMEASURED: tuple[Result, ...] = tuple(
    r for r in get_args(Result) if r not in MEASURED and r != REPORTED
)
"""What measured nothing, in the order of `Unmeasured`."""


class Outcome(Facts):
    """One sample's adjudicated result."""

    index: Annotated[Count, Field(lt=MOST_ITEMS)]
    """The item's place in the committed order of its criterion's item set, from 0."""
    item: Hex32
    """The commitment to the item."""
    attempt: Positive = 1
    """Which of the sealed attempts at the item, from 1; a run that died without outcome is none."""
    result: Result
    """How it ended."""
    tokens: Count
    """Tokens used, in and out."""
    reasoning: bool = False
    """Whether any reasoning was seen: text, a summary, or tokens that were counted as such."""
    executions: Positive = 1
    """How often the sample was begun. More than 1: what came before was broken off, as the worker
    died, a person halted, or the endpoint failed; what it was answered was not asked again."""
    score: Decimal | None = None
    """Of what is reported only: the pack's score as a share of the range that it declares, 0 to 1.
    Null for every other result."""

    @model_validator(mode="after")
    def _score_of_what_is_reported(self) -> Self:
        if (self.score is None) == (self.result == REPORTED):
            raise ValueError("score stands with the result reported, and with no other")
        if self.score is not None and not 0 <= Number(self.score) <= 1:
            raise ValueError("score is a share of the declared range: give a number from 0 to 1")
        return self

    @property
    def measured(self) -> bool:
        """Whether a word may rest on it."""
        return self.result in MEASURED


LEAST_COMPARED = 3
"""Two modes answered alike if they did on every item compared, and at least on so many."""


class Compared(Facts):
    """How a chunk's answers compare with those recorded in another mode, on the same items.

    An item is compared where the model ended its sample itself in both modes; where a limit did,
    only answers that are the same to the byte tell anything.
    """

    mode: Name
    """The other mode, of the same variant."""
    alike: Annotated[Count, Field(le=MOST_ITEMS)]
    """Items on which everything that the model said was the same, byte for byte."""
    unlike: Annotated[Count, Field(le=MOST_ITEMS)]
    """Items on which it was not."""


class OutcomesRecorded(Event):
    """The outcomes of one chunk. The first recorded outcome of a sample stands."""

    type: Literal["outcomes-recorded"] = "outcomes-recorded"
    schema_version: Annotated[int, Field(ge=1, le=3)] = Field(default=3, alias="schema")
    """3; in 2 no score was only reported, and in 1 there was at least one outcome as well."""
    battery: Name
    """The battery."""
    criterion: Name
    """The criterion whose item set was run."""
    variant: Name
    """The variant that answered."""
    mode: Name
    """The mode that it ran in."""
    chunk: Name
    """The chunk's id."""
    outcomes: tuple[Outcome, ...]
    """No sample twice. None at all: the run's verdict stood before the chunk was begun. That is
    said of each such chunk, so that no number of entries tells when a verdict stood."""
    compared: tuple[Compared, ...] = ()
    """Other modes in which answers to some of these items are recorded; none before the first."""

    @staticmethod
    def upcast_v1_v2(facts: dict[str, Any]) -> dict[str, Any]:
        """The fields are the same."""
        return facts

    @staticmethod
    def upcast_v2_v3(facts: dict[str, Any]) -> dict[str, Any]:
        """No outcome had a score that was only reported."""
        return {**facts, "outcomes": [{**each, "score": None} for each in facts["outcomes"]]}

    @model_validator(mode="after")
    def _each_sample_once(self) -> Self:
        # Of two outcomes of one sample in one deed neither is the first.
        if len({(o.attempt, o.index) for o in self.outcomes}) < len(self.outcomes):
            raise ValueError("outcomes names a sample twice: keep the first outcome")
        if len({each.mode for each in self.compared} | {self.mode}) <= len(self.compared):
            raise ValueError("compared names each other mode once")
        return self


class Unmeasured(Facts):
    """How many of the samples that a verdict rests on measured nothing, by what they met."""

    refused: Count = 0
    """The model or its provider declined."""
    no_attempt: Count = 0
    """No tool was called and nothing submitted."""
    cut: Count = 0
    """A call ended at an output limit that is not the planned budget."""
    lost_endpoint: Count = 0
    """Lost to the endpoint."""
    lost_instrument: Count = 0
    """Lost to the instrument: sandbox, judge or engine."""

    @property
    def by_kind(self) -> dict[str, int]:
        """Each kind that there is, by the name of its result."""
        counts = {kind: getattr(self, kind.replace("-", "_")) for kind in UNMEASURED}
        return {kind: count for kind, count in counts.items() if count}

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(self.by_kind.values())


Reasoning = Literal["not-asked", "seen", "not-seen", "alike"]
"""Whether a mode asks the model to reason, and whether any reasoning was seen; `alike`: it was, and
a mode that asks otherwise gave the same answers on every item."""
NOT_SHOWN: frozenset[Reasoning] = frozenset({"not-seen", "alike"})
"""The mode is not shown to be on."""


class Reference(Facts):
    """One mode of the reference, as counted where a verdict compares with it."""

    mode: Name
    """The mode."""
    solved: Count
    """How many counted items it solved."""
    counted: Positive
    """How many items were counted, those that measured nothing among them."""
    unmeasured: Unmeasured = Unmeasured()
    """How many of them measured nothing."""
    reasoning: Reasoning = "not-asked"
    """Whether the mode asks for reasoning, and whether it is shown to be on."""

    @model_validator(mode="after")
    def _numbers_are_in_order(self) -> Self:
        if self.solved + self.unmeasured.total > self.counted:
            raise ValueError("solved and unmeasured are more than counted: count again")
        return self

    @property
    def shown(self) -> bool:
        """Whether it is shown to be on, where it asks for reasoning."""
        return self.reasoning not in NOT_SHOWN


class Stop(Facts):
    """Where a verdict stopped that may stop at any sample, and what it claims."""

    reason: Literal["evidence", "settled"]
    """A bound was crossed; or no outcome still to come could change the word."""
    used: Positive
    """Samples that it rests on: the first ones of the sealed order."""
    overshoot: Count
    """Samples beyond these of which outcomes were recorded when it was reached."""
    size: Annotated[Positive, Field(le=MOST_ITEMS)]
    """Samples that were sealed."""
    claimed: Decimal | None = None
    """The rate that the word says the whole set lies above or below; none for other words."""
    estimate: Decimal | None = None
    """The rate over the whole set, as estimated at the stop; none where samples went unmeasured."""


class VerdictReached(Event):
    """What the outcomes say about one criterion, at the framework's error rates."""

    type: Literal["verdict-reached"] = "verdict-reached"
    battery: Name
    """The battery whose outcomes it rests on."""
    criterion: Name
    """The criterion."""
    variant: Name
    """The variant."""
    mode: Name
    """The mode; a verdict holds only for it and for the battery's elicitation."""
    verdict: Annotated[
        VerdictWord,
        BeforeValidator(_word),
        WithJsonSchema({"type": "string", "enum": list(VerdictWord)}),
    ]
    """The answer; `at-ceiling`: the items were too easy to tell; `not-measured`: what measured
    nothing, in the reference too, could have changed it, or a mode that asks for reasoning has
    shown none or answered alike as one that asks otherwise."""
    solved: Count
    """How many counted items were solved."""
    counted: Positive
    """How many items were counted, those that measured nothing among them."""
    unmeasured: Unmeasured = Unmeasured()
    """How many of them measured nothing."""
    reasoning: Reasoning = "not-asked"
    """Whether the mode asks for reasoning, and whether what was counted shows it to be on."""
    references: tuple[Reference, ...] = ()
    """Each mode of the reference, where the criterion compares with one."""
    interval: tuple[Decimal, Decimal]
    """The lower and upper bound of the interval for the measure; valid at the stop, if any."""
    alpha: Decimal
    """The error rate for a wrong "above"."""
    beta: Decimal
    """The error rate for a wrong "below"."""
    stop: Stop | None = None
    """Where it stopped; none where every item was to run before it."""

    @model_validator(mode="after")
    def _numbers_are_in_order(self) -> Self:
        if self.solved + self.unmeasured.total > self.counted:
            raise ValueError("solved and unmeasured are more than counted: count again")
        # An early word rests on the prefix alone: counted with the overshoot, it could be chosen by
        # what came after.
        if self.stop is not None and not self.counted == self.stop.used <= self.stop.size:
            raise ValueError("an early verdict counts the samples that it used: count again")
        low, high = map(Number, self.interval)
        if low > high:
            raise ValueError("interval runs backwards: give the lower bound first")
        return self


class SandboxBreached(EventWithTexts):
    """A guard of the sandbox gave way. Nothing is measured until the centre halts and resumes."""

    type: Literal["sandbox-breached"] = "sandbox-breached"
    TEXTS = ("guard",)
    guard: Digest
    """The digest of a text: which guard, and how."""
    chunk: Name | None = None
    """The chunk that was running, if known."""
    seen_at: Time
    """When the breach was seen."""


StopReason = Literal[
    "cap", "halted", "breach", "snapshot-changed", "endpoint-failing", "instrument-failing"
]
"""Why measuring stopped before every open question was answered."""


class MeasuringStopped(Event):
    """Measuring stopped early; what ran is recorded, and the reports say what did not."""

    type: Literal["measuring-stopped"] = "measuring-stopped"
    schema_version: Annotated[int, Field(ge=1, le=2)] = Field(default=2, alias="schema")
    """2; 1 counted a chunk whose journal could not be read as one in which nothing was begun."""
    battery: Name
    """The battery that was being run."""
    reason: StopReason
    """Why."""
    begun: Count
    """Samples that were begun and have no outcome, as far as journals could be read."""
    uncounted: Count = 0
    """Chunks whose journal could not be read: how many of theirs were begun is not known."""

    @staticmethod
    def upcast_v1_v2(facts: dict[str, Any]) -> dict[str, Any]:
        """It said nothing of such chunks."""
        return {**facts, "uncounted": 0}


class ReviewHalted(EventWithTexts):
    """Measuring stops; what has already run is still recorded."""

    type: Literal["review-halted"] = "review-halted"
    TEXTS = ("reason",)
    reason: Digest
    """The digest of a text: why."""


class ReviewResumed(EventWithTexts):
    """Measuring goes on."""

    type: Literal["review-resumed"] = "review-resumed"
    TEXTS = ("reason",)
    reason: Digest
    """The digest of a text: what changed."""
