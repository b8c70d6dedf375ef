"""Rules as Cedar: one policy a rule, under a schema that names every fact.

A fact that may be unknown is tested with `has`: its absence never grants, and always forbids where
the rest of a prohibition holds. The text is made to be read beside the terms.
"""

from touchstone.terms.policy.caller_attributes import MAY_BE_UNKNOWN
from touchstone.terms.policy.conditions import (
    AccessRule,
    AccessWindow,
    AnyOf,
    Condition,
    Nationality,
    OneOf,
    Residence,
    Ruleset,
    Staff,
    TokenBudget,
)
from touchstone.terms.policy.decider import CompiledRule, Policy

_SLICED = ("variant", "mode", "tier")
_CHEAP = ("staff", "now", "organisation", "purpose", "end_user", "residence")
"""Tested first: one comparison, and mostly false. Order changes no answer, only the time."""


def compile_policy(ruleset: Ruleset) -> Policy:
    """The policy that the rules in force come to."""
    # Gathered here, so that a gateway need not read Cedar to know when a decision that it keeps
    # must end.
    edges = {
        edge
        for rule in ruleset.rules
        for each in rule.every_condition
        if isinstance(each, AccessWindow)
        for edge in (each.start, each.end)
        if edge is not None
    }
    return Policy(
        ruleset.variants,
        ruleset.modes,
        ruleset.purposes,
        tuple(_compiled(rule) for rule in ruleset.rules),
        tuple(sorted(edges)),
    )


def _compiled(rule: AccessRule) -> CompiledRule:
    return CompiledRule(
        rule.id,
        rule.effect,
        str(rule),
        tuple(sorted(rule.needs)),
        {
            each.fact: tuple(sorted(each.values))
            for each in rule.conditions
            if isinstance(each, OneOf) and each.fact in _SLICED
        },
        _cedar(rule),
    )


def _cedar(rule: AccessRule) -> str:
    doubt = rule.effect == "forbid"
    # Stable: conditions of one price stay as they were written, and a bundle's bytes the same.
    ordered = sorted(rule.conditions, key=lambda each: each.fact not in _CHEAP)
    tests = [_test(each, doubt=doubt) for each in ordered]
    # Inside an exception doubt is turned round: a prohibition spares only who is certainly
    # excepted, and a permission leaves out who possibly is.
    for exception in rule.exceptions:
        inner = " && ".join(_test(each, doubt=not doubt) for each in exception)
        tests.append(f"!({inner})")
    when = "\n  && ".join(tests) or "true"
    # Nothing is escaped: ids, words and codes in rules hold no quote by now.
    head = f'@id("{rule.id}")\n{rule.effect} (principal, action == Action::"use", resource)'
    return f"{head}\nwhen {{\n  {when}\n}};\n"


def _test(condition: Condition, *, doubt: bool) -> str:
    """Cedar for one condition; `doubt` is what it comes to where its fact is unknown."""
    known = _known(condition)
    if condition.fact not in MAY_BE_UNKNOWN:
        return known
    if doubt:
        # Without `has` a prohibition that meets a missing fact errs, is skipped, and allows (ADR
        # 91).
        return f"(if context has {condition.fact} then {known} else true)"
    return f"(context has {condition.fact} && {known})"


def _known(condition: Condition) -> str:
    match condition:
        case Nationality() | Residence():
            return _of_countries(condition)
        case Staff() | TokenBudget() | AccessWindow():
            return _of_state(condition)
        case OneOf("variant", values):
            named = ", ".join(f'Variant::"{value}"' for value in sorted(values))
            return f"[{named}].contains(resource)"
        case OneOf(fact, values):
            return f"{_set(values)}.contains(context.{fact})"
        case AnyOf(fact, values):
            return f"context.{fact}.containsAny({_set(values)})"


def _of_state(condition: Staff | TokenBudget | AccessWindow) -> str:
    match condition:
        case Staff(wanted):
            return "context.staff" if wanted else "!context.staff"
        case TokenBudget(fact, tokens):
            return f"context.{fact} < {tokens}"
        case AccessWindow(start, end):
            bounds = ((">=", start), ("<", end))
            tests = [f"context.now {sign} {at}" for sign, at in bounds if at is not None]
            return f"({' && '.join(tests)})"


def _of_countries(condition: Nationality | Residence) -> str:
    countries, held = condition.countries, "context.nationalities"
    # Every country but none: Cedar refuses the empty set that the test would else hold.
    if countries.others and not countries.codes:
        return "true"
    named = _set(countries.codes)
    if isinstance(condition, Residence):
        among = f"{named}.contains(context.residence)"
        return f"!{among}" if countries.others else among
    if condition.dual == "all":
        inside, outside = f"{named}.containsAll({held})", f"!{held}.containsAny({named})"
        return outside if countries.others else inside
    inside, outside = f"{held}.containsAny({named})", f"!{named}.containsAll({held})"
    some = outside if countries.others else inside
    if condition.dual == "any":
        return some
    # Whoever holds a home nationality is decided by it alone, also where the list does not hold it:
    # then the answer is no.
    home = {code for code in condition.home if code in countries}
    # Cedar's schema check refuses an empty set, and none of nothing is false.
    at_home = f"{held}.containsAny({_set(home)})" if home else "false"
    return f"(if {held}.containsAny({_set(condition.home)}) then {at_home} else {some})"


def _set(values: set[str] | frozenset[str]) -> str:
    return f"[{', '.join(f'{chr(34)}{value}{chr(34)}' for value in sorted(values))}]"
