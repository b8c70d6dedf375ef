"""What is next for a party at a server, by its own machine: from entries that it checked itself."""

from collections.abc import Iterator, Sequence

from touchstone.client.acting import Client
from touchstone.editions.next_text import NextInCase
from touchstone.review.next_deeds import next_deeds, next_of_invited


def next_there(client: Client, party: str, beginning: str | None = None) -> Iterator[NextInCase]:
    """By case, what is next for a party: in every case that it may see, or those that begin so.

    Which cases there are the server says, beside those that this machine has followed: each is
    first brought up to date, and checked. An invitation is told on the server's word: to follow a
    case for it would let whoever opens cases have this machine follow any number.

    Raises as `Client.look`.
    """
    if beginning is not None and beginning in client.cases:
        cases, invited = [beginning], list[str]()
    else:
        cases = _beginning(client.every_case(), beginning)
        invited = _beginning(client.invitations(), beginning)
    if beginning is not None and not cases and not invited:
        # Nobody's, and the server says so in its own words.
        cases = [beginning]
    for case in cases:
        yield from _in_case(client, case, party)
    for case in invited:
        yield NextInCase(case, party, "", next_of_invited(party))


def _beginning(cases: Sequence[str], beginning: str | None) -> list[str]:
    return [case for case in cases if case.startswith(beginning or "")]


def _in_case(client: Client, case: str, party: str) -> Iterator[NextInCase]:
    seen = client.look(case)
    model, framework = seen.state.submission, seen.framework
    # Of who has left nothing is awaited, and to who may not read the law nothing can be told.
    if party in seen.state.left or (party in seen.state.parties and framework is None):
        return
    if party not in seen.state.parties or framework is None:
        yield NextInCase(case, party, "", next_of_invited(party))
        return
    found = next_deeds(framework, seen.state, party, seen.now())
    named = model.model if model else ""
    newer = bool(seen.state.unknown)
    if found or newer:
        yield NextInCase(case, party, named, found, len(seen.hidden), newer=newer)
