"""Guards on how a case begins: parties, inquiries, the submission."""

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.review.events import opening
from touchstone.review.state import State


def admits_fairly(_f: Framework, state: State, event: opening.PartyAdmitted) -> str | None:
    """New parties come through developer or centre; a key is changed by its own party only."""
    keys = {party.key: name for name, party in state.parties.items()}
    for each in event.admits:
        known = state.parties.get(each.party)
        if known and event.actor != each.party:
            return f"only {each.party} itself changes its key"
        if known and known.role != each.role:
            return f"{each.party} is {known.role} and stays so"
        if not known and state.parties[event.actor].role not in ("developer", "centre"):
            return "only the developer or the centre admits a new party"
        if not known and each.role in ("developer", "centre"):
            return f"a case has one {each.role}, from its opening on"
        if keys.get(each.key, each.party) != each.party:
            return f"the key for {each.party} is {keys[each.key]}'s: each party has its own"
    return None


def is_no_word_of_the_system(
    _f: Framework, state: State, event: opening.PartyAdmitted
) -> str | None:
    """Nobody new is called as an audience, a role or a label is."""
    new = (each for each in event.admits if each.party not in state.parties)
    bad = next((each.party for each in new if not may_name(each.party, each.role)), None)
    return None if bad is None else not_a_name(bad)


def nobody_joins_late(_f: Framework, state: State, event: opening.PartyAdmitted) -> str | None:
    """No party can be added once the developer has left or the content is destroyed."""
    new = any(each.party not in state.parties for each in event.admits)
    late = new and state.status in ("withdrawn", "destroyed")
    return f"the case is {state.status}: no party can be added" if late else None


def inquiry_is_new(_f: Framework, state: State, event: opening.InquiryAsked) -> str | None:
    """An inquiry's id is used once."""
    known = event.inquiry in state.inquiries
    return f"inquiry {event.inquiry} was asked already: take a new id" if known else None


def inquiry_is_known(_f: Framework, state: State, event: opening.InquiryAnswered) -> str | None:
    """Only what was asked is answered."""
    known = event.inquiry in state.inquiries
    return None if known else f"the developer asked no inquiry {event.inquiry}"


def is_no_inquiry(_f: Framework, state: State, _e: object) -> str | None:
    """An inquiry is a question about a model; it takes none in and designates nothing."""
    inquiry = state.opened is not None and state.opened.kind == "inquiry"
    return "this case is an inquiry: open a review or a screening" if inquiry else None


def measured_variants_stay(
    _f: Framework, state: State, event: opening.SubmissionReceived
) -> str | None:
    """What a variant is does not change once something of it is recorded."""
    measured = {key.variant for key in state.tallies} | set(state.snapshots)
    for variant in event.variants:
        if variant.id in measured and variant != state.variants.get(variant.id):
            return f"variant {variant.id} is measured already: give the changed one a new id"
    return None


def submission_is_current(
    _f: Framework, state: State, event: opening.SubmissionAssessed
) -> str | None:
    """The newest submission is what is assessed."""
    if state.submission is None:
        return "the developer has submitted nothing yet"
    if state.submission.submission != event.submission:
        return f"the newest submission is {state.submission.submission}"
    return None
