"""Events as sentences, for the timeline of a report and for `review show`."""

from typing import Any

from touchstone.review.events.base import Event

# Each sentence reads the event's own facts by name; a test sees that every event type has one.
SENTENCES: dict[str, str] = {
    "case-opened": "Case opened as a {kind} under framework {framework[id]}.",
    "party-admitted": "Admitted: {admits}. {reason}",
    "participation-noted": "States that it is {status} under the framework.",
    "inquiry-asked": "Asks whether the model would qualify.",
    "inquiry-answered": "Answers inquiry {inquiry}: {answer}.",
    "agreement-signed": "Signs the agreement: access by {access}, reasoning {reasoning}, "
    "kept for {retention_days} days, publication: {publication}.",
    "submission-received": "Hands in {model} ({release_state}).",
    "submission-assessed": "Finds the submission {complete}.",
    "clock-anchored": "Clock laid on the {anchor}: asked to share by {share_by}, "
    "shortfall {shortfall_days} days.",
    "clock-paused": "Pauses the clock: {reason}",
    "clock-resumed": "Resumes the clock.",
    "clock-extended": "Gives {days} more days: {reason}",
    "clock-ended": "The clock ends: {reason}",
    "battery-sealed": "Seals the battery, before the first sample: {item_sets}.",
    "snapshot-seen": "Probes variant {variant} {moment} the samples.",
    "snapshot-changed": "Another model answers for {variant}: from here on it is {new_variant}.",
    "outcomes-recorded": "Records {outcomes} for {criterion} in mode {mode}.",
    "verdict-reached": "{criterion} in mode {mode}: {verdict} ({solved} of {counted} solved).",
    "sandbox-breached": "The sandbox was breached: {guard}",
    "review-halted": "Halts the measuring: {reason}",
    "review-resumed": "Resumes the measuring: {reason}",
    "finding-signed": "Signs finding {finding} on {domain}.",
    "outside-finding-signed": "Signs finding {finding} on {domain} and withholds its evidence: "
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
    "postponement-requested": "Asks to postpone the release until {until}. It binds nobody.",
    "postponement-answered": "Answers request {request}: {answer}.",
    "release-announced": "Releases the model ({scope}); it says that the model is {same_model} as "
    "reviewed.",
    "release-compared": "Compares what was released with what was reviewed: {compared}.",
    "directive-issued": "Issues directive {directive}, which ends {expires}.",
    "directive-answered": "Answers directive {directive}: {answer}.",
    "directive-lifted": "Lifts directive {directive}.",
    "report-issued": "Issues edition {edition} of the report for {audience}.",
    "review-withdrawn": "Leaves the review. It carries no penalty.",
    "case-closed": "Closes the case: {reason}",
    "case-destroyed": "Content and evidence were destroyed; the proofs stay.",
}

NAMES = {
    "not-said": "not said to be the same",
    "same": "the same",
    "changed": "changed",
    "covered": "covered frontier model",
    "not-covered": "not a covered frontier model",
    "agreed-report": "the report as agreed",
    "participation-only": "participation only",
    "public-release": "public release",
    "partner-release": "release to partners",
}


def sentence(event: Event) -> str:
    """One line that says what happened, from the event's own facts."""
    facts = event.facts()
    readable = {name: _readable(name, value) for name, value in facts.items()}
    return SENTENCES[event.type].format(**readable)


def named(word: str) -> str:
    """A word of the record as people say it."""
    return NAMES.get(word, word)


def _readable(name: str, value: Any) -> Any:
    if name == "admits":
        return ", ".join(f"{one['party']} as {one['role']}" for one in value)
    if name == "item_sets":
        return ", ".join(f"{one['size']} items for {one['criterion']}" for one in value)
    if name == "outcomes":
        return f"{len(value)} outcomes"
    if name == "complete":
        return "complete" if value else "incomplete"
    return named(value) if isinstance(value, str) else value
