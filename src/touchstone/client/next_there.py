"""What is next for a party at a server, by its own machine: from entries that it checked itself."""

from collections.abc import Iterator, Sequence

from touchstone.client.acting import Client
from touchstone.editions.next_text import NextInCase, Unread
from touchstone.review.next_deeds import next_deeds, next_of_invited, own_deeds


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
    # Of who has left nothing is awaited.
    if party in seen.state.left:
        return
    if party not in seen.state.parties:
        yield NextInCase(case, party, "", next_of_invited(party))
        return
    named = model.model if model else ""
    newer = bool(seen.state.unknown)
    if framework is None:
        # These two always may read it: what hides it from them is what their person may see.
        words = seen.state.parties[party].role in ("developer", "centre")
        own = () if words else own_deeds(seen.state, party, seen.now())
        unread: Unread = "words" if words else "framework"
        yield NextInCase(case, party, named, own, len(seen.hidden), newer=newer, unread=unread)
        return
    found = next_deeds(framework, seen.state, party, seen.now())
    if found or newer:
        yield NextInCase(case, party, named, found, len(seen.hidden), newer=newer)
