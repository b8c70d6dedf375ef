"""What is known when somebody asks for a model: about the person, and about the request."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from touchstone.terms.policy.countries import CODES, NATIONALITIES

Tier = Literal["public", "verified", "trusted-partner", "government", "named-list"]
TIERS: tuple[Tier, ...] = ("public", "verified", "trusted-partner", "government", "named-list")
EndUser = Literal["civil", "military", "intelligence"]
END_USERS: tuple[EndUser, ...] = ("civil", "military", "intelligence")

NO_ORGANISATION = ""

FACTS: Mapping[str, str] = {
    "nationalities": "nationality",
    "residence": "country of residence",
    "end_user": "end user (civil, military, intelligence)",
    "purpose": "purpose",
    "tokens_today": "use of the day's budget",
    "tokens_this_month": "use of the month's budget",
    "tier": "tier",
    "organisation": "organisation",
    "programmes": "programme",
    "lists": "named list",
    "staff": "employment with the developer",
    "variant": "variant",
    "mode": "mode",
    "now": "time",
}
"""Every fact that a rule can test, and what people call it. The first six may be unknown."""
MAY_BE_UNKNOWN = tuple(FACTS)[:6]


@dataclass(frozen=True, slots=True)
class CallerAttributes:
    """What is known about a person. Nothing known is an empty set or None, and is never guessed."""

    nationalities: frozenset[str] = frozenset()
    """Country codes, or `stateless`. Empty: unknown."""
    residence: str | None = None
    tier: Tier = "public"
    organisation: str = NO_ORGANISATION
    """From the registry, never from a token. Empty: none."""
    programmes: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    end_user: EndUser | None = None
    staff: bool = False

    def __str__(self) -> str:
        """In words, such as `nationality XA and XB, residence unknown, tier verified`."""
        words = [
            f"nationality {' and '.join(sorted(self.nationalities)) or 'unknown'}",
            f"residence {self.residence or 'unknown'}",
            f"tier {self.tier}",
        ]
        if self.organisation:
            words.append(f"organisation {self.organisation}")
        if self.programmes:
            words.append(f"programme {' and '.join(sorted(self.programmes))}")
        if self.lists:
            words.append(f"on the list {' and '.join(sorted(self.lists))}")
        words.append(f"end user {self.end_user or 'unknown'}")
        if self.staff:
            words.append("the developer's own staff")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and when."""

    variant: str
    mode: str
    now: int
    """Seconds since 1970, UTC."""
    purpose: str | None = None
    tokens_today: int | None = None
    """Tokens that count towards a day's budget. None: nobody counted, so no budget can be kept."""
    tokens_this_month: int | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that the parties registered."""

    id: str
    tier: Tier
    end_user: EndUser | None = None
    programmes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Registry:
    """Who belongs where, as the developer vouches for it. It holds no nationality.

    `members` leads from a person's id to an organisation's. A named list holds `person:ID` and
    `organisation:ID`. Those in the developer's own organisation are its staff.
    """

    developer: str
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def _listed(self) -> Mapping[str, frozenset[str]]:
        """From each `person:ID` and `organisation:ID` to the lists that it is on."""
        found: dict[str, set[str]] = {}
        for name, entries in self.lists.items():
            for entry in entries:
                found.setdefault(entry, set()).add(name)
        return {entry: frozenset(names) for entry, names in found.items()}

    def lists_of(self, entry: str) -> frozenset[str]:
        """The named lists that hold `person:ID` or `organisation:ID`."""
        return self._listed.get(entry, frozenset())

    def facts(
        self,
        person: str,
        nationalities: Iterable[str] = (),
        residence: str | None = None,
        *,
        verified: bool = False,
    ) -> CallerAttributes:
        """All that is known about a person: the token's claims, joined with this registry."""
        # Of a member of an organisation that is gone nothing is taken from it: whoever leaves the
        # registry takes its tier along.
        member = self.organisations.get(self.members.get(person, NO_ORGANISATION))
        own = self.lists_of(f"person:{person}")
        if member is None:
            # Derived and never stated: whoever could write a tier could grant by it (ADR 94).
            tier: Tier = "named-list" if own else "verified" if verified else "public"
            return CallerAttributes(frozenset(nationalities), residence or None, tier, lists=own)
        return CallerAttributes(
            frozenset(nationalities),
            residence or None,
            member.tier,
            member.id,
            member.programmes,
            own | self.lists_of(f"organisation:{member.id}"),
            member.end_user,
            member.id == self.developer,
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A real user: what the developer knows beyond the registry."""

    id: str
    nationalities: frozenset[str] = frozenset()
    residence: str | None = None
    verified: bool = False


class Population:
    """A registry with the real user base, grouped by what is known.

    `groups` counts the people for each distinct CallerAttributes; `example` names one of them.
    """

    def __init__(self, registry: Registry, people: Iterable[Person] = ()) -> None:
        self.registry = registry
        self.groups: Counter[CallerAttributes] = Counter()
        self.example: dict[CallerAttributes, str] = {}
        for person in people:
            # As the decider takes them, so that counts and decisions are about the same facts.
            facts = sound(
                registry.facts(
                    person.id, person.nationalities, person.residence, verified=person.verified
                )
            )
            self.groups[facts] += 1
            # The first one stays, so that the same file gives the same examples.
            self.example.setdefault(facts, person.id)

    def __len__(self) -> int:
        return self.groups.total()


def sound(facts: CallerAttributes) -> CallerAttributes:
    """The same facts, where a country that no code names makes the whole fact unknown.

    A token may say `GBR` or `Britain`: a prohibition that names `GB` must not miss it.
    """
    # All or nothing: with the known ones alone, a person who holds a misspelt second nationality
    # would count as holding one.
    known = facts.nationalities <= NATIONALITIES
    housed = facts.residence is None or facts.residence in CODES
    if known and housed:
        return facts
    return replace(
        facts,
        nationalities=facts.nationalities if known else frozenset(),
        residence=facts.residence if housed else None,
    )
