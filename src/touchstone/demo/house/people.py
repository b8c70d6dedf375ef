"""The invented people, one for each thing that a person can be, and how a browser becomes one."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.demo.house.cases import AGENCY, LAB, TREASURY
from touchstone.keys import RandomSource
from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager


@dataclass(frozen=True)
class Invented:
    """One of them."""

    name: str
    party: str
    """Empty: an administrator, who is of none."""
    role: str


PEOPLE: Sequence[Invented] = (
    Invented("Ada Example", LAB, "lead"),
    Invented("Ben Example", LAB, "submitter"),
    Invented("Cleo Example", "example-centre", "lead"),
    Invented("Dara Example", "example-centre", "evaluator"),
    Invented("Eli Example", AGENCY, "official"),
    Invented("Fay Example", TREASURY, "official"),
    Invented("Gus Example", AGENCY, "auditor"),
)


def invite_all(now: str, random: RandomSource) -> None:
    """Make an account for each; nobody needs its code, since a click lets anybody in here."""
    by = Manager.machine()
    for each in PEOPLE:
        people.invite(by, each.party, (each.role,), each.name, "", now=now, random=random)
    people.first_administrator("Hana Example", now=now, random=random)
