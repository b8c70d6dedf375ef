"""What is judged: findings with their responses, and the designation with who agreed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.event_text import designation_in_words
from touchstone.editions.page import CriterionReason, DesignationFacts, Fact, FindingFacts
from touchstone.editions.sections.conditions import broken_off_by
from touchstone.editions.sentences import paragraph, sentence
from touchstone.framework import DeclaredCriterion, NumericCriterion
from touchstone.review import State, concurrences
from touchstone.review.designation import Concurrence, reasons_of
from touchstone.review.designation import CriterionReason as RuleReason
from touchstone.review.events import Event, judging
from touchstone.statistics import VerdictWord


def finding_facts(case: AudienceCase) -> tuple[FindingFacts, ...]:
    """The findings, each with what was said about it."""
    found = []
    for entry in case.visible("finding-signed") + case.visible("outside-finding-signed"):
        facts = entry.event.facts()
        text = entry.content("text") or {}
        about = case.title(facts.get("criterion") or facts["domain"])
        lacking = sentence("finding.text-lacking", why=entry.lacking("text"))
        found.append(
            FindingFacts(
                id=facts["finding"],
                title=text.get("title")
                or sentence("finding.on", subject=f"{about[:1].lower()}{about[1:]}"),
                text=text.get("text", lacking),
                signed_by=case.name(entry.event.actor),
                response=_said(case, facts["finding"]),
            )
        )
    return tuple(found)


def _said(case: AudienceCase, finding: str) -> str:
    known = case.state.findings[finding]
    said = [_response(case, finding)]
    if known.dispute:
        grounds = _words(case, known.dispute, "grounds")
        party = case.name(known.dispute.actor)
        said.append(sentence("finding.disputed", party=party, grounds=grounds))
    if known.rerun:
        said.append(sentence("finding.rerun", outcome=known.rerun.outcome))
    return paragraph(*said)


def _response(case: AudienceCase, finding: str) -> str:
    """What the developer answered; that it has not, where that may be known."""
    answers = [
        e for e in case.visible("finding-responded") if e.event.facts()["finding"] == finding
    ]
    # Silence is told only to those from whom no answer can be hidden.
    if not answers and case.whole:
        return sentence("finding.no-response")
    if not answers:
        return sentence("finding.no-readable-response")
    newest = answers[-1]
    by = {"party": case.name(newest.event.actor), "stance": newest.event.facts()["stance"]}
    if text := (newest.content("text") or {}).get("text"):
        return sentence("finding.responds", **by, text=text)
    if why := newest.lacking("text"):
        return sentence("finding.response-lacking", **by, why=why)
    return sentence("finding.response-empty", **by)


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
        else sentence("designation.withheld"),
        rule=sentence("designation.rule"),
        reasons=_reasons(case, newest) if newest else (),
        made=_decided(case),
        concurrence=_concurrence(case),
        notes=_notes(case),
    )


def _notes(case: AudienceCase) -> tuple[str, ...]:
    designation = case.framework.designation if case.framework else None
    noted = designation.note if designation else None
    notes = (sentence("designation.framework-note", note=noted),) if noted else ()
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
    return (sentence("designation.broken-off", stops=said),) if said else ()


def _over_all(said: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """What may be said of all criteria at once, since one of them is enough for the rule."""
    if len(said) < 2:  # noqa: PLR2004 - one says it itself
        return ()
    chance = min(Decimal(1), sum((Decimal(each["alpha"]) for each in said), Decimal(0)))
    return (sentence("designation.over-all", criteria=len(said), chance=str(chance)),)


def _whole_rule(case: AudienceCase) -> tuple[str, ...]:
    """How often the rule as a whole is wrong: over criteria and modes, in either direction."""
    criteria = case.framework.criteria if case.framework else ()
    numeric = [each for each in criteria if isinstance(each, NumericCriterion)]
    if not numeric:
        return ()
    # The largest, not the sum: "not covered" needs every criterion below, so it errs no more often
    # than the one that errs most.
    beta = max((each.beta for each in numeric), key=Decimal)
    # As decimals: a sum of floats would be printed as 0.15000000000000002.
    alpha = min(Decimal(1), sum((Decimal(each.alpha) for each in numeric), Decimal(0)))
    declared = len(numeric) < len(criteria)
    return (
        paragraph(
            sentence("designation.whole-below", beta=beta),
            sentence("designation.whole-above", alpha=str(alpha)),
            sentence("designation.whole-declared") if declared else "",
        ),
    )


_OF_MODES = ("above", "below", "open", "unmeasured")


def _together(case: AudienceCase, said: dict[str, Any]) -> str:
    """What the modes of one criterion say together."""
    parts = [
        sentence("designation.modes", word=word, count=len(names), modes=names)
        for word in _OF_MODES
        if (names := _modes(case, said.get(word, ())))
    ]
    about = {"title": case.title(said["criterion"]), "alpha": said["alpha"]}
    if not parts:
        return sentence("designation.together-none", **about)
    return sentence("designation.together", **about, modes=parts)


def _modes(case: AudienceCase, found: Sequence[Sequence[str]]) -> list[str]:
    """Modes by name, with their variants where there are several."""
    if len(case.state.variants) <= 1:
        return [mode for _, mode in found]
    return [
        sentence("designation.variant-mode", mode=mode, variant=variant) for variant, mode in found
    ]


def _reasons(
    case: AudienceCase, newest: judging.DesignationProposed
) -> tuple[CriterionReason, ...]:
    """What each criterion says, with the rule's words where they are to be read."""
    entry = case.visible(newest.type)[-1]
    lacking = sentence("designation.reason-lacking", why=entry.lacking("words"))
    said = reasons_of(newest, entry.content("words"))
    return tuple(
        _reason(case, each if each.reason else replace(each, reason=lacking)) for each in said
    )


def _reason(case: AudienceCase, said: RuleReason) -> CriterionReason:
    criterion = case.framework.criterion(said.criterion) if case.framework else None
    says: str = said.says
    if isinstance(criterion, DeclaredCriterion):
        spoken = said.criterion in case.state.declared or said.says != "undetermined"
        # Told apart from what was measured, in the word itself and not only in its reason.
        says = f"declared-{says}" if says != "undetermined" else says if spoken else "not-declared"
    return CriterionReason(
        said.criterion, case.title(said.criterion), says, spoken_reason(case, said.reason)
    )


def spoken_reason(case: AudienceCase, reason: str) -> str:
    """A reason of the record with names for ids, and without the variant where there is one."""
    state: State = case.state
    if len(state.batteries) == 1:
        # The record names everything; where there is one of a kind its name tells a reader nothing.
        reason = reason.removesuffix(f", battery {next(iter(state.batteries))}")
    if len(state.variants) == 1:
        # Ids hold dots, which would match anything.
        variant = re.escape(next(iter(state.variants)))
        reason = re.sub(rf"(?<![\w.-]){variant} in (\S+) mode", r"\1 mode", reason)
    for word in VerdictWord:
        reason = re.sub(rf"^{word}:", f"{word.phrase}:", reason)
    return " ".join(case.name(word) for word in reason.split(" ")).replace(
        "not-met", sentence("name.evidence", shows="not-met")
    )


def _decided(case: AudienceCase) -> tuple[str, ...]:
    decisions = case.state.designating.decisions
    if not decisions:
        if case.whole:
            return (sentence("designation.no-decision"),)
        return (sentence("designation.no-readable-decision"),)
    return tuple(
        sentence(
            "designation.decided" if place == 0 else "designation.revised",
            party=case.name(each.actor),
            day=each.at[:10],
            designation=each.designation,
            reasons=_words(case, each, "reasons"),
        )
        for place, each in enumerate(decisions)
    )


def _concurrence(case: AudienceCase) -> tuple[Fact, ...]:
    asked = concurrences(case.state, case.framework) if case.framework else {}
    return tuple(
        Fact(case.name(agency), _concurs(case, agency, answer)) for agency, answer in asked.items()
    )


def _concurs(case: AudienceCase, agency: str, answer: Concurrence) -> str:
    """What an agency says, or that it has not, was not asked, or may not be read here."""
    if answer == "missing" and agency in case.state.left:
        return sentence("designation.left")
    if answer == "missing":
        # Only who may read everything knows that nobody asked it: for others its joining may be
        # withheld.
        if case.whole and agency not in case.state.parties:
            return sentence("designation.not-asked")
        return sentence(
            "designation.concurrence", answer=answer if case.whole else "not-to-be-read"
        )
    given = case.state.designating.answers[agency]
    reason = _words(case, given, "reason") if answer == "dissented" else ""
    if reason:
        return sentence("designation.dissent.reason", reason=reason)
    return sentence("designation.concurrence", answer=answer)


def silent(case: AudienceCase) -> list[str]:
    """The agencies of the case, by name, whose concurrence is asked for and missing."""
    return [case.name(agency) for agency in _missing(case) if agency in case.state.parties]


def never_asked(case: AudienceCase) -> list[str]:
    """The agencies, by name, that the framework asks to concur and the case has not as a party."""
    return [case.name(agency) for agency in _missing(case) if _is_stranger(case, agency)]


def _is_stranger(case: AudienceCase, agency: str) -> bool:
    """Whether an agency never took part: who left was asked, and stays silent no more."""
    return agency not in case.state.parties and agency not in case.state.left


def _missing(case: AudienceCase) -> list[str]:
    """Whose concurrence is asked for and missing; nobody where an answer may be withheld."""
    # A missing answer and a withheld one look alike to this audience, and only one of them is
    # silence.
    if case.framework is None or not case.whole:
        return []
    asked = concurrences(case.state, case.framework)
    return [agency for agency, word in asked.items() if word == "missing"]
