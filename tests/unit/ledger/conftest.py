"""Fixed keys for the ledger's tests, and the vectors as their script makes them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.ledger_signer import Signer

ROOT = Path(__file__).parents[3]


@pytest.fixture
def alice() -> Signer:
    return Signer("alice")


@pytest.fixture
def bob() -> Signer:
    return Signer("bob")


@pytest.fixture(scope="session")
def make_vectors() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_vectors", ROOT / "scripts/make_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules["make_vectors"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def vectors() -> Path:
    return ROOT / "tests/vectors/ledger"
