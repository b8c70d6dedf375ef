"""`touchstone accounts`: who may come in at a server, said where it stands or by the server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import AtServer
from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell, tell_facts
from touchstone.cli.typed import line_of, name_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.people import ServerDesk, ToldAct, ToldInvitation, ToldPerson
    from touchstone.server.accounts.desk import MachineDesk
    from touchstone.server.accounts.people import InvitedPerson, ShownAct, ShownPerson

DONE = 0
HERE = AtServer()
accounts = App(name="accounts", help="Say who may come in at a server, and as what.")
Person = Annotated[str, Parameter(help="The person's id, as `accounts list` shows it.")]
Roles = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role",
        negative="",
        help="What the person is there: submitter, evaluator, lead, official, reviewer,"
        " outside-evaluator, partner, counterpart, auditor; may be given several times. Of no"
        " institution: administrator.",
    ),
]


@contextmanager
def _machine_desk() -> "Iterator[tuple[MachineDesk, str]]":
    """The accounts of TOUCHSTONE_HOME, and its installation's fingerprint."""
    # First: Django is set up once, and the record would do it for itself alone.
    from touchstone.server.accounts.preparing import open_accounts

    with opened(begins=True) as here:
        from touchstone.records.settings import from_environment
        from touchstone.server.accounts.desk import MachineDesk

        open_accounts(here.home, from_environment())
        yield MachineDesk(here), here.keyring.history.lines[0].fingerprint


@contextmanager
def _desk(where: AtServer) -> "Iterator[tuple[MachineDesk | ServerDesk, str]]":
    """The desk that the options ask for, and the installation's fingerprint."""
    if where.server is None:
        with _machine_desk() as found:
            yield found
        return
    from touchstone.cli.connecting import connect, home_of, require_party_named
    from touchstone.client.people import ServerDesk
    from touchstone.keys import SystemRandom

    if where.party is None:
        require_party_named(where.server)
    home = home_of(where.party)
    place = home.server(where.server, where.trust)
    with connect(home, place) as server:
        yield ServerDesk(server, SystemRandom()), place.pinned


@dataclass(frozen=True)
class _Invited:
    """An invitation, as it is told once."""

    told: "InvitedPerson | ToldInvitation"
    shown: "ShownPerson | ToldPerson"
    fingerprint: str
    address: str
    """Where the server was asked for it; empty: this machine is the server."""

    def lines(self) -> Iterator[str]:
        """For people."""
        who = f"{self.shown.name} ({self.told.person})"
        if self.shown.institution:
            yield f"{who} may come in for {self.shown.institution}: {', '.join(self.shown.roles)}."
        else:
            yield f"{who} may come in as an administrator."
        # Told here alone: from what is kept of it, no code can be made again.
        yield f"Code, once, until {self.told.expires}: {self.told.code}"
        yield "Give it to nobody else, with this server's address and its fingerprint, by which it"
        yield f"is known: {self.fingerprint}"
        party = f" --as {self.shown.institution}" if self.shown.institution else ""
        # By which address others reach this machine it does not know.
        there = "There" if self.address else "There, with the server's address for ADDRESS"
        address = self.address or "ADDRESS"
        yield f"{there}: touchstone server join {address} --fingerprint {self.fingerprint}{party}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.told.as_dict(), "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class _People:
    """Everybody, a line each and one for each device."""

    people: "Sequence[ShownPerson | ToldPerson]"

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

    found: "Sequence[ShownAct | ToldAct]"

    def lines(self) -> Iterator[str]:
        """For people."""
        for each in self.found:
            yield f"{each.at}  {each.act}  {each.person}  by {each.by}{_facts(each.facts)}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"acts": [each.as_dict() for each in self.found]}


def _facts(facts: dict[str, Any]) -> str:
    said = [f"{name}: {_words(value)}" for name, value in sorted(facts.items())]
    return f"  ({'; '.join(said)})" if said else ""


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@accounts.command
def first_administrator(name: str, *, json: Json = False) -> int:
    """Invite the first administrator, who then says who else may come in; where the server stands.

    An administrator sees no contents of any case.

    For example: touchstone accounts first-administrator "Ann Example"

    Args:
        name: Who it is, for those who see the list of people.
    """
    person = line_of("NAME", name)
    with _machine_desk() as (desk, fingerprint):
        told = desk.first_administrator(person)
        tell(_Invited(told, desk.shown(told.person), fingerprint, ""), json=json)
    return DONE


@accounts.command
def invite(
    name: str,
    *,
    of: str | None = None,
    role: Roles = (),
    email: str | None = None,
    where: AtServer = HERE,
) -> int:
    """Invite a person: a code lets one device in, once; it is shown here and never again.

    For example: touchstone accounts invite "Ann Example" --of example-lab --role lead

    Args:
        name: Who it is, for those who see the list of people.
        of: The institution, by its party's id; a further administrator is of none.
        role: What the person is there; without --of: administrator.
        email: Where notices go.
    """
    from touchstone.cli.connecting import ADMINISTRATOR

    person = line_of("NAME", name)
    # Before accounts are opened: where there are none, that makes their database.
    role = tuple(name_of("--role", each) for each in role)
    institution = "" if of is None else name_of("--of", of)
    address = "" if email is None else line_of("--email", email)
    if not institution and not role:
        raise BadInputError(
            "--of: name the person's institution; for one more administrator, who is of none, say"
            f" --role {ADMINISTRATOR}"
        )
    with _desk(where) as (desk, fingerprint):
        told = desk.invite(institution, role, person, address)
        address = where.server or ""
        tell(_Invited(told, desk.shown(told.person), fingerprint, address), json=where.json)
    return DONE


@accounts.command
def code(person: Person, *, where: AtServer = HERE) -> int:
    """Show a new code for a further device of a person; one that nobody used ends with it.

    For example: touchstone accounts code p0123456789abcdef01234567
    """
    person = name_of("PERSON", person)
    with _desk(where) as (desk, fingerprint):
        told = desk.invite_again(person)
        address = where.server or ""
        tell(_Invited(told, desk.shown(person), fingerprint, address), json=where.json)
    return DONE


@accounts.command(name="list")
def list_(*, of: str | None = None, where: AtServer = HERE) -> int:
    """List people, their roles and devices, and those removed; a lead sees its own institution's.

    For example: touchstone accounts list --of example-lab

    Args:
        of: Only of this institution.
    """
    only = None if of is None else name_of("--of", of)
    with _desk(where) as (desk, _):
        found = [each for each in desk.everybody() if only in {None, each.institution}]
    tell(_People(found), json=where.json)
    return DONE


@accounts.command
def roles(person: Person, *, role: Roles, where: AtServer = HERE) -> int:
    """Give a person other roles, at once: its tokens allow no more than these.

    For example: touchstone accounts roles p0123456789abcdef01234567 --role reviewer
    """
    person = name_of("PERSON", person)
    role = tuple(name_of("--role", each) for each in role)
    with _desk(where) as (desk, _):
        shown = desk.change_roles(person, role)
    said = f"{shown.name} is from now on, for {shown.institution}: {', '.join(shown.roles)}."
    tell_facts(said, shown.as_dict(), json=where.json)
    return DONE


@accounts.command
def remove(person: Person, *, device: str | None = None, where: AtServer = HERE) -> int:
    """End a person's account with its devices and tokens, at once; or one device of it.

    For example: touchstone accounts remove p0123456789abcdef01234567

    Args:
        device: Only this device, by its key as `accounts list` shows it.
    """
    person = name_of("PERSON", person)
    device = None if device is None else name_of("--device", device)
    with _desk(where) as (desk, _):
        if device is None:
            desk.remove(person)
            said = f"{person} is out, with all devices and tokens."
        else:
            desk.end_device(person, device)
            said = f"That device of {person} is out, with its tokens."
    tell_facts(said, {"person": person, "device": device}, json=where.json)
    return DONE


@accounts.command
def acts(*, where: AtServer = HERE) -> int:
    """Show who did what to whose account, oldest first.

    For example: touchstone accounts acts --json
    """
    with _desk(where) as (desk, _):
        found: list[ShownAct | ToldAct] = [*desk.acts()]
    tell(_Acts(found), json=where.json)
    return DONE
