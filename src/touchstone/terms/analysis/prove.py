"""Claims about terms, proved or refuted by z3: the rules as one formula, the registry as axioms.

A `no` claim is about anyone who could come: any nationalities, any residence, any list, in any
registered organisation (whose facts are as registered) or in none. An `every` claim is about the
real people, and asks whether each can do something of what it names. Nobody needs a budget that
is used up: an `every` claim looks at people who used none of theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import z3

from touchstone.handin import utc
from touchstone.terms.analysis.claims import AccessClaim, Quality, parse_claim
from touchstone.terms.analysis.symbolic_callers import (
    TIMEOUT_MS,
    Formula,
    SymbolicCallers,
    all_of,
    any_of,
    integer_value,
    negated,
)
from touchstone.terms.document.directive_file import Directive, in_force
from touchstone.terms.document.terms_file import Terms
from touchstone.terms.errors import DocumentTooLargeError
from touchstone.terms.policy.caller_attributes import CallerAttributes, Population, Request
from touchstone.terms.policy.conditions import (
    AccessRule,
    AccessWindow,
    Condition,
    OneOf,
    Ruleset,
    TokenBudget,
)
from touchstone.terms.policy.decider import DEFAULT

_WORDS = ("variant", "mode", "purpose")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A person, real or possible, for whom a claim does not hold."""

    person: str | None
    """A real person's id; None: nobody real, but somebody who could come."""
    facts: CallerAttributes
    request: Request | None
    """What that person reaches; None: the person reaches nothing of what the claim names."""
    rule: str
    """The rule that decides it, or `default`."""

    def __str__(self) -> str:
        who = self.person or "somebody (nobody in the user base today)"
        if self.request is None:
            return f"{who} ({self.facts}) cannot, by rule {self.rule}"
        request = self.request
        purpose = f" for {request.purpose}" if request.purpose else ""
        return (
            f"{who} ({self.facts}) reaches variant {request.variant} in mode {request.mode}"
            f"{purpose} at {utc(request.now)}, by rule {self.rule}"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a claim holds."""

    claim: str
    holds: bool
    counterexample: Counterexample | None
    """Where it does not hold."""
    about_nobody: bool
    """It holds because nobody is as it says: mind what it proves."""

    def lines(self) -> list[str]:
        """What `touchstone terms prove` prints."""
        if self.counterexample is not None:
            return [f"REFUTED: {self.claim}", f"For instance, {self.counterexample}."]
        warning = ["There is nobody whom the claim speaks of."] if self.about_nobody else []
        return [f"PROVED: {self.claim}", *warning]

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found = self.counterexample
        return {
            "claim": self.claim,
            "holds": self.holds,
            "about_nobody": self.about_nobody,
            "counterexample": None
            if found is None
            else {"person": found.person, "says": str(found), "rule": found.rule},
        }


def prove(
    claim: str, terms: Terms, population: Population, at: int, directives: Sequence[Directive] = ()
) -> Proof:
    """Whether a claim holds under the terms and the directives in force.

    Args:
        claim: a sentence in the grammar of `terms.analysis.claims`.
        terms: the terms.
        population: the registry and the real user base.
        at: the time that the claim is about, unless it says "at any time" (seconds since 1970).
        directives: the directives in force.

    Raises:
        ClaimError: the claim is not understood.
        DocumentTooLargeError: z3 did not decide it in TIMEOUT_MS.
    """
    read = parse_claim(claim, terms, population.registry)
    return _Prover(read, in_force(terms, directives), population, at).proof()


class _Prover:
    def __init__(
        self, claim: AccessClaim, ruleset: Ruleset, population: Population, at: int
    ) -> None:
        self._claim, self._ruleset, self._population = claim, ruleset, population
        self._conditions = _conditions(claim, ruleset)
        self._people = SymbolicCallers(self._conditions, population)
        self._now: Formula = z3.Int("now", self._people.ctx) if claim.any_time else at

    def proof(self) -> Proof:
        people = self._people
        solver = people.solver()
        solver.add(people.formula(all_of(self._quality(each) for each in self._claim.qualities)))
        if self._claim.every:
            return self._every(solver)
        return self._no(solver)

    def _every(self, solver: z3.Solver) -> Proof:
        """A real person who reaches nothing of the target is a counter-example."""
        solver.add(self._people.formula(self._people.is_real(self._speaks_of)))
        # A claim about nobody is true of everything; it is said, or a misspelt list would prove
        # safety.
        if not _satisfiable(solver):
            return Proof(self._claim.says, holds=True, counterexample=None, about_nobody=True)
        permission = Permission(self._ruleset, self._people)
        reached = any_of(map(permission.allowed, self._distinct_targets()))
        solver.add(self._people.formula(negated(reached)))
        if not _satisfiable(solver):
            return Proof(self._claim.says, holds=True, counterexample=None, about_nobody=False)
        model = solver.model()
        facts = self._people.real_in(model)
        now = integer_value(model, self._now)
        found = Counterexample(
            self._population.example[facts], facts, None, self._why_not(facts, now)
        )
        return Proof(self._claim.says, holds=False, counterexample=found, about_nobody=False)

    def _no(self, solver: z3.Solver) -> Proof:
        """Anyone who reaches the target is a counter-example; a real person says more."""
        people, ruleset = self._people, self._ruleset
        if not _satisfiable(solver):
            return Proof(self._claim.says, holds=True, counterexample=None, about_nobody=True)
        names = {"variant": ruleset.variants, "mode": ruleset.modes, "purpose": ruleset.purposes}
        what: dict[str, Formula] = {fact: z3.Int(fact, people.ctx) for fact in names}
        for fact, values in names.items():
            # A purpose may be left out, and whoever leaves it out must not get past a rule that
            # asks for one.
            least = -1 if fact == "purpose" else 0
            solver.add(what[fact] >= least, what[fact] < len(values))
        for fact in ("tokens_today", "tokens_this_month"):
            what[fact] = z3.Int(fact, people.ctx)
            solver.add(what[fact] >= -1)
        what["now"] = self._now
        for fact, wanted in (
            ("variant", self._claim.variant),
            ("mode", self._claim.mode),
            ("purpose", self._claim.purpose),
        ):
            if wanted is not None:
                solver.add(what[fact] == names[fact].index(wanted))
        solver.add(people.formula(Permission(ruleset, people).allowed(what)))
        if not _satisfiable(solver):
            return Proof(self._claim.says, holds=True, counterexample=None, about_nobody=False)
        # Taken now: the next check takes the place of this model.
        facts, person, model = people.in_model(solver.model()), None, solver.model()
        solver.add(people.formula(people.is_real(self._speaks_of)))
        if _satisfiable(solver):
            model = solver.model()
            facts = people.real_in(model)
            person = self._population.example[facts]
        request = _request(model, what, names)
        # By the plain reading, and not by the model: what is shown is what a gateway would say.
        rule = ruleset.decisive(facts, request)
        found = Counterexample(person, facts, request, rule.id if rule else DEFAULT)
        return Proof(self._claim.says, holds=False, counterexample=found, about_nobody=False)

    def _speaks_of(self, facts: CallerAttributes) -> bool:
        """Whether the claim is about such a person."""
        return all(
            (getattr(facts, each.test) not in {None, frozenset()}) is each.wanted
            if isinstance(each.test, str)
            else self._holds(each.test, facts) is each.wanted
            for each in self._claim.qualities
        )

    def _holds(self, condition: Condition, facts: CallerAttributes) -> bool:
        value = getattr(facts, condition.fact)
        return value not in (None, frozenset()) and condition.holds(value)

    def _quality(self, quality: Quality) -> Formula:
        people = self._people
        if isinstance(quality.test, str):
            holds = people.known(quality.test)
        else:
            holds = people.holds(quality.test, doubt=False)
        return holds if quality.wanted else negated(holds)

    def _distinct_targets(self) -> Iterable[Mapping[str, Formula]]:
        """What the claim names, one for all that no rule tells apart."""
        tests = [
            each for each in self._conditions if isinstance(each, OneOf) and each.fact in _WORDS
        ]
        found: dict[object, Mapping[str, Formula]] = {}
        for words in product(*self._targets()):
            target = dict(zip(_WORDS, words, strict=True))
            seen = tuple(
                None if target[each.fact] is None else each.holds(target[each.fact])
                for each in tests
            )
            # Nobody's budget is used up: whether a claim holds must not hang on who asked before.
            unused = {"now": self._now, "tokens_today": 0, "tokens_this_month": 0}
            found.setdefault(seen, {**target, **unused})
        return found.values()

    def _targets(self) -> tuple[Sequence[str | None], ...]:
        claim, ruleset = self._claim, self._ruleset
        return (
            [claim.variant] if claim.variant else ruleset.variants,
            [claim.mode] if claim.mode else ruleset.modes,
            [claim.purpose] if claim.purpose else [None, *ruleset.purposes],
        )

    def _why_not(self, facts: CallerAttributes, now: int) -> str:
        """The rule that denies; a prohibition where one does, since that is what was agreed."""
        denials = []
        for variant, mode, purpose in product(*self._targets()):
            request = Request(str(variant), str(mode), now, purpose, 0, 0)
            rule = self._ruleset.decisive(facts, request)
            if rule is not None:
                denials.append(rule.id)
        return denials[0] if denials else DEFAULT


class Permission:
    """What a ruleset permits, as a formula. The people's part of each condition is built once."""

    def __init__(self, ruleset: Ruleset, people: SymbolicCallers) -> None:
        self._rules, self._people = ruleset, people
        self._words = {
            "variant": ruleset.variants,
            "mode": ruleset.modes,
            "purpose": ruleset.purposes,
        }
        self._asked: dict[tuple[Condition, bool, int], Formula] = {}

    def allowed(self, what: Mapping[str, Formula]) -> Formula:
        """Whether what is asked for is permitted and not forbidden.

        Args:
            what: variant, mode and purpose as words or as numbers in the ruleset's order (a
                purpose of -1 or None: not given), the time, and tokens used (-1: not counted).
        """
        rules = self._rules.rules
        forbidden = any_of(self._rule(each, what) for each in rules if each.effect == "forbid")
        permitted = any_of(self._rule(each, what) for each in rules if each.effect == "permit")
        return all_of((permitted, negated(forbidden)))

    def _rule(self, rule: AccessRule, what: Mapping[str, Formula]) -> Formula:
        doubt = rule.effect == "forbid"
        main = self._all(rule.conditions, what, doubt=doubt)
        if main is False:
            return False
        excepted = any_of(self._all(each, what, doubt=not doubt) for each in rule.exceptions)
        return all_of((main, negated(excepted)))

    def _all(
        self, conditions: Sequence[Condition], what: Mapping[str, Formula], *, doubt: bool
    ) -> Formula:
        # What is asked for comes first: where it is a word, it often settles the rule.
        ordered = sorted(conditions, key=lambda each: each.fact not in what)
        return all_of(self._test(each, what, doubt=doubt) for each in ordered)

    def _test(self, condition: Condition, what: Mapping[str, Formula], *, doubt: bool) -> Formula:
        if condition.fact not in what:
            return self._people.holds(condition, doubt=doubt)
        value = what[condition.fact]
        if value is None:
            return doubt
        if isinstance(value, str | int):
            return condition.holds(value)
        key = (condition, doubt, value.get_id())
        if key not in self._asked:
            self._asked[key] = self._on_a_term(condition, value, doubt=doubt)
        return self._asked[key]

    def _on_a_term(self, condition: Condition, value: Formula, *, doubt: bool) -> Formula:
        match condition:
            case AccessWindow(start, end):
                opened = True if start is None else value >= start
                return all_of((opened, True if end is None else value < end))
            case TokenBudget(_, tokens):
                left = value < tokens
                return any_of((value < 0, left)) if doubt else z3.And(value >= 0, left)
            case OneOf(fact, values):
                names = self._words[fact]
                among = any_of(value == names.index(each) for each in sorted(values))
                return any_of((value < 0, among)) if doubt and fact == "purpose" else among
        raise TypeError(condition)


def _conditions(claim: AccessClaim, ruleset: Ruleset) -> list[Condition]:
    found = [each for rule in ruleset.rules for each in rule.every_condition]
    found += [each.test for each in claim.qualities if not isinstance(each.test, str)]
    return list(dict.fromkeys(found))


def _satisfiable(solver: z3.Solver) -> bool:
    answer = solver.check()
    # A time-out is no proof: taken for one, the widest claims would be the easiest to prove.
    if answer == z3.unknown:
        raise DocumentTooLargeError(
            f"the claim was not decided in {TIMEOUT_MS} ms: ask a narrower one"
        )
    return bool(answer == z3.sat)


def _request(
    model: z3.ModelRef, what: Mapping[str, Formula], names: Mapping[str, Sequence[str]]
) -> Request:
    at = {fact: integer_value(model, term) for fact, term in what.items()}
    return Request(
        names["variant"][at["variant"]],
        names["mode"][at["mode"]],
        at["now"],
        names["purpose"][at["purpose"]] if at["purpose"] >= 0 else None,
        at["tokens_today"] if at["tokens_today"] >= 0 else None,
        at["tokens_this_month"] if at["tokens_this_month"] >= 0 else None,
    )
