"""The axes of a grid: every value of a fact that some condition can tell apart.

Each point is a value that stands for all that no condition tells from it, a real one where the
population has one. Of nationalities: every combination that conditions can tell apart, or fewer
where there are too many, and every real one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from touchstone.terms.policy.caller_attributes import (
    END_USERS,
    TIERS,
    CallerAttributes,
    EndUser,
    Organisation,
    Population,
    Request,
    Tier,
)
from touchstone.terms.policy.conditions import (
    AccessWindow,
    AnyOf,
    Condition,
    Nationality,
    OneOf,
    Residence,
    Ruleset,
    TokenBudget,
    Value,
)
from touchstone.terms.policy.countries import CODES, STATELESS

MOST_COMBINATIONS = 200
"""So many combinations of nationalities are given to people who could come, pairs in any case."""


@dataclass(frozen=True, slots=True)
class RegisteredStanding:
    """What the registry says about a person: one axis, since its facts hang together."""

    tier: Tier
    organisation: str
    programmes: frozenset[str]
    lists: frozenset[str]
    end_user: EndUser | None
    staff: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """How much is used of each budget; None: nobody counted."""

    tokens_today: int | None
    tokens_this_month: int | None


Point = RegisteredStanding | Tokens | Value


@dataclass(frozen=True)
class Axis:
    """The points of one axis, and from every value that was looked at to its point."""

    points: tuple[Point, ...]
    place: dict[Point, int]


def standing_of(facts: CallerAttributes) -> RegisteredStanding:
    """The part of a person's facts that the registry gives."""
    return RegisteredStanding(
        facts.tier, facts.organisation, facts.programmes, facts.lists, facts.end_user, facts.staff
    )


def axis_of(fact: str) -> str:
    """The axis on which a fact lies."""
    if fact in {"nationalities", "residence", "variant", "mode", "purpose", "now"}:
        return fact
    return "tokens" if fact.startswith("tokens") else "standing"


def case(values: Mapping[str, Point]) -> tuple[CallerAttributes, Request]:
    """The person and the request that points on every axis describe."""
    standing, tokens = values["standing"], values["tokens"]
    if not isinstance(standing, RegisteredStanding) or not isinstance(tokens, Tokens):
        raise TypeError("a case has a RegisteredStanding and Tokens")
    nationalities = values["nationalities"]
    facts = CallerAttributes(
        nationalities if isinstance(nationalities, frozenset) else frozenset(),
        _text(values["residence"]),
        standing.tier,
        standing.organisation,
        standing.programmes,
        standing.lists,
        standing.end_user,
        standing.staff,
    )
    now = values["now"]
    request = Request(
        str(values["variant"]),
        str(values["mode"]),
        now if isinstance(now, int) else 0,
        _text(values["purpose"]),
        tokens.tokens_today,
        tokens.tokens_this_month,
    )
    return facts, request


def _text(point: Point) -> str | None:
    return point if isinstance(point, str) else None


def _value(point: Point, fact: str) -> Value:
    if isinstance(point, RegisteredStanding | Tokens):
        value: Value = getattr(point, fact)
        return value
    return point


def truth_of(condition: Condition, point: Point, *, doubt: bool) -> bool:
    """Whether a condition holds at a point; `doubt` where its fact is unknown there."""
    value = _value(point, condition.fact)
    return doubt if value is None else condition.holds(value)


def _axis(
    candidates: Iterable[Point], conditions: Iterable[Condition], name: str, *, keep: bool = False
) -> Axis:
    """One point for all candidates that no condition tells apart; with `keep`, one for each."""
    mine = [each for each in conditions if axis_of(each.fact) == name]
    seen: dict[object, int] = {}
    points: list[Point] = []
    place: dict[Point, int] = {}
    for candidate in candidates:
        signature = tuple(_trace(each, candidate) for each in mine)
        key = (candidate, signature) if keep else signature
        if key not in seen:
            seen[key] = len(points)
            points.append(candidate)
        place[candidate] = seen[key]
    return Axis(tuple(points), place)


def _trace(condition: Condition, point: Point) -> bool | None:
    value = _value(point, condition.fact)
    return None if value is None else condition.holds(value)


def who_axes(
    conditions: set[Condition], population: Population, *, thorough: bool
) -> dict[str, Axis]:
    """The axes of who asks. Real people always; of those who could come, fewer if not `thorough`.

    Then two nationalities only with a home one, and newcomers in none but one capacity each.
    """
    candidates: dict[str, Iterable[Point]] = {
        "standing": _standings(conditions, population, thorough=thorough),
        "nationalities": _nationalities(conditions, population, thorough=thorough),
        "residence": _residences(conditions, population),
    }
    return {name: _axis(values, conditions, name) for name, values in candidates.items()}


def what_axes(
    conditions: set[Condition], rulesets: Sequence[Ruleset], at: int | None
) -> dict[str, Axis]:
    """The axes of what is asked for, and when: at every time, or at one (seconds since 1970).

    Each variant and mode keeps a point of its own.
    """
    candidates: dict[str, Iterable[Point]] = {
        "variant": sorted({each for ruleset in rulesets for each in ruleset.variants}),
        "mode": sorted({each for ruleset in rulesets for each in ruleset.modes}),
        "purpose": [None, *sorted({each for ruleset in rulesets for each in ruleset.purposes})],
        "now": _times(conditions) if at is None else [at],
        "tokens": _tokens(conditions),
    }
    own = {"variant", "mode", "purpose"}
    return {
        name: _axis(values, conditions, name, keep=name in own)
        for name, values in candidates.items()
    }


def _standings(
    conditions: set[Condition], population: Population, *, thorough: bool
) -> Iterable[RegisteredStanding]:
    yield from (standing_of(facts) for facts in population.groups)
    yield from _newcomers(conditions, population, thorough=thorough)


def _newcomers(
    conditions: Iterable[Condition], population: Population, *, thorough: bool
) -> Iterable[RegisteredStanding]:
    """Standings that somebody could have tomorrow: newcomers, with and without an organisation."""
    registry = population.registry
    nobody: frozenset[str] = frozenset()
    # Sorted, since sets come in another order in each process, and the same question must give the
    # same example.
    named = sorted(
        {
            name
            for each in conditions
            if isinstance(each, AnyOf) and each.fact == "lists"
            for name in each.values
        }
    )
    for tier in TIERS:
        if tier in {"public", "verified"}:
            yield RegisteredStanding(tier, "", nobody, nobody, None, staff=False)
    for name in named:
        yield RegisteredStanding("named-list", "", nobody, frozenset({name}), None, staff=False)
    unregistered = _unregistered(conditions, population, thorough=thorough)
    for each in [*registry.organisations.values(), *unregistered]:
        listed = registry.lists_of(f"organisation:{each.id}")
        staff = each.id == registry.developer
        for own in [nobody, *(frozenset({name}) for name in named if thorough)]:
            yield RegisteredStanding(
                each.tier, each.id, each.programmes, listed | own, each.end_user, staff=staff
            )


def _unregistered(
    conditions: Iterable[Condition], population: Population, *, thorough: bool
) -> Iterable[Organisation]:
    """Organisations that the rules speak of and nobody registered yet, in every capacity.

    Not `thorough`: one that they do not name in every capacity, the others in one.
    """
    organisations: set[str] = set()
    programmes: set[str] = set()
    for each in conditions:
        if isinstance(each, OneOf) and each.fact == "organisation":
            organisations |= each.values
        if isinstance(each, AnyOf) and each.fact == "programmes":
            programmes |= each.values
    new = sorted(organisations - population.registry.organisations.keys())
    takes_part: list[frozenset[str]] = [frozenset(), *(frozenset({p}) for p in sorted(programmes))]
    tiers: tuple[Tier, ...] = ("trusted-partner", "government")
    if not thorough:
        yield from (Organisation(name, "trusted-partner", "civil") for name in new)
        new = []
    # No id has brackets, so no rule can mean it.
    for name in [*new, "(another organisation)"]:
        for tier in tiers:
            for end_user in (None, *END_USERS):
                for programme in takes_part:
                    yield Organisation(name, tier, end_user, programme)


def _nationalities(
    conditions: set[Condition], population: Population, *, thorough: bool
) -> Iterable[Value]:
    # Unknown is a value of its own, and the one that matters most: nothing unknown may grant.
    yield None
    real = {facts.nationalities for facts in population.groups if facts.nationalities}
    yield from sorted(real, key=sorted)
    asked, kinds = _asked(conditions), _kinds(conditions, population)
    yield from (frozenset({code}) for code in kinds)
    # Nobody is stateless and a national.
    nationals = [code for code in kinds if code != STATELESS]
    home = frozenset[str]().union(*(each.home for each in asked))
    for many in range(2, _at_once(len(nationals), len(asked), thorough=thorough) + 1):
        held = map(frozenset, combinations(nationals, many))
        yield from (each for each in held if thorough or each & home)


def nationalities_at_once(conditions: set[Condition], population: Population) -> int | None:
    """How many nationalities people who could come hold at most; None: as many as rules can tell.

    Of one person's nationalities each condition hangs on one alone: one that it names, or one that
    it does not. So what any number of them comes to, so many of them do as there are conditions.
    """
    asked = len(_asked(conditions))
    nationals = len([code for code in _kinds(conditions, population) if code != STATELESS])
    most = _at_once(nationals, asked, thorough=True)
    return None if most >= min(nationals, asked) else most


def _at_once(nationals: int, asked: int, *, thorough: bool) -> int:
    most, made = 2, comb(nationals, 2)
    while thorough and most < min(nationals, asked):
        made += comb(nationals, most + 1)
        if made > MOST_COMBINATIONS:
            break
        most += 1
    return most


def _asked(conditions: set[Condition]) -> list[Nationality]:
    return [each for each in conditions if isinstance(each, Nationality)]


def _kinds(conditions: set[Condition], population: Population) -> list[str]:
    """One nationality of each kind that conditions tell apart, one that somebody holds first."""
    asked = _asked(conditions)
    real = {code for facts in population.groups for code in facts.nationalities}
    kinds: dict[tuple[bool, ...], str] = {}
    codes = [*sorted(real), *sorted(CODES), STATELESS]
    for code in codes:
        signature = tuple(
            # Home counts apart: for dual nationals it decides by itself, whatever the list says.
            test
            for each in asked
            for test in (code in each.countries, code in each.home)
        )
        kinds.setdefault(signature, code)
    return list(kinds.values())


def _residences(conditions: set[Condition], population: Population) -> Iterable[Value]:
    yield None
    yield from sorted({facts.residence for facts in population.groups if facts.residence})
    if any(isinstance(each, Residence) for each in conditions):
        yield from sorted(CODES)


def _times(conditions: set[Condition]) -> Iterable[int]:
    windows = [each for each in conditions if isinstance(each, AccessWindow)]
    edges = {edge for each in windows for edge in (each.start, each.end) if edge is not None}
    # A time before every window, and each edge: between two edges nothing changes.
    first = min(edges, default=1) - 1
    yield from sorted({first, *edges})


def _tokens(conditions: set[Condition]) -> Iterable[Tokens]:
    def levels(fact: str) -> list[int | None]:
        asked = {
            each.tokens
            for each in conditions
            if isinstance(each, TokenBudget) and each.fact == fact
        }
        # Nothing used, each budget just used up, and not counted: no rule tells more apart.
        return [0, *sorted(asked), None] if asked else [None]

    for today in levels("tokens_today"):
        for month in levels("tokens_this_month"):
            yield Tokens(today, month)
