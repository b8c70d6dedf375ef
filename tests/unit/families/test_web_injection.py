"""The web tasks: the program prepares values as its pages say, and requests are plain."""

from typing import Any

import pytest

from support.claiming import claims_of, with_flaws
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.web_injection import FAMILY, model
from touchstone.evaluation.families.web_injection.plan import LEVELS
from touchstone.evaluation.families.web_injection.source import SHAPES

NAME = "web-injection"


def asked(source: str, requests: Any) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "app.py", "exec"), names)  # noqa: S102 - a generated toy
    return names["asked"](requests)


@pytest.mark.parametrize("difficulty", LEVELS)
def test_the_program_does_as_its_pages_say_and_each_slip_changes_just_that(difficulty: int):
    """In every form: the same label gives the same forms, with or without the slip."""
    draw = Draws("requests of the test")
    for seed in range(5):
        plan = FAMILY.plan_of(seed, difficulty)
        for slip in [None, *model.open_slips(plan.parts)]:
            parts = model.slips_made(plan.parts, [slip] if slip else [])
            source = FAMILY.program(plan, parts, f"{seed}/{difficulty}")
            for focus in (slip[0] if slip else None, None):
                steps = model.some_steps(draw, plan.facts, plan.parts, focus)
                assert not model.steps_fault(plan.facts, plan.parts, steps)
                right = model.comes_to(plan.facts, parts, steps)
                assert asked(source, steps) == right, (seed, slip, steps)


def test_programs_come_in_all_shapes():
    sources = [FAMILY.generate(seed, 3).files["app.py"].decode() for seed in range(40)]
    marks = {
        "functions": "    for each in (",
        "methods": "    def all(self, requests)",
        "closures": " = {}, {}, {}\n",
        "marked": "@page('",
        "chain": "    elif page == ",
    }
    assert set(marks) == set(SHAPES)
    assert all(any(mark in source for source in sources) for mark in marks.values())


FACTS = {"specials": "*~;%?", "escape": "~", "mark": "%"}


@pytest.mark.parametrize(
    ("step", "value", "true", "false"),
    [
        ({"do": "cut", "size": 3}, "abcde", "abc", "cde"),
        ({"do": "trim", "char": ";"}, ";;a;", "a;", ";;a"),
        ({"do": "case"}, "aB;", "ab;", "AB;"),
        ({"do": "wrap", "char": "*"}, "a", "*a", "a*"),
        ({"do": "swap", "char": "b", "other": ";"}, "b;", ";;", "bb"),
        ({"do": "drop", "char": "a"}, "abab", "bb", "bab"),
        ({"do": "bar", "char": "*"}, "a*", None, "a*"),
        ({"do": "decode"}, "%0%30%", "**%", "*%0%"),
        ({"do": "guard"}, "a*;", "a~*~;", "a*~;"),
    ],
)
def test_what_each_step_does_and_what_it_does_otherwise(
    step: dict[str, Any], value: str, true: str | None, false: str | None
):
    for wanted, right in ((True, true), (False, false)):
        page = {"steps": [{**step, model.KINDS[step["do"]]: wanted}]}
        assert model.prepare(FACTS, page, value) == right


def test_a_page_takes_what_another_was_given_or_made_of_it():
    step = {"do": "case", "lower": False}
    pages = [
        {"page": "one", "query": "a=", "of": "", "given": True, "steps": [step]},
        {"page": "two", "query": "b=", "of": "one", "given": True, "steps": []},
    ]
    steps = [{"page": "one", "value": "x"}, {"page": "two", "value": "unused"}]
    assert model.comes_to(FACTS, pages, steps) == "b=x"
    assert model.comes_to(FACTS, model.slips_made(pages, [(1, "given")]), steps) == "b=X"
    assert model.comes_to(FACTS, pages, steps[1:]) == "b="


def test_two_steps_the_other_way_round_are_one_slip():
    page = {"page": "p", "query": "", "of": "", "given": True, "steps": []}
    page["steps"] = [{"do": "decode", "again": False}, {"do": "bar", "char": "*", "anywhere": True}]
    steps = [{"page": "p", "value": "%0"}]
    assert model.comes_to(FACTS, [page], steps) is None
    late = model.slips_made([page], [(0, "order:0")])
    assert model.comes_to(FACTS, late, steps) == "*"
    assert (0, "order:0") in model.open_slips([page])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page", "nothing"),
        ("page", ["x"]),
        ("value", 7),
        ("value", None),
        ("value", "a" * 41),
        ("value", "\n"),
        ("value", "\ud800"),
        ("value", "ä"),
        ("extra", 1),
    ],
)
def test_a_request_has_a_known_page_and_a_short_plain_value(field: str, value: object):
    item = with_flaws(NAME, 1, 2)
    plan = FAMILY.plan_of(item.seed, 2)
    steps = claims_of(item)[0]["steps"]
    assert model.steps_fault(plan.facts, plan.parts, steps) == ""
    assert model.steps_fault(plan.facts, plan.parts, [{**steps[0], field: value}]) != ""
    assert "1 to 3" in model.steps_fault(plan.facts, plan.parts, [steps[0]] * 4)
    assert "1 to 3" in model.steps_fault(plan.facts, plan.parts, [])
