"""`touchstone server`: come in at somebody's server, from a party's own machine."""

import sys
from getpass import getpass
from typing import Annotated

from cyclopts import App, Parameter

from touchstone.cli.output import Json, ask, tell_facts
from touchstone.errors import BadInputError

DONE = 0
LONGEST = 200
"""Characters of a code, with what people type around it."""
server = App(name="server", help="Come in at a server, from one's own machine.")


@server.command
def join(
    url: str,
    *,
    fingerprint: str,
    party: Annotated[str | None, Parameter(name="--as")] = None,
    label: str = "a device",
    json: Json = False,
) -> int:
    """Take an invitation: this machine makes a device key and may then ask the server.

    The code is typed, or read from stdin, and never an argument: others could see it.

    For example: touchstone server join https://review.example --fingerprint SHA256:ab12... --as us

    Args:
        url: The server's address.
        fingerprint: That of the installation's first key, as its operator told it by another way.
        party: The party whose person you are; without it: an administrator of the server.
        label: What this machine is called to those who may end it.
    """
    from touchstone.cli.connecting import home_of, let_in
    from touchstone.cli.typed import fingerprint_of

    fingerprint_of("--fingerprint", fingerprint)
    home = home_of(party)
    account = let_in(home, url, fingerprint, party or "", _code(), label)
    whose = f"for {account.party}" if account.party else "as an administrator"
    said = f"This machine may ask {url} {whose} ({', '.join(account.roles)})."
    by_server = f"--server {url}{f' --as {account.party}' if account.party else ''}"
    if "people" in account.scopes:
        of = account.party or "PARTY"
        said += f"\nNext: touchstone accounts invite NAME --of {of} --role ROLE {by_server}"
    if account.party:
        said += f"\nWhat waits for {account.party}: touchstone next {by_server}"
    facts = {
        "person": account.person,
        "party": account.party,
        "roles": list(account.roles),
        "scopes": list(account.scopes),
    }
    tell_facts(said, facts, json=json)
    return DONE


def _code() -> str:
    """What was typed, or piped in. Raises BadInputError where nothing was."""
    if sys.stdin.isatty():
        ask("Code: ")
        typed = getpass("")
    else:
        typed = sys.stdin.readline(LONGEST + 1)
    code = typed.strip()
    if not code or len(code) > LONGEST:
        raise BadInputError("no code was given; fix: type it, or pipe it in")
    return code
