"""What is judged: findings with their responses, and the designation with who agreed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from touchstone.editions.audience_case import AudienceCase, counted, listed
from touchstone.editions.event_text import designation_in_words
from touchstone.editions.page import CriterionReason, DesignationFacts, Fact, FindingFacts
from touchstone.editions.sections.conditions import broken_off_by
from touchstone.editions.sentences import sentence
from touchstone.framework import DeclaredCriterion, NumericCriterion
from touchstone.review import State, concurrences
from touchstone.review.designation import CriterionReason as RuleReason
from touchstone.review.designation import reasons_of
from touchstone.review.events import Event, judging
from touchstone.statistics import VerdictWord

RULE = (
    "The rule: covered if any criterion is met; not covered only if every criterion was looked at "
    "and none is met; undetermined otherwise."
)


def finding_facts(case: AudienceCase) -> tuple[FindingFacts, ...]:
    """The findings, each with what was said about it."""
    found = []
    for entry in case.visible("finding-signed") + case.visible("outside-finding-signed"):
        facts = entry.event.facts()
        text = entry.content("text") or {}
        about = case.title(facts.get("criterion") or facts["domain"])
        found.append(
            FindingFacts(
                id=facts["finding"],
                title=text.get("title", f"On {about[:1].lower()}{about[1:]}"),
                text=text.get("text", f"The text is {entry.lacking('text')}."),
                signed_by=case.name(entry.event.actor),
                response=_said(case, facts["finding"]),
            )
        )
    return tuple(found)


def _said(case: AudienceCase, finding: str) -> str:
    known = case.state.findings[finding]
    said = []
    answers = [
        e for e in case.visible("finding-responded") if e.event.facts()["finding"] == finding
    ]
    if answers:
        text = (answers[-1].content("text") or {}).get("text")
        words = f"“{text}”" if text else f"the text is {answers[-1].lacking('text') or 'empty'}"
        stance = answers[-1].event.facts()["stance"]
        said.append(f"{case.name(answers[-1].event.actor)} responds ({stance}): {words}")
    elif case.whole:
        said.append("The developer has not responded so far; that is not agreement.")
    else:
        said.append("No response that this audience may read.")
    if known.dispute:
        grounds = _words(case, known.dispute, "grounds")
        said.append(f"{case.name(known.dispute.actor)} disputes it: {grounds}")
    if known.rerun:
        said.append(f"After a re-run it is {known.rerun.outcome}.")
    return " ".join(said)


def _words(case: AudienceCase, event: Event, fact: str) -> str:
    """The words that go with an event that the audience may read."""
    found = [entry for entry in case.visible(event.type) if entry.event == event]
    return found[-1].said(fact) if found else ""


def designation_facts(case: AudienceCase) -> DesignationFacts | None:
    """What the rule proposes, what officials decided, who agreed; None: nothing to be read."""
    proposals = case.state.designating.proposals
    if not proposals and not case.state.designating.decisions:
        return None
    newest = proposals[-1] if proposals else None
    return DesignationFacts(
        proposed=designation_in_words(newest.designation)
        if newest
        else "withheld from this audience",
        rule=RULE,
        reasons=_reasons(case, newest) if newest else (),
        made=_decided(case),
        concurrence=_concurrence(case),
        notes=_notes(case),
    )


def _notes(case: AudienceCase) -> tuple[str, ...]:
    designation = case.framework.designation if case.framework else None
    noted = designation.note if designation else None
    notes = (f"Note of the framework: {noted}",) if noted else ()
    said = (case.content("designation-proposed", "together") or {}).get("together", ())
    return (
        *_stopped_by(case),
        *(_together(case, each) for each in said),
        *_over_all(said),
        *_whole_rule(case),
        *notes,
    )


def _stopped_by(case: AudienceCase) -> tuple[str, ...]:
    """Who or what broke measuring off: what had not run by then bears on no verdict."""
    said = broken_off_by(case)
    return (f"Measuring was broken off: {'; '.join(said)}.",) if said else ()


def _over_all(said: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """What may be said of all criteria at once, since one of them is enough for the rule."""
    if len(said) < 2:  # noqa: PLR2004 - one says it itself
        return ()
    chance = min(Decimal(1), sum((Decimal(each["alpha"]) for each in said), Decimal(0)))
    told = (
        f"Of all {counted(len(said))} criteria, any is wrongly said to be crossed with a chance of "
        f"at most {chance}, the sum of theirs: the framework states its error rates criterion by "
        "criterion. That none is crossed is said only where each mode of each is below."
    )
    return (told,)


def _whole_rule(case: AudienceCase) -> tuple[str, ...]:
    """How often the rule as a whole is wrong: over criteria and modes, in either direction."""
    criteria = case.framework.criteria if case.framework else ()
    numeric = [each for each in criteria if isinstance(each, NumericCriterion)]
    if not numeric:
        return ()
    beta = max((each.beta for each in numeric), key=Decimal)
    alpha = min(Decimal(1), sum((Decimal(each.alpha) for each in numeric), Decimal(0)))
    declared = (
        " What is declared has no error rate: nobody measured it."
        if len(numeric) < len(criteria)
        else ""
    )
    text = (
        "“Not covered” needs “below” on every criterion in every mode. If the model reaches, in "
        "any mode, the rate that “below” claims it does not reach, “not covered” is proposed all "
        f"the same with a chance of at most {beta}. If no criterion is crossed in any mode, "
        f"“covered” is proposed all the same with a chance of at most {alpha}, the sum over the "
        f"criteria; each shares its own among its modes.{declared}"
    )
    return (text,)


_OF_MODES = {"above": "crossed", "below": "below", "open": "open", "unmeasured": "not measured"}


def _together(case: AudienceCase, said: dict[str, Any]) -> str:
    """What the modes of one criterion say together."""
    several = len(case.state.variants) > 1
    names = {
        word: [f"{mode} ({variant})" if several else mode for variant, mode in said.get(word, ())]
        for word in _OF_MODES
    }
    parts = [
        f"{words} in {listed(names[word])} mode{'' if len(names[word]) == 1 else 's'}"
        for word, words in _OF_MODES.items()
        if names[word]
    ]
    return (
        f"“{case.title(said['criterion'])}”, all modes together: {listed(parts) or 'no answer'}. "
        f"Any mode is wrongly said to cross with a chance of at most {said['alpha']} "
        "(Holm's procedure over the evidence of all of them)."
    )


def _reasons(
    case: AudienceCase, newest: judging.DesignationProposed
) -> tuple[CriterionReason, ...]:
    """What each criterion says, with the rule's words where they are to be read."""
    entry = case.visible(newest.type)[-1]
    lacking = f"[the text is {entry.lacking('words')}]"
    said = reasons_of(newest, entry.content("words"))
    return tuple(
        _reason(case, each if each.reason else replace(each, reason=lacking)) for each in said
    )


def _reason(case: AudienceCase, said: RuleReason) -> CriterionReason:
    criterion = case.framework.criterion(said.criterion) if case.framework else None
    says: str = said.says
    if isinstance(criterion, DeclaredCriterion):
        spoken = said.criterion in case.state.declared or said.says != "undetermined"
        says = f"declared-{says}" if says != "undetermined" else says if spoken else "not-declared"
    return CriterionReason(
        said.criterion, case.title(said.criterion), says, spoken_reason(case, said.reason)
    )


def spoken_reason(case: AudienceCase, reason: str) -> str:
    """A reason of the record with names for ids, and without the variant where there is one."""
    state: State = case.state
    if len(state.batteries) == 1:
        reason = reason.removesuffix(f", battery {next(iter(state.batteries))}")
    if len(state.variants) == 1:
        variant = re.escape(next(iter(state.variants)))
        reason = re.sub(rf"(?<![\w.-]){variant} in (\S+) mode", r"\1 mode", reason)
    for word in VerdictWord:
        reason = re.sub(rf"^{word}:", f"{word.phrase}:", reason)
    return " ".join(case.name(word) for word in reason.split(" ")).replace("not-met", "not met")


def _decided(case: AudienceCase) -> tuple[str, ...]:
    decisions = case.state.designating.decisions
    if not decisions:
        return (
            "Officials have not decided so far."
            if case.whole
            else "No decision that this audience may read.",
        )
    return tuple(
        f"{case.name(each.actor)} {'decided' if place == 0 else 'revised its decision'} on "
        f"{each.at[:10]}: {designation_in_words(each.designation)}. "
        f"{_words(case, each, 'reasons')}"
        for place, each in enumerate(decisions)
    )


def _concurrence(case: AudienceCase) -> tuple[Fact, ...]:
    answers = case.state.designating.answers
    asked = concurrences(case.state, case.framework) if case.framework else {}
    facts = []
    for agency, word in asked.items():
        if word == "missing" and case.whole and agency not in case.state.parties:
            text = sentence("designation.not-asked")
        elif word == "missing":
            text = (
                "missing: no answer so far, and silence is never consent"
                if case.whole
                else "no answer that this audience may read"
            )
        else:
            reason = _words(case, answers[agency], "reason") if word == "dissented" else ""
            text = f"{word}: {reason}" if reason else word
        facts.append(Fact(case.name(agency), text))
    return tuple(facts)


def silent(case: AudienceCase) -> list[str]:
    """The agencies of the case, by name, whose concurrence is asked for and missing."""
    return [case.name(agency) for agency in _missing(case) if agency in case.state.parties]


def never_asked(case: AudienceCase) -> list[str]:
    """The agencies, by name, that the framework asks to concur and the case has not as a party."""
    return [case.name(agency) for agency in _missing(case) if agency not in case.state.parties]


def _missing(case: AudienceCase) -> list[str]:
    """Whose concurrence is asked for and missing; nobody where an answer may be withheld."""
    if case.framework is None or not case.whole:
        return []
    asked = concurrences(case.state, case.framework)
    return [agency for agency, word in asked.items() if word == "missing"]
