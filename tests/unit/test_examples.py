"""The examples in docstrings run as they stand, and each core room shows one."""

import ast
import doctest
import importlib
import json
import re
from pathlib import Path

import pytest

from touchstone.keys import Keyring
from touchstone.ledger import fingerprint

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "touchstone"
AUTHENTIC = ROOT / "tests" / "vectors" / "ledger" / "authentic.jsonl"
CORE = (
    "clearance",
    "framework",
    "ledger",
    "planning",
    "review",
    "statistics",
    "terms",
    "verdicts",
)
SHOWN = sorted(path for path in SOURCE.rglob("*.py") if "    >>> " in path.read_text("utf-8"))


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def newest_key() -> str:
    """The fingerprint of the newest key in the vector's key history."""
    lines = map(json.loads, AUTHENTIC.read_bytes().splitlines())
    keys = [line["public_key"] for line in lines if line.get("line") == "key"]
    return fingerprint(bytes.fromhex(keys[-1]))


@pytest.mark.parametrize("path", SHOWN, ids=name_of)
def test_an_example_runs_as_it_stands(path: Path, tmp_path: Path):
    module = importlib.import_module(name_of(path))
    home = tmp_path / "home"
    given = {
        "folder": tmp_path / "keys",
        "home": home,
        "keyring": Keyring.open_or_create(home / "keys", "2027-01-05T09:00:00Z"),
        "bundle": AUTHENTIC,
        "fingerprint": newest_key(),
    }
    ran = doctest.testmod(module, extraglobs=given, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert ran.attempted > 0
    assert ran.failed == 0


@pytest.mark.parametrize("room", CORE)
def test_each_core_room_shows_a_call(room: str):
    shown = [path for path in SHOWN if path.relative_to(SOURCE).parts[0] == room]
    texts = [ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in shown]
    assert any(re.search(r"^ *>>> .*\(", text, re.MULTILINE) for text in texts)
