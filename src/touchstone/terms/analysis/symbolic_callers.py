"""A symbolic model of all possible callers (z3): what the registry settles is an axiom."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import z3

from touchstone.terms.analysis.axes import RegisteredStanding, standing_of
from touchstone.terms.policy.caller_attributes import (
    END_USERS,
    MAY_BE_UNKNOWN,
    NO_ORGANISATION,
    TIERS,
    CallerAttributes,
    Organisation,
    Population,
)
from touchstone.terms.policy.conditions import (
    AnyOf,
    Condition,
    Nationality,
    OneOf,
    Residence,
    Staff,
    Value,
)
from touchstone.terms.policy.countries import CODES, NATIONALITIES, STATELESS

STRANGERS = "(another organisation)"
TIMEOUT_MS = 10_000
Formula = Any
"""A z3 expression, or a plain bool where the value is known already."""


class SymbolicCallers:
    """All possible callers as z3 variables with axioms, and who is real among them."""

    def __init__(self, conditions: Sequence[Condition], population: Population) -> None:
        self.ctx = z3.Context()
        # Python's collector may let go of this proof's terms in another thread.
        z3.Z3_enable_concurrent_dec_ref(self.ctx.ref())
        self._conditions = [each for each in conditions if hasattr(CallerAttributes(), each.fact)]
        self._population = population
        nationalities = [each for each in self._conditions if isinstance(each, Nationality)]
        residences = [each for each in self._conditions if isinstance(each, Residence)]
        self._nation_of, nations = _kinds(
            NATIONALITIES,
            lambda code: (
                code == STATELESS,
                *(x for each in nationalities for x in (code in each.countries, code in each.home)),
            ),
        )
        self._home_of, self._homes = _kinds(
            CODES, lambda code: tuple(code in each.countries for each in residences)
        )
        self._nations = {code: z3.Bool(f"nationality {code}", self.ctx) for code in nations}
        self._residence = z3.Int("residence", self.ctx)
        self._tier = z3.Int("tier", self.ctx)
        self._end_user = z3.Int("end user", self.ctx)
        self._staff = z3.Bool("staff", self.ctx)
        self._organisation = z3.Int("organisation", self.ctx)
        self._organisations, self._alike = _organisations(self._conditions, population)
        self._names = {name: at for at, name in enumerate(self._organisations)}
        self._lists = self._flags("lists", population.registry.lists)
        self._programmes = self._flags(
            "programmes",
            (
                name
                for each in population.registry.organisations.values()
                for name in each.programmes
            ),
        )
        self._cache: dict[tuple[Condition, bool], Formula] = {}
        self._equal: dict[tuple[str, int], Formula] = {}
        self._held: dict[frozenset[str], Formula] = {}
        self._standing: dict[RegisteredStanding, Formula] = {}
        self._real: list[CallerAttributes] = []

    def _flags(self, fact: str, more: Iterable[str]) -> dict[str, z3.BoolRef]:
        named = {
            name
            for each in self._conditions
            if isinstance(each, AnyOf) and each.fact == fact
            for name in each.values
        }
        return {name: z3.Bool(f"{fact} {name}", self.ctx) for name in sorted(named | {*more})}

    def solver(self) -> z3.Solver:
        """A solver that knows the axioms."""
        # Flags and bounded whole numbers are all that there is: no quantifier, nothing multiplied.
        solver = z3.SolverFor("QF_LIA", ctx=self.ctx)
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*self._axioms())
        return solver

    def _axioms(self) -> Iterable[Formula]:
        others = [flag for code, flag in self._nations.items() if code != STATELESS]
        yield z3.Implies(self._nations[STATELESS], negated(any_of(others)))
        yield z3.And(self._residence >= -1, self._residence < len(self._homes))
        yield z3.And(self._tier >= 0, self._tier < len(TIERS))
        yield z3.And(self._end_user >= -1, self._end_user < len(END_USERS))
        yield z3.And(self._organisation >= 0, self._organisation < len(self._organisations))
        for name, organisation in self._organisations.items():
            yield z3.Implies(
                self._organisation == self._names[name], all_of(self._of(name, organisation))
            )

    def _of(self, name: str, organisation: Organisation | None) -> Iterable[Formula]:
        """What the registry settles about the members of an organisation, or of none."""
        developer = self._population.registry.developer
        # Tier is derived: organisation, then named list, then verified, then public (ADR 94).
        if name == NO_ORGANISATION:
            listed = any_of(self._lists.values())
            named = self._tier == TIERS.index("named-list")
            below = any_of(self._tier == TIERS.index(each) for each in ("public", "verified"))
            yield named == self.formula(listed)
            yield any_of((named, below))
            yield self._end_user == -1
            yield from map(z3.Not, (*self._programmes.values(), self._staff))
            return
        yield self._staff == (name == developer)
        # Of an organisation that nobody registered yet, anything may be said one day: its tier
        # stays open.
        if organisation is None:
            return
        yield self._tier == TIERS.index(organisation.tier)
        yield self._end_user == _place(END_USERS, organisation.end_user)
        for programme, flag in self._programmes.items():
            yield flag == (programme in organisation.programmes)
        listed_on = self._population.registry.lists_of(f"organisation:{organisation.id}")
        # The other lists stay open: a member may be on them personally.
        yield from (flag for each, flag in self._lists.items() if each in listed_on)

    def holds(self, condition: Condition, *, doubt: bool) -> Formula:
        """Whether a condition on a person holds; `doubt` where its fact is unknown."""
        key = (condition, doubt)
        if key not in self._cache:
            self._cache[key] = self._holds(condition, doubt=doubt)
        return self._cache[key]

    def _holds(self, condition: Condition, *, doubt: bool) -> Formula:
        match condition:
            case Nationality():
                known = self._nationality(condition)
            case Residence(countries):
                known = self._among(self._residence, self._homes, countries)
            case AnyOf(fact, values):
                flags = self._lists if fact == "lists" else self._programmes
                known = any_of(flags[each] for each in sorted(values))
            case Staff(wanted):
                known = self._staff if wanted else z3.Not(self._staff)
            case OneOf("end_user", values):
                known = self._among(self._end_user, END_USERS, values)
            case OneOf("tier", values):
                known = self._among(self._tier, TIERS, values)
            case OneOf(_, values):
                known = self._among(self._organisation, tuple(self._organisations), values)
            case _:
                raise TypeError(condition)
        if doubt and condition.fact in MAY_BE_UNKNOWN:
            return any_of((negated(self.known(condition.fact)), known))
        return known

    def _among(self, term: z3.ArithRef, words: Sequence[str], wanted: Container[str]) -> Formula:
        """Whether a number is the place of a wanted word; -1, unknown, never is."""
        found = []
        for at, word in enumerate(words):
            if word in wanted:
                key = (str(term.decl().name()), at)
                if key not in self._equal:
                    self._equal[key] = term == at
                found.append(self._equal[key])
        return any_of(found)

    def _nationality(self, condition: Nationality) -> Formula:
        inside = [flag for code, flag in self._nations.items() if code in condition.countries]
        if condition.dual == "all":
            outside = [
                flag for code, flag in self._nations.items() if code not in condition.countries
            ]
            return all_of((any_of(inside), negated(any_of(outside))))
        if condition.dual == "any":
            return any_of(inside)
        home = {code: flag for code, flag in self._nations.items() if code in condition.home}
        at_home = any_of(home.values())
        home_counts = any_of(flag for code, flag in home.items() if code in condition.countries)
        return any_of((home_counts, all_of((negated(at_home), any_of(inside)))))

    def known(self, fact: str) -> Formula:
        """Whether a fact that may be unknown is known."""
        if fact == "nationalities":
            return any_of(self._nations.values())
        return self._residence >= 0 if fact == "residence" else self._end_user >= 0

    def is_real(self, such: Callable[[CallerAttributes], bool]) -> Formula:
        """Whether somebody real, and `such`, is so, as far as any condition can tell."""
        self._real = [facts for facts in self._profiles() if such(facts)]
        return any_of(map(self.exactly, self._real))

    def exactly(self, facts: CallerAttributes) -> Formula:
        """Whether a person is as `facts` say, as far as any condition can tell."""
        held = frozenset(self._nation_of[code] for code in facts.nationalities)
        if held not in self._held:
            flags = self._nations.items()
            self._held[held] = z3.And(*(_is(flag, wanted=code in held) for code, flag in flags))
        standing = standing_of(facts)
        if standing not in self._standing:
            self._standing[standing] = self._as_registered(facts)
        lives = facts.residence
        home = -1 if lives is None else self._homes.index(self._home_of[lives])
        return z3.And(self._held[held], self._residence == home, self._standing[standing])

    def _as_registered(self, facts: CallerAttributes) -> Formula:
        return z3.And(
            self._tier == TIERS.index(facts.tier),
            self._end_user == _place(END_USERS, facts.end_user),
            self._organisation == self._names[self._alike[facts.organisation]],
            _is(self._staff, wanted=facts.staff),
            *(_is(flag, wanted=each in facts.lists) for each, flag in self._lists.items()),
            *(
                _is(flag, wanted=each in facts.programmes)
                for each, flag in self._programmes.items()
            ),
        )

    def _profiles(self) -> Iterable[CallerAttributes]:
        """One real person's facts for all who are alike to every condition."""
        nations: dict[frozenset[str], object] = {}
        standings: dict[RegisteredStanding, object] = {}
        profiles: dict[object, CallerAttributes] = {}
        for facts in self._population.groups:
            held = facts.nationalities
            if held not in nations:
                nations[held] = (not held, *self._truths("nationalities", held))
            standing = standing_of(facts)
            if standing not in standings:
                standings[standing] = self._seen(standing)
            lives = facts.residence
            home = lives and self._home_of[lives]
            profiles.setdefault((nations[held], home, standings[standing]), facts)
        return profiles.values()

    def _truths(self, fact: str, value: Value) -> Iterable[bool]:
        return (each.holds(value) for each in self._conditions if each.fact == fact)

    def _seen(self, standing: RegisteredStanding) -> object:
        """All that a condition can tell about a standing."""
        return (
            standing.end_user is None,
            *(
                each.holds(getattr(standing, each.fact))
                for each in self._conditions
                if hasattr(standing, each.fact)
            ),
        )

    def real_in(self, model: z3.ModelRef) -> CallerAttributes:
        """The facts of a real person who is as the model says; `is_real` was asked before."""
        for facts in self._real:
            # z3 leaves out of a model what it had no need to choose.
            if z3.is_true(model.eval(self.exactly(facts), model_completion=True)):
                return facts
        raise LookupError("the model shows nobody real")

    def in_model(self, model: z3.ModelRef) -> CallerAttributes:
        """The person that the model shows."""
        names = [*self._organisations]
        home, end_user = integer_value(model, self._residence), integer_value(model, self._end_user)
        return CallerAttributes(
            _true(model, self._nations),
            self._homes[home] if home >= 0 else None,
            TIERS[integer_value(model, self._tier)],
            names[integer_value(model, self._organisation)],
            _true(model, self._programmes),
            _true(model, self._lists),
            END_USERS[end_user] if end_user >= 0 else None,
            z3.is_true(model.eval(self._staff, model_completion=True)),
        )

    def formula(self, part: Formula) -> Formula:
        """Always a z3 expression."""
        return z3.BoolVal(part, self.ctx) if isinstance(part, bool) else part


def all_of(parts: Iterable[Formula]) -> Formula:
    """The conjunction; plain bools are settled here, so that none is in z3's way."""
    found = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            found.append(part)
    return z3.And(*found) if len(found) > 1 else found[0] if found else True


def any_of(parts: Iterable[Formula]) -> Formula:
    """The disjunction."""
    found = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            found.append(part)
    return z3.Or(*found) if len(found) > 1 else found[0] if found else False


def negated(part: Formula) -> Formula:
    """The negation."""
    return (not part) if isinstance(part, bool) else z3.Not(part)


def _is(flag: z3.BoolRef, *, wanted: bool) -> Formula:
    return flag if wanted else z3.Not(flag)


def integer_value(model: z3.ModelRef, term: Formula) -> int:
    """The value of a whole number in a model; a plain one is itself."""
    if isinstance(term, int):
        return term
    return int(model.eval(term, model_completion=True).as_long())


def _true(model: z3.ModelRef, flags: Mapping[str, z3.BoolRef]) -> frozenset[str]:
    return frozenset(
        name for name, flag in flags.items() if z3.is_true(model.eval(flag, model_completion=True))
    )


def _kinds(
    codes: Iterable[str], signature: Callable[[str], tuple[bool, ...]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """From every code to the first that no condition tells from it; and these first ones."""
    first: dict[tuple[bool, ...], str] = {}
    of = {code: first.setdefault(signature(code), code) for code in sorted(codes)}
    return of, tuple(first.values())


def _organisations(
    conditions: Iterable[Condition], population: Population
) -> tuple[dict[str, Organisation | None], dict[str, str]]:
    """The organisations that can matter, and from every one to the one that stands for it.

    None: nothing is registered about it. Those that no condition names stand for all that are
    alike in what is registered.
    """
    registry = population.registry
    named = {
        name
        for each in conditions
        if isinstance(each, OneOf) and each.fact == "organisation"
        for name in each.values
    }
    first: dict[object, str] = {}
    alike = {NO_ORGANISATION: NO_ORGANISATION}
    for name, each in registry.organisations.items():
        listed = registry.lists_of(f"organisation:{name}")
        # The developer's own stands alone, since its members are staff, which no other
        # organisation's are.
        own = name if name in named or name == registry.developer else ""
        alike[name] = first.setdefault(
            (each.tier, each.end_user, each.programmes, listed, own), name
        )
    found: dict[str, Organisation | None] = {NO_ORGANISATION: None}
    found |= {name: registry.organisations[name] for name in first.values()}
    # Named by a rule and registered by nobody: it may be tomorrow, and the claim is to hold then
    # too.
    found |= dict.fromkeys(sorted(named - found.keys()))
    return {**found, STRANGERS: None}, alike


def _place(words: Sequence[str], word: str | None) -> int:
    return -1 if word is None else words.index(word)
