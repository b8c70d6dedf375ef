"""An installation that holds no party's key, as a party's client talks to it, honest or not."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from support.small_case import Minutes
from touchstone.client.acting import Client
from touchstone.client.errors import UnheardError
from touchstone.client.followed import Machine
from touchstone.client.server import Greeting
from touchstone.deeds.cases import (
    agreement_signed,
    case_opened,
    participation_noted,
    party_invited,
    party_joined,
    review_halted,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.deeds.signing import Outgoing
from touchstone.framework import Framework
from touchstone.keys import FileSigner, SystemRandom
from touchstone.ledger import loads
from touchstone.review.events.base import Role
from touchstone.service.cases.drafting import drafted_certificate, drafted_edition
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import (
    entries_since,
    installation_since,
    newest_of,
    published_head,
)
from touchstone.service.taking import take_back_deed, take_deed

Roles = tuple[tuple[str, Role], ...]
ROLES: Roles = (
    ("example-lab", "developer"),
    ("example-centre", "centre"),
    ("example-agency", "agency"),
)
FRAMEWORK = load_framework("example")
AGREEMENT = {
    "framework": FRAMEWORK.digest,
    "developer": "example-lab",
    "centre": "example-centre",
    "access": "endpoint",
    "reasoning": "full",
    "retention_days": 90,
    "publication": "agreed-report",
}
CASE = "case-1"


@dataclass
class OneParty:
    """A server in this process, for one party; a test takes a method's place by its own."""

    here: Installation
    party: str
    down: bool = False
    """Whether nothing is heard of it."""
    mute: bool = False
    """Whether it does what it is sent, and its answers are lost."""
    deaf: bool = False
    """Whether what it is sent does not arrive."""
    sent: list[Outgoing] = field(default_factory=list)

    def greet(self, size: int) -> Greeting:
        self._heard()
        return Greeting(*installation_since(self.here, size))

    def news(self, case: str, start: int) -> Iterable[bytes]:
        self._heard()
        return entries_since(self.here, case, self.party, start, sight="contents")

    def cases(self) -> Iterable[str]:
        self._heard()
        names = self.here.records.names()
        return [n for n in names if self.here.records.deeds.log(n).keys.has_joined(self.party)]

    def invitations(self) -> Iterable[str]:
        self._heard()
        return self.here.records.members.invitations(self.party, most=500).invitations

    def head(self, case: str) -> bytes:
        self._heard()
        return published_head(self.here, case, self.party, sight="contents")

    def newest(self, case: str, topics: Sequence[str]) -> Sequence[int | None]:
        self._heard()
        return newest_of(self.here, case, self.party, topics, sight="contents")

    def send(self, case: str, deed: Outgoing) -> bytes:
        self._heard()
        self.sent.append(deed)
        if self.deaf:
            raise UnheardError("it was not taken")
        answer = take_deed(
            self.here,
            case,
            deed.submitted,
            asker=self.party,
            now=self.here.now(),
            evidence=deed.evidence,
        )
        return self._answer(answer.line)

    def cancel(self, case: str, envelope: object) -> bytes:
        self._heard()
        answer = take_back_deed(self.here, case, envelope, asker=self.party, now=self.here.now())
        return self._answer(answer.line)

    def draft_destruction(self, case: str, reason: str) -> dict[str, Any]:
        self._heard()
        return dict(loads(drafted_certificate(self.here, case, self.party, reason).encode()))

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        self._heard()
        return asdict(drafted_edition(self.here, case, self.party, audience))

    def _heard(self) -> None:
        if self.down:
            raise UnheardError("nothing listens there")

    def _answer(self, line: bytes) -> bytes:
        if self.mute:
            raise UnheardError("the connection was cut")
        return line


@dataclass
class Party:
    """One party's machine: its key, its client, and what it talks to."""

    id: str
    role: Role
    home: Path
    signer: FileSigner
    following: FileSigner
    server: OneParty
    client: Client

    def act(self, draft: Callable[[SeenCase], Deed], case: str = CASE) -> int:
        """The entry at which the party's deed was recorded."""
        return self.client.act(case, self.signer, draft).n

    def again(self, folder: str = "client") -> "Party":
        """The same machine, started anew; in another folder it remembers nothing."""
        return _party(self.id, self.role, self.home, self.server, folder)

    def talks_to(self, server: OneParty) -> None:
        """Be led to another server."""
        self.server = server
        self.client = self.again().client

    def joins(self, case: str = CASE) -> int:
        """Join a case by its own key."""
        key, following = self.signer.public_key.hex(), self.following.fingerprint
        return self.act(lambda seen: party_joined(seen, self.id, self.role, key, following), case)


def party(here: Installation, homes: Path, name: str, role: Role, told: Roles = ROLES) -> Party:
    """A party with a home and keys of its own, that was told who is to take part."""
    home = homes / name
    home.mkdir(mode=0o700)
    for key in ("key", "next"):
        FileSigner.create(home / "keys" / f"{key}.pem")
    return _party(name, role, home, OneParty(here, name), told=told)


def _party(
    name: str,
    role: Role,
    home: Path,
    server: OneParty,
    folder: str = "client",
    told: Roles = ROLES,
) -> Party:
    signer, following = (FileSigner.load(home / "keys" / f"{key}.pem") for key in ("key", "next"))
    pinned = server.here.keyring.history.lines[0].fingerprint
    machine = Machine(server.here.clock, SystemRandom())
    client = Client.open(
        home / folder, server, party=name, pinned=pinned, told=told, machine=machine
    )
    return Party(name, role, home, signer, following, server, client)


def halts(by: str, why: str = "We look into a leak.") -> Callable[[SeenCase], Deed]:
    """A party halts the review."""
    return lambda seen: review_halted(seen, by, why)


def noted(by: Party, source: str = "A letter.") -> int:
    """The entry at which a party says that it takes part."""
    return by.act(lambda seen: participation_noted(seen, by.id, "participating", source))


@dataclass
class Begun:
    """A case that its three parties began, each by its own hand."""

    here: Installation
    clock: Minutes
    lab: Party
    centre: Party
    agency: Party

    @property
    def parties(self) -> tuple[Party, Party, Party]:
        """All three."""
        return self.lab, self.centre, self.agency


def begun(here: Installation, clock: Minutes, homes: Path) -> Begun:
    """The case that `begin` left in these homes."""
    lab, centre, agency = (
        _party(name, role, homes / name, OneParty(here, name)) for name, role in ROLES
    )
    return Begun(here, clock, lab, centre, agency)


def begin(here: Installation, homes: Path, more: Roles = ()) -> tuple[Party, ...]:
    """Open a case by the centre's hand, and let all three join it and agree; all who take part.

    `more` are further parties that join, known from the start.
    """
    told = (*ROLES, *more)
    everybody = tuple(party(here, homes, name, role, told) for name, role in told)
    lab, centre = everybody[:2]
    opens(centre, FRAMEWORK)
    for each in (lab, *everybody[2:]):
        invites(centre, each)
        each.joins()
    for each in (lab, centre):
        agrees(each)
    return everybody


def agrees(by: Party, case: str = CASE) -> int:
    """The entry at which a party signs the agreement."""
    return by.act(lambda seen: agreement_signed(seen, by.id, AGREEMENT, text_recorded=True), case)


def opens(centre: Party, framework: Framework, case: str = CASE) -> None:
    """The centre opens a case."""
    key = centre.signer.public_key.hex()
    own = centre.server.here.keyring.history.current.hex()
    following = centre.following.fingerprint
    centre.client.begin(
        case,
        centre.signer,
        lambda seen: case_opened(
            seen, centre.id, framework, "review", AGREEMENT, own, key, following
        ),
    )


def invites(centre: Party, invited: Party, case: str = CASE) -> int:
    """The centre invites a party, whose fingerprint it was told."""
    expects = invited.signer.fingerprint
    return centre.act(
        lambda seen: party_invited(seen, centre.id, invited.id, invited.role, expects), case
    )


def copied(here: Installation, home: Path) -> Path:
    """The installation's whole home as it is now, elsewhere."""
    shutil.copytree(here.home, home)
    return home
