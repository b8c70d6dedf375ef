"""Guards on what is kept: days of reads, and what keeps a case from being destroyed.

How long content may be kept, which developer and centre agreed on, is the most that they allow and
keeps nothing: destroying earlier breaks it for nobody.
"""

from touchstone.framework import Framework
from touchstone.review.events import opening, settling
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def no_directive_is_in_force(
    _f: Framework, state: State, _e: settling.CaseDestroyed
) -> Ground | None:
    """No order stands, answered or not, and no gateway is still to carry one out."""
    carried = state.bundled_directives
    for name, each in state.directives.items():
        if state.recorded_at >= each.issued.expires:
            continue
        if each.lifted_at is None:
            issuer, until = each.issued.actor, each.issued.expires
            return Ground("directive-in-force", directive=name, issuer=issuer, until=until)
        if name in carried:
            return Ground("directive-carried-out", directive=name, stream=carried[name])
    return None


def no_dispute_is_open(_f: Framework, state: State, _e: object) -> Ground | None:
    """What a finding rests on stays while the developer disputes it."""
    for name, each in state.findings.items():
        # Who has left looks at nothing again: what it signed would keep a case for ever.
        if each.stands == "disputed" and each.signed.actor not in state.left:
            return Ground("dispute-open", finding=name, signer=each.signed.actor)
    return None


def no_halt_is_in_force(_f: Framework, state: State, _e: object) -> Ground | None:
    """Whoever halts a review has a reason to look at what is there, until it lifts the halt."""
    by = tuple(sorted(state.halted_by))
    return Ground("halt-in-force", by=by) if by else None


def day_is_over(_f: Framework, state: State, event: settling.ReadsDigested) -> Ground | None:
    """Reads may still come to a day that is not over (UTC)."""
    over = event.day < state.recorded_at[: len(event.day)]
    return None if over else Ground("day-not-over", day=event.day)


def day_is_not_digested(
    _f: Framework, state: State, event: settling.ReadsDigested
) -> Ground | None:
    """A day is digested once: a second digest would excuse what the first one finds out."""
    done = event.day in state.days_digested
    return Ground("day-digested", day=event.day) if done else None


def document_is_new(_f: Framework, state: State, event: opening.DocumentHandedIn) -> Ground | None:
    """A document's id is used once: what was handed in under it stays that."""
    known = event.document in state.documents
    return Ground("document-id-taken", document=event.document) if known else None
