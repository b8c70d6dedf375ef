"""What long work says of itself while it goes on; whoever shows it implements `Observer`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from touchstone.review.events.measuring import Reference
from touchstone.statistics import VerdictWord, percent


@dataclass(frozen=True)
class RunProgress:
    """How far one item set in one mode has come."""

    criterion: str
    mode: str
    total: int
    recorded: int
    """Outcomes in the record or in a chunk's journal."""
    solved: int
    """Of those that the verdict rests on; of all recorded where there is none."""
    in_flight: int
    verdict: str = ""
    """What was said of it; empty where nothing was so far."""
    used: int = 0
    """Samples that the verdict rests on."""
    claim: str = ""
    """The rate that the verdict's word is about, where it is not the threshold itself."""
    lost: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Samples that measured nothing, by kind: of those that the verdict rests on, else of all."""
    reasoning: str = "not-asked"
    """Whether the mode asks for reasoning, and whether any was seen."""
    may_stop: bool = False
    """Whether a verdict may stop it before all of its items have run."""
    reference: bool = False
    """Whether it is there to be compared with, so that nothing is said of it."""
    beside: tuple[Reference, ...] = ()
    """Each mode of the reference that the verdict compares with."""
    repeated: int = 0
    """Samples that were begun more than once: earlier executions ended without an answer."""

    ran_solved: int | None = None
    """Of all recorded, which never falls; None: as `solved`."""

    @property
    def solved_so_far(self) -> int:
        """Of all recorded, whatever the verdict rests on."""
        return self.solved if self.ran_solved is None else self.ran_solved

    @property
    def counted(self) -> int:
        """Samples that the verdict rests on; all where there is none."""
        return self.used if self.verdict else self.recorded

    @property
    def rates(self) -> dict[str, float]:
        """The share of these samples that measured nothing, by kind."""
        return {kind: count / self.counted for kind, count in self.lost.items() if self.counted}

    @property
    def wanting_beside(self) -> tuple[Reference, ...]:
        """Modes of the reference of which something was lost, or that are not shown to be on."""
        return tuple(each for each in self.beside if each.unmeasured.total or not each.shown)

    @property
    def ended(self) -> bool:
        """Whether no more samples are issued."""
        return self.recorded >= self.total or (self.may_stop and bool(self.verdict))


LOSSES = {
    "refused": "refused",
    "no-attempt": "without an attempt",
    "cut": "cut short",
    "lost-endpoint": "lost to the endpoint",
    "lost-instrument": "lost to the instrument",
}


def landed(row: RunProgress) -> str:
    """`memory-safety, thinking: 8 of 8 solved, stopped after 8 of 48: above the threshold`."""
    text = f"{row.criterion}, {row.mode}: {row.solved} of {row.counted} solved"
    for kind, rate in row.rates.items():
        text += f", {row.lost[kind]} {LOSSES[kind]} ({percent(rate)})"
    if row.repeated:
        text += f", {row.repeated} begun more than once"
    for each in row.wanting_beside:
        text += f"; {lost_beside(each)}"
    if row.verdict and row.may_stop and row.used < row.total:
        text += f", stopped after {row.used} of {row.total}"
        if row.recorded > row.used:
            text += f" ({row.recorded} ran)"
    if not row.verdict:
        return text + _wordless(row)
    words = VerdictWord(row.verdict).phrase
    if row.verdict == VerdictWord.NOT_MEASURED:
        return f"{text}: {words}: {_wanting(row)}"
    if row.claim:
        edge = "less" if row.verdict == VerdictWord.ABOVE else "plus"
        words = words.replace("the threshold", f"{row.claim} (the threshold {edge} its zone)")
    return f"{text}: {words}"


def _wordless(row: RunProgress) -> str:
    """What is said in the place of a verdict: that it is a reference, that not all has run."""
    partly = f"{row.recorded} of {row.total} ran" if row.recorded < row.total else ""
    if row.reference:
        return f" (the reference{', ' if partly else ''}{partly})"
    return f": no verdict, {partly}" if partly else ""


def lost_beside(reference: Reference) -> str:
    """`of the reference in instant mode 9 of 20 lost to the endpoint (45%)`."""
    told = [
        f"{count} of {reference.counted} {LOSSES[kind]} ({percent(count / reference.counted)})"
        for kind, count in reference.unmeasured.by_kind.items()
    ]
    if not reference.shown:
        told.append("no sample shows it to be on")
    return f"of the reference in {reference.mode} mode {', '.join(told)}"


def _wanting(row: RunProgress) -> str:
    """Why a run was not measured."""
    if row.reasoning == "not-seen":
        return "the mode asks for reasoning and showed none, so it is not shown to be on"
    if row.reasoning == "alike":
        return "it answered as a mode that asks otherwise, so it is not shown to be on"
    lost = sum(row.lost.values())
    if row.wanting_beside:
        more = f"the {lost} and " if lost else ""
        return f"what {more}those of the reference would have been could change the word"
    return f"what the {lost} of {row.counted} would have been could change the word"


def remarks(rows: Sequence[RunProgress]) -> list[str]:
    """What was saved, and what "below" does not say; nothing where neither is the case."""
    said = []
    if any(row.may_stop and row.verdict for row in rows):
        ran, sealed = sum(row.recorded for row in rows), sum(row.total for row in rows)
        share = percent(ran / sealed)
        said.append(f"{ran} of {sealed} samples sealed were run ({share}); {_rests_on(rows)}")
    if any(row.verdict == VerdictWord.BELOW for row in rows):
        said.append(
            '"below" holds for the elicitation used: a model that holds back is judged on what it '
            "shows"
        )
    return said


def _rests_on(rows: Sequence[RunProgress]) -> str:
    """On how many samples the early verdicts rest; that none is early, or that there is none."""
    given = [row for row in rows if row.verdict not in {"", VerdictWord.NOT_MEASURED}]
    early = [row for row in given if row.may_stop and row.used < row.total]
    if not given:
        return "they carry no verdict"
    if not early:
        return "no verdict came early"
    used = sum(row.used for row in early)
    return f"the early verdicts rest on {used}, the first ones of the sealed orders"


class Observer(Protocol):
    """Is told what happens. It must not raise, and must not keep the work waiting."""

    def step(self, text: str) -> None:
        """A step was taken; one line."""
        ...

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """How every run stands now; called often."""
        ...
