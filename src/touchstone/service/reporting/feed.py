"""What a server tells a party's machine of an installation and of a case, for it to check itself.

All of it is what the party may read anyway, as its bundle has it, from one entry on. Who is no
party of a case is told the same whether or not there is one. All that is read for a party is read
behind the second wall (`records.walls`), so that a check that is forgotten here shows nothing.
`sight` is how much of what the party may read the person sees who asks (`clearance.sight_of`).

    keys, note, proof = installation_since(installation, 7)
    lines = entries_since(installation, "case-1", "example-lab", 12)
"""

from collections.abc import Callable, Iterator, Sequence

from touchstone.clearance import (
    Audience,
    Decision,
    MembershipState,
    Sight,
    may_open,
    may_open_to_join,
    party_audience,
)
from touchstone.editions.audience_case import Example
from touchstone.ledger import PublishedHead, parse_checkpoint, parse_note
from touchstone.ledger.contract2 import MAX_NAMED, CaseKeys, is_topic, unknown_case
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import (
    CaseMissingError,
    CaseReader,
    InvitationPage,
    Page,
    PartyReading,
    SentCase,
)
from touchstone.review.audience_view import case_members, entry_for, read_entries
from touchstone.service.frameworks import pinned_framework
from touchstone.service.installation import Installation
from touchstone.service.reporting.edition_files import lines_for, page_for, shown_parts
from touchstone.service.reporting.told_cases import ToldCase, tell


def installation_since(
    installation: Installation, size: int
) -> tuple[tuple[bytes, ...], str, tuple[bytes, ...]]:
    """The key lines, the newest checkpoint, and the proof that it extends the one of a size."""
    log = installation.records.installation
    note = log.checkpoint()
    newest = parse_checkpoint(parse_note(note).text).size
    # Of a size that the log never had, or has now, there is nothing to prove.
    proof = tuple(log.consistency_of(newest)(size)) if 0 < size < newest else ()
    return tuple(line.line for line in installation.keyring.history.lines), note, proof


def entries_since(
    installation: Installation, case: str, party: str, start: int, *, sight: Sight
) -> Iterator[bytes]:
    """Of each entry of a case from `start` on its line, then one for each of its parts.

    Who is invited reads what anybody may, beside the acts on its own keys, until it has joined.

    Raises:
        UnpromisedError: there is no such case for this party.
    """
    audience = party_audience(party, "GREEN", sight)
    with installation.records.reading_as(party) as reading:
        reader, joined = _reader_for(reading, case, audience)
    if not joined:
        # Of the community that GREEN is for are the parties of a case: it is none yet.
        audience = party_audience(party, "CLEAR", sight)
    size = reader.size
    return _lines(installation.records.sent_to(party, case, size), audience, start)


def size_for(installation: Installation, case: str, party: str, *, sight: Sight) -> int:
    """How many entries a case has, for who may read of it. Raises UnpromisedError."""
    with installation.records.reading_as(party) as reading:
        return _reader_for(reading, case, party_audience(party, "GREEN", sight))[0].size


def news_for(
    installation: Installation, case: str, party: str, start: int, *, sight: Sight
) -> int | None:
    """How many entries a case has, where one from `start` on tells of more than days of reads.

    None where none does: to read digests of reads is not told in turn, else a case that somebody
    follows would never be still. The same is said to whom they are hidden. Raises UnpromisedError.
    """
    with installation.records.reading_as(party) as reading:
        reader = _reader_for(reading, case, party_audience(party, "GREEN", sight))[0]
        told = [n for n in reader.places_of(["reads-digested"]) if n >= start]
        return reader.size if len(told) < reader.size - start else None


def develops(installation: Installation, case: str, party: str, *, sight: Sight) -> bool:
    """Whether a party is the developer in a case that it has joined. Raises UnpromisedError."""
    _require_joined(installation, case, party_audience(party, "GREEN", sight))
    return party in installation.state(case).having("developer")


def published_head(installation: Installation, case: str, party: str, *, sight: Sight) -> bytes:
    """The line of a case's head, under a checkpoint that is signed now. Raises UnpromisedError."""
    with installation.records.reading_as(party) as reading:
        _reader_for(reading, case, party_audience(party, "GREEN", sight))
    # By whoever records: the heads of all cases are published and signed for, which writes.
    proof = installation.records.installation.prove(case)
    return PublishedHead(
        proof.head, proof.blind, proof.index, proof.inclusion, proof.checkpoint
    ).line


def own_bundle(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> Iterator[bytes]:
    """The party's bundle of a case as it is now, line by line, with its line feeds.

    Who sees facts alone is given the same with all contents withheld.

    Raises:
        UnpromisedError: there is no such case that this party has joined.
    """
    audience = party_audience(party, "GREEN", sight)
    _require_joined(installation, case, audience)
    # By whoever records, as for a head.
    proof = installation.records.installation.prove(case)
    reader = installation.records.sent_to(party, case, proof.head.size)
    return lines_for(installation, reader, audience, proof, installation.now())


def own_case(installation: Installation, case: str, party: str, *, sight: Sight) -> ToldCase:
    """The case as the party may read it now, to be told on pages; it is remembered.

    Raises:
        UnpromisedError: there is no such case that this party has joined.
    """
    audience, of_whom = party_audience(party, "GREEN", sight), f"{case} {party} {sight}"
    before = installation.told_cases.get(of_whom)
    with installation.records.reading_as(party) as reading:
        told = tell(before, _reader_for(reading, case, audience, may_open)[0], audience)
    if told.destroyed:
        # Of nobody: what stands nowhere else any more must not stand here.
        installation.told_cases.forget(lambda name: name.startswith(f"{case} "))
    else:
        installation.told_cases.keep(of_whom, told)
    return told


def own_page(installation: Installation, case: str, party: str, *, sight: Sight) -> bytes:
    """The case as the party may read it now, as one page (HTML); no deed tells of it.

    Raises:
        UnpromisedError: there is no such case that this party has joined.
    """
    audience = party_audience(party, "GREEN", sight)
    size = _require_joined(installation, case, audience)
    # By whoever records: what the case is under, and what is told of others of the developer.
    invented = pinned_framework(installation, case).example
    reader = installation.records.sent_to(party, case, size)
    example: Example = "framework" if invented else "none"
    return page_for(installation, reader, audience, installation.now(), example)


def moved_of(installation: Installation, party: str, since: str) -> dict[str, int]:
    """By case how many entries it has, of the party's cases that moved since a moment (UTC)."""
    with installation.records.reading_as(party) as reading:
        return reading.moved(since)


def newest_of(
    installation: Installation,
    case: str,
    party: str,
    topics: Sequence[str],
    *,
    sight: Sight,
) -> tuple[int | None, ...]:
    """For each topic the newest entry that touches it, be it one that the party may not read.

    A number alone: without it a party that is not shown all could sign no deed on a topic that such
    an entry touched. A topic of one thing (`finding:<id>`) of which the party may read nothing is
    to it as one that there never was; to who is invited, and has not joined, or has left, all are
    but that of its own keys. At most as many topics as a deed may be on (32). Raises
    UnpromisedError.
    """
    if len(topics) > MAX_NAMED:
        why = f"{len(topics)} topics are asked for: a deed is on at most {MAX_NAMED}"
        raise UnpromisedError("too-many-topics", why)
    audience = party_audience(party, "GREEN", sight)
    with installation.records.reading_as(party) as reading:
        reader, joined = _reader_for(reading, case, audience)
        # Which topics move is no business of who has left: it signs nothing on them any more.
        there = joined and party not in case_members(reader).left
        return tuple(_newest(reader, audience, topic, joined=there) for topic in topics)


def cases_of(
    installation: Installation,
    party: str,
    *,
    after: str | None = None,
    most: int = 50,
    framework: str | None = None,
) -> Page:
    """The cases that a party has joined, last updated first, a page at a time.

    Raises:
        PageError: `after` or `most` is none.
    """
    with installation.records.reading_as(party) as reading:
        return reading.cases(after=after, most=most, framework=framework)


def invitations_of(
    installation: Installation, party: str, *, after: str | None = None, most: int = 50
) -> InvitationPage:
    """The cases that a party is invited to, by id, a page at a time.

    Raises:
        PageError: `after` or `most` is none.
    """
    with installation.records.reading_as(party) as reading:
        return reading.invitations(after=after, most=most)


def _newest(reader: CaseReader, audience: Audience, topic: str, *, joined: bool) -> int | None:
    # Of its own keys a party is told even before it has joined: its joining must name them.
    own = topic == f"keys:{audience.name}"
    if not is_topic(topic) or not (joined or own):
        return None
    places = reader.touching(topic)
    # Whether there is a thing of that name would be told to whoever asks for names.
    told = own or ":" not in topic or any(entry_for(reader, n, audience).visible for n in places)
    return places[0] if places and told else None


def _lines(reader: SentCase, audience: Audience, start: int) -> Iterator[bytes]:
    entries = read_entries(reader, audience, start)
    for line, entry in zip(reader.lines(start), entries, strict=True):
        yield line
        for part in shown_parts([entry]):
            yield part.line


def _require_joined(installation: Installation, case: str, audience: Audience) -> int:
    """The case's size, once the party is seen to have joined it. Raises UnpromisedError."""
    with installation.records.reading_as(audience.name) as reading:
        return _reader_for(reading, case, audience, may_open)[0].size


def _reader_for(
    reading: PartyReading,
    case: str,
    audience: Audience,
    may: Callable[[Audience, MembershipState], Decision] = may_open_to_join,
) -> tuple[CaseReader, bool]:
    """The case, and whether the party has joined it: else it is invited, and reads to join.

    Where a server decides who reads of a case. Raises UnpromisedError, whatever the reason is.
    """
    # First, so that whether there is a case is not told by how long it takes to say no.
    if not reading.is_member(case):
        raise unknown_case()
    try:
        # The first wall; the second, where there is one, has let no row of another's case through.
        membership = _membership(reading.keys(case), audience.name)
        if not may(audience, membership).allowed:
            raise unknown_case()
        return reading.case(case), membership == "joined"
    except CaseMissingError as error:
        raise unknown_case() from error


def _membership(keys: CaseKeys, party: str) -> MembershipState:
    if keys.has_joined(party):
        return "joined"
    return "invited" if keys.knows(party) else "none"
