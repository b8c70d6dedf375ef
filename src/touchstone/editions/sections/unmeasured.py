"""The runs of which nothing, or too little, was measured: how many samples, why, and whose doing.

A run is what was sealed to be run: one criterion in one mode. The lede and the section on what was
not measured are both written from these, so that they cannot say different things.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from touchstone.editions.audience_case import AudienceCase, counted, listed
from touchstone.editions.run_text import lost_beside
from touchstone.editions.sentences import sentence
from touchstone.framework import NumericCriterion
from touchstone.review import RunKey
from touchstone.review.designation import WHOSE
from touchstone.review.events.measuring import NOT_SHOWN, Reasoning, Unmeasured, VerdictReached
from touchstone.statistics import VerdictWord

NOT_ON = {
    "not-seen": "the mode asks for reasoning and no sample showed any, so that the model or its "
    "endpoint is not shown to have been asked what the mode asks",
    "alike": "the mode answered alike on every item as one that asks for reasoning otherwise, so "
    "that it is not shown to be on",
}
MOST_TITLES = 3
"""So many criteria are named in one sentence of the lede, more are counted."""


@dataclass(frozen=True)
class UnmeasuredRun:
    """One criterion in one mode of which nothing, or too little for a verdict, was measured."""

    key: RunKey
    much: str
    """nothing; too little, where it was to have a verdict; not all, where it was to have none."""
    why: str
    """How many samples of how many, and whose doing it was; as a clause."""
    reference: bool
    """Whether it is there to be compared with."""


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
    sealed = next(reversed(tuple(case.state.batteries)), "")
    for item_set, variant, mode in registered.get("runs", ()):
        if item_set in criteria:
            yield RunKey(sealed, criteria[item_set], variant, mode)


def _run(case: AudienceCase, key: RunKey) -> UnmeasuredRun | None:
    reached = case.state.verdicts.get(key)
    if reached is None:
        return _without_verdict(case, key)
    if reached.verdict != VerdictWord.NOT_MEASURED:
        return None
    why = [
        *_lost(reached.unmeasured, reached.counted),
        *_not_on(reached.reasoning),
        *_beside(reached),
    ]
    if (stop := reached.stop) is not None and stop.used < stop.size:
        left = f"the other {stop.size - stop.used} of {stop.size} sealed"
        why.append(f"whatever came of {left}, no verdict could follow")
    measured = reached.counted - reached.unmeasured.total
    return UnmeasuredRun(key, _much(measured, judged=True), "; ".join(why), reference=False)


def _much(measured: int, *, judged: bool) -> str:
    if not measured:
        return "nothing"
    return "too little" if judged else "not all"


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
    why = list(_lost(lost, size))
    # Only for whom nothing is withheld does the absence of an outcome or a verdict say anything.
    if case.whole and ran < size:
        why.append(_unrun(case, size - ran, size))
    elif case.whole and judged and not why:
        why.append("no verdict was reached, though every sample ran")
    much = _much(ran - lost.total, judged=judged)
    return UnmeasuredRun(key, much, "; ".join(why), reference) if why else None


def _lost(lost: Unmeasured, counted: int) -> list[str]:
    """`4 of 6 samples were refused by the model or its provider, 2 lost to the endpoint`."""
    kinds = list(lost.by_kind.items())
    if not kinds:
        return []
    (kind, count), *others = kinds
    first = f"{count} of {counted} samples {'was' if count == 1 else 'were'} {WHOSE[kind]}"
    return [", ".join([first, *(f"{number} {WHOSE[other]}" for other, number in others)])]


def _not_on(reasoning: Reasoning) -> list[str]:
    return [NOT_ON[reasoning]] if reasoning in NOT_SHOWN else []


def _beside(reached: VerdictReached) -> list[str]:
    return [
        lost_beside(each) for each in reached.references if each.unmeasured.total or not each.shown
    ]


def _unrun(case: AudienceCase, unrun: int, size: int) -> str:
    stop = case.state.stopped
    text = f"{unrun} of {size} samples never ran"
    if stop is not None:
        return f"{text}, since measuring stopped: {sentence('name.stopped', reason=stop.reason)}"
    return f"{text}, since the review was halted" if case.state.halted else text


def unmeasured_sentences(case: AudienceCase) -> list[str]:
    """For the lede: on what nothing, or too little, was measured, and why; references left out."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for run in unmeasured_runs(case):
        if not run.reference:
            group = run.key.mode, run.much, run.why
            groups.setdefault(group, []).append(case.title(run.key.criterion))
    said = []
    for (mode, much, why), found in groups.items():
        titles = list(dict.fromkeys(found))
        what = listed([f"“{title}”" for title in titles])
        if len(titles) > MOST_TITLES:
            what = f"{counted(len(titles))} criteria"
        each = " of each" if len(titles) > 1 and why[:1].isdigit() else ""
        because = why.replace(" samples ", f" samples{each} ", 1)
        said.append(f"{much.capitalize()} was measured on {what} in {mode} mode: {because}.")
    return said
