"""How a command reaches a server: its address, who it must be, and the tokens of this machine."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from touchstone.client.entering import ServerAccount
    from touchstone.client.followed import Machine
    from touchstone.client.http_server import HttpServer
    from touchstone.client.party_home import PartyHome, ServerPlace

ADMINISTRATOR = "administrator"
"""Under this name, which no party may have, an administrator's machine keeps what it knows."""
_OPENED: "list[HttpServer]" = []
"""The servers that the command under way has reached."""


def connect(home: "PartyHome", place: "ServerPlace") -> "HttpServer":
    """The server at an address, for one party; closed when the command ends.

    Raises:
        NotJoinedError: it has not let this machine in.
        ServerAddressError: it is no such address, or no https beyond this machine.
    """
    from touchstone.client.entering import TokenSource
    from touchstone.client.errors import NotJoinedError
    from touchstone.client.http_server import HttpServer

    def enter(path: str, sent: dict[str, Any]) -> Any:
        # By the same connection: tokens are asked for where they are used.
        return server.enter(path, sent)

    tokens = TokenSource(place.folder, enter, _machine())
    account = tokens.account
    # A device key signs for one installation alone: another one there has not let it in.
    if (account.installation, account.party or ADMINISTRATOR) != (place.pinned, home.party):
        raise NotJoinedError(place.folder)
    server: HttpServer = HttpServer(place.url, tokens)
    _OPENED.append(server)
    return server


def close_connections() -> None:
    """Close what a command opened; whoever runs several in one process would keep them all."""
    while _OPENED:
        _OPENED.pop().close()


def home_of(party: str | None) -> "PartyHome":
    """What this machine knows for a party, or for an administrator. Raises KeyFileError."""
    from touchstone.client.party_home import PartyHome
    from touchstone.service.homes import check_home, home_folder

    return PartyHome(check_home(home_folder()), party or ADMINISTRATOR, None)


def require_party_named(url: str) -> None:
    """Ask for --as where this machine is a party's and no administrator's. Raises BadInputError."""
    from touchstone.errors import BadInputError
    from touchstone.service.homes import check_home, home_folder

    folder = check_home(home_folder())
    known = let_in_for(folder)
    if known and not (folder / "parties" / ADMINISTRATOR).is_dir():
        raise BadInputError(
            f"--as: no administrator came in from this machine; add --as PARTY, of"
            f" {', '.join(known)}, or come in: touchstone server join {url} --fingerprint"
            " SHA256:... --as PARTY"
        )


def let_in_for(folder: "Path") -> tuple[str, ...]:
    """The parties of which a home has keys, or people whom a server let in, in order."""
    parties = folder / "parties"
    found = (each.name for each in parties.iterdir()) if parties.is_dir() else ()
    return tuple(sorted({*found} - {ADMINISTRATOR}))


def let_in(
    home: "PartyHome", url: str, fingerprint: str, party: str, code: str, label: str
) -> "ServerAccount":
    """Take an invitation at the server, once it showed to be the installation that is pinned.

    Raises:
        WrongInstallationError: it is another.
        NotLetInError: it says no.
        UnheardError: nothing that is an answer was heard.
    """
    from touchstone.client.entering import take_invitation
    from touchstone.client.http_server import HttpServer
    from touchstone.client.trusting import greeted

    with HttpServer(url) as server:
        # Before anything is kept: a fingerprint that was typed wrong must not stay.
        greeted(server.greet(0), fingerprint, None, None)
        place = home.server(url, fingerprint)
        home.keep(place)
        return take_invitation(
            place.folder, fingerprint, party, code, label, server.enter, _machine()
        )


def _machine() -> "Machine":
    from touchstone.client.followed import Machine
    from touchstone.keys import SystemClock, SystemRandom

    return Machine(SystemClock(), SystemRandom())
