"""Guards on terms, postponement and reports. Release and withdrawal have none."""

from touchstone.framework import Framework
from touchstone.review.events import settling
from touchstone.review.state import State


def table_is_free(_f: Framework, state: State, event: settling.TermsOffered) -> str | None:
    """Terms that await an answer are answered or countered before others are offered."""
    waiting = state.terms.on_table and not state.terms.declined and not state.agreed_terms
    # One's own offer may be replaced while it waits.
    if waiting and state.terms.offered_by != event.actor:
        return f"{state.terms.on_table} awaits an answer: agree, decline or counter"
    return None


def answered_terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsCountered
) -> str | None:
    """A counter-offer names the terms that it answers."""
    table = state.terms.on_table
    return None if event.answers == table else f"on the table: {table or 'nothing'}"


def offer_is_anothers(_f: Framework, state: State, event: settling.TermsCountered) -> str | None:
    """Nobody counters its own offer."""
    own = state.terms.offered_by == event.actor
    return "this party made the offer: offer anew instead" if own else None


def terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsAgreed | settling.TermsDeclined
) -> str | None:
    """What is agreed or declined is exactly what is on the table."""
    table = state.terms.on_table
    return None if event.terms == table else f"on the table: {table or 'nothing'}"


def request_is_new(
    _f: Framework, state: State, event: settling.PostponementRequested
) -> str | None:
    """A request's id is used once."""
    known = event.request in state.postponements
    return f"request {event.request} was made already: take a new id" if known else None


def request_is_known(
    _f: Framework, state: State, event: settling.PostponementAnswered
) -> str | None:
    """Only what was requested is answered."""
    known = event.request in state.postponements
    return None if known else f"nobody made a request {event.request}"


def something_is_released(_f: Framework, state: State, _e: object) -> str | None:
    """There is something to compare with."""
    return None if state.releases else "the developer has announced no release"


def edition_is_next(_f: Framework, state: State, event: settling.ReportIssued) -> str | None:
    """Editions for one audience are numbered 1, 2, 3."""
    last = state.reports.get(event.audience)
    number = last.edition + 1 if last else 1
    return None if event.edition == number else f"the next edition for {event.audience} is {number}"
