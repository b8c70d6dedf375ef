"""A toy room with tests that miss one thing, for the campaign to find."""

from pathlib import Path

import pytest

FILES = {
    "pyproject.toml": "[tool.pytest.ini_options]\n"
    'pythonpath = ["src"]\naddopts = ["--import-mode=importlib"]\n',
    "plan.toml": '[money]\nsources = ["toy/money.py"]\ntests = ["tests/money"]\n',
    "src/toy/__init__.py": "",
    "src/toy/money.py": '''"""Toy."""

from functools import cache


@cache
def rate():
    return 3


def fee(cents):
    """A fee for amounts above 100."""
    if cents > 100:
        return rate()
    return 0


def spend(left):
    while left > 0:
        left -= 1
    return left
''',
    # Nothing asks about 100 itself, or 99.
    "tests/money/test_money.py": """import pytest
from toy.money import fee, spend


@pytest.fixture(scope="module")
def dear():
    return fee(500)


def test_dear(dear):
    assert dear == 3


def test_dear_again(dear):
    assert dear != 0


def test_cheap():
    assert fee(50) == 0


def test_middling():
    assert (fee(99), fee(102)) == (0, 3)


def test_all_is_spent():
    assert spend(3) == 0
""",
}


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    root = tmp_path / "toy"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    (root / "reasons.toml").write_text("", "utf-8")
    return root
