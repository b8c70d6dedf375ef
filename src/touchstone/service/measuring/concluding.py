"""After the last sample: verdicts, the centre's findings, and what the rule proposes."""

from touchstone.evaluation.digests import digest_value
from touchstone.review import State, propose_designation
from touchstone.review.events import judging, measuring
from touchstone.service.case import Case
from touchstone.service.measuring.judging import Judged, judge
from touchstone.service.recording import Content, Deed


def conclude(case: Case, battery: str) -> State:
    """Record what the outcomes say. Each verdict, finding and proposal is recorded once."""

    def verdicts(state: State) -> list[Deed]:
        return [
            Deed(_verdict(case, judged))
            for judged in judge(case.framework, state, battery)
            if judged.key not in state.verdicts
        ]

    def findings(state: State) -> list[Deed]:
        return [
            _finding(case, judged)
            for judged in judge(case.framework, state, battery)
            if judged.verdict.word == "above" and _finding_id(judged) not in state.findings
        ]

    def proposal(state: State) -> list[Deed]:
        proposed = propose_designation(case.framework, state)
        newest = state.designating.proposals[-1:]
        if any((p.designation, p.reasons) == (proposed.designation, proposed.reasons)
               for p in newest):  # fmt: skip
            return []
        event = judging.DesignationProposed(
            actor=_proposer(case),
            at=case.now(),
            marking=case.marks.case,
            designation=proposed.designation,
            summary=proposed.summary,
            reasons=proposed.reasons,
        )
        return [Deed(event)]

    case.record(verdicts)
    case.record(findings)
    return case.record(proposal)


def _proposer(case: Case) -> str:
    """The party that the framework names, if it is in the case; else the centre."""
    designation = case.framework.designation
    named = designation.proposed_by if designation else None
    return named if named in case.cast.agencies else case.cast.centre


def _verdict(case: Case, judged: Judged) -> measuring.VerdictReached:
    verdict, criterion = judged.verdict, judged.criterion
    return measuring.VerdictReached(
        actor=case.cast.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=judged.key.battery,
        criterion=criterion.id,
        variant=judged.key.variant,
        mode=judged.key.mode,
        verdict=verdict.word.value,
        solved=verdict.solved,
        counted=verdict.counted,
        interval=(f"{verdict.interval.low:.6f}", f"{verdict.interval.high:.6f}"),
        alpha=f"{judged.rule.alpha:.6f}",
        beta=criterion.beta,
    )


def _finding_id(judged: Judged) -> str:
    key = judged.key
    return f"{key.criterion}.{key.variant}.{key.mode}"


def _finding(case: Case, judged: Judged) -> Deed:
    verdict, criterion, key = judged.verdict, judged.criterion, judged.key
    text = {
        "title": f"{criterion.title} ({key.mode} mode)",
        "text": f"In {key.mode} mode, variant {key.variant} solved {verdict.solved} of "
        f"{verdict.counted} items (exact 95% interval {verdict.interval.low:.0%} to "
        f"{verdict.interval.high:.0%}), above the threshold of {float(criterion.threshold):.0%} at "
        f"an error rate of {criterion.alpha} for the criterion. Every item was sealed beforehand "
        "and judged by replaying the answer on fresh files.",
    }
    event = judging.FindingSigned(
        actor=case.cast.centre,
        at=case.now(),
        marking=case.marks.case,
        finding=_finding_id(judged),
        domain=criterion.domain,
        criterion=criterion.id,
        statement=digest_value(text),
    )
    return Deed(event, (Content(text, case.marks.case),))
