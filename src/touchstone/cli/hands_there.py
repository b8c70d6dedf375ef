"""A party's hand on its own machine: by a server, with the party's key in this home."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchstone.cli import connecting
from touchstone.cli.confirming import confirm
from touchstone.cli.hands import AtServer, DeedDone, Draft, NotDoneError, Where, careful
from touchstone.cli.output import warn
from touchstone.cli.passphrases import asked_once
from touchstone.client.acting import Client
from touchstone.client.before_signing import keys_that_sign, require_able
from touchstone.client.deed_file import DraftedDeed, log_for, write_deed_file
from touchstone.client.drafts import check_certificate
from touchstone.client.held_edition import HeldEdition, take_edition
from touchstone.client.party_case import PartyCase, case_shown
from touchstone.client.party_home import PartyHome, parties_of
from touchstone.client.preview import Preview, cautions_of, preview_of
from touchstone.client.server import DraftsForCentre
from touchstone.client.trusting import greeted
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.errors import BadInputError
from touchstone.framework import Framework
from touchstone.keys import FileSigner, SystemClock, SystemRandom
from touchstone.ledger.contract2 import CaseLog
from touchstone.ledger.errors import RefusedDeedError
from touchstone.review import State
from touchstone.review.events.base import Role
from touchstone.service.homes import check_home, home_folder

if TYPE_CHECKING:
    from touchstone.cli.hands import Hand
    from touchstone.client.http_server import HttpServer


@dataclass(frozen=True)
class ServerHand:
    """Acts by a server; meets `Hand`."""

    where: Where
    home: PartyHome
    client: Client

    def look(self, case: str, role: Role | None = None) -> PartyCase:
        """See `Hand.look`."""
        del role
        name = case_named(self.client, case)
        return case_shown(name, self.client.look(name))

    def act(
        self,
        case: str,
        draft: Draft,
        role: Role | None = None,
        signer: FileSigner | None = None,
    ) -> DeedDone:
        """See `Hand.act`."""
        del role
        name, draft = case_named(self.client, case), careful(case, draft)
        if self.where.to_file is not None:
            known = case_shown(name, self.client.look(name))
            deed = draft(known)
            seen = self.client.on_topics(name, known.seen, deed)
            return to_file(self.where, case_shown(name, seen), deed)
        drafted, signing = list[Deed](), signer or self._signer(name)

        def checked(seen: SeenCase) -> Deed:
            known = case_shown(name, seen)
            deed = draft(known)
            # Before anybody is asked whether it is to be signed.
            require_able(known.state, deed.event, signing)
            drafted.append(agreed(self.where, known, deed))
            return drafted[-1]

        receipt = self.client.act(name, signing, checked)
        return DeedDone(name, self.home.party, drafted[-1], receipt.n)

    def begin(
        self, case: str, draft: Draft, framework: Framework, roles: dict[str, Role]
    ) -> DeedDone:
        """See `Hand.begin`."""
        if self.where.to_file is not None:
            # Nothing of the case is there yet: only the server's own key is, which is held to.
            self.client.greet()
            told, machine = tuple(roles.items()), (SystemClock(), SystemRandom())
            seen = SeenCase(self.home.party, CaseLog(), State(), (), *machine, told)
            known = PartyCase(case, self.home.party, seen, framework, seen.entries_of)
            return to_file(self.where, known, draft(known))
        drafted: list[Deed] = []

        def checked(seen: SeenCase) -> Deed:
            told = replace(seen, told=tuple(roles.items()))
            known = PartyCase(case, self.home.party, told, framework, told.entries_of)
            drafted.append(agreed(self.where, known, draft(known)))
            return drafted[-1]

        receipt = self.client.begin(case, self.home.signer(), checked)
        return DeedDone(case, self.home.party, drafted[-1], receipt.n)

    def keys(self, *, make: bool = False) -> PartyHome:
        """See `Hand.keys`: where no key is, `touchstone party init` makes one, and nothing else."""
        del make
        return self.home

    def cases(self) -> tuple[str, ...]:
        """See `Hand.cases`."""
        return self.client.every_case()

    def installation_key(self) -> str:
        """See `Hand.installation_key`."""
        return self.client.greet().keys.current.hex()

    def endpoint_key(self, case: str, name: str) -> None:
        """See `Hand.endpoint_key`: else whoever has a token could take it."""

    def draft_destruction(self, case: str, reason: str) -> dict[str, Any]:
        """See `Hand.draft_destruction`. What comes is held against what this machine sees."""
        certificate = self._drafting().draft_destruction(case, reason)
        seen = self.client.look(case).log
        head = (seen.log, seen.size, seen.root(seen.size).hex())
        check_certificate(certificate, head, reason, self.client.greet().keys)
        return certificate

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        """See `Hand.draft_report`."""
        return self._drafting().draft_report(case, audience)

    def _drafting(self) -> DraftsForCentre:
        """The server, as far as it drafts. Raises BadInputError where it does not."""
        # Whom to believe is known before anything is asked of it.
        self.client.greet()
        place = self.home.server(self.where.server or "", self.where.trust)
        server = connecting.connect(self.home, place)
        if not isinstance(server, DraftsForCentre):
            raise BadInputError("--server: drafts nothing for a centre")
        return server

    def settle(self, case: str) -> None:
        """See `Hand.settle`."""
        for kept in self.client.unanswered:
            if kept.case == case_named(self.client, case):
                with suppress(RefusedDeedError):
                    self.client.send(kept.digest)

    def unasked(self) -> "ServerHand":
        """See `Hand.unasked`."""
        return replace(self, where=replace(self.where, yes=True))

    def _signer(self, case: str) -> FileSigner:
        """The key that the party has in this case, or the signer's that this machine has."""
        party = self.client.look(case).state.parties.get(self.home.party)
        return self.home.signer(party.key if party else None)


def server_hand(where: Where, *, looking: bool = False) -> ServerHand:
    """The hand of a party of this machine at a server; `looking`: of a person who signs nothing.

    Raises BadInputError where the party has no key here, or nothing is known of the server.
    """
    # What is signed elsewhere may be drafted where no key is.
    home, client = client_of(where, keyless=looking or where.to_file is not None)
    return ServerHand(where, home, client)


def case_named(client: Client, beginning: str) -> str:
    """The followed case that begins so; else what was given, as the whole id of a new one.

    Raises BadInputError: several begin so, or it is empty.
    """
    if not beginning:
        raise BadInputError("CASE: name the case, by its id or enough of its beginning")
    found = [case for case in client.cases if case.startswith(beginning)]
    if len(found) > 1 and beginning not in found:
        raise BadInputError(f"CASE: {len(found)} cases begin with {beginning[:64]!a}; say more")
    return found[0] if len(found) == 1 else beginning


def client_of(where: Where | AtServer, *, keyless: bool = False) -> tuple[PartyHome, Client]:
    """A party's home, and its client at a server.

    `keyless`: it signs nothing, so that no key of the named party needs be here. Raises
    BadInputError.
    """
    home = party_home(where.party, keyless=keyless)
    place = home.server(where.server or "", where.trust)
    server = connecting.connect(home, place)
    if where.trust is not None:
        # Before it is kept: a fingerprint that was typed wrong must not stay.
        greeted(server.greet(0), place.pinned, None, None)
    home.keep(place)
    return home, Client.open(place.client_folder, server, party=home.party, pinned=place.pinned)


def greeted_server(where: AtServer, case: str) -> tuple["HttpServer", Client, str]:
    """A server, once it showed to be the installation that is pinned, and a case's id there.

    For what is no deed and stands in no record. Raises BadInputError.
    """
    home = party_home(where.party, keyless=True)
    place = home.server(where.server or "", where.trust)
    server = connecting.connect(home, place)
    client = Client.open(place.client_folder, server, party=home.party, pinned=place.pinned)
    client.greet()
    return server, client, case_named(client, case)


def export(where: AtServer, case: str, folder: Path) -> HeldEdition:
    """Take a party's edition of a case into a folder. Raises as `take_edition`."""
    home, client = client_of(where, keyless=True)
    place = home.server(where.server or "", where.trust)
    name = case_named(client, case)
    with connecting.connect(home, place) as server:
        held = take_edition(server, name, home.party, place.pinned, folder)
    return replace(held, held_back=client.look(name).held_back)


def party_home(name: str | None, *, keyless: bool = False) -> PartyHome:
    """The named party's keys on this machine; else those of the only one. Raises BadInputError."""
    folder = check_home(home_folder())
    if name is None:
        known = parties_of(folder) or (connecting.let_in_for(folder) if keyless else ())
        if len(known) != 1:
            named = ", ".join(known) or "none"
            raise BadInputError(f"--as: name the party; this machine is of: {named}")
        name = known[0]
    if keyless:
        return PartyHome(folder, name, asked_once())
    return PartyHome.open(folder, name, asked_once())


def agreed(where: Where, known: PartyCase, deed: Deed) -> Deed:
    """The deed, once whoever signs has seen what binds and said yes.

    Raises NotDoneError: it would be refused, for all that the server knows; NotConfirmedError.
    """
    preview = _previewed(known, deed)
    if not where.yes:
        question = f"Sign this as {known.by}? [y/N] "
        confirm(preview.lines(), question, "sign", "nothing was signed")
    else:
        doubt(known, deed)
    return deed


def doubt(known: PartyCase, deed: Deed) -> None:
    """Warn of what is seldom meant, where nobody is shown the deed before it is signed."""
    for line in cautions_of(known.state, deed.event):
        warn(line)


def to_file(where: Where, known: PartyCase, deed: Deed) -> DeedDone:
    """Write the deed to the file that was asked for. Raises NotDoneError, DeedFileError."""
    if where.to_file is None:
        raise TypeError("no file was asked for")
    preview, state = _previewed(known, deed), known.state
    doubt(known, deed)
    keys = keys_that_sign(state, deed.event)
    drafted = DraftedDeed(
        known.id,
        deed,
        log_for(deed, known.seen.log, tuple(keys)),
        keys,
        dict(preview.roles),
        preview.foreseen,
        preview.then,
        bare=state.status == "destroyed",
    )
    write_deed_file(where.to_file, drafted)
    return DeedDone(known.id, known.by, deed, None, where.to_file)


def _previewed(known: PartyCase, deed: Deed) -> Preview:
    preview = preview_of(known.id, known.seen, known.framework, deed, known.now())
    told = preview.foreseen
    if told.refused and told.certain:
        raise NotDoneError(told.code, f"{told.refused}; nothing was signed")
    return preview


if TYPE_CHECKING:

    def _meets(hand: ServerHand) -> Hand:
        return hand
