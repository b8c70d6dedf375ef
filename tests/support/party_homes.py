"""Parties' machines as commands find them: a home each, keys of their own, and one server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.party_server import CASE, OneParty, Party, Roles, begin
from touchstone.cli import connecting
from touchstone.client.party_home import PartyHome
from touchstone.keys import FileSigner
from touchstone.service.installation import Installation, open_installation

SERVER = "server"
URL = "http://127.0.0.1:7777"


@dataclass
class Machines:
    """The server's home and one of each party, with a case that all three joined."""

    folder: Path
    here: Installation
    parties: tuple[Party, ...]
    """The hands that began the case: for what commands are not asked to do."""
    servers: dict[str, OneParty] = field(default_factory=dict)

    @property
    def pinned(self) -> str:
        """The fingerprint that parties were told."""
        return self.here.keyring.history.lines[0].fingerprint

    def home(self, party: str) -> Path:
        """A party's TOUCHSTONE_HOME, or that of the server."""
        return self.folder / "server" if party == SERVER else self.folder / "machines" / party

    def key(self, party: str) -> FileSigner:
        """A party's key."""
        return PartyHome.open(self.home(party), party).signer()

    def server(self, party: str) -> OneParty:
        """What a party's machine talks to."""
        return self.servers.setdefault(party, OneParty(self.here, party))

    def events(self, case: str = CASE) -> list[str]:
        """The types of the case's entries."""
        return [each["type"] for each in self.here.records.case(case).events()]


@contextmanager
def machines(folder: Path, more: Roles = (), *, apart: bool = True) -> Iterator[Machines]:
    """All of them; the server's record is not where TOUCHSTONE_HOME of any party is.

    `more` are further parties that joined; `apart` is as for `open_installation`.
    """
    with open_installation(folder / "server", apart=apart) as here:
        parties = begin(here, folder, more)
        made = Machines(folder, here, parties)
        for party in (each.id for each in parties):
            own = made.home(party) / "parties" / party
            own.mkdir(mode=0o700, parents=True)
            for path in (made.home(party), own.parent, own):
                path.chmod(0o700)
            for name, target in (("key", "0"), ("next", "next-1")):
                shutil.copy(folder / party / "keys" / f"{name}.pem", own / f"{target}.pem")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connecting, "connect", lambda home, _: made.server(home.party))
            yield made
