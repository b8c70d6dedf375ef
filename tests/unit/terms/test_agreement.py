"""The plain reading, Cedar, enumeration and z3 give one answer, on drawn rules and drawn cells."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from support.terms_files import (
    NOW,
    POPULATION,
    drawn_facts,
    drawn_requests,
    drawn_rules,
    terms,
)
from touchstone.terms import CallerAttributes, Decider, Request, compile_policy, in_force
from touchstone.terms.analysis.grid import Grid, Numbers
from touchstone.terms.analysis.prove import Permission, prove
from touchstone.terms.analysis.symbolic_callers import SymbolicCallers
from touchstone.terms.policy.decider import DEFAULT

Rules = list[dict[str, Any]]
Cells = list[tuple[CallerAttributes, Request]]


@given(drawn_rules(), st.lists(st.tuples(drawn_facts, drawn_requests), min_size=1, max_size=6))
def test_cedar_decides_as_the_plain_reading(rules: Rules, cells: Cells):
    ruleset = in_force(terms(*rules))
    decider = Decider(compile_policy(ruleset))
    for facts, request in cells:
        rule = ruleset.decisive(facts, request)
        decision = decider.decide(facts, request)
        assert decision.rule == (rule.id if rule else DEFAULT)
        assert decision.allowed == (rule is not None and rule.effect == "permit")


@given(drawn_rules(), st.lists(st.tuples(drawn_facts, drawn_requests), min_size=1, max_size=4))
@settings(max_examples=40)
def test_z3_permits_as_the_plain_reading(rules: Rules, cells: Cells):
    ruleset = in_force(terms(*rules))
    conditions = [each for rule in ruleset.rules for each in rule.every_condition]
    people = SymbolicCallers(conditions, POPULATION)
    permission = Permission(ruleset, people)
    for facts, request in cells:
        rule = ruleset.decisive(facts, request)
        # Drawn people need not be as the registry says: no axioms here.
        solver = z3.Solver(ctx=people.ctx)
        solver.add(people.formula(permission.allowed(_words(request))))
        solver.add(people.exactly(facts))
        permitted = rule is not None and rule.effect == "permit"
        assert (solver.check() == z3.sat) == permitted


@given(drawn_rules())
@settings(max_examples=25)
def test_the_grid_decides_as_the_plain_reading(rules: Rules):
    ruleset = in_force(terms(*rules))
    grid = Grid([ruleset], POPULATION)
    decisive = grid.decisive(ruleset)
    step = max(1, decisive.size // 200)
    for flat in range(0, decisive.size, step):
        who, what = divmod(flat, decisive.shape[1])
        rule = ruleset.decisive(*grid.cell(who, what))
        index = int(decisive[who, what])
        assert (ruleset.rules[index] if index >= 0 else None) == rule
    for facts in POPULATION.groups:
        row = decisive[grid.person(facts)]
        for what in range(decisive.shape[1]):
            request = grid.cell(0, what)[1]
            rule = ruleset.decisive(facts, request)
            assert (ruleset.rules[row[what]] if row[what] >= 0 else None) == rule


@given(drawn_rules(), st.sampled_from(("instant", "thinking")))
@settings(max_examples=25)
def test_a_proof_is_about_every_cell_and_a_counterexample_is_one(rules: Rules, mode: str):
    drawn = terms(*rules)
    ruleset = in_force(drawn)
    proof = prove(f"no person reaches mode {mode}", drawn, POPULATION, NOW)
    grid = Grid([ruleset], POPULATION, NOW)
    permits = {i for i, rule in enumerate(ruleset.rules) if rule.effect == "permit"}
    reached = any(
        index in permits and grid.cell(who, what)[1].mode == mode
        for (who, what), index in _entries(grid.decisive(ruleset))
    )
    if reached:
        assert not proof.holds
    if proof.counterexample is not None:
        found = proof.counterexample
        assert found.request is not None
        assert found.request.mode == mode
        rule = ruleset.decisive(found.facts, found.request)
        assert rule is not None
        assert rule.effect == "permit"
        if found.person is not None:
            assert found.facts in POPULATION.groups


@given(drawn_rules(), st.sampled_from(("final", "restricted")))
@settings(max_examples=25)
def test_every_is_about_each_real_person(rules: Rules, variant: str):
    drawn = terms(*rules)
    ruleset = in_force(drawn)
    proof = prove(f"every person reaches variant {variant}", drawn, POPULATION, NOW)
    stuck = [
        facts
        for facts in POPULATION.groups
        if not any(
            (rule := ruleset.decisive(facts, Request(variant, mode, NOW, purpose, 0, 0)))
            and rule.effect == "permit"
            for mode in ruleset.modes
            for purpose in (None, *ruleset.purposes)
        )
    ]
    assert proof.holds == (not stuck)
    if proof.counterexample is not None:
        assert proof.counterexample.facts in stuck


def _entries(decisive: Numbers) -> Iterator[tuple[tuple[int, int], int]]:
    """One cell for each request and rule."""
    for what in range(decisive.shape[1]):
        rules, first = np.unique(decisive[:, what], return_index=True)
        for who, rule in zip(first, rules, strict=True):
            yield (int(who), what), int(rule)


def _words(request: Request) -> dict[str, object]:
    return {
        "variant": request.variant,
        "mode": request.mode,
        "purpose": request.purpose,
        "now": request.now,
        "tokens_today": request.tokens_today,
        "tokens_this_month": request.tokens_this_month,
    }


STAFF_ALONE: Rules = [{"id": "r0", "effect": "permit", "staff": True}]
NO_STAFF: Cells = [(CallerAttributes(), Request("final", "instant", NOW))]


def test_the_comparison_sees_a_fault_in_each_engine(monkeypatch: pytest.MonkeyPatch):
    """The twin: one engine at a time takes everybody for staff."""
    for compare, place, fault in (
        (test_cedar_decides_as_the_plain_reading, "policy.compile._of_state", lambda _: "true"),
        (
            test_z3_permits_as_the_plain_reading,
            "analysis.symbolic_callers.SymbolicCallers.holds",
            lambda *_, **__: True,
        ),
        (
            test_the_grid_decides_as_the_plain_reading,
            "analysis.grid.truth_of",
            lambda *_, **__: True,
        ),
    ):
        cells = (NO_STAFF,) if compare is not test_the_grid_decides_as_the_plain_reading else ()
        inner = compare.hypothesis.inner_test  # type: ignore[attr-defined]
        inner(STAFF_ALONE, *cells)
        with monkeypatch.context() as patch:
            patch.setattr(f"touchstone.terms.{place}", fault)
            with pytest.raises(AssertionError):
                inner(STAFF_ALONE, *cells)
