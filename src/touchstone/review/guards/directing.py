"""Guards on directives, on what the developer says to them, and on the bundles that it signs."""

from touchstone.framework import Framework
from touchstone.review.events import settling
from touchstone.review.state import State

Answer = settling.DirectiveAnswered | settling.DirectiveAnswerRevised


def agency_is_the_frameworks(
    f: Framework, _s: State, event: settling.DirectiveIssued
) -> str | None:
    """Where the framework names agencies, one of these issues."""
    named = [party.id for party in f.parties_with("agency")]
    if not named or event.actor in named:
        return None
    return f"{f.id} names {', '.join(named)}, and not {event.actor}"


def directive_is_new(_f: Framework, state: State, event: settling.DirectiveIssued) -> str | None:
    """A directive's id is used once."""
    known = event.directive in state.directives
    return f"directive {event.directive} is issued already: take a new id" if known else None


def directive_is_next(_f: Framework, state: State, event: settling.DirectiveIssued) -> str | None:
    """Directives are numbered 1, 2, 3 in their case, so that nobody misses one."""
    number = len(state.directives) + 1
    if event.number in {None, number}:
        return None
    return f"the next directive has number {number}, not {event.number}"


def directive_ends_later(
    _f: Framework, state: State, event: settling.DirectiveIssued
) -> str | None:
    """A directive that has ended orders nothing."""
    if event.expires > state.recorded_at:
        return None
    return f"its end {event.expires} is in the past, at {state.recorded_at}: set a later end"


def restored_is_ones_own(
    _f: Framework, state: State, event: settling.DirectiveIssued
) -> str | None:
    """An agency spares people from its own directives only, while they stand."""
    for name in event.restores:
        known = state.directives.get(name)
        if known is None:
            return f"it spares people from {name}, which nobody issued"
        if known.issued.actor != event.actor:
            return f"it spares people from {name}, which {known.issued.actor} issued"
        if known.lifted_at:
            return f"it spares people from {name}, which is lifted already"
    return None


def directive_is_known(
    _f: Framework, state: State, event: Answer | settling.DirectiveLifted
) -> str | None:
    """Only an issued directive is answered or lifted."""
    known = event.directive in state.directives
    return None if known else f"no directive {event.directive} is issued"


def directive_is_unanswered(
    _f: Framework, state: State, event: settling.DirectiveAnswered
) -> str | None:
    """A directive is answered once; the answer can be revised."""
    said = state.directives[event.directive].answer
    return f"{event.directive} is answered {said.answer}: revise that answer" if said else None


def directive_is_answered(
    _f: Framework, state: State, event: settling.DirectiveAnswerRevised
) -> str | None:
    """Only what was said can be said anew."""
    said = state.directives[event.directive].answer
    return None if said else f"{event.directive} has no answer so far: answer it"


def class_is_authorised(
    _f: Framework, state: State, event: settling.DirectiveAnswered
) -> str | None:
    """An answer by standing class names the classes in force now."""
    if event.answer != "by-standing-class":
        return (
            f"{event.answer} names no standing classes: leave them out" if event.standing else None
        )
    standing = state.standing
    if standing is None or standing.classes is None:
        return "the developer has authorised no standing classes"
    if event.standing != standing.classes:
        return f"the standing classes in force are {standing.classes}"
    if state.recorded_at >= standing.until:
        return f"the standing classes ended {standing.until}"
    return None


def directive_is_ones_own(
    _f: Framework, state: State, event: settling.DirectiveLifted
) -> str | None:
    """The agency that issued a directive lifts it, once."""
    directive = state.directives[event.directive]
    if directive.issued.actor != event.actor:
        return f"{directive.issued.actor} issued {event.directive} and lifts it"
    return f"{event.directive} is lifted already" if directive.lifted_at else None


def bundle_is_next(_f: Framework, state: State, event: settling.BundlePublished) -> str | None:
    """Numbers of bundles go up by one in their stream, also where one returns to an old state."""
    before = state.newest_bundle(event.stream)
    number = before.number + 1 if before else 1
    if event.number != number:
        return f"the next bundle of {event.stream} has number {number}, not {event.number}"
    if event.equals is not None and event.equals >= number:
        return f"there is no bundle {event.equals} of {event.stream} to return to"
    return None


def bundled_terms_are_agreed(
    _f: Framework, state: State, event: settling.BundlePublished
) -> str | None:
    """Only terms that were agreed, and that nobody took back, are bundled.

    Those of the newest bundle may go on, so that a directive can be ended, or carried out, under
    terms that are being talked about again.
    """
    newest = state.newest_bundle(event.stream)
    if event.terms in state.agreed_before or (newest and newest.terms == event.terms):
        return None
    return f"terms {event.terms} have not been agreed in this case"


def bundled_directives_are_answered(
    _f: Framework, state: State, event: settling.BundlePublished
) -> str | None:
    """A bundle carries out what is answered, by the order or by a reading that was given."""
    for each in event.directives:
        known = state.directives.get(each.directive)
        if known is None or known.answer is None:
            return f"directive {each.directive} is not issued or not answered"
        if each.order not in known.texts:
            return f"{each.order} is neither the order nor a reading of {each.directive}"
    return None


def bundle_is_published(_f: Framework, state: State, event: settling.ReceiptNoted) -> str | None:
    """A receipt is for a bundle that the developer published."""
    known = {(each.stream, each.number, each.bundle) for each in state.bundles}
    if (event.stream, event.number, event.bundle) in known:
        return None
    return f"bundle {event.number} of {event.stream} was not published, or is another"


def receipt_is_new(_f: Framework, state: State, event: settling.ReceiptNoted) -> str | None:
    """A receipt is noted once."""
    known = event.receipt in state.receipts
    return f"{event.gateway}'s receipt {event.number} is noted already" if known else None
