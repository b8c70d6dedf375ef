"""A case as a party's own machine sees it: what is open to that party in a bundle, and no record.

It drafts and signs whatever its party may do, and foresees the answer as far as it can::

    seen = see_case(bundle_chunks, "example-lab", pinned=fingerprint, clock=clock, random=random)
    halting = review_halted(seen, "example-lab", "We look into a leak.")
    told = foresee(seen, framework, halting, seen.now())
    sent = seen.sign(halting, signer)

Entries whose event is not open to the party are there, and counted, and nothing else of them is
known: not what they changed, and not which topics they moved.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from touchstone.clearance import Decision, may_take, party_audience
from touchstone.deeds.agreed_readers import Readable, lookers_among, readers_in
from touchstone.deeds.deed import Deed, attached
from touchstone.deeds.known_case import Participants, participants_among
from touchstone.deeds.markings import Markings, markings
from touchstone.deeds.seen_entries import Showing, ShownParts, nothing_shown, seen_entry
from touchstone.deeds.signing import Outgoing, SeenLog, prepare_deed
from touchstone.framework import Framework, framework_of
from touchstone.handin import utc_text
from touchstone.keys import RandomSource, TimeSource
from touchstone.ledger import AlteredError, Opened, loads
from touchstone.ledger.contract2 import (
    CaseLog,
    DeedBundleSummary,
    DeedStatement,
    HiddenPart,
    PaddedEntry,
    parse_deed_facts,
    parse_deed_part,
    parse_key_act,
    parse_recorded_part,
    parse_statement_envelope,
    read_deed_bundle,
)
from touchstone.ledger.signing import Signer
from touchstone.review import (
    BadEventError,
    Refused,
    State,
    check_deed,
    decide,
    evolve_seen,
    read_event,
    topics_of,
)
from touchstone.review.audience_view import Entry
from touchstone.review.events.base import Role
from touchstone.review.view_only import CARRYING, NOBODY
from touchstone.verdicts.content_parsers import PARSERS


@dataclass(frozen=True)
class SeenCase:
    """A case as one party sees it; meets `KnownCase`."""

    party: str
    log: SeenLog
    """Its heads, and of deeds that are shown their keys and topics: what a deed is signed on."""
    state: State
    """What the events shown make of it. `hidden` ones count in its size and change nothing else;
    a deed that speaks to what one of them brought changes nothing either."""
    hidden: tuple[int, ...]
    """The entries, by n, whose events are not open to the party."""
    clock: TimeSource
    random: RandomSource
    told: tuple[tuple[str, Role], ...] = ()
    """Parties with their roles as the party was told them, with its invitation say: before it has
    joined, and the others have, the record shows it nothing of who takes part."""
    showing: Showing = nothing_shown
    """Gives its entries with their parts, where they are kept."""

    @property
    def participants(self) -> Participants:
        """The developer, the centre and the agencies, as the record shows them or they were told.

        Raises:
            MissingPartError: neither does.
        """
        shown = {name: each.role for name, each in self.state.parties.items()}
        told = {name: role for name, role in self.told if name not in self.state.left}
        return participants_among(told | shown)

    @property
    def marks(self) -> Markings:
        """The markings of the case."""
        who = self.participants
        return markings(who.developer, who.centre, who.agencies)

    def now(self) -> str:
        """The present moment (UTC) by this machine's clock."""
        return utc_text(self.clock.now())

    @property
    def whole(self) -> bool:
        """Whether no entry is hidden: only then does it say anything that something is missing."""
        return not self.hidden

    def agreed_readers(self, what: Readable) -> tuple[str, ...]:
        """Who may see that beside developer and centre, by the agreement that holds: party ids."""
        holds = self.state.agreement
        found = holds and readers_in(self.entries_of(*CARRYING), holds.agreement)
        return found.get(what, ()) if found else ()

    @property
    def lookers(self) -> frozenset[str]:
        """Who may look at what models answered and takes no copy, by the agreement that holds."""
        holds = self.state.agreement
        lookers = lookers_among(self.entries_of(*CARRYING), holds.agreement) if holds else NOBODY
        return lookers - {*self.state.having("developer")}

    @property
    def held_back(self) -> str:
        """Why the party is handed no copy of what models answered; empty where it is, or may be."""
        read = Decision(allowed=True, reason="")
        taken = may_take(party_audience(self.party), read, self.lookers)
        return "" if taken.allowed else taken.reason

    @cached_property
    def framework(self) -> Framework | None:
        """The framework that the case is held to; None where that is not shown to the party."""
        first = next(self.entries_of("case-opened"), None)
        return first.parsed("framework", framework_of) if first else None

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """The entries of these types that are shown, in order, as the party reads them."""
        for parts in self.showing():
            first = parts[0]
            # Most entries of a long case are outcomes, which nobody asks for one by one.
            if isinstance(first, Opened) and loads(first.data).get("type") in types:
                entry = seen_entry(parts)
                if entry is not None:
                    yield entry

    def sign(self, deed: Deed, signer: Signer) -> Outgoing:
        """The deed under the party's key, on the log as it is seen here.

        Of a destroyed case the facts go alone, as its record takes them.

        Raises:
            MalformedError: something of it is not in the form of the record.
        """
        bare = self.state.status == "destroyed"
        made = replace(deed, attachments=()) if bare else deed
        return prepare_deed(made, self.log, signer, self.random, self.now())


def see_case(
    bundle: Iterable[bytes],
    party: str,
    *,
    pinned: str,
    clock: TimeSource,
    random: RandomSource,
    told: Sequence[tuple[str, Role]] = (),
) -> SeenCase:
    """The case as a bundle shows it that was made for a party, once all of it was checked.

    Args:
        bundle: Its bytes (record contract 2) in pieces of any size.
        party: Whose machine this is.
        pinned: The fingerprint of the installation's first key, known from elsewhere.
        clock: This machine's.
        random: Where salts come from.
        told: What the party was told of who takes part; see `SeenCase.told`.

    Raises:
        AlteredError: the bundle does not hold, or is by another installation.
        MalformedError: it is no bundle of contract 2.
    """
    sight, leaves, parts = _Sight(), list[bytes](), list[Opened | HiddenPart]()
    for item in read_deed_bundle(bundle):
        if isinstance(item, PaddedEntry):
            leaves.append(item.leaf)
        elif isinstance(item, Opened | HiddenPart):
            # Another entry begins: only now are all parts of the one before it there.
            if item.i == 0 and item.n:
                sight.take_in(leaves[item.n - 1], parts)
                parts = []
            parts.append(item)
        elif isinstance(item, DeedBundleSummary):
            # Its first key and not today's: from the pinned one each rotation leads to the next.
            first = item.keys.lines[0].fingerprint
            if first != pinned:
                raise AlteredError(f"the bundle is by the installation {first}, not by {pinned}")
    sight.take_in(leaves[-1], parts)
    return SeenCase(
        party,
        sight.log,
        sight.state,
        tuple(sight.hidden),
        clock,
        random,
        tuple(told),
        lambda: sight.entries,
    )


class _Sight:
    """What is seen of a case while its entries come, each checked before."""

    def __init__(self) -> None:
        self.log = CaseLog()
        self.state = State()
        self.hidden: list[int] = []
        self.entries: list[ShownParts] = []

    def take_in(self, leaf: bytes, parts: ShownParts) -> None:
        """One entry, with all its parts in order."""
        first, n = parts[0], self.log.size
        self.entries.append(parts)
        if not isinstance(first, Opened):
            # It counts all the same: roots are over every entry, whether it is shown or not.
            self.log.append_hidden(leaf)
            self.hidden.append(n)
            self.state = replace(self.state, size=n + 1)
            return
        facts = parse_deed_facts(first.data, n)
        statement, at = _recorded(parts)
        self.log.append(leaf, statement, parse_key_act(facts), at, facts["at"])
        hidden = bool(self.hidden)
        self.state = evolve_seen(self.state, read_event(facts), at, hidden=hidden)


def _recorded(parts: ShownParts) -> tuple[DeedStatement, str]:
    """What was signed, and when it was recorded, of an entry whose event is shown.

    The reader has made sure that both are there.
    """
    shown = [part.data for part in parts[1:] if isinstance(part, Opened)]
    i = next(i for i, data in enumerate(shown) if loads(data)["kind"] == "deed")
    envelope = parse_deed_part(shown[i])["envelope"]
    return parse_statement_envelope(envelope).statement, parse_recorded_part(shown[i + 1])["at"]


@dataclass(frozen=True)
class Foresight:
    """What the server would answer to a deed now, as far as its party can tell."""

    refused: str
    """Why it would be refused, by what is seen; empty where nothing seen speaks against it."""
    hidden: int
    """Entries whose events are not open to the party: each may have changed the answer."""
    unseen_topics: tuple[str, ...]
    """Topics that the deed must name, of which the newest entry may be one that is not open to
    the party. Where it is, the deed is refused as stale: ask the server for the topic's newest."""
    code: str = ""
    """Names the refusal for programs, as the law does; empty where there is none."""

    @property
    def certain(self) -> bool:
        """Whether the server, with the same entries, answers so: the party sees all of them."""
        return not self.hidden


def foresee(seen: SeenCase, framework: Framework, deed: Deed, at: str) -> Foresight:
    """What law and layout say of a deed recorded at `at` (UTC), on the case as it is seen.

    The state is folded from the events that are open to the party. Where there are others, a
    refusal may rest on what one of them has changed since, and so may that there is none: then the
    answer is the server's alone to give. What others record meanwhile nobody foresees.

    Raises:
        BadEventError: this version knows no such type.
    """
    # The record's time does not go back: a clock that is behind it would foresee for a moment that
    # is over.
    event, moment = deed.event, max(at, seen.state.recorded_at)
    named = sorted(topics_of(event).must_name)
    unseen = tuple(topic for topic in named if _may_have_moved(seen, topic))
    bare = seen.state.status == "destroyed"
    if 0 in seen.hidden:
        # Not even the framework is open: the law cannot be asked.
        return Foresight("", len(seen.hidden), unseen)
    refused = code = ""
    try:
        decide(framework, seen.state, event, moment)
        parts = [] if bare else [attached(each) for each in deed.attachments]
        check_deed(seen.state, event, parts, PARSERS)
    except (Refused, BadEventError) as error:
        refused = str(error)
        code = error.code if isinstance(error, Refused) else "ill-formed"
    return Foresight(refused, len(seen.hidden), unseen, code)


def _may_have_moved(seen: SeenCase, topic: str) -> bool:
    newest = seen.log.newest(topic)
    # The newest of them is enough: if that one lies before, all do.
    return any(newest is None or n > newest for n in seen.hidden[-1:])
