"""The vectors' script, from which bundles are built, and the authentic bundle."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def making() -> ModuleType:
    return script("make_vectors")


@pytest.fixture(scope="session")
def deed_making(making: ModuleType) -> ModuleType:
    assert sys.modules["make_vectors"] is making
    return script("make_deed_vectors")


@pytest.fixture(scope="session")
def vectors() -> Path:
    return ROOT / "tests/vectors/ledger"


@pytest.fixture(scope="session")
def manifest(vectors: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((vectors / "manifest.json").read_text())
    return read


@pytest.fixture(scope="session")
def authentic(vectors: Path) -> Path:
    return vectors / "authentic.jsonl"
