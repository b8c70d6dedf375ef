"""`touchstone accounts`: who may come in at this server; run it where the server stands."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell, tell_facts

if TYPE_CHECKING:
    from touchstone.server.accounts.people import InvitedPerson, ShownAct, ShownPerson
    from touchstone.service.installation import Installation

DONE = 0
accounts = App(name="accounts", help="Say who may come in at this server, and as what.")
Person = Annotated[str, Parameter(help="The person's id, as `accounts list` shows it.")]
Roles = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role",
        negative="",
        help="What the person is there: submitter, evaluator, lead, official, reviewer,"
        " outside-evaluator, partner, counterpart, auditor; may be given several times.",
    ),
]


@contextmanager
def _opened_accounts() -> "Iterator[Installation]":
    """The installation of TOUCHSTONE_HOME with its accounts."""
    # First: Django is set up once, and the record would do it for itself alone.
    from touchstone.server.accounts.preparing import open_accounts

    with opened() as installation:
        from touchstone.records.settings import from_environment

        open_accounts(installation.home, from_environment())
        yield installation


@dataclass(frozen=True)
class _Invited:
    """An invitation, as it is told once."""

    told: "InvitedPerson"
    shown: "ShownPerson"
    fingerprint: str

    def lines(self) -> Iterator[str]:
        """For people."""
        who = f"{self.shown.name} ({self.told.person})"
        if self.shown.institution:
            yield f"{who} may come in for {self.shown.institution}: {', '.join(self.shown.roles)}."
        else:
            yield f"{who} may come in as an administrator."
        yield f"Code, once, until {self.told.expires}: {self.told.code}"
        yield "Give it to nobody else, with this server's address and its fingerprint, by which it"
        yield f"is known: {self.fingerprint}"
        party = f" --as {self.shown.institution}" if self.shown.institution else ""
        yield f"There: touchstone server join URL --fingerprint {self.fingerprint}{party}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.told.as_dict(), "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class _People:
    """Everybody, a line each and one for each device."""

    people: "tuple[ShownPerson, ...]"

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.people:
            yield "Nobody so far. Begin with: touchstone accounts first-administrator NAME"
        for each in self.people:
            state = "" if each.active else "  (removed)"
            where = each.institution or "of no institution"
            yield f"{each.person}  {where}  {', '.join(each.roles)}  {each.name}{state}"
            if each.active and each.invited_until:
                yield f"    a code that nobody used holds until {each.invited_until}"
            for device in each.devices:
                ended = f", ended {device.revoked}" if device.revoked else ""
                yield f"    {device.label}, since {device.added}{ended}: {device.key}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"people": [each.as_dict() for each in self.people]}


@dataclass(frozen=True)
class _Acts:
    """Who did what to whose account."""

    found: "tuple[ShownAct, ...]"

    def lines(self) -> Iterator[str]:
        """For people."""
        for each in self.found:
            yield f"{each.at}  {each.act}  {each.person}  by {each.by}{_facts(each.facts)}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        from dataclasses import asdict

        return {"acts": [asdict(each) for each in self.found]}


def _facts(facts: dict[str, Any]) -> str:
    said = [f"{name}: {_words(value)}" for name, value in sorted(facts.items())]
    return f"  ({'; '.join(said)})" if said else ""


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@accounts.command
def first_administrator(name: str, *, json: Json = False) -> int:
    """Invite the first administrator, who then says who else may come in.

    An administrator sees no contents of any case.

    For example: touchstone accounts first-administrator "Ann Example"

    Args:
        name: Who it is, for those who see the list of people.
    """
    from touchstone.server.accounts import people

    with _opened_accounts() as here:
        told = people.first_administrator(name, now=here.now(), random=here.random)
        _tell_invited(here, told, json=json)
    return DONE


@accounts.command
def invite(
    name: str,
    *,
    of: str = "",
    role: Roles = (),
    email: str = "",
    json: Json = False,
) -> int:
    """Invite a person: a code lets one device in, once; it is shown here and never again.

    For example: touchstone accounts invite "Ann Example" --of example-lab --role lead

    Args:
        name: Who it is, for those who see the list of people.
        of: The institution, by its party's id; without it: a further administrator.
        role: What the person is there.
        email: Where notices go.
    """
    from touchstone.server.accounts import people
    from touchstone.server.accounts.managing import Manager
    from touchstone.server.accounts.roles import ADMINISTRATOR

    roles = role or (() if of else (ADMINISTRATOR,))
    with _opened_accounts() as here:
        machine = Manager.machine()
        told = people.invite(machine, of, roles, name, email, now=here.now(), random=here.random)
        _tell_invited(here, told, json=json)
    return DONE


@accounts.command
def code(person: Person, *, json: Json = False) -> int:
    """Show a new code for a further device of a person; one that nobody used ends with it.

    For example: touchstone accounts code p0123456789abcdef01234567
    """
    from touchstone.server.accounts import people
    from touchstone.server.accounts.managing import Manager

    with _opened_accounts() as here:
        machine = Manager.machine()
        told = people.invite_again(machine, person, now=here.now(), random=here.random)
        _tell_invited(here, told, json=json)
    return DONE


@accounts.command(name="list")
def list_(*, of: str | None = None, json: Json = False) -> int:
    """List the people of this server, their roles and devices, and those removed.

    For example: touchstone accounts list --of example-lab

    Args:
        of: Only of this institution.
    """
    with _opened_accounts():
        found = tuple(each for each in _everybody() if of in {None, each.institution})
    tell(_People(found), json=json)
    return DONE


@accounts.command
def roles(person: Person, *, role: Roles, json: Json = False) -> int:
    """Give a person other roles, at once: its tokens allow no more than these.

    For example: touchstone accounts roles p0123456789abcdef01234567 --role reviewer
    """
    from touchstone.server.accounts import people
    from touchstone.server.accounts.managing import Manager

    with _opened_accounts() as here:
        shown = people.change_roles(Manager.machine(), person, role, now=here.now())
    said = f"{shown.name} is from now on, for {shown.institution}: {', '.join(shown.roles)}."
    tell_facts(said, shown.as_dict(), json=json)
    return DONE


@accounts.command
def remove(person: Person, *, device: str | None = None, json: Json = False) -> int:
    """End a person's account with its devices and tokens, at once; or one device of it.

    For example: touchstone accounts remove p0123456789abcdef01234567

    Args:
        device: Only this device, by its key as `accounts list` shows it.
    """
    from touchstone.server.accounts import people
    from touchstone.server.accounts.managing import Manager

    with _opened_accounts() as here:
        machine, now = Manager.machine(), here.now()
        if device is None:
            people.remove_person(machine, person, now=now)
            said = f"{person} is out, with all devices and tokens."
        else:
            people.revoke_device(machine, person, device, now=now)
            said = f"That device of {person} is out, with its tokens."
    tell_facts(said, {"person": person, "device": device}, json=json)
    return DONE


@accounts.command
def acts(*, json: Json = False) -> int:
    """Show who did what to whose account, oldest first.

    For example: touchstone accounts acts --json
    """
    with _opened_accounts():
        found = tuple(_all_acts())
    tell(_Acts(found), json=json)
    return DONE


def _tell_invited(here: "Installation", told: "InvitedPerson", *, json: bool) -> None:
    from touchstone.server.accounts.managing import Manager
    from touchstone.server.accounts.people import shown_person

    shown = shown_person(Manager.machine(), told.person)
    tell(_Invited(told, shown, here.keyring.history.lines[0].fingerprint), json=json)


def _everybody() -> "Iterable[ShownPerson]":
    from touchstone.server.accounts.managing import Manager
    from touchstone.server.accounts.people import list_people

    after = ""
    while True:
        page = list_people(Manager.machine(), after=after)
        yield from page.people
        after = page.after
        if not after:
            return


def _all_acts() -> "Iterable[ShownAct]":
    from touchstone.server.accounts.managing import Manager
    from touchstone.server.accounts.people import list_acts

    after = 0
    while page := list_acts(Manager.machine(), after=after):
        yield from page
        after = page[-1].n
