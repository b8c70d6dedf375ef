"""`touchstone submission endpoint-key`: a lab's key for its endpoint, handed in to a server.

The key is typed or read from stdin, and never an argument: others on the machine could see it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from getpass import getpass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId, check_options, refusals
from touchstone.cli.output import ask, tell
from touchstone.errors import BadInputError
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.client.server import TakesEndpointKeys

DONE = 0
LONGEST = 8192
"""Characters of a key."""
endpoint_key = App(
    name="endpoint-key", help="Hand in, revoke or look at the keys of an endpoint at a server."
)


@dataclass(frozen=True)
class _Keys:
    """What a server tells of keys, which is never a key."""

    case: str
    found: tuple[dict[str, Any], ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.found:
            yield f"No key was handed in for case {short_case(self.case)}."
        for each in self.found:
            done = "revoked" if each["revoked"] else "handed in"
            yield f"{each['name']}: {done} {each['at']} by {each['by']}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"case": self.case, "keys": list(self.found)}


@endpoint_key.command(name="set")
def set_(case: CaseId, name: str, *, where: AtServer = ANYWHERE) -> int:
    """Hand in a key, or replace it: sealed at the server for this case, and shown to nobody again.

    For example: touchstone submission endpoint-key set case-1 EXAMPLE_API_KEY
    --server https://review.example --as example-lab < key.txt

    Args:
        name: The variable that SUBMISSION.toml names with `api_key_env`.
    """
    with refusals():
        asked, whole = _asked(where, case)
        # Only now: a key is typed for nobody but the installation that is pinned.
        told = asked.hand_in_key(whole, name, _typed())
    tell(_Keys(whole, (_checked(told),)), json=where.json)
    return DONE


@endpoint_key.command
def revoke(case: CaseId, name: str, *, where: AtServer = ANYWHERE) -> int:
    """Take a key back: no chunk of the review begins with it any more.

    For example: touchstone submission endpoint-key revoke case-1 EXAMPLE_API_KEY
    --server https://review.example --as example-lab

    Args:
        name: The variable that SUBMISSION.toml names with `api_key_env`.
    """
    with refusals():
        asked, whole = _asked(where, case)
        told = asked.revoke_key(whole, name)
    tell(_Keys(whole, (_checked(told),)), json=where.json)
    return DONE


@endpoint_key.command
def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show which keys were handed in or revoked, when and by whom; never a key.

    For example: touchstone submission endpoint-key show case-1
    --server https://review.example --as example-lab
    """
    with refusals():
        asked, whole = _asked(where, case)
        told = asked.endpoint_keys(whole)
    tell(_Keys(whole, tuple(map(_checked, told))), json=where.json)
    return DONE


def _asked(where: AtServer, case: str) -> "tuple[TakesEndpointKeys, str]":
    """The server, once it showed to be the installation that is pinned, and the case's id there."""
    from touchstone.cli.hands_there import greeted_server

    check_options(where)
    if where.server is None:
        raise BadInputError(
            "--server: name the server that measures; on this machine a key is in the environment"
        )
    server, _, whole = greeted_server(where, case)
    return server, whole


def _typed() -> str:
    """What was typed, or piped in. Raises BadInputError where nothing was."""
    if sys.stdin.isatty():
        ask("Key: ")
        typed = getpass("")
    else:
        typed = sys.stdin.readline(LONGEST + 2)
    value = typed.strip()
    if not value or len(value) > LONGEST:
        raise BadInputError(
            f"no key was given, or one of more than {LONGEST} characters; fix: type it, or pipe"
            " it in"
        )
    return value


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """What a server tells of one key: its own words, and nothing beside them."""
    from touchstone.client.errors import UnheardError

    words = {name: told.get(name) for name in ("name", "at", "by")}
    if not all(isinstance(each, str) for each in words.values()):
        raise UnheardError("what came does not tell of a key")
    return {**words, "revoked": told.get("revoked") is True}
