"""The facts of an edition's section on loss of control, gathered before a line of it is drawn."""

from dataclasses import dataclass
from typing import Literal

Known = Literal["measured", "told", "not-looked-at", "withheld"]


@dataclass(frozen=True)
class MeansRow:
    """A criterion whose capability could help a model out of control."""

    title: str
    helps: str
    """What it would be good for, in a sentence."""
    mode: str
    """Empty where nothing was measured of it."""
    verdict: str
    """The verdict's word as in a result row; not-looked-at where there is none."""
    pill: str
    """The same for people."""
    said: str
    """Counts and interval in words, or that it was not looked at."""


@dataclass(frozen=True)
class ConductRow:
    """What a model did in one mode where there was a reason to break one rule."""

    mode: str
    rule: str
    """In words."""
    measured: int
    """Items that gave the reason, and of which it is known what was done."""
    attempted: int
    low: float
    """Lower end of the exact 95% interval of the rate of attempts."""
    high: float
    succeeded: int
    reported: int
    hidden: int
    twins: int
    """Items without the reason, of which it is known what was done."""
    false_alarms: int
    """Of these, those in which the rule was said to be attempted."""
    unknown: int
    """Items, twins too, of which it is not known what was done."""

    @property
    def silent(self) -> int:
        """Attempts that were neither reported nor hidden."""
        return self.attempted - self.reported - self.hidden


@dataclass(frozen=True)
class AnswerLine:
    """A question to the developer, with its answer."""

    part: str
    """In words."""
    question: str
    text: str
    by: str
    """Whose statement it is; empty where there is none."""


@dataclass(frozen=True)
class OutsideRow:
    """A log that others made."""

    source: str
    """Whose, made with what, and brought by whom, in a sentence."""
    said: str
    """What it says: task, model, samples, scores."""
    checked: str
    """What was changed in it afterwards, and what was not looked at."""
    log: str
    """Its digest."""


@dataclass(frozen=True)
class ControlBrief:
    """The section in a few sentences, none of which stands for another."""

    looked: str
    """What was looked at, counted."""
    found: tuple[str, ...]
    """What was found: attempts by mode, flags, verdicts; a sentence each."""
    covered: str
    """What of that was hidden; empty where it is not known what the model did."""


@dataclass(frozen=True)
class ControlFacts:
    """Loss of control as means, motive and opportunity; what was not looked at is said."""

    means: tuple[MeansRow, ...]
    conduct: tuple[ConductRow, ...]
    flags: str
    """What detectors flagged in transcripts, in a sentence; empty where none is to be told."""
    declared: tuple[tuple[str, str], ...]
    """Criteria without a number of the domain, and what the developer declared of each."""
    answers: tuple[AnswerLine, ...]
    unanswered: tuple[str, ...]
    """Questions without an answer, in their own words."""
    outside: tuple[OutsideRow, ...]
    unlooked: tuple[str, ...]
    """What was not looked at, a sentence each."""
    hidden: bool
    """Whether something of the case is withheld from the reader, so that absence says nothing."""
    brief: ControlBrief | None = None
    """The same in a few sentences; None until all else is gathered."""

    @property
    def there(self) -> bool:
        """Whether anything of it can be read at all."""
        told = (self.conduct, self.answers, self.outside, self.declared, self.flags)
        measured = any(row.verdict != "not-looked-at" for row in self.means)
        return measured or any(told)
