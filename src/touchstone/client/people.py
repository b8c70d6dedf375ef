"""Who may come in at a server, said from the machine of a lead or an administrator.

    desk = ServerDesk(HttpServer(url, tokens), SystemRandom())
    told = desk.invite("example-lab", ["submitter"], "Bob Example", "")

What a server says is taken as a stranger's: only what has the form of an answer is given on.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.client.errors import UnheardError
from touchstone.client.http_answers import Pages
from touchstone.client.http_server import HttpServer
from touchstone.keys import RandomSource

_KEY_SIZE = 16


class ToldByServer(BaseModel):
    """An answer; what a newer server says beside it is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self.model_dump(mode="json")


class ToldInvitation(ToldByServer):
    """Who was invited, and the code, which is told once."""

    person: str
    code: str
    expires: str


class ToldDevice(ToldByServer):
    """A device of a person."""

    key: str
    label: str
    added: str
    revoked: str


class ToldPerson(ToldByServer):
    """An account."""

    person: str
    institution: str
    name: str
    email: str
    roles: list[str]
    active: bool
    made: str
    invited_until: str
    devices: list[ToldDevice]


class ToldAct(ToldByServer):
    """Who did what to whose account."""

    n: int
    at: str
    by: str
    act: str
    person: str
    institution: str
    facts: dict[str, Any]


class _People(ToldByServer):
    people: list[ToldPerson]
    after: str


class _Acts(ToldByServer):
    acts: list[ToldAct]


Told = TypeVar("Told", bound=ToldByServer)


class ServerDesk:
    """The accounts of a server, as far as they are this person's to say.

    Each method raises UnpromisedError where the server says no, UnheardError where nothing that is
    an answer was heard.
    """

    def __init__(self, server: HttpServer, random: RandomSource) -> None:
        self._server = server
        self._random = random

    def invite(
        self, institution: str, roles: Sequence[str], name: str, email: str
    ) -> ToldInvitation:
        """Invite a person."""
        sent = {"institution": institution, "roles": list(roles), "name": name, "email": email}
        return self._told(ToldInvitation, "POST", "people", sent)

    def invite_again(self, person: str) -> ToldInvitation:
        """A code for a further device of a person."""
        return self._told(ToldInvitation, "POST", f"{_path(person)}/invitations")

    def shown(self, person: str) -> ToldPerson:
        """One person."""
        return self._told(ToldPerson, "GET", _path(person))

    def everybody(self) -> Iterator[ToldPerson]:
        """All people, page by page."""
        after, pages = "", Pages()
        while True:
            pages.go_on_at(after)
            path = f"people?after={quote(after, safe='')}" if after else "people"
            page = self._told(_People, "GET", path)
            yield from page.people
            if not page.people or page.after <= after:
                return
            after = page.after

    def change_roles(self, person: str, roles: Sequence[str]) -> ToldPerson:
        """Give a person other roles."""
        return self._told(ToldPerson, "PUT", f"{_path(person)}/roles", {"roles": list(roles)})

    def remove(self, person: str) -> None:
        """End a person's account."""
        self._server.ask("DELETE", _path(person))

    def end_device(self, person: str, key: str) -> None:
        """End one device of a person."""
        self._server.ask("DELETE", f"{_path(person)}/devices/{quote(key, safe='')}")

    def acts(self) -> Iterator[ToldAct]:
        """Who did what, oldest first."""
        after, pages = 0, Pages()
        while True:
            pages.go_on_at(after)
            page = self._told(_Acts, "GET", f"account-acts?after={after}")
            yield from page.acts
            if not page.acts or page.acts[-1].n <= after:
                return
            after = page.acts[-1].n

    def _told(
        self, kind: type[Told], method: str, path: str, sent: dict[str, Any] | None = None
    ) -> Told:
        # Sent again by whatever carries it, it is done once.
        key = {"Idempotency-Key": self._random.draw(_KEY_SIZE).hex()} if method == "POST" else {}
        try:
            return kind.model_validate(self._server.ask(method, path, sent, key))
        except ValidationError as error:
            raise UnheardError("what came is no answer about people") from error


def _path(person: str) -> str:
    return f"people/{quote(person, safe='')}"
