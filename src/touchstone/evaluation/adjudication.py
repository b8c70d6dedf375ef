"""What a sample's result is worth: the facts of one sample, and the order in which they speak.

A result measures the model only where nothing else stood between the model and the judge. What was
refused, cut short, never tried or lost says nothing about what the model can do.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ContentReasoning

from touchstone.evaluation.conduct import Conduct
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoint_watch import Call
from touchstone.evaluation.judging import Answer, JudgeFault
from touchstone.evaluation.outcomes import CurvePoint, Usage
from touchstone.review.events.measuring import Result

Cause = Literal["", "endpoint", "sandbox", "judge", "engine"]
Verdict = tuple[Result, Cause, str]


@dataclass
class SampleFacts:
    """What is known of one running sample."""

    executions: int
    """The number of this execution, from 1."""
    paid: int = 0
    """Calls that earlier executions were answered: the journal has counted them."""
    spent: int = 0
    """Tokens of these calls."""
    resumed: int = 0
    """Calls of this execution that were answered from what was kept."""
    again: bool = False
    """Whether the call that is being counted is one of these."""
    usage: Usage = field(default_factory=Usage)
    seen: int = 0
    """Tokens of `usage` that the bytes to and fro account for."""
    calls: int = 0
    """Model calls that gave an answer, or were declined in a way that tells of the model."""
    models: set[str] = field(default_factory=set)
    fingerprints: set[str] = field(default_factory=set)
    sent: bool = False
    """Whether its first request has been held against what was registered."""
    notes: list[str] = field(default_factory=list)
    cause: Cause = ""
    fault: str = ""
    judged: bool = False
    """Whether the judge has spoken."""
    solved: bool = False
    reason: str = ""
    result: str = ""
    """What it came to when the judge had spoken; empty before, and where the run's end cut it."""
    limit: str = ""
    """The limit that ended it, if one did."""
    cancelled: bool = False
    """Ended from outside its own steps: by a limit on time, or with the whole run."""
    halted: bool = False
    """A call of it was refused because the run was to end at once."""
    foreign: str = ""
    """A model name that is not the snapshot's."""
    shortened: bool = False
    """A call ended at a limit on output or context, or its end was not told."""
    unknown_end: str = ""
    """The first of what was told of an answer's end that is no word for one."""
    refused: bool = False
    """An answer was a refusal, the filter's or the model's."""
    submitted: bool = False
    asked: int = 0
    """Tool calls that the model asked for, `submit` aside."""
    tools: int = 0
    """Tool calls that were to run, `submit` aside."""
    timeouts: int = 0
    """Those of them that ran out of their time."""
    unstarted: int = 0
    """Those of them whose program could not be started."""
    waited: float = 0.0
    """Seconds that the endpoint took for this sample's calls."""
    conduct: Conduct | None = None
    """What the judge says that it did beside its task, by what was watched."""
    copies: dict[int, Answer | JudgeFault] = field(default_factory=dict)
    """The answer as it was when a checkpoint had been passed, by its tokens."""
    curve: tuple[CurvePoint, ...] = ()
    said: str = ""
    """Digest (hex) of all that the model said, answer by answer; empty before the first."""

    def heard(self, call: Call) -> None:
        """Count how a call ended."""
        self.seen += call.seen
        self.shortened = self.shortened or call.stop == "length"
        self.unknown_end = self.unknown_end or call.unknown_end
        self.refused = self.refused or call.refused
        self.submitted = self.submitted or call.submitted
        self.asked += call.asked
        if call.said:
            # A chain: the same sentences in another order are another conversation.
            self.said = hashlib.sha256(f"{self.said} {call.said}".encode()).hexdigest()

    def due(self, checkpoints: Sequence[int]) -> tuple[int, ...]:
        """The checkpoints that it went beyond, and at which no copy was taken yet."""
        spent = self.usage.total
        return tuple(each for each in checkpoints if each < spent and each not in self.copies)

    def note(self, *notes: str) -> None:
        """Keep each note once."""
        self.notes += [note for note in notes if note not in self.notes]


def adjudicate(
    facts: SampleFacts, plan: Elicitation, *, error: str = "", breached: bool
) -> Verdict:
    """Result, whose fault it was, and why, of a sample that has ended.

    Args:
        facts: What is known of it.
        plan: Whose limits are the planned budget.
        error: What Inspect says that it died of, or an empty text.
        breached: Whether the sandbox's boundary was attacked while it ran.
    """
    said = facts.reason or "not judged"
    short = _short_of(facts, plan)
    # The first that holds is the result; the order is part of the rule.
    cases: tuple[tuple[bool, Verdict], ...] = (
        (bool(facts.foreign), _lost("endpoint", f"another model: {facts.foreign}")),
        (breached, _lost("sandbox", "the sandbox's boundary was attacked")),
        (bool(facts.cause), _lost(facts.cause or "engine", facts.fault)),
        (facts.judged and facts.solved, ("solved", "", said)),
        (bool(error), _lost("engine", error)),
        (not facts.judged, _lost("judge", "the judge was not heard")),
        (_none_ran(facts), _lost("sandbox", _why_none_ran(facts))),
        (facts.refused, ("refused", "", f"declined; {said}")),
        (facts.shortened, ("cut", "", f"{_cut(facts)}; {said}")),
        (bool(short), ("cut", "", f"{short}; {said}")),
        (
            # Calls that were asked for and never ran were spoilt on their way, or by a template.
            not facts.tools and (facts.asked > 0 or not facts.submitted),
            ("no-attempt", "", f"no tool ran ({facts.asked} calls asked for); {said}"),
        ),
        (bool(facts.limit), ("limit", "", f"{facts.limit} limit; {said}")),
        (True, ("unsolved", "", said)),
    )
    return next(verdict for holds, verdict in cases if holds)


def _lost(cause: Cause, reason: str) -> Verdict:
    return ("lost-endpoint" if cause == "endpoint" else "lost-instrument"), cause, reason


def _cut(facts: SampleFacts) -> str:
    if facts.unknown_end:
        return f"an answer was not said to be whole ({facts.unknown_end})"
    return "a call ended at a limit on output or context"


def _none_ran(facts: SampleFacts) -> bool:
    """Whether tools were to run, and none came to its end.

    What the model does to its sandbox may keep later calls from starting, but never the first.
    """
    # The sandbox was never seen to work, so that nothing was done says nothing of the model.
    return facts.tools > 0 and facts.timeouts + facts.unstarted == facts.tools


def _why_none_ran(facts: SampleFacts) -> str:
    if not facts.unstarted:
        return f"every tool call timed out ({facts.tools})"
    timed = f"; {facts.timeouts} timed out" if facts.timeouts else ""
    return f"of {facts.tools} tool calls {facts.unstarted} could not be started{timed}"


def _short_of(facts: SampleFacts, plan: Elicitation) -> str:
    """Why a limit that was met is not the planned budget used up; empty where it is, or none was.

    A limit of our own (`time`, over waits and retries), tokens that were reported and not seen, a
    call not begun under a cap, seconds of which the endpoint took more than half: none of them is
    the budget that the plan gives the model.
    """
    if facts.limit == "time":
        return "the wall time of a sample ran out, which is no limit of the plan"
    # Only a cap of the review stops a sample before its own budget is used up.
    if facts.limit == "token" and facts.usage.total < plan.token_limit:
        return f"a cap ended it at {facts.usage.total} of {plan.token_limit} tokens"
    # An endpoint that reports more than it sent could end any sample as "limit", which is measured.
    if facts.limit == "token" and facts.seen < plan.token_limit:
        return f"{facts.usage.total} tokens were reported and {facts.seen} at most were seen"
    # A slow endpoint would use up the model's time, and the result would be called the model's.
    if facts.limit == "working" and 2 * facts.waited > plan.working_seconds:
        return f"the endpoint took {facts.waited:.0f} of the {plan.working_seconds} s"
    known = {"", "message", "token", "working", "time"}
    return "" if facts.limit in known else f"ended by {facts.limit}, no limit of the plan"


def reasoning_of(
    messages: Sequence[ChatMessage],
) -> Literal["none", "summary", "redacted", "full"]:
    """How much of the model's reasoning was seen."""
    found: set[str] = set()
    for message in messages:
        if isinstance(message, ChatMessageAssistant) and not isinstance(message.content, str):
            for part in message.content:
                if isinstance(part, ContentReasoning):
                    whole = "summary" if part.summary else "full"
                    found.add("redacted" if part.redacted and not part.summary else whole)
    # The least of what was seen speaks for all: a part that is hidden makes the whole no whole.
    if "redacted" in found:
        return "redacted"
    if "summary" in found:
        return "summary"
    return "full" if found else "none"
