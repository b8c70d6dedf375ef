"""Events as sentences, for the timeline of a report and for `review show`."""

from collections.abc import Mapping
from typing import Any

from touchstone.review import late_days
from touchstone.review.designation import STOPPED
from touchstone.review.events.base import Event, EventWithTexts, UnknownEvent
from touchstone.review.events.measuring import ClockAnchored, VerdictReached
from touchstone.statistics import VerdictWord
from touchstone.verdicts.run_progress import LOSSES, lost_beside

# Each sentence reads the event's own facts by name; a test sees that every event type has one.
SENTENCES: dict[str, str] = {
    "case-opened": "Case opened as a {kind} under framework {framework[id]}.",
    "party-admitted": "Admitted: {admits}. {reason}",
    "party-invited": "Invites {key_act[party]} as {key_act[role]}.",
    "party-joined": "Joins as {key_act[role]}, by its own key.",
    "signer-admitted": "Lets the key {key_act[label]} sign some deeds for it.",
    "signer-removed": "Ends one of its signing keys.",
    "party-key-rotated": "Replaces its key by the one announced before.",
    "participation-noted": "States that it is {status} under the framework.",
    "inquiry-asked": "Asks whether the model would qualify.",
    "inquiry-answered": "Answers inquiry {inquiry}: {answer}.",
    "agreement-signed": "Signs the agreement: access by {access}, reasoning {reasoning}, "
    "kept for {retention_days} days, publication: {publication}.",
    "submission-received": "Hands in {model}, {release_state}.",
    "submission-assessed": "Finds the submission {complete}.",
    "clock-anchored": "Lays the clock on the {anchor}: asked to share by {share_by} 23:59 "
    "{timezone}, {shortfall_days}.",
    "clock-paused": "Pauses the clock: {reason}",
    "clock-resumed": "Resumes the clock.",
    "clock-extended": "Gives {days} more days: {reason}",
    "clock-ended": "The clock ends: {reason}",
    "battery-sealed": "Seals the battery, before the first sample: {item_sets}.",
    "snapshot-seen": "Probes variant {variant} {moment} the samples.",
    "snapshot-changed": "Another model answers for {variant}: from here on it is {new_variant}.",
    "outcomes-recorded": "Records {outcomes} for {criterion} in {mode} mode.",
    "verdict-reached": "Reaches a verdict on {criterion} in {mode} mode: {verdict} "
    "({solved} of {counted} solved{stop}).",
    "sandbox-breached": "The sandbox was breached: {guard}",
    "measuring-stopped": "Measuring stops: {reason}.",
    "review-halted": "Halts the measuring: {reason}",
    "review-resumed": "Resumes the measuring: {reason}",
    "finding-signed": "Signs finding {finding} ({domain}).",
    "outside-finding-signed": "Signs finding {finding} ({domain}) and withholds its evidence: "
    "{withheld_reason}",
    "finding-responded": "Responds to finding {finding}: {stance}.",
    "finding-disputed": "Disputes finding {finding}: {grounds}",
    "finding-rerun": "Finding {finding} after a re-run: {outcome}.",
    "evidence-declared": "Declares evidence on {criterion}: {shows}.",
    "designation-proposed": "Proposes by rule: {designation}.",
    "designation-concurred": "Concurs with proposal {proposal}.",
    "designation-dissented": "Dissents from proposal {proposal}: {reason}",
    "designation-made": "Decides: {designation}.",
    "designation-revised": "Revises its decision: {designation}.",
    "terms-offered": "Offers terms of access.",
    "terms-countered": "Answers with a counter-offer.",
    "terms-agreed": "Agrees to the terms on the table.",
    "terms-declined": "Declines the terms on the table.",
    "postponement-requested": "Asks to postpone the release until {until} 23:59 in the "
    "framework's zone. It binds nobody.",
    "postponement-answered": "Answers request {request}: {answer}.",
    "release-announced": "Releases the model {scope}{same_model}.",
    "release-compared": "Compares what was released with what was reviewed: {compared}.",
    "directive-issued": "Issues directive {directive}, which ends {expires}.",
    "directive-answered": "Answers directive {directive}: {answer}.",
    "directive-answer-revised": "Revises its answer to directive {directive}: {answer}.",
    "directive-lifted": "Lifts directive {directive}.",
    "standing-classes-authorised": "Says which directives it answers at once, until {until}.",
    "bundle-published": "Signs policy bundle {number} for {stream}.",
    "receipt-noted": "Notes the receipt of gateway {gateway} for bundle {number}: applied "
    "{applied_at}.",
    "report-issued": "Issues edition {edition} of the report for {audience}.",
    "review-withdrawn": "Leaves the review. It carries no penalty.",
    "case-closed": "Closes the case: {reason}",
    "case-destroyed": "Content and evidence were destroyed; the proofs stay.",
}

# What a run of like entries says in one line.
RUNS: dict[str, str] = {
    "agreement-signed": "{count} signatures of the agreement.",
    "snapshot-seen": "{count} probes of what answers.",
    "outcomes-recorded": "Records {count} chunks of outcomes.",
    "verdict-reached": "Reaches {count} verdicts.",
    "finding-signed": "Signs {count} findings.",
    "finding-responded": "Responds to {count} findings.",
    "evidence-declared": "Declares evidence on {count} criteria.",
    "report-issued": "Issues {count} editions of the report.",
}

NAMES = {
    **STOPPED,
    "covered": "covered frontier model",
    "not-covered": "not a covered frontier model",
    "agreed-report": "the report as agreed",
    "participation-only": "participation only",
    "public-release": "public release",
    "partner-release": "release to partners",
    "in-development": "in development",
    "developer-premises": "the developer's premises",
    "would-qualify": "it would qualify",
    "would-not-qualify": "it would not qualify",
    "cannot-say": "it cannot say",
    "granted-in-part": "granted in part",
    "more-broadly": "more broadly",
    "by-standing-class": "by a class authorised beforehand",
    "not-met": "not met",
}

NOT_ASKED = "takes no part in this case, so nobody asked it"
"""Of an agency that the framework asks to concur, and that is no party."""
SCOPES = {"internal": "inside the developer", "partners": "to partners", "public": "to the public"}
SAME = {
    "same": "; it says that it is the model that was reviewed",
    "changed": "; it says that it was changed since the review",
    "not-said": "; it does not say whether it is the model that was reviewed",
}
NOT_SHOWN = {
    "not-seen": "; the mode asks for reasoning and showed none",
    "alike": "; a mode that asks for reasoning otherwise answered alike on every item",
}
NOTHING: Mapping[str, str] = {}


def sentence(
    event: Event,
    names: Mapping[str, str] = NOTHING,
    titles: Mapping[str, str] = NOTHING,
    texts: Mapping[str, str] = NOTHING,
) -> str:
    """One line that says what happened, from the event's own facts and the words that go with it.

    `names` are what people call parties, `titles` what they call criteria, by id; an id that has
    none stands for itself. `texts` are the words by fact, as `Entry.texts` gives them.
    """
    if isinstance(event, UnknownEvent):
        return _unknown(event, names)
    readable = {
        name: _readable(name, value, names, titles) for name, value in event.facts().items()
    }
    if isinstance(event, EventWithTexts):
        readable |= {name: texts.get(name, "[the text is not here]") for name in event.TEXTS}
    if isinstance(event, VerdictReached):
        readable |= _verdict(event)
    if isinstance(event, ClockAnchored):
        readable["shortfall_days"] = _lateness(event)
    return SENTENCES[event.type].format(**readable)


def _lateness(laid: ClockAnchored) -> str:
    """`728 days late`: counted from the day to share by, however long the window is."""
    late = late_days(laid)
    unit = "business day" if laid.business_days else "day"
    return f"{late} {unit}{'' if late == 1 else 's'} late" if late else "and it was in time"


def _verdict(event: VerdictReached) -> dict[str, str]:
    """An early verdict with the rate that it claims, and where it stopped."""
    words, stop = event.verdict.phrase, event.stop
    lost = "".join(f", {count} {LOSSES[kind]}" for kind, count in event.unmeasured.by_kind.items())
    if event.verdict == VerdictWord.NOT_MEASURED:
        lost += NOT_SHOWN.get(event.reasoning, "")
    lost += "".join(
        f"; {lost_beside(each)}"
        for each in event.references
        if each.unmeasured.total or not each.shown
    )
    if stop is None:
        return {"verdict": words, "stop": lost}
    if stop.claimed is not None:
        words = words.replace("the threshold", stop.claimed)
    early = stop.used < stop.size
    return {"verdict": words, "stop": lost + (f", stopped there of {stop.size}" if early else "")}


def _unknown(event: UnknownEvent, names: Mapping[str, str]) -> str:
    kind = event.type[:80] + (
        f", schema {event.schema_version}" if event.schema_version > 1 else ""
    )
    return (
        f"An event of a type that this version does not know: {kind}, "
        f"by {names.get(event.actor, event.actor)}, at {event.at}."
    )


def run_sentence(kind: str, count: int) -> str:
    """One line for so many entries of one type in a row."""
    return RUNS.get(kind, f"{kind.replace('-', ' ').capitalize()}: {{count}} times.").format(
        count=count
    )


def named(word: str) -> str:
    """A word of the record as people say it."""
    return NAMES.get(word, word)


def _readable(name: str, value: Any, names: Mapping[str, str], titles: Mapping[str, str]) -> Any:
    if name == "key_act" and isinstance(value, Mapping):
        party, role = value.get("party", ""), str(value.get("role", ""))
        return {**value, "party": names.get(party, party), "role": role.replace("-", " ")}
    if name in _LISTS:
        return _listed(name, value, names, titles)
    if not isinstance(value, str | int):
        return value
    known = {
        "audience": names.get(str(value), value),
        "criterion": f"“{titles[str(value)]}”" if value in titles else value,
        "domain": str(value).replace("-", " "),
        "complete": "complete" if value else "incomplete",
        **{word: phrases.get(str(value), value) for word, phrases in _WORDS.items()},
    }
    return known.get(name, named(value) if isinstance(value, str) else value)


_WORDS = {"scope": SCOPES, "same_model": SAME}
_LISTS = ("admits", "item_sets", "outcomes")


def _listed(name: str, value: Any, names: Mapping[str, str], titles: Mapping[str, str]) -> str:
    if name == "admits":
        return ", ".join(
            f"{names.get(one['party'], one['party'])} as {one['role'].replace('-', ' ')}"
            for one in value
        )
    if name == "item_sets":
        return ", ".join(
            f"{one['size']} items for {_readable('criterion', one['criterion'], names, titles)}"
            for one in value
        )
    return f"{len(value)} outcome{'' if len(value) == 1 else 's'}"
