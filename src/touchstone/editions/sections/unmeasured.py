"""The runs of which nothing, or too little, was measured: how many samples, why, and whose doing.

A run is what was sealed to be run: one criterion in one mode. The lede and the section on what was
not measured are both written from these, so that they cannot say different things.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.run_text import lost_beside
from touchstone.editions.sentences import sentence
from touchstone.framework import NumericCriterion
from touchstone.review import RunKey
from touchstone.review.events.measuring import NOT_SHOWN, Reasoning, StopReason, Unmeasured
from touchstone.statistics import VerdictWord

Much = Literal["nothing", "too-little", "not-all"]
"""Nothing; too little, where it was to have a verdict; not all, where it was to have none."""
MOST_TITLES = 3
"""So many criteria are named in one sentence of the lede, more are counted."""


@dataclass(frozen=True)
class LostSamples:
    """So many of so many samples measured nothing, by what they met."""

    by_kind: tuple[tuple[str, int], ...]
    size: int

    def said(self, *, each: bool) -> str:
        """As a clause; `each`: the numbers are those of each of several runs."""
        (kind, count), *others = self.by_kind
        of = _of(count, self.size, each=each)
        first = sentence("unmeasured.lost", kind=kind, count=count, of=of)
        more = [sentence("unmeasured.lost-more", kind=kind, count=count) for kind, count in others]
        return sentence("list-of.commas", items=[first, *more])


@dataclass(frozen=True)
class UnrunSamples:
    """So many of so many samples never ran, and what kept them."""

    count: int
    size: int
    stopped: StopReason | None
    halted: bool

    def said(self, *, each: bool) -> str:
        """As a clause; `each`: the numbers are those of each of several runs."""
        of = _of(self.count, self.size, each=each)
        if self.stopped is not None:
            return sentence("unmeasured.unrun-stopped", of=of, reason=self.stopped)
        return sentence("unmeasured.unrun-halted" if self.halted else "unmeasured.unrun", of=of)


@dataclass(frozen=True)
class Clause:
    """A clause that names no count of this run's samples."""

    text: str

    def said(self, *, each: bool) -> str:  # noqa: ARG002  as the others are asked
        """The same for one run and for each of several."""
        return self.text


Why = LostSamples | UnrunSamples | Clause


def _of(count: int, size: int, *, each: bool) -> str:
    return sentence("unmeasured.of", each=each, count=count, size=size)


@dataclass(frozen=True)
class UnmeasuredRun:
    """One criterion in one mode of which nothing, or too little for a verdict, was measured."""

    key: RunKey
    much: Much
    why: tuple[Why, ...]
    """How many samples of how many, and whose doing it was."""
    reference: bool
    """Whether it is there to be compared with."""

    def because(self, *, each: bool = False) -> list[str]:
        """Why, as clauses; `each`: the first one's numbers are those of each of several runs."""
        return [
            why.said(each=each and place == 0 and not isinstance(why, Clause))
            for place, why in enumerate(self.why)
        ]


def unmeasured_runs(case: AudienceCase) -> tuple[UnmeasuredRun, ...]:
    """Each such run as far as the audience may know of it, in the framework's order of criteria."""
    keys = dict.fromkeys([*_sealed(case), *case.state.tallies, *case.state.verdicts])
    found = [run for key in keys if (run := _run(case, key))]
    order = list(case.titles)
    found.sort(
        key=lambda run: order.index(run.key.criterion) if run.key.criterion in order else len(order)
    )
    return tuple(found)


def _sealed(case: AudienceCase) -> Iterable[RunKey]:
    """The runs that were registered beforehand, where the audience may read them."""
    registered = case.content("battery-sealed", "registered") or {}
    battery = registered.get("battery", {})
    criteria = {part["id"]: part["criterion"] for part in battery.get("sets", ())}
    # Of the newest battery, whose content this is: runs of an earlier one are known by their
    # tallies.
    sealed = next(reversed(tuple(case.state.batteries)), "")
    for item_set, variant, mode in registered.get("runs", ()):
        if item_set in criteria:
            yield RunKey(sealed, criteria[item_set], variant, mode)


def _run(case: AudienceCase, key: RunKey) -> UnmeasuredRun | None:
    reached = case.state.verdicts.get(key)
    if reached is None:
        return _without_verdict(case, key)
    # A word that stands allows for what was lost: it is told beside the numbers, and not as
    # something missing.
    if reached.verdict != VerdictWord.NOT_MEASURED:
        return None
    lost, stop = reached.unmeasured, reached.stop
    why: list[Why] = [*_lost(lost, reached.counted), *_not_on(reached.reasoning)]
    why += [
        Clause(lost_beside(each))
        for each in reached.references
        if each.unmeasured.total or not each.shown
    ]
    if stop is not None and stop.used < stop.size:
        left = {"left": stop.size - stop.used, "size": stop.size}
        why.append(Clause(sentence("unmeasured.no-verdict-could-follow", **left)))
    much = _much(reached.counted - lost.total, judged=True)
    return UnmeasuredRun(key, much, tuple(why), reference=False)


def _much(measured: int, *, judged: bool) -> Much:
    if not measured:
        return "nothing"
    return "too-little" if judged else "not-all"


def _without_verdict(case: AudienceCase, key: RunKey) -> UnmeasuredRun | None:
    """A run without a verdict, where it lacks samples, or they measured nothing."""
    state, attempt = case.state, case.state.tally(*key).attempt()
    battery = state.batteries.get(key.battery)
    part = battery.item_set(key.criterion) if battery else None
    ran, lost = attempt.recorded.bit_count(), attempt.unmeasured()
    size = part.size if part else ran
    submitted = state.variants.get(key.variant)
    reference = submitted is not None and submitted.purpose == "reference"
    criterion = case.framework.criterion(key.criterion) if case.framework else None
    judged = isinstance(criterion, NumericCriterion) and not reference
    why: list[Why] = list(_lost(lost, size))
    # Only for whom nothing is withheld does the absence of an outcome or a verdict say anything.
    if case.whole and ran < size:
        why.append(_unrun(case, size - ran, size))
    elif case.whole and judged and not why:
        why.append(Clause(sentence("unmeasured.no-verdict")))
    much = _much(ran - lost.total, judged=judged)
    return UnmeasuredRun(key, much, tuple(why), reference) if why else None


def _lost(lost: Unmeasured, counted: int) -> list[LostSamples]:
    """`4 of 6 samples were refused by the model or its provider, 2 lost to the endpoint`."""
    kinds = tuple(lost.by_kind.items())
    return [LostSamples(kinds, counted)] if kinds else []


def _not_on(reasoning: Reasoning) -> list[Clause]:
    if reasoning not in NOT_SHOWN:
        return []
    return [Clause(sentence("unmeasured.not-on", reasoning=reasoning))]


def _unrun(case: AudienceCase, unrun: int, size: int) -> UnrunSamples:
    stop = case.state.stopped
    return UnrunSamples(unrun, size, stop.reason if stop else None, halted=bool(case.state.halted))


def unmeasured_sentences(case: AudienceCase) -> list[str]:
    """For the lede: on what nothing, or too little, was measured, and why; references left out."""
    groups: dict[tuple[str, Much, tuple[Why, ...]], list[UnmeasuredRun]] = {}
    for run in unmeasured_runs(case):
        if not run.reference:
            # Grouped by reason: a minister reads one sentence for one cause, not one for each
            # criterion that it met.
            groups.setdefault((run.key.mode, run.much, run.why), []).append(run)
    return [_lede(case, runs) for runs in groups.values()]


def _lede(case: AudienceCase, runs: list[UnmeasuredRun]) -> str:
    """Of runs that are alike in mode and reason."""
    run = runs[0]
    titles = list(dict.fromkeys(case.title(each.key.criterion) for each in runs))
    if len(titles) > MOST_TITLES:
        what = sentence("unmeasured.criteria", criteria=len(titles))
    else:
        quoted = [sentence("quoted.title", title=title) for title in titles]
        what = sentence("list-of.and", items=quoted)
    why = run.because(each=len(titles) > 1)
    return sentence("unmeasured.lede", much=run.much, what=what, mode=run.key.mode, why=why)
