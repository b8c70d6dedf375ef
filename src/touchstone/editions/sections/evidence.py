"""How early verdicts were reached, replayed from what one audience may read."""

from collections.abc import Mapping
from contextlib import suppress
from math import log, log10

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import EvidenceCurve
from touchstone.editions.run_text import attempts_in_words
from touchstone.evaluation.errors import RevealError
from touchstone.review import RunKey
from touchstone.statistics import Interval
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.repeated_attempts import attempt_rates
from touchstone.verdicts.sequential_verdicts import EarlyVerdict, broken_off, standings_from_record


def early_verdicts(case: AudienceCase) -> Mapping[RunKey, EarlyVerdict]:
    """Every run that may stop early and that the audience may replay, decided or open.

    One that was reached with bets that this version does not know is left out: its word, its counts
    and its interval stand in the record.
    """
    found: dict[RunKey, EarlyVerdict] = {}
    for battery in case.state.batteries:
        try:
            found.update(standings_from_record(case.entries, battery))
        # A record that does not hold has no evidence to show; `check` and `verify` say what is
        # wrong with it, and an edition is made all the same.
        except (RevealError, CannotRunError):
            continue
    return found


def broken_off_runs(case: AudienceCase) -> Mapping[RunKey, Interval]:
    """For each run that was stopped before all of its items had run, and that may be replayed."""
    found: dict[RunKey, Interval] = {}
    for battery in case.state.batteries:
        with suppress(RevealError, CannotRunError):
            found.update(broken_off(case.entries, battery))
    return found


def tried_again(case: AudienceCase, key: RunKey) -> str:
    """What several attempts at each item say beside a run's verdict; empty where there was one."""
    battery = case.state.batteries.get(key.battery)
    sealed = battery.item_set(key.criterion) if battery else None
    if sealed is None or sealed.attempts == 1:
        return ""
    found = attempt_rates(case.entries, key.battery).get(key)
    return "" if found is None else attempts_in_words(found)


def evidence_facts(early: EarlyVerdict, recorded: int) -> EvidenceCurve | None:
    """The facts of one verdict; None where one success was enough.

    Args:
        early: The verdict.
        recorded: Outcomes of the run that the record holds by now.
    """
    if early.way is None:
        return None
    progress, rule = early.progress, early.ran.rule
    claimed = rule.claimed(early.word.value)
    beyond = early.beyond
    return EvidenceCurve(
        used=progress.used,
        size=len(early.ran.levels),
        overshoot=recorded - progress.used,
        reason=progress.reason.value,
        claimed=None if claimed is None else float(claimed),
        bound_above=-log10(rule.rule.alpha),
        bound_below=-log10(rule.rule.beta),
        above=tuple(float(each) / log(10) for each in early.way.above),
        below=tuple(float(each) / log(10) for each in early.way.below),
        estimate=early.estimate,
        low=early.interval.low,
        high=early.interval.high,
        beyond_low=None if beyond is None else beyond.low,
        beyond_high=None if beyond is None else beyond.high,
    )
