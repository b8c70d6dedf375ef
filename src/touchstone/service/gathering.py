"""From a case to the facts of one edition: what the audience may read, and what it may not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from touchstone.clearance import Audience
from touchstone.evaluation import Elicitation
from touchstone.framework import Framework, NumericCriterion
from touchstone.report import (
    ClockFacts,
    CriterionReason,
    DesignationFacts,
    DifficultyCount,
    Fact,
    FindingFacts,
    ModeFacts,
    NotMeasured,
    PartyFacts,
    ReportData,
    ResultRow,
    TimelineEvent,
    VerificationFacts,
    Withheld,
)
from touchstone.review import State, concurrences, propose_designation
from touchstone.review.events.judging import DesignationProposed
from touchstone.review.events.opening import SubmissionReceived
from touchstone.review.state import RunKey
from touchstone.service.judging import Judged, judge
from touchstone.service.reading import Entry
from touchstone.service.words import named, sentence
from touchstone.statistics import exact

VERDICT_OF = {"met": "above", "not-met": "below", "undetermined": "undetermined"}


@dataclass(frozen=True)
class Shown:
    """What an edition is made from."""

    id: str
    framework: Framework
    state: State
    entries: tuple[Entry, ...]
    audience: Audience

    def visible(self, kind: str) -> list[Entry]:
        """The entries of one type that the audience may read."""
        return [entry for entry in self.entries if entry.event.type == kind and entry.visible]

    def content(self, kind: str, place: int = 0) -> Any:
        """A content of the newest visible entry of a type; None where it is not to be read."""
        found = [entry.contents for entry in self.visible(kind) if len(entry.contents) > place]
        return found[-1][place] if found else None


def gather(case: Shown, made_at: str, verification: VerificationFacts, marking: str) -> ReportData:
    """The facts of one edition."""
    received = case.state.submission if case.visible("submission-received") else None
    name = received.model if received else "a model"
    results = _results(case)
    return ReportData(
        title=f"Pre-release review of {name}",
        audience=case.audience.name,
        marking=marking,
        case=case.id[:12],
        made_at=_moment(made_at),
        summary=_summary(case, results),
        model=_model(case),
        framework=_framework(case),
        parties=_parties(case),
        clock=_clock(case),
        timeline=tuple(_timeline(entry) for entry in case.entries),
        modes=_modes(case),
        elicitation=_elicitation(case),
        results=results,
        findings=_findings(case),
        designation=_designation(case),
        not_measured=_not_measured(case, results),
        spent=_spent(case),
        verification=verification,
        withheld=_withheld(case),
    )


def _moment(at: str) -> str:
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M UTC")


def _summary(case: Shown, results: Sequence[ResultRow]) -> str:
    if not case.visible("submission-received"):
        return (
            "A review took place under a voluntary framework. What was measured is withheld from "
            "this audience; every part of the record is accounted for below."
        )
    modes = len({row.mode for row in results})
    criteria = len({row.criterion for row in results})
    measured = (
        f"{_number(criteria, 'criterion', 'criteria').capitalize()} measured in "
        f"{_number(modes, 'mode')}. "
        if results
        else "Nothing has been measured so far. "
    )
    designation = case.state.designating
    if case.visible("designation-made"):
        return measured + f"Officials decided: {named(designation.decisions[-1].designation)}."
    if case.visible("designation-proposed"):
        newest = designation.proposals[-1]
        met = {each.criterion for each in newest.reasons if each.says == "met"}
        above = [each.title for each in case.framework.criteria if each.id in met]
        because = f", because of: {'; '.join(above)}" if above else ""
        return f"{measured}The rule proposes: {named(newest.designation)}{because}."
    return measured + "No designation has been proposed."


def _number(count: int, one: str, many: str | None = None) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    text = words[count] if count < len(words) else str(count)
    return f"{text} {one if count == 1 else many or one + 's'}"


def _model(case: Shown) -> tuple[Fact, ...]:
    received = case.state.submission
    if received is None or not case.visible("submission-received"):
        return (Fact("Model", "withheld from this audience"),)
    planned = _planned_release(received)
    full = case.content("submission-received", 1) or {}
    return (
        Fact("Model", received.model),
        Fact("Developer", full.get("developer", {}).get("name", received.actor)),
        Fact("Release state", received.release_state.replace("-", " ")),
        Fact("Planned release", planned or "none planned"),
        Fact("Variants", ", ".join(variant.id for variant in received.variants)),
        Fact("Documents", _documents(full.get("documents"))),
        Fact("Submission", received.submission),
    )


def _planned_release(received: SubmissionReceived) -> str | None:
    return received.planned_public_release or received.planned_partner_release


def _documents(documents: list[dict[str, Any]] | None) -> str:
    if documents is None:
        return "withheld from this audience"
    return "; ".join(f"{d['title']} ({d['digest'][:19]}…)" for d in documents) or "none"


def _framework(case: Shown) -> tuple[Fact, ...]:
    if not case.visible("case-opened"):
        return (Fact("Framework", "withheld from this audience"),)
    framework = case.framework
    gate = "none: releasing is the developer's own act" if framework.gate == "none" else "approval"
    thresholds = {
        "stated": "stated in the framework",
        "undisclosed": "undisclosed; nothing is concluded from the measurements",
        "none": "none",
    }
    return (
        Fact("Framework", f"{framework.title}, version {framework.version}"),
        Fact("Status", framework.status.replace("-", " ")),
        Fact("Gate", gate),
        Fact("Thresholds", thresholds[framework.thresholds]),
        Fact("Digest", framework.digest),
        *(
            Fact(f"Claims that conflict: {name}", " / ".join(
                f"{fact.claim} ({fact.status}: {fact.source})" for fact in facts))
            for name, facts in case.framework.conflicts.items()
        ),
    )  # fmt: skip


def _parties(case: Shown) -> tuple[PartyFacts, ...]:
    if not case.visible("case-opened"):
        return ()
    designation = case.framework.designation
    full = case.content("submission-received", 1) or {}
    names = {party.id: party.name for party in case.framework.parties}
    names[full.get("developer", {}).get("id", "")] = full.get("developer", {}).get("name", "")

    def asked(party: str, role: str) -> str:
        if role == "developer":
            return "Shares the model, voluntarily; releasing it stays its own act."
        if role == "centre":
            return "Measures the model, proposes by rule and keeps the record."
        if designation and party == designation.made_by:
            return "Decides whether the model is a covered frontier model."
        if designation and party in designation.must_concur:
            return "Is asked to concur."
        return ""

    return tuple(
        PartyFacts(name, names.get(name) or name, party.role, asked(name, party.role))
        for name, party in case.state.parties.items()
    )


def _clock(case: Shown) -> ClockFacts | None:
    clock = case.state.clock
    if clock is None or not case.visible("clock-anchored"):
        return None
    laid, window = clock.anchored, case.framework.window
    unit = window.unit.replace("-", " ")
    words = f"The framework asks for {window.days} {unit} "
    words += (
        "from the submission on." if window.anchor == "submission"
        else f"before {named(window.anchor)}."
    )  # fmt: skip
    remarks = []
    if laid.shortfall_days:
        remarks.append(
            f"The model was shared {laid.shortfall_days} {unit} later than the framework asks. "
            "The developer may release all the same."
        )
    if laid.anchor != window.anchor:
        remarks.append(
            "No such release is planned, so the window runs from the submission."
            if laid.anchor == "submission"
            else f"The window is counted back from {named(laid.anchor)}."
        )
    if window.note:
        remarks.append(window.note)
    planned = case.state.submission
    return ClockFacts(
        window=words,
        timezone=laid.timezone,
        submitted=laid.shared_day,
        share_by=None if laid.anchor == "submission" else laid.share_by,
        ends=laid.review_by,
        planned_release=_planned_release(planned) if planned else None,
        shortfall_days=laid.shortfall_days,
        remarks=tuple(remarks),
    )


def _timeline(entry: Entry) -> TimelineEvent:
    if not entry.visible:
        return TimelineEvent(entry.n, "withheld", "withheld", f"Withheld ({entry.parts[0].label}).")
    event = entry.event
    return TimelineEvent(entry.n, event.at, event.actor, sentence(event))


def _modes(case: Shown) -> tuple[ModeFacts, ...]:
    shown = case.content("submission-received") or {}
    return tuple(
        ModeFacts(
            id=mode["id"],
            variant=mode["variant"],
            model=mode["model"],
            endpoint=mode["endpoint"],
            settings=", ".join(f"{k.replace('_', ' ')} {v}" for k, v in mode["settings"].items())
            or "the endpoint's defaults",
            snapshots=_snapshots(case, mode["variant"]),
        )
        for mode in shown.get("modes", ())
    )


def _snapshots(case: Shown, variant: str) -> str:
    if any(e.event.facts()["variant"] == variant for e in case.visible("snapshot-changed")):
        return "changed in mid-review: what came after is not pooled"
    moments = [e.event.facts()["moment"] for e in case.visible("snapshot-seen")
               if e.event.facts()["variant"] == variant]  # fmt: skip
    if not moments:
        return "none taken"
    return f"the same identity {', '.join(dict.fromkeys(moments))} the samples"


def _elicitation(case: Shown) -> tuple[Fact, ...]:
    sealed = case.content("battery-sealed")
    if sealed is None:
        return (Fact("Elicitation", "not sealed yet, or withheld from this audience"),)
    how = Elicitation.model_validate(sealed["elicitation"])
    return (
        Fact("Agent", f"{how.agent}: think, call tools, see their output, until it submits"),
        Fact("Tools", ", ".join(how.tools)),
        Fact("Attempts at each item", str(how.attempts)),
        Fact("Limits of a sample", f"{how.message_limit} messages, {how.token_limit:,} tokens, "
             f"{how.working_seconds} s of work, {how.tool_seconds} s a tool call"),
        Fact("Sandbox grade", sealed["grade"]),
        Fact("Counted by", "the rule fixed beforehand: refusals, time-outs, limits and errors "
             "count as unsolved; the first recorded outcome stands"),
        Fact("Elicitation record", how.digest),
        Fact("Sealed battery", sealed["battery"]["seed"]),
    )  # fmt: skip


def _results(case: Shown) -> tuple[ResultRow, ...]:
    """One row a criterion and mode that is complete and that the audience may read."""
    if not case.visible("outcomes-recorded"):
        return ()
    judged = {j.key: j for name in case.state.batteries
              for j in judge(case.framework, case.state, name)}  # fmt: skip
    rows = []
    for key, tally in case.state.tallies.items():
        solved, counted = tally.attempt().counts()
        if counted:
            rows.append(_row(case, key, solved, counted, judged.get(key)))
    return tuple(sorted(rows, key=lambda row: _place(case, row.criterion)))


def _place(case: Shown, criterion: str) -> int:
    ids = [each.id for each in case.framework.criteria]
    return ids.index(criterion) if criterion in ids else len(ids)


def _row(case: Shown, key: RunKey, solved: int, counted: int, judged: Judged | None) -> ResultRow:
    criterion = case.framework.criterion(key.criterion)
    numeric = criterion if isinstance(criterion, NumericCriterion) else None
    interval = exact(solved, counted)
    modes = {mode for k in case.state.tallies for mode in [k.mode] if k.variant != key.variant}
    tally = case.state.tallies[key]
    return ResultRow(
        criterion=key.criterion,
        title=numeric.title if numeric else key.criterion.replace("-", " ").capitalize(),
        domain=(numeric.domain if numeric else "no criterion").replace("-", " "),
        mode=f"{key.variant}: {key.mode}" if modes else key.mode,
        verdict=judged.verdict.word if judged else "undetermined" if numeric else "no-threshold",
        solved=solved,
        counted=counted,
        low=interval.low,
        high=interval.high,
        threshold=float(numeric.threshold) if numeric else None,
        zone=float(numeric.zone) if numeric else 0.0,
        alpha=float(numeric.alpha) if numeric else 0.0,
        beta=float(numeric.beta) if numeric else 0.0,
        extreme=solved in (0, counted),
        outcomes=tuple(sorted(tally.results.items(), key=lambda pair: -pair[1])),
        by_difficulty=_difficulties(case, key),
    )


def _difficulties(case: Shown, key: RunKey) -> tuple[DifficultyCount, ...]:
    counted: Counter[int] = Counter()
    solved: Counter[int] = Counter()
    for entry in case.visible("outcomes-recorded"):
        facts = entry.event.facts()
        if RunKey(*(facts[name] for name in RunKey._fields)) != key or not entry.contents:
            continue
        results = {each["index"]: each["result"] for each in facts["outcomes"]}
        for opened in entry.contents[0]["opened"]:
            difficulty = int(opened["item_id"].partition("/")[2].partition("-")[0])
            counted[difficulty] += 1
            solved[difficulty] += results[opened["index"]] == "solved"
    return tuple(DifficultyCount(d, solved[d], counted[d]) for d in sorted(counted))


def _findings(case: Shown) -> tuple[FindingFacts, ...]:
    found = []
    answers = {e.event.facts()["finding"]: e for e in case.visible("finding-responded")}
    for entry in case.visible("finding-signed"):
        facts = entry.event.facts()
        text = entry.contents[0] if entry.contents else {}
        answer = answers.get(facts["finding"])
        said = (
            f"The developer responds ({answer.event.facts()['stance']}): "
            f"{answer.contents[0]['text'] if answer.contents else 'withheld'}"
            if answer
            else "The developer has not responded so far; that is not agreement."
        )
        found.append(
            FindingFacts(
                id=facts["finding"],
                title=text.get("title", facts["finding"]),
                text=text.get("text", "The text is withheld from this audience."),
                signed_by=entry.event.actor,
                response=said,
            )
        )
    return tuple(found)


def _designation(case: Shown) -> DesignationFacts | None:
    if not case.visible("designation-proposed"):
        return None
    newest: DesignationProposed = case.state.designating.proposals[-1]
    titles = {criterion.id: criterion.title for criterion in case.framework.criteria}
    decided = case.visible("designation-made") + case.visible("designation-revised")
    made = "Officials have not decided so far."
    if decided:
        last = decided[-1].event.facts()
        made = (
            f"{last['actor']} decided on {last['at'][:10]}: {named(last['designation'])}. "
            f"{last['reasons']}"
        )
    return DesignationFacts(
        proposed=named(newest.designation),
        rule="Covered if any criterion is met; not covered only if every criterion was looked at "
        "and none is met; undetermined otherwise. "
        f"Here: {propose_designation(case.framework, case.state).summary}.",
        reasons=tuple(
            CriterionReason(
                criterion=each.criterion,
                title=titles.get(each.criterion, each.criterion),
                verdict=VERDICT_OF[each.says],
                reason=each.reason,
            )
            for each in newest.reasons
        ),
        made=made,
        concurrence=tuple(
            Fact(agency, word) for agency, word in concurrences(case.state, case.framework).items()
        ),
    )


def _not_measured(case: Shown, results: Sequence[ResultRow]) -> tuple[NotMeasured, ...]:
    measured = {row.criterion for row in results}
    rows = []
    for criterion in case.framework.criteria:
        if isinstance(criterion, NumericCriterion):
            if criterion.id not in measured:
                rows.append(NotMeasured(criterion.title, "no outcome has been recorded"))
        elif criterion.id not in case.state.declared:
            wanted = ", ".join(criterion.evidence)
            rows.append(NotMeasured(
                criterion.title, f"asks for evidence, not for tasks; none was declared ({wanted})"
            ))  # fmt: skip
        else:
            rows.append(NotMeasured(
                criterion.title, "declared by the developer with evidence; nobody measured it"
            ))  # fmt: skip
    spoken = {criterion.domain for criterion in case.framework.criteria}
    rows += [
        NotMeasured(domain.replace("-", " ").capitalize(), "the framework has no criterion for it")
        for domain in case.framework.domains
        if domain not in spoken
    ]
    rows.append(
        NotMeasured(
            "What another elicitation would draw out",
            "one agent, one attempt and one budget were used; more of each can only raise rates",
        )
    )
    rows.append(
        NotMeasured(
            "Holding back on purpose",
            "a model that underperforms deliberately is judged on what it showed",
        )
    )
    return tuple(rows)


def _spent(case: Shown) -> tuple[Fact, ...]:
    if not case.visible("outcomes-recorded"):
        return ()
    tokens = sum(tally.tokens for tally in case.state.tallies.values())
    samples = sum(tally.recorded for tally in case.state.tallies.values())
    return (Fact("Samples", f"{samples:,}"), Fact("Tokens, in and out", f"{tokens:,}"))


def _withheld(case: Shown) -> tuple[Withheld, ...]:
    counted: Counter[tuple[str, str]] = Counter()
    for entry in case.entries:
        what = sentence_kind(entry)
        for reading in entry.parts:
            if not reading.allowed:
                kind = "facts" if reading.part.i == 0 else (reading.value or {}).get("kind", "part")
                counted[f"{what}: {kind}", reading.label] += 1
    return tuple(
        Withheld(f"{what} ({number} parts)" if number > 1 else what, label)
        for (what, label), number in counted.items()
    )


def sentence_kind(entry: Entry) -> str:
    """What kind of entry it is, as far as the audience may know."""
    return entry.event.type.replace("-", " ") if entry.visible else "an entry"
