"""Loss of control from the record: means, motive, opportunity, and what was not looked at.

Nothing here says whether a model is safe. Capability verdicts are repeated, conduct is counted with
intervals beside the false alarms of its twins, and what developers and others say is theirs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.page import ResultRow
from touchstone.editions.page.control_facts import (
    AnswerLine,
    ConductRow,
    ControlFacts,
    MeansRow,
    OutsideRow,
)
from touchstone.editions.page.phrases import verdict_pill
from touchstone.editions.questions.answers import TYPE as ANSWERS
from touchstone.editions.questions.answers import answers_in
from touchstone.editions.sections.control_brief import NOT_LOOKED_AT, brief_of
from touchstone.editions.sentences import catalogue, paragraph, sentence
from touchstone.evaluation.conduct import Conduct
from touchstone.evaluation.families.registry import family_names, get_family
from touchstone.framework import DeclaredCriterion, Framework, NumericCriterion
from touchstone.review.audience_view import Entry
from touchstone.review.events.measuring import OutcomesRecorded
from touchstone.review.events.telling import OutsideEvidenceImported
from touchstone.statistics import clopper_pearson

DOMAIN = "autonomy-and-control"
QUESTIONNAIRE = "loss-of-control"
MEANS = ("cyber", "financial-systems", DOMAIN)
"""Domains of which a capability could help a model out of control: Touchstone's own reading."""
SCANNED, IMPORTED = "transcripts-scanned", "outside-evidence-imported"


def control_facts(
    case: AudienceCase, results: tuple[ResultRow, ...], *, hidden: bool
) -> ControlFacts | None:
    """The section; None where the framework does not ask, or nothing of it is for this audience.

    `results` are the rows of the edition's results; `hidden` says whether something of the case is
    withheld from the reader.
    """
    framework = case.framework
    if framework is None or DOMAIN not in framework.domains:
        return None
    conducted = _conducted(case)
    answered = answers_in(tuple(case.visible(ANSWERS)), QUESTIONNAIRE, hidden=hidden)
    facts = ControlFacts(
        means=tuple(_means(framework, results)),
        conduct=tuple(_conduct_rows(conducted)),
        flags=_flags(case),
        declared=tuple(_declared(case, framework)),
        answers=tuple(
            AnswerLine(_part(each.part), each.asked, each.text, case.name(each.by))
            for each in answered.answers
            if each.answered
        ),
        unanswered=tuple(each.asked for each in answered.answers if not each.answered),
        outside=tuple(_outside(entry, case) for entry in case.visible(IMPORTED)),
        unlooked=(),
        hidden=hidden,
    )
    if hidden and not facts.there:
        return None
    unlooked = tuple(_unlooked(case, facts, framework))
    return replace(facts, unlooked=unlooked, brief=brief_of(facts))


# ------------------------------------------------------------------ means


def rules_recorded(family: str) -> tuple[str, ...]:
    """The rules whose keeping a shipped family records; none for families of capability."""
    found: tuple[str, ...] = ()
    if family in family_names():
        found = getattr(get_family(family), "rules", ())
    return found


def _means(framework: Framework, results: tuple[ResultRow, ...]) -> Iterator[MeansRow]:
    for domain in MEANS:
        for criterion in framework.criteria:
            if not isinstance(criterion, NumericCriterion) or criterion.domain != domain:
                continue
            # What a subject does is no means: it stands under motive.
            if rules_recorded(criterion.family):
                continue
            helps = sentence("control.helps", domain=domain)
            rows = [row for row in results if row.criterion == criterion.id]
            for row in rows:
                said = sentence(
                    "control.solved",
                    solved=row.solved,
                    counted=row.counted,
                    low=row.low,
                    high=row.high,
                )
                check = sentence("control.check") if row.instrument else ""
                yield MeansRow(
                    criterion.title,
                    helps,
                    row.mode,
                    row.verdict,
                    verdict_pill(row),
                    paragraph(said, check),
                )
            if not rows:
                none = sentence("control.not-looked-at")
                pill = sentence("control.not-looked-at-pill")
                yield MeansRow(criterion.title, helps, "", NOT_LOOKED_AT, pill, none)


# ------------------------------------------------------------------ motive


@dataclass
class _Conducts:
    """What is known of the items of one rule in one mode."""

    there: list[Conduct] = field(default_factory=list)
    twins: list[Conduct] = field(default_factory=list)
    unknown: int = 0


def _conducted(case: AudienceCase) -> Mapping[tuple[str, str], _Conducts]:
    """By mode and rule; the first attempt at each item alone, as they are counted everywhere."""
    found: dict[tuple[str, str], _Conducts] = {}
    for entry in case.visible("outcomes-recorded"):
        event, details = entry.event, entry.content("details")
        if not isinstance(event, OutcomesRecorded) or details is None:
            continue
        mode = _mode(case, event)
        first = {each.index for each in event.outcomes if each.attempt == 1}
        rules = _rules_opened(entry)
        for told in details.get("outcomes", ()):
            if told.get("index") not in first:
                continue
            known = told.get("conduct")
            if known is None:
                if rule := rules.get(told["index"], ""):
                    found.setdefault((mode, rule), _Conducts()).unknown += 1
                continue
            conduct = Conduct.model_validate(known)
            place = found.setdefault((mode, conduct.rule), _Conducts())
            (place.there if conduct.tempted else place.twins).append(conduct)
    return found


def _mode(case: AudienceCase, event: OutcomesRecorded) -> str:
    """The mode, with its variant where there are several."""
    return event.mode if len(case.state.variants) < 2 else f"{event.variant}, {event.mode}"  # noqa: PLR2004 - one or several


def _rules_opened(entry: Entry) -> dict[int, str]:
    """By place the rule of items of families that record conduct, from their opened labels."""
    rules: dict[int, str] = {}
    for each in (entry.content("opened") or {}).get("opened", ()):
        family, _, label = str(each.get("flaw", "")).partition("/")
        rule = label.removesuffix("-twin")
        if rule in rules_recorded(family):
            rules[int(each["index"])] = rule
    return rules


def _conduct_rows(found: Mapping[tuple[str, str], _Conducts]) -> Iterator[ConductRow]:
    for (mode, rule), conducts in sorted(found.items()):
        # What counts is the rule that pressed: what else was broken stands with its own rule.
        there = conducts.there
        attempts = [each for each in there if rule in each.attempted]
        interval = clopper_pearson(len(attempts), len(there)) if there else None
        yield ConductRow(
            mode=mode,
            rule=rule_in_words(rule),
            measured=len(there),
            attempted=len(attempts),
            low=interval.low if interval else 0.0,
            high=interval.high if interval else 1.0,
            succeeded=sum(rule in each.succeeded for each in attempts),
            reported=sum(each.reported for each in attempts),
            hidden=sum(each.hidden for each in attempts),
            twins=len(conducts.twins),
            false_alarms=sum(bool(each.attempted) for each in conducts.twins),
            unknown=conducts.unknown,
        )


def rule_in_words(rule: str) -> str:
    """What breaking a rule is called; of a family of somebody's own, its word."""
    known = catalogue().messages["control.rule"]
    return sentence("control.rule", rule=rule) if rule in known else plain(rule)


def _flags(case: AudienceCase) -> str:
    """What detectors flagged, of the newest scan that may be read."""
    scans = case.visible(SCANNED)
    if not scans:
        return ""
    facts = scans[-1].event.facts()
    flagged = [
        sentence("control.flagged", count=each["flagged"], detector=plain(each["detector"]))
        for each in facts.get("counts", ())
        if each["flagged"]
    ]
    looked = {"looked": facts["looked_at"], "transcripts": facts["transcripts"]}
    if not flagged:
        return sentence("control.none-flagged", **looked)
    return sentence("control.flags", flagged=flagged, **looked)


# ------------------------------------------------------------------ opportunity


def _declared(case: AudienceCase, framework: Framework) -> Iterator[tuple[str, str]]:
    for criterion in framework.criteria:
        if isinstance(criterion, DeclaredCriterion) and criterion.domain in {DOMAIN, "safeguards"}:
            known = case.state.declared.get(criterion.id)
            if known is not None:
                by, shows = case.name(known.actor), known.shows
                yield criterion.title, sentence("control.declares", party=by, shows=shows)


def _part(part: str) -> str:
    return sentence("control.part", part=part) if part else sentence("control.no-part")


# ------------------------------------------------------------------ others


def _outside(entry: Entry, case: AudienceCase) -> OutsideRow:
    event, told = entry.event, entry.content("statement")
    log = event.log if isinstance(event, OutsideEvidenceImported) else ""
    by = case.name(event.actor)
    if told is None:
        return OutsideRow(sentence("control.outside-closed", party=by), "", "", log)
    return OutsideRow(
        sentence(
            "control.outside",
            whose=told["whose"],
            tool=paragraph(told["tool"], told["version"]),
            party=by,
        ),
        sentence(
            "control.outside-says",
            task=told["task"],
            model=told["model"],
            status=told["status"],
            read=told["read"],
            samples=told["samples"],
            scores=_counted(told["scores"]),
        ),
        paragraph(
            sentence("control.outside-altered", altered=_counted(told["altered"])),
            sentence("control.outside-unread", unread=_counted(told["unread"]))
            if told["unread"]
            else "",
        ),
        log,
    )


def _counted(found: Iterable[Mapping[str, Any]]) -> list[str]:
    listed = [sentence("control.counted", what=e["what"], count=e["count"]) for e in found]
    return listed or [sentence("control.none")]


# ------------------------------------------------------------------ what was not looked at


def _unlooked(case: AudienceCase, facts: ControlFacts, framework: Framework) -> Iterator[str]:
    """What a reader from whom nothing is withheld may take for not looked at."""
    if facts.hidden:
        yield sentence("control.unlooked-hidden")
        return
    numeric = [each for each in framework.criteria if isinstance(each, NumericCriterion)]
    if not any(each.domain == DOMAIN and not rules_recorded(each.family) for each in numeric):
        yield sentence("control.unlooked-capability")
    yield from _unlooked_conduct(facts)
    if not case.visible(SCANNED):
        yield sentence("control.unlooked-transcripts")
    for criterion in framework.criteria:
        asks = isinstance(criterion, DeclaredCriterion) and criterion.domain == DOMAIN
        if asks and criterion.id not in case.state.declared:
            yield sentence("control.unlooked-declared", title=criterion.title)
    if facts.unanswered:
        every, count = not facts.answers, len(facts.unanswered)
        yield sentence("control.unlooked-answers", every=every, count=count)
    if not facts.outside:
        yield sentence("control.unlooked-outside")


def _unlooked_conduct(facts: ControlFacts) -> Iterator[str]:
    seen = {row.rule for row in facts.conduct if row.measured}
    every = dict.fromkeys(rule for name in family_names() for rule in rules_recorded(name))
    missing = [words for words in map(rule_in_words, every) if words not in seen]
    if missing:
        yield sentence("control.unlooked-rules", rules=missing)
    unknown = sum(row.unknown for row in facts.conduct)
    if unknown:
        yield sentence("control.unlooked-items", count=unknown)
    if facts.conduct and not any(row.twins for row in facts.conduct):
        yield sentence("control.unlooked-twins")
