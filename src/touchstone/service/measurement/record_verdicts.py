"""Verdicts and the centre's findings as they land; at the end, what the rule proposes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, count
from math import inf
from typing import Any

from touchstone.deeds.deed import Deed
from touchstone.deeds.designation import designation_proposed, finding_signed
from touchstone.deeds.measurement import verdict_reached
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework, NumericCriterion
from touchstone.review import RunKey, State, propose_designation
from touchstone.review.events import measuring
from touchstone.review.recounting import shown
from touchstone.service.case_context import Case
from touchstone.statistics import Progress, Reason, VerdictWord, family_verdict
from touchstone.verdicts.finding import finding_of
from touchstone.verdicts.fixed_verdicts import Judged, judge
from touchstone.verdicts.modes_compared import must_wait
from touchstone.verdicts.sequential_verdicts import (
    RUN_TYPES,
    EarlyVerdict,
    RecordedRun,
    reached,
    runs_from_record,
    standing,
)

FOUND, PROPOSED = "finding-signed", "designation-proposed"
_FINDING_DIGITS = 32


def conclude(case: Case, battery: str) -> State:
    """Record what the outcomes say. Each verdict, finding and proposal is recorded once.

    Early verdicts are replayed from the record alone. What no key here may sign waits for the hands
    of its party; `awaited` names it.

    Raises:
        RevealError: what ran is not what was sealed, or not in the sealed order.
    """
    runs = runs_from_record(case.entries_of(*RUN_TYPES), battery)
    early = [found for ran in runs if (found := reached(ran)) is not None]
    said_now: tuple[EarlyVerdict | Judged, ...] = (
        *early,
        *judge(case.framework, case.state, battery),
    )
    record_verdict(
        case, *(each for each in said_now if not must_wait(case.state, _key(each), each.word))
    )
    said = together(case.framework, runs, case.state)

    def proposal(state: State) -> list[Deed]:
        proposed = propose_designation(case.framework, state)
        newest = state.designating.proposals[-1:]
        # A proposal says the same words for the same state: recorded again, it would take back
        # every agency's answer.
        if any((p.designation, p.says, p.words) == proposed.proposed for p in newest):
            return []
        proposer = _proposer(case)
        if not case.signs_here(proposer, PROPOSED):
            return []
        return [designation_proposed(case, proposer, proposed, said)]

    return case.record(proposal)


def awaited(case: Case) -> tuple[tuple[str, str], ...]:
    """What people are to sign elsewhere once a review was measured: each party with its deed."""
    asked = ((case.participants.centre, FOUND), (_proposer(case), PROPOSED))
    return tuple(each for each in asked if not case.signs_here(*each))


def record_verdict(case: Case, *said: EarlyVerdict | Judged) -> State:
    """Record verdicts, each with a finding, unless they are recorded already.

    A finding goes with every word: one that came with "above" alone would tell the word to whoever
    may count entries and read none. Where the centre's people sign findings themselves, none comes
    from here. While anybody's halt stands nothing is recorded; the next run of the review does it.
    """

    def deeds(state: State) -> list[Deed]:
        if state.halted:
            return []
        new = [each for each in said if _is_new(each, state)]
        verdicts = [_verdict(case, each, state) for each in new]
        # Verdicts first: a finding speaks of one.
        if not case.signs_here(case.participants.centre, FOUND):
            return verdicts
        return [*verdicts, *(_finding(case, each, state) for each in new)]

    return case.record(deeds)


def _is_new(said: EarlyVerdict | Judged, state: State) -> bool:
    """Whether nothing was said yet of a run; what answered nothing is said again only if other."""
    before = state.verdicts.get(_key(said))
    if before is None:
        return True
    open_still = before.verdict in {VerdictWord.UNDETERMINED, VerdictWord.NOT_MEASURED}
    return open_still and before.verdict != said.word.value


def _key(said: EarlyVerdict | Judged) -> RunKey:
    return said.ran.key if isinstance(said, EarlyVerdict) else said.key


def together(
    framework: Framework, runs: Iterable[RecordedRun], state: State
) -> list[dict[str, Any]]:
    """What the runs of each criterion say together, where there are several.

    A criterion is crossed if any run crosses it: Holm over their evidence, so that the chance of
    naming any of them wrongly is at most the criterion's alpha. It is below only if each run is,
    and no run is here of which "below" is not said, or waits by the state, on its own.
    """
    of_criterion: dict[str, dict[RunKey, Progress]] = defaultdict(dict)
    for ran in runs:
        # Only these have evidence that Holm can weigh: one success in k tries is a fact, and a
        # comparison has bounds.
        if ran.rule.measure == "success-rate":
            of_criterion[ran.key.criterion][ran.key] = _spoken(ran, state)
    found = []
    for name, progress in of_criterion.items():
        criterion = framework.criterion(name)
        if len(progress) > 1 and isinstance(criterion, NumericCriterion):
            keys = list(progress)
            family = family_verdict(
                list(progress.values()), float(criterion.alpha), float(criterion.beta)
            )
            found.append(
                {
                    "criterion": name,
                    "word": family.word.value,
                    "alpha": criterion.alpha,
                    "beta": criterion.beta,
                    "above": [[keys[n].variant, keys[n].mode] for n in family.above],
                    "below": [[keys[n].variant, keys[n].mode] for n in family.below],
                    "open": [[keys[n].variant, keys[n].mode] for n in family.open],
                    "unmeasured": [
                        [key.variant, key.mode]
                        for n, (key, each) in enumerate(progress.items())
                        if each.word is VerdictWord.NOT_MEASURED and n not in family.above
                    ],
                }
            )
    return found


def _spoken(ran: RecordedRun, state: State) -> Progress:
    """Where a run stands, with no "below" that is not said of it alone."""
    now = standing(ran)
    reasoning = ran.reasoning(now.used)
    if reasoning in measuring.NOT_SHOWN:
        return replace(now, word=shown(now.word, reasoning), peak_below=-inf)
    if must_wait(state, ran.key, now.word):
        # The evidence for "below" goes with the word: by its peak alone the criterion would be
        # called below all the same.
        return replace(now, word=VerdictWord.UNDETERMINED, reason=Reason.OPEN, peak_below=-inf)
    return now


def _proposer(case: Case) -> str:
    """The party that the framework names, if it is in the case; else the centre."""
    designation = case.framework.designation
    named = designation.proposed_by if designation else None
    return named if named in case.participants.agencies else case.participants.centre


def _verdict(case: Case, said: EarlyVerdict | Judged, state: State) -> Deed:
    lost = None
    if isinstance(said, EarlyVerdict):
        lost = state.tally(*_key(said)).attempt().unmeasured(said.progress.used)
    return verdict_reached(case, said, lost)


def _finding_id(key: RunKey, state: State) -> str:
    """A new id of its own for each run. Names could be long, and hold what would divide them."""
    about = digest_value([key.criterion, key.variant, key.mode]).removeprefix("sha256:")
    first = f"finding-{about[:_FINDING_DIGITS]}"
    # Another signer's finding may have taken the name: ids are whatever their signers wrote.
    later = (f"{first}-{number}" for number in count(2))
    return next(each for each in chain([first], later) if each not in state.findings)


def _finding(case: Case, said: EarlyVerdict | Judged, state: State) -> Deed:
    key = _key(said)
    criterion = case.framework.criterion(key.criterion)
    if not isinstance(criterion, NumericCriterion):
        raise TypeError(f"{key.criterion} is no numeric criterion")
    return finding_signed(
        case,
        case.participants.centre,
        _finding_id(key, state),
        criterion.domain,
        criterion.id,
        finding_of(criterion, said),
    )
