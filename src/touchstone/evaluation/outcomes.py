"""One sample's adjudicated result, and the rule by which it is adjudicated, fixed beforehand."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from touchstone.evaluation.conduct import Conduct
from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.evaluation.packs.mark import PackMark
from touchstone.review.events.measuring import MEASURED, Result

Score = Literal["0", "1", "not-measured"]
REASON_LENGTH = 300


class AdjudicationRule(Frozen):
    """What each result counts as. It is fixed, and in the record, before the first sample runs.

    A sample whose answer the judge accepts is solved, even where it then met a limit. What was not
    measured counts against every word: as solved where "below" is asked, as unsolved where "above"
    is.
    """

    limit: Literal["unsolved"] = "unsolved"
    """The planned budget, used up without an accepted answer."""
    not_measured: Literal["worst-case"] = "worst-case"
    """Refused, no attempt, cut, lost to the endpoint, lost to the instrument."""
    rerolled: Literal[False] = False
    """An outcome is never run again to get another: the first recorded outcome stands."""

    @property
    def digest(self) -> str:
        """Digest of the rule, for the record."""
        return digest_value(self.model_dump(mode="json"))

    def score(self, result: Result) -> Score:
        """What a result counts as."""
        if result not in MEASURED:
            return "not-measured"
        return "1" if result == "solved" else "0"


class Usage(Frozen):
    """Tokens, as the endpoint reported them and as clamped where that was impossible."""

    input: Annotated[int, Field(ge=0)] = 0
    output: Annotated[int, Field(ge=0)] = 0
    """Reasoning tokens included."""
    reasoning: Annotated[int, Field(ge=0)] = 0

    @property
    def total(self) -> int:
        """Input and output tokens."""
        return self.input + self.output

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two usages."""
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
        )


class SandboxEvent(Frozen):
    """Something that the sandbox recorded, such as a breach attempt."""

    kind: str
    detail: str
    count: Annotated[int, Field(ge=1)] = 1
    """How often it was recorded, while the sample ran."""


class CurvePoint(Frozen):
    """What a smaller budget would have given: the answer as it was when that was spent."""

    tokens: Annotated[int, Field(ge=1)]
    """The checkpoint."""
    solved: bool | None
    """None: its judge gave no verdict, and this point measured nothing."""
    why: str = ""
    """For what measured nothing: the judge's fault, in one line."""


class ReportedScore(Frozen):
    """A pack's score that no threshold turns into solved or not: it decides nothing."""

    value: str
    """As the pack gave it, a decimal."""
    share: str
    """Where it lies in the range that the pack declares, a decimal from 0 to 1."""

    @classmethod
    def of(cls, value: float, low: float, high: float) -> "ReportedScore":
        """Of a score within a range, whose second number is the larger one."""
        # Exact: the difference of two large floats may be no number.
        least, most = Fraction(low), Fraction(high)
        share = float((Fraction(value) - least) / (most - least))
        return cls(value=f"{value:.17g}", share=f"{share:.12f}")


class Outcome(Frozen):
    """One sample's result. The first one recorded stands."""

    index: Annotated[int, Field(ge=0)]
    """Position in the committed permutation of the item set."""
    commitment: str
    """The position's commitment, hex, as in the sealed battery."""
    result: Result
    score: Score
    """What the result counts as by the pre-registered rule; of what is reported only, nothing."""
    reported: ReportedScore | None = None
    """The score of what is reported only; None for every other result."""
    reason: str
    """One plain line: the judge's sentence, or what stopped the sample."""
    cause: Literal["", "endpoint", "sandbox", "judge", "engine"] = ""
    """For what was lost: whose fault it was."""
    limit: str = ""
    """The limit that the sample met, if any: token, message, working, time, ..."""
    usage: Usage = Usage()
    seconds: str
    """Wall time as a decimal, in seconds, without waits for quota or retries."""
    models: tuple[str, ...] = ()
    """Every model name that the endpoint reported, sorted."""
    reasoning: Literal["none", "summary", "redacted", "full"] = "none"
    """How much of the model's reasoning was seen."""
    calls: Annotated[int, Field(ge=0)] = 0
    """Model calls that gave an answer, or were declined in a way that tells of the model."""
    said: str = ""
    """Digest (hex) of all that the model said in this execution, texts, reasoning and tool calls,
    so that modes can be told apart; empty where nothing was heard."""
    executions: Annotated[int, Field(ge=1)] = 1
    """How often the sample was begun. More than 1: earlier executions ended before the model had
    said anything, or their answers were kept (`resumed`), because the worker died, a person halted,
    or the endpoint failed. Which of the sealed attempts at the item it was is said by its chunk."""
    resumed: Annotated[int, Field(ge=0)] = 0
    """Calls among `calls` that an earlier execution was answered, and this one from what was kept:
    they were asked and paid for once."""
    notes: tuple[str, ...] = ()
    """What was odd, such as usage that had to be clamped."""
    events: tuple[SandboxEvent, ...] = ()
    """What the sandbox recorded."""
    uuid: str = ""
    """By which its transcript is found in Inspect's log; empty where there is none."""
    pack: PackMark | None = None
    """Whose statement the result is, where a pack's code scored; None: a family's judge did."""
    conduct: Conduct | None = None
    """What the subject did beside its task; None: the item watches nothing, or was not judged."""
    curve: tuple[CurvePoint, ...] = ()
    """Of the elicitation's checkpoints those that the sample went beyond, ascending. At the others
    the result itself is what that budget gave."""

    @model_validator(mode="before")
    @classmethod
    def _as_written_before(cls, value: Any) -> Any:
        """Journals and records of earlier versions called the executions `attempt`."""
        if isinstance(value, dict) and "attempt" in value and "executions" not in value:
            return {("executions" if k == "attempt" else k): v for k, v in value.items()}
        return value

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what there was none of, and was not there before: as outcomes were written."""
        later = {"curve", "resumed", "reported"}
        return {k: v for k, v in handler(self).items() if k not in later or v}


class Lost(Frozen):
    """A sample that the endpoint failed before the model said anything, and that may run again."""

    index: Annotated[int, Field(ge=0)]
    executions: Annotated[int, Field(ge=1)]
    """How often it has begun."""
    reason: str
    """What the endpoint did, in one line."""
