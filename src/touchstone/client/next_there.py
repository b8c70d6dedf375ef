"""What is next for a party at a server, by its own machine: from entries that it checked itself."""

from collections.abc import Iterable, Iterator

from touchstone.client.acting import Client
from touchstone.editions.next_text import NextInCase
from touchstone.review.next_deeds import next_deeds, next_of_invited


def next_there(client: Client, party: str, cases: Iterable[str]) -> Iterator[NextInCase]:
    """By case, what is next for a party; each case is first brought up to date.

    Raises as `Client.look`.
    """
    for case in cases:
        seen = client.look(case)
        model, framework = seen.state.submission, seen.framework
        # Of who has left nothing is awaited, and to who may not read the law nothing can be told.
        if party in seen.state.left or (party in seen.state.parties and framework is None):
            continue
        if party not in seen.state.parties or framework is None:
            yield NextInCase(case, party, "", next_of_invited(party))
            continue
        found = next_deeds(framework, seen.state, party, seen.now())
        named = model.model if model else ""
        newer = bool(seen.state.unknown)
        if found or newer:
            yield NextInCase(case, party, named, found, len(seen.hidden), newer=newer)
