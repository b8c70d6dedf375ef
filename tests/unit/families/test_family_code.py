"""Whose code a family is: any file of its package counts, and nobody else's does."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from touchstone.evaluation.families.code import package_digest, shipped_digest
from touchstone.evaluation.families.loading import load_families
from touchstone.evaluation.families.registry import MODULES, family_names


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a namespace with a package and a lone module in it; digests what is imported."""
    package = tmp_path / "example_space" / "tasks"
    (package / "inner").mkdir(parents=True)
    for name in ("__init__.py", "family.py", "card.md", "inner/__init__.py"):
        (package / name).write_text("", "utf-8")
    (tmp_path / "example_space" / "alone.py").write_text("", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.startswith("example_space")]:
        monkeypatch.delitem(sys.modules, name)

    def of(module: str) -> str:
        importlib.import_module(module)
        return package_digest(module)

    return of


@pytest.mark.parametrize("name", ["family.py", "card.md", "inner/__init__.py", "inner/new.txt"])
def test_every_file_of_the_package_counts(name: str, tmp_path: Path, digest: Callable[[str], str]):
    module = "example_space.tasks.family"
    before = digest(module)
    assert digest(module) == before
    (tmp_path / "example_space" / "tasks" / name).write_text("# changed\n", "utf-8")
    assert digest(module) != before


@pytest.mark.parametrize("name", ["tasks/__pycache__/family.pyc", "other.py", "alone.py"])
def test_nobody_elses_file_does(name: str, tmp_path: Path, digest: Callable[[str], str]):
    module = "example_space.tasks.family"
    before = digest(module)
    path = tmp_path / "example_space" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("# changed\n", "utf-8")
    assert digest(module) == before


def test_of_a_lone_module_its_file_counts(tmp_path: Path, digest: Callable[[str], str]):
    before = digest("example_space.alone")
    (tmp_path / "example_space" / "other.py").write_text("", "utf-8")
    assert digest("example_space.alone") == before
    (tmp_path / "example_space" / "alone.py").write_text("# changed\n", "utf-8")
    assert digest("example_space.alone") != before


def test_shipped_families_are_touchstones_each_with_its_own_digest():
    code = load_families().code
    assert tuple(code) == family_names()
    assert {each.distribution for each in code.values()} == {"touchstone"}
    assert len({each.digest for each in code.values()}) == len(code)
    assert all(code[name].digest == shipped_digest(MODULES[name]) for name in code)
