"""Each operator makes its mutants, and nothing is changed that says nothing."""

import ast
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.mutants.operators import mutants

SAMPLES = [
    ("x = a < b", {"a <= b", "a >= b"}),
    ("x = a == b", {"a != b"}),
    ("x = a in b", {"a not in b"}),
    ("x = a and b", {"a or b", "a", "b"}),
    ("x = not a", {"a"}),
    ("x = a + b", {"a - b"}),
    ("x = a / b", {"a * b"}),
    ("x = 7", {"8", "6"}),
    ("x = 0.5", {"1.5", "0.25"}),
    ("x = 0.0", {"1.0", "-1.0"}),
    ("x = 1e300", {"5e+299"}),
    ("x = 1e999", set()),
    ("x = -0.0", {"1.0", "-1.0"}),
    ("def f() -> float:\n    return 0", {"1", "-1"}),
    ("x = True", {"False"}),
    ("x = min(a)", {"max"}),
    ("x = any(a)", {"all"}),
    ("x = f(alpha, beta)", {"f(beta, alpha)", "beta", "alpha"}),
    ("x = min(a, b)", {"max"}),
    ("x = np.maximum(a, b)", {"np.minimum"}),
    ("x = f(a, k=b)", {"f(a)"}),
    ("x = a if b else c", {"a", "c"}),
    ("x = [a for a in b if c]", {"[a for a in b]"}),
    ("def f() -> bool:\n    return g(a)", {"return not g(a)"}),
    ("def f() -> int | None:\n    return a", {"return None"}),
    ("def f() -> tuple[int, ...]:\n    return a", {"return ()"}),
    ("for a in b:\n    break", {"continue"}),
    ("for a in b:\n    continue", {"break"}),
    ("raise ValueError(1)", {"pass"}),
    ("check(a)", {"pass"}),
    ("if a:\n    b = c", {"True", "False"}),
    ("a -= b", {"pass", "a += b"}),
]


@pytest.mark.parametrize(("source", "wanted"), SAMPLES)
def test_an_operator_makes_its_mutants(source: str, wanted: set[str]):
    made = mutants(source.encode(), "a.py")
    plain = {each.becomes.removeprefix("(").removesuffix(")") for each in made}
    assert {each.replace("(", "").replace(")", "") for each in wanted} == {
        each.replace("(", "").replace(")", "") for each in plain
    }
    for each in made:
        compile(each.apply(source.encode()), "a.py", "exec")


@given(st.floats(allow_nan=False) | st.integers() | st.booleans())
def test_no_number_becomes_what_it_is(number: float):
    source = f"x = {'1e999' if number == inf else '-1e999' if number == -inf else number!r}"
    wrong = [
        ast.literal_eval(each.apply(source.encode()).decode()[4:])
        for each in mutants(source.encode(), "a.py")
    ]
    assert number not in wrong


def test_names_annotations_texts_and_what_is_raised_are_left():
    source = '''"""Text 1."""
from a import b as b

@cache(1)
def f(x: Field(2), y="3") -> Field(4):
    """Text 5."""
    raise Bad(f"{x + 6}", 7)
'''
    assert [each.becomes for each in mutants(source.encode(), "a.py")] == ["pass"]


def test_each_has_a_name_that_outlives_its_line():
    source = b"def f():\n    return g(1, 1)\n"
    moved = b"# A comment.\n" + source
    names = [each.id for each in mutants(source, "a.py")]
    assert len(set(names)) == len(names) > 0
    assert names == [each.id for each in mutants(moved, "a.py")]
