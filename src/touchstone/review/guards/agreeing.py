"""Guards on terms, postponement and reports. Release and withdrawal have none."""

from touchstone.framework import Framework
from touchstone.review.events import settling
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def table_is_free(_f: Framework, state: State, event: settling.TermsOffered) -> Ground | None:
    """Terms that await an answer are answered or countered before others are offered."""
    waiting = state.terms.on_table and not state.terms.declined and not state.agreed_terms
    # One's own offer may be replaced while it waits.
    if waiting and state.terms.offered_by != event.actor:
        return Ground("offer-unanswered", terms=state.terms.on_table)
    return None


def answered_terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsCountered
) -> Ground | None:
    """A counter-offer names the terms that it answers."""
    return _not_on_table(state, event.answers)


def offer_is_anothers(_f: Framework, state: State, event: settling.TermsCountered) -> Ground | None:
    """Nobody counters its own offer."""
    return Ground("own-offer") if state.terms.offered_by == event.actor else None


def terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsAgreed | settling.TermsDeclined
) -> Ground | None:
    """What is agreed or declined is exactly what is on the table."""
    return _not_on_table(state, event.terms)


def _not_on_table(state: State, terms: str) -> Ground | None:
    table = state.terms.on_table
    if table is None:
        return Ground("table-empty")
    return None if terms == table else Ground("terms-superseded", terms=table)


def request_is_new(
    _f: Framework, state: State, event: settling.PostponementRequested
) -> Ground | None:
    """A request's id is used once."""
    known = event.request in state.postponements
    return Ground("request-id-taken", request=event.request) if known else None


def request_is_known(
    _f: Framework, state: State, event: settling.PostponementAnswered
) -> Ground | None:
    """Only what was requested is answered."""
    known = event.request in state.postponements
    return None if known else Ground("request-unknown", request=event.request)


def something_is_released(_f: Framework, state: State, _e: object) -> Ground | None:
    """There is something to compare with."""
    return None if state.releases else Ground("nothing-released")


def edition_is_next(_f: Framework, state: State, event: settling.ReportIssued) -> Ground | None:
    """Editions for one audience are numbered 1, 2, 3."""
    last = state.reports.get(event.audience)
    number = last.edition + 1 if last else 1
    if event.edition == number:
        return None
    return Ground(
        "edition-out-of-order", audience=event.audience, next=number, edition=event.edition
    )
