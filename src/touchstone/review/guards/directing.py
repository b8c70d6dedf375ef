"""Guards on directives, on what the developer says to them, and on the bundles that it signs."""

from touchstone.framework import Framework
from touchstone.review.events import settling
from touchstone.review.grounds import Ground
from touchstone.review.state import State

Answer = settling.DirectiveAnswered | settling.DirectiveAnswerRevised


def agency_is_the_frameworks(
    f: Framework, _s: State, event: settling.DirectiveIssued
) -> Ground | None:
    """Where the framework names agencies, one of these issues."""
    named = [party.id for party in f.parties_with("agency")]
    if not named or event.actor in named:
        return None
    return Ground("agency-not-named", framework=f.id, agencies=tuple(named))


def directive_is_new(_f: Framework, state: State, event: settling.DirectiveIssued) -> Ground | None:
    """A directive's id is used once."""
    known = event.directive in state.directives
    return Ground("directive-id-taken", directive=event.directive) if known else None


def directive_is_next(
    _f: Framework, state: State, event: settling.DirectiveIssued
) -> Ground | None:
    """Directives are numbered 1, 2, 3 in their case, so that nobody misses one."""
    number = len(state.directives) + 1
    if event.number in {None, number}:
        return None
    return Ground("directive-out-of-order", next=number, number=event.number)


def directive_ends_later(
    _f: Framework, state: State, event: settling.DirectiveIssued
) -> Ground | None:
    """A directive that has ended orders nothing."""
    # By the record's time: the date that a signer writes could be any.
    if event.expires > state.recorded_at:
        return None
    return Ground("directive-ended", expires=event.expires, at=state.recorded_at)


def restored_is_ones_own(
    _f: Framework, state: State, event: settling.DirectiveIssued
) -> Ground | None:
    """An agency spares people from its own directives only, while they stand."""
    for name in event.restores:
        known = state.directives.get(name)
        if known is None:
            return Ground("restored-unknown", directive=name)
        if known.issued.actor != event.actor:
            return Ground("restored-of-another", directive=name, issuer=known.issued.actor)
        if known.lifted_at:
            return Ground("restored-lifted", directive=name)
    return None


def directive_is_known(
    _f: Framework, state: State, event: Answer | settling.DirectiveLifted
) -> Ground | None:
    """Only an issued directive is answered or lifted."""
    known = event.directive in state.directives
    return None if known else Ground("directive-unknown", directive=event.directive)


def directive_is_unanswered(
    _f: Framework, state: State, event: settling.DirectiveAnswered
) -> Ground | None:
    """A directive is answered once; the answer can be revised."""
    said = state.directives[event.directive].answer
    if said is None:
        return None
    return Ground("directive-answered", directive=event.directive, answer=said.answer)


def directive_is_answered(
    _f: Framework, state: State, event: settling.DirectiveAnswerRevised
) -> Ground | None:
    """Only what was said can be said anew."""
    said = state.directives[event.directive].answer
    return None if said else Ground("directive-unanswered", directive=event.directive)


def class_is_authorised(
    _f: Framework, state: State, event: settling.DirectiveAnswered
) -> Ground | None:
    """An answer by standing class names the classes in force now."""
    if event.answer != "by-standing-class":
        return Ground("classes-not-asked", answer=event.answer) if event.standing else None
    standing = state.standing
    if standing is None or standing.classes is None:
        return Ground("classes-not-authorised")
    # By their digest: an answer under classes that were replaced meanwhile meant others.
    if event.standing != standing.classes:
        return Ground("classes-superseded", classes=standing.classes)
    if state.recorded_at >= standing.until:
        return Ground("classes-ended", until=standing.until)
    return None


def directive_is_ones_own(
    _f: Framework, state: State, event: settling.DirectiveLifted
) -> Ground | None:
    """The agency that issued a directive lifts it, once."""
    directive = state.directives[event.directive]
    if directive.issued.actor != event.actor:
        issuer = directive.issued.actor
        return Ground("directive-of-another", directive=event.directive, issuer=issuer)
    lifted = directive.lifted_at is not None
    return Ground("directive-lifted", directive=event.directive) if lifted else None


def bundle_is_next(_f: Framework, state: State, event: settling.BundlePublished) -> Ground | None:
    """Numbers of bundles go up by one in their stream, also where one returns to an old state."""
    before = state.newest_bundle(event.stream)
    number = before.number + 1 if before else 1
    if event.number != number:
        return Ground("bundle-out-of-order", stream=event.stream, next=number, number=event.number)
    if event.equals is not None and event.equals >= number:
        return Ground("bundle-unknown", stream=event.stream, number=event.equals)
    return None


def bundled_terms_are_agreed(
    _f: Framework, state: State, event: settling.BundlePublished
) -> Ground | None:
    """Only terms that were agreed, and that nobody took back, are bundled.

    Those of the newest bundle may go on, so that a directive can be ended, or carried out, under
    terms that are being talked about again.
    """
    newest = state.newest_bundle(event.stream)
    if event.terms in state.agreed_before or (newest and newest.terms == event.terms):
        return None
    return Ground("terms-not-agreed", terms=event.terms)


def bundled_directives_are_answered(
    _f: Framework, state: State, event: settling.BundlePublished
) -> Ground | None:
    """A bundle carries out what is answered, by the order or by a reading that was given."""
    for each in event.directives:
        known = state.directives.get(each.directive)
        if known is None or known.answer is None:
            return Ground("bundled-unanswered", directive=each.directive)
        if each.order not in known.texts:
            return Ground("bundled-order-unknown", order=each.order, directive=each.directive)
    return None


def bundle_is_published(_f: Framework, state: State, event: settling.ReceiptNoted) -> Ground | None:
    """A receipt is for a bundle that the developer published."""
    known = {(each.stream, each.number, each.bundle) for each in state.bundles}
    if (event.stream, event.number, event.bundle) in known:
        return None
    return Ground("bundle-not-published", stream=event.stream, number=event.number)


def receipt_is_new(_f: Framework, state: State, event: settling.ReceiptNoted) -> Ground | None:
    """A receipt is noted once."""
    known = event.receipt in state.receipts
    if not known:
        return None
    return Ground("receipt-noted", gateway=event.gateway, number=event.number)
