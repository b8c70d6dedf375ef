"""A compiled policy and its decisions: what a gateway needs, without the prover.

Only Allow with no error grants. Each decision says which rule it rests on and why, in a sentence,
and names the facts that were unknown.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cedarpy import Entities, PolicySet, Schema, is_authorized, validate_policies

from touchstone.handin import printable_line
from touchstone.ledger import MalformedError
from touchstone.terms.errors import TermsFileError
from touchstone.terms.policy.caller_attributes import (
    FACTS,
    MAY_BE_UNKNOWN,
    TIERS,
    CallerAttributes,
    Request,
    sound,
)
from touchstone.terms.policy.conditions import Effect

DEFAULT = "default"
"""The rule of a denial that no rule made: nothing permits."""
FAULT = "fault"
"""The rule of a denial because the engine could not decide."""
_ACTION = {"type": "Action", "id": "use"}
_CEDAR_CONTEXT = """\
    now: Long, mode: String, tier: String, organisation: String, staff: Bool,
    programmes: Set<String>, lists: Set<String>,
    nationalities?: Set<String>, residence?: String, end_user?: String, purpose?: String,
    tokens_today?: Long, tokens_this_month?: Long,
"""
_FIELDS = {"variants", "modes", "purposes", "rules", "edges", "schema"}
_RULE_FIELDS = {"id", "effect", "says", "needs", "scope", "cedar"}


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Yes or no, the rule that it rests on, and a sentence."""

    allowed: bool
    rule: str
    """A rule's id, `DIRECTIVE/RULE`, `default` or `fault`."""
    sentence: str
    unknown: tuple[str, ...] = ()
    """The facts (keys of `FACTS`) that were unknown and without which it could not be granted."""

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "allowed": self.allowed,
            "rule": self.rule,
            "sentence": self.sentence,
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule as Cedar, with what is said about it."""

    id: str
    effect: Effect
    says: str
    needs: tuple[str, ...]
    """The facts that it tests."""
    scope: Mapping[str, tuple[str, ...]]
    """For variant, mode and tier, where it tests them: outside of these it cannot apply."""
    cedar: str


@dataclass(frozen=True)
class Policy:
    """What the rules of terms and directives came to. It is data: see `Decider` for decisions."""

    variants: tuple[str, ...]
    modes: tuple[str, ...]
    purposes: tuple[str, ...]
    rules: tuple[CompiledRule, ...]
    edges: tuple[int, ...]
    """Ascending seconds since 1970 at which a window opens or closes: no decision outlives one."""

    def __post_init__(self) -> None:
        ids = {rule.id for rule in self.rules}
        if len(ids) != len(self.rules):
            # A decision is told by its rule's id: of two alike, a prohibition could be lost.
            raise MalformedError("two rules of a policy have the same id")

    @property
    def cedar(self) -> str:
        """All policies as Cedar text."""
        return "\n".join(rule.cedar for rule in self.rules)

    @property
    def schema(self) -> str:
        """The Cedar schema: every fact, and every variant that there is."""
        variants = ", ".join(f'"{variant}"' for variant in self.variants)
        return (
            f"entity Person;\nentity Variant enum [{variants}];\n"
            "action use appliesTo {\n  principal: Person, resource: Variant,\n"
            f"  context: {{\n{_CEDAR_CONTEXT}  }}\n}};\n"
        )

    def next_edge(self, now: int) -> int | None:
        """When the next window opens or closes after `now`; None: never."""
        return next((edge for edge in self.edges if edge > now), None)

    def as_dict(self) -> dict[str, Any]:
        """As canonical JSON can have it."""
        return {
            "variants": list(self.variants),
            "modes": list(self.modes),
            "purposes": list(self.purposes),
            "edges": list(self.edges),
            "schema": self.schema,
            "rules": [
                {
                    "id": rule.id,
                    "effect": rule.effect,
                    "says": rule.says,
                    "needs": list(rule.needs),
                    "scope": {fact: list(values) for fact, values in rule.scope.items()},
                    "cedar": rule.cedar,
                }
                for rule in self.rules
            ],
        }

    def lines(self) -> list[str]:
        """What `touchstone terms compile` prints: the schema, then every policy."""
        return [*self.schema.splitlines(), "", *self.cedar.splitlines()]


def parse_policy(value: object) -> Policy:
    """The policy that a JSON value holds.

    Raises:
        MalformedError: it holds none, or its schema is not the one that its variants give.
    """
    if not isinstance(value, dict) or value.keys() != _FIELDS:
        raise MalformedError(f"a policy has exactly {', '.join(sorted(_FIELDS))}")
    edges = value["edges"]
    if not isinstance(edges, list) or any(type(edge) is not int for edge in edges):
        raise MalformedError("a policy's edges are not whole numbers")
    if not isinstance(value["rules"], list):
        raise MalformedError("a policy's rules are not a list")
    policy = Policy(
        _texts(value["variants"], "a policy's variants"),
        _texts(value["modes"], "a policy's modes"),
        _texts(value["purposes"], "a policy's purposes"),
        tuple(map(_parse_rule, value["rules"])),
        tuple(edges),
    )
    # A schema of its own could leave out a fact, and the check of policies by it would be empty.
    if policy.schema != value["schema"]:
        raise MalformedError("a policy's schema is not the one that its variants give")
    return policy


def _parse_rule(value: object) -> CompiledRule:
    if not isinstance(value, dict) or value.keys() != _RULE_FIELDS:
        raise MalformedError(f"a policy's rule has exactly {', '.join(sorted(_RULE_FIELDS))}")
    for key in ("id", "says", "cedar"):
        if not isinstance(value[key], str):
            raise MalformedError(f"a policy's rule has no text {key!r}")
    effect: Literal["permit", "forbid"]
    if value["effect"] == "permit":
        effect = "permit"
    elif value["effect"] == "forbid":
        effect = "forbid"
    else:
        raise MalformedError("a policy's rule neither permits nor forbids")
    needs, scope = _texts(value["needs"], "a rule's needs"), value["scope"]
    if not FACTS.keys() >= {*needs} or not isinstance(scope, dict):
        raise MalformedError("a policy's rule needs a fact that there is not, or has no scope")
    return CompiledRule(
        value["id"],
        effect,
        value["says"],
        needs,
        {fact: _texts(values, "a rule's scope") for fact, values in scope.items()},
        value["cedar"],
    )


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or any(type(each) is not str for each in value):
        raise MalformedError(f"{what} are not a list of texts")
    return tuple(value)


@dataclass(frozen=True)
class _Slice:
    """The rules that can apply to one variant, mode and tier."""

    rules: Mapping[str, CompiledRule]
    policies: PolicySet
    permit_needs: frozenset[str]


class Decider:
    """Decides requests under one policy. Everything is parsed once; decisions are uncached.

    Cedar is asked with the policies that can apply to the variant, mode and tier: leaving out one
    whose condition is false changes no answer. Sharing one between threads is safe.
    """

    def __init__(self, policy: Policy) -> None:
        """Parse and check; TermsFileError where Cedar refuses a policy under the schema."""
        self.policy = policy
        try:
            self._schema = Schema.from_str(policy.schema)
            # Parsed once: as text they cost 2 to 4 ms a question, as handles some 0.1.
            self._entities = Entities.from_json_str("[]", self._schema)
            checked = validate_policies(policy.cedar, self._schema)
        except ValueError as error:
            raise TermsFileError(f"the compiled policy is not Cedar: {_one_line(error)}") from error
        # Without this check a prohibition that tests a fact without `has` would err at some
        # request, be skipped, and allow (ADR 91).
        if not checked.validation_passed:
            fault = _one_line(checked.errors[0])
            raise TermsFileError(f"the compiled policy does not fit its schema: {fault}")
        self._purposes = frozenset(policy.purposes)
        # Only what is declared gets a slice: callers' own words must not fill the memory. Nor must
        # terms that declare much: their product is never made.
        self._declared = tuple(map(frozenset, (policy.variants, policy.modes, TIERS)))
        self._slices: dict[tuple[str, str, str], _Slice] = {}

    def decide(self, facts: CallerAttributes, request: Request) -> AccessDecision:
        """The decision on one request. It denies whatever is not plainly granted."""
        target = (request.variant, request.mode, facts.tier)
        part = self._slices.get(target) or self._slice(target)
        # Variant and mode are held by the slice; a purpose is no part of it.
        strange = request.purpose is not None and request.purpose not in self._purposes
        if part is None or strange:
            return self._unknown_target(request, facts.tier)
        context = self._context(sound(facts), request)
        answer = is_authorized(
            {
                # No rule asks who: all that is known about a person is in the context.
                "principal": {"type": "Person", "id": "someone"},
                "action": _ACTION,
                "resource": {"type": "Variant", "id": request.variant},
                "context": json.dumps(context),
            },
            part.policies,
            self._entities,
            self._schema,
        )
        found = answer.diagnostics
        # Cedar skips a policy that errs: with a prohibition skipped, Allow means nothing (ADR 91).
        if found.errors:
            fault = f"denied, undecidable: {_one_line(found.errors[0])}"
            return AccessDecision(allowed=False, rule=FAULT, sentence=fault)
        deciding = found.id_annotations_by_reason.values()
        unknown = [fact for fact in MAY_BE_UNKNOWN if fact not in context]
        # An Allow that names no rule of ours is none: it falls through to a denial.
        if answer.allowed and (rule := _first(part, deciding)):
            return AccessDecision(allowed=True, rule=rule.id, sentence=rule.says)
        if rule := _first(part, deciding):
            return _denied(rule.id, rule.says, unknown, rule.needs)
        nothing = f"no rule permits variant {request.variant} in mode {request.mode} here"
        return _denied(DEFAULT, nothing, unknown, part.permit_needs)

    def _slice(self, target: tuple[str, str, str]) -> _Slice | None:
        """Made when it is first asked for: a gateway meets few, and a directive is not to wait."""
        if not all(word in known for word, known in zip(target, self._declared, strict=True)):
            return None
        words = dict(zip(("variant", "mode", "tier"), target, strict=True))
        rules = {
            rule.id: rule
            for rule in self.policy.rules
            if all(words[fact] in values for fact, values in rule.scope.items() if fact in words)
        }
        # Two threads may make it at once: both are equal, and the later one stays.
        part = self._slices[target] = _Slice(
            rules,
            PolicySet.from_str("\n".join(rule.cedar for rule in rules.values())),
            frozenset(
                fact for rule in rules.values() if rule.effect == "permit" for fact in rule.needs
            ),
        )
        return part

    def _context(self, facts: CallerAttributes, request: Request) -> dict[str, Any]:
        context: dict[str, Any] = {
            "now": request.now,
            "mode": request.mode,
            "tier": facts.tier,
            "organisation": facts.organisation,
            "staff": facts.staff,
            "programmes": [*facts.programmes],
            "lists": [*facts.lists],
        }
        # An unknown fact is left out: Cedar then meets it only behind `has`.
        if facts.nationalities:
            context["nationalities"] = [*facts.nationalities]
        if facts.residence is not None:
            context["residence"] = facts.residence
        if facts.end_user is not None:
            context["end_user"] = facts.end_user
        if request.purpose is not None:
            context["purpose"] = request.purpose
        if request.tokens_today is not None:
            context["tokens_today"] = request.tokens_today
        if request.tokens_this_month is not None:
            context["tokens_this_month"] = request.tokens_this_month
        return context

    def _unknown_target(self, request: Request, tier: str) -> AccessDecision:
        for fact, value, known in (
            ("variant", request.variant, self.policy.variants),
            ("mode", request.mode, self.policy.modes),
            ("purpose", request.purpose, self.policy.purposes),
        ):
            if value is not None and value not in known:
                return _unheard_of(fact, value)
        return _unheard_of("tier", tier)


def _first(part: _Slice, ids: Iterable[str]) -> CompiledRule | None:
    """The first in the order of the terms, so that the same request has the same reason."""
    among = set(ids)
    return next((rule for rule in part.rules.values() if rule.id in among), None)


def _denied(rule: str, says: str, unknown: Sequence[str], needs: Container[str]) -> AccessDecision:
    missing = tuple(fact for fact in unknown if fact in needs)
    return AccessDecision(
        allowed=False, rule=rule, sentence=says + _because(missing), unknown=missing
    )


def _unheard_of(fact: str, value: str) -> AccessDecision:
    # Cut and escaped: the word is a caller's own, and goes into audits and answers.
    sentence = f"{fact} {value[:40]!a} is not defined in the terms"
    return AccessDecision(allowed=False, rule=DEFAULT, sentence=sentence, unknown=(fact,))


def _because(missing: tuple[str, ...]) -> str:
    if not missing:
        return ""
    names = " and ".join(FACTS[fact] for fact in missing)
    return f"; denied because the {names} {'is' if len(missing) == 1 else 'are'} unknown"


def _one_line(error: object) -> str:
    return printable_line(str(error), 300)
