"""Guards on how a case begins: parties, inquiries, the submission."""

from typing import get_args

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.framework.kinds import Publication
from touchstone.review.events import opening
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def admits_fairly(_f: Framework, state: State, event: opening.PartyAdmitted) -> Ground | None:
    """New parties come through developer or centre; a key is changed by its own party only."""
    keys = {party.key: name for name, party in state.parties.items()}
    for each in event.admits:
        known = state.parties.get(each.party)
        if known and event.actor != each.party:
            return Ground("not-your-key", party=each.party)
        if known and known.role != each.role:
            return Ground("role-fixed", party=each.party, role=known.role)
        if not known and state.parties[event.actor].role not in ("developer", "centre"):
            return Ground("not-an-admitter")
        if not known and each.role in ("developer", "centre"):
            return Ground("role-not-admitted", role=each.role)
        if keys.get(each.key, each.party) != each.party:
            return Ground("key-of-another", party=each.party, holder=keys[each.key])
    return None


def is_no_word_of_the_system(
    _f: Framework, state: State, event: opening.PartyAdmitted
) -> Ground | None:
    """Nobody new is called as an audience, a role or a label is."""
    new = (each for each in event.admits if each.party not in state.parties)
    bad = next((each.party for each in new if not may_name(each.party, each.role)), None)
    return None if bad is None else Ground("names-no-party", party=bad, why=not_a_name(bad))


def nobody_joins_late(_f: Framework, state: State, event: opening.PartyAdmitted) -> Ground | None:
    """No party can be added once the developer has left or the content is destroyed."""
    new = any(each.party not in state.parties for each in event.admits)
    late = new and state.status in ("withdrawn", "destroyed")
    return Ground("too-late-to-join", status=state.status) if late else None


def inquiry_is_new(_f: Framework, state: State, event: opening.InquiryAsked) -> Ground | None:
    """An inquiry's id is used once."""
    known = event.inquiry in state.inquiries
    return Ground("inquiry-id-taken", inquiry=event.inquiry) if known else None


def inquiry_is_known(_f: Framework, state: State, event: opening.InquiryAnswered) -> Ground | None:
    """Only what was asked is answered."""
    known = event.inquiry in state.inquiries
    return None if known else Ground("inquiry-unknown", inquiry=event.inquiry)


def agreed_is_within_the_template(
    framework: Framework, _s: State, event: opening.AgreementSigned
) -> Ground | None:
    """Content is kept no longer, and no more is published, than the framework's template allows."""
    template = framework.agreement
    # A framework without one leaves it to the two: the law knows no other number to hold them to.
    if template is None or template.retention_days is None or template.publication is None:
        return None
    if event.retention_days > template.retention_days:
        return Ground(
            "retention-too-long",
            days=event.retention_days,
            most=template.retention_days,
            template=template.id,
        )
    least_first = get_args(Publication)
    if least_first.index(event.publication) > least_first.index(template.publication):
        return Ground(
            "publication-too-wide",
            publication=event.publication,
            most=template.publication,
            template=template.id,
        )
    return None


def is_no_inquiry(_f: Framework, state: State, _e: object) -> Ground | None:
    """An inquiry is a question about a model; it takes none in and designates nothing."""
    inquiry = state.opened is not None and state.opened.kind == "inquiry"
    return Ground("case-is-inquiry") if inquiry else None


def measured_variants_stay(
    _f: Framework, state: State, event: opening.SubmissionReceived
) -> Ground | None:
    """What a variant is does not change once something of it is recorded."""
    measured = {key.variant for key in state.tallies} | set(state.snapshots)
    for variant in event.variants:
        if variant.id in measured and variant != state.variants.get(variant.id):
            return Ground("variant-measured", variant=variant.id)
    return None


def weights_are_handed_in(
    _f: Framework, state: State, event: opening.SubmissionReceived
) -> Ground | None:
    """A submission names weights that the developer handed in, so that nobody waits for them."""
    manifests = {
        each.digest
        for each in state.documents.values()
        if each.kind == opening.WEIGHTS_MANIFEST and each.actor == event.actor
    }
    for variant in event.variants:
        if variant.weights is not None and variant.weights not in manifests:
            return Ground("weights-not-there", variant=variant.id, weights=variant.weights)
    return None


def submission_is_current(
    _f: Framework, state: State, event: opening.SubmissionAssessed
) -> Ground | None:
    """The newest submission is what is assessed."""
    if state.submission is None:
        return Ground("nothing-submitted")
    if state.submission.submission != event.submission:
        return Ground("submission-superseded", newest=state.submission.submission)
    return None
