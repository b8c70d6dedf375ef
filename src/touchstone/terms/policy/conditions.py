"""The tests that rules are made of, each on one fact, and rules themselves.

A fact may be unknown. A condition then holds *possibly* and not *certainly*: a permission needs
certainty, and possibility is enough for a prohibition.
"""

from dataclasses import dataclass
from typing import Literal

from touchstone.handin import utc
from touchstone.terms.errors import DocumentTooLargeError
from touchstone.terms.policy.caller_attributes import FACTS, CallerAttributes, Request, sound
from touchstone.terms.policy.countries import Countries, Dual

Effect = Literal["permit", "forbid"]
Value = frozenset[str] | str | bool | int | None
MOST_RULES = 1 << 15
"""What is decided by: a class of cases is kept with the index of its rule in two bytes."""
_DUAL_IN_WORDS = {
    "any": "one of several is enough",
    "all": "every one of several",
    "home": "the home nationality prevails",
}


@dataclass(frozen=True, slots=True)
class Nationality:
    """Nationality among `countries`; `dual` decides for several."""

    countries: Countries
    dual: Dual
    home: frozenset[str]
    fact: Literal["nationalities"] = "nationalities"

    def holds(self, value: Value) -> bool:
        """Whether it holds for these nationalities (at least one)."""
        return isinstance(value, frozenset) and self.countries.has(value, self.dual, self.home)

    def __str__(self) -> str:
        return f"nationality {self.countries} ({_DUAL_IN_WORDS[self.dual]})"


@dataclass(frozen=True, slots=True)
class Residence:
    """Residence among `countries`."""

    countries: Countries
    fact: Literal["residence"] = "residence"

    def holds(self, value: Value) -> bool:
        """Whether it holds for this country."""
        return isinstance(value, str) and value in self.countries

    def __str__(self) -> str:
        return f"residence {self.countries}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A single word among `values`."""

    fact: Literal["tier", "organisation", "end_user", "purpose", "variant", "mode"]
    values: frozenset[str]

    def holds(self, value: Value) -> bool:
        """Whether the word is among them."""
        return value in self.values

    def __str__(self) -> str:
        return f"{self.fact.replace('_', ' ')} {' or '.join(sorted(self.values))}"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of a person's words among `values`."""

    fact: Literal["programmes", "lists"]
    values: frozenset[str]

    def holds(self, value: Value) -> bool:
        """Whether one of the words is among them."""
        return isinstance(value, frozenset) and not self.values.isdisjoint(value)

    def __str__(self) -> str:
        return f"{FACTS[self.fact]} {' or '.join(sorted(self.values))}"


@dataclass(frozen=True, slots=True)
class Staff:
    """Being the developer's own staff, or not."""

    wanted: bool
    fact: Literal["staff"] = "staff"

    def holds(self, value: Value) -> bool:
        """Whether it is as wanted."""
        return value is self.wanted

    def __str__(self) -> str:
        return "the developer's own staff" if self.wanted else "not the developer's own staff"


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """Fewer tokens used than agreed."""

    fact: Literal["tokens_today", "tokens_this_month"]
    tokens: int

    def holds(self, value: Value) -> bool:
        """Whether something is left."""
        return isinstance(value, int) and value < self.tokens

    def __str__(self) -> str:
        return (
            f"less than {self.tokens} tokens {self.fact.removeprefix('tokens_').replace('_', ' ')}"
        )


@dataclass(frozen=True, slots=True)
class AccessWindow:
    """From `start` on (seconds since 1970) and before `end`; None: without that bound."""

    start: int | None
    end: int | None
    fact: Literal["now"] = "now"

    def holds(self, value: Value) -> bool:
        """Whether the time lies in it."""
        return (
            isinstance(value, int)
            and (self.start is None or value >= self.start)
            and (self.end is None or value < self.end)
        )

    def __str__(self) -> str:
        bounds = (("from", self.start), ("before", self.end))
        return " ".join(f"{word} {utc(at)}" for word, at in bounds if at is not None)


Condition = Nationality | Residence | OneOf | AnyOf | Staff | TokenBudget | AccessWindow


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Permits or forbids where every condition holds and no exception does."""

    id: str
    effect: Effect
    conditions: tuple[Condition, ...]
    exceptions: tuple[tuple[Condition, ...], ...] = ()
    """Each is a set of conditions; where one set holds, the rule does not apply."""
    title: str | None = None
    """What the drafter calls it."""

    @property
    def needs(self) -> frozenset[str]:
        """The facts that it tests."""
        return frozenset(each.fact for each in self.every_condition)

    @property
    def every_condition(self) -> tuple[Condition, ...]:
        """Its conditions and those of its exceptions."""
        return sum(self.exceptions, self.conditions)

    def applies(self, facts: CallerAttributes, request: Request) -> bool:
        """Certainly, for a permission; possibly, for a prohibition."""
        doubt = self.effect == "forbid"
        return all(_holds(each, facts, request, doubt=doubt) for each in self.conditions) and not (
            any(
                all(_holds(each, facts, request, doubt=not doubt) for each in exception)
                for exception in self.exceptions
            )
        )

    def __str__(self) -> str:
        """One sentence: what it permits or forbids, and to whom."""
        verb = "permits" if self.effect == "permit" else "forbids"
        scope = ", ".join(map(str, self.conditions)) or "everything to everyone"
        but = "".join(f"; except {', '.join(map(str, each))}" for each in self.exceptions)
        title = f"{self.title}: it " if self.title else ""
        return f"{title}{verb} {scope}{but}"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules in force, and the only words in which a request may ask."""

    rules: tuple[AccessRule, ...]
    variants: tuple[str, ...]
    modes: tuple[str, ...]
    purposes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise DocumentTooLargeError where there are more than MOST_RULES."""
        if len(self.rules) > MOST_RULES:
            raise DocumentTooLargeError(
                f"the terms and the directives in force come to {len(self.rules):,} rules, and at "
                f"most {MOST_RULES:,} are decided by: lift what is needed no more"
            )

    def decisive(self, facts: CallerAttributes, request: Request) -> AccessRule | None:
        """The first prohibition that applies, else the first permission, else None: a denial.

        It is the plain reading of the rules, with which every engine must agree.
        """
        if not self.understands(request):
            return None
        known = sound(facts)
        applying = [rule for rule in self.rules if rule.applies(known, request)]
        forbidding = [rule for rule in applying if rule.effect == "forbid"]
        # Prohibitions prevail, and the first in the order of the terms is named, so that the reason
        # is the same each time (ADR 111).
        return next(iter(forbidding or applying), None)

    def understands(self, request: Request) -> bool:
        """Whether the variant, the mode and the purpose, if there is one, are declared."""
        return (
            request.variant in self.variants
            and request.mode in self.modes
            and (request.purpose is None or request.purpose in self.purposes)
        )


def value_of(fact: str, facts: CallerAttributes, request: Request) -> Value:
    """The value of a fact; None where it is unknown."""
    holder = facts if hasattr(facts, fact) else request
    value: Value = getattr(holder, fact)
    # No known nationality is an empty set and not a person without any: who is known to have none
    # holds `stateless`.
    return value if value or fact != "nationalities" else None


def _holds(condition: Condition, facts: CallerAttributes, request: Request, *, doubt: bool) -> bool:
    value = value_of(condition.fact, facts, request)
    # The one line on which it hangs that nothing unknown grants (ADR 91).
    return doubt if value is None else condition.holds(value)
