"""The core does no I/O: no clock, randomness, files, sockets, processes or database."""

import ast
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
PURE_ROOMS = (
    "handin",
    "ledger",
    "statistics",
    "framework",
    "clearance",
    "terms",
    "disclosure",
    "review",
    "verdicts",
    "planning",
)
FORBIDDEN_MODULES = {
    "asyncio",
    "django",
    "http",
    "importlib.resources",
    "inspect_ai",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "platform",
    "psutil",
    "random",
    "secrets",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
    "aiohttp",
    "httpx",
    "requests",
    "fsspec",
    "numpy.random",
}
FORBIDDEN_CALLS = {
    "open",
    "input",
    "print",
    "exec",
    "eval",
    "__import__",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.date.today",
    "np.random.default_rng",
    "numpy.random.default_rng",
    "Ed25519PrivateKey.generate",
    "ed25519.Ed25519PrivateKey.generate",
}
# The one thing allowed from a forbidden module: drawing from a generator that was handed in.
ALLOWED_NAMES = {("numpy.random", "Generator")}


def drawn_from_a_constant(call: ast.Call) -> bool:
    """Whether it makes a generator that is the same each time: its seed is a constant's."""
    seeds = [node for each in call.args for node in ast.walk(each)]
    names = [node.id for node in seeds if isinstance(node, ast.Name)]
    return (
        ast.unparse(call.func).endswith("default_rng")
        and bool(names)
        and all(name.isupper() for name in names)
        and not any(isinstance(node, ast.Call) for node in seeds)
    )


def impurities(source: str) -> list[str]:
    """Every forbidden import and call in one module's text, as 'line: what'."""
    found: list[str] = []
    for node in parsed.nodes(source):
        if isinstance(node, ast.Import):
            found += [
                f"{node.lineno}: import {alias.name}"
                for alias in node.names
                if alias.name in FORBIDDEN_MODULES or alias.name.split(".")[0] in FORBIDDEN_MODULES
            ]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names = {node.module, node.module.split(".")[0], f"{node.module}.{alias.name}"}
                if names & FORBIDDEN_MODULES and (node.module, alias.name) not in ALLOWED_NAMES:
                    found.append(f"{node.lineno}: from {node.module} import {alias.name}")
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in FORBIDDEN_CALLS
            and not drawn_from_a_constant(node)
        ):
            found.append(f"{node.lineno}: {ast.unparse(node.func)}()")
    return found


def pure_modules() -> list[Path]:
    return sorted(path for room in PURE_ROOMS for path in (SOURCE / room).rglob("*.py"))


@pytest.mark.parametrize("path", pure_modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_core_module_does_no_io(path: Path):
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from pathlib import Path",
        "import socket as s",
        "from datetime import datetime\ndatetime.now()",
        "open('x')",
        "import secrets",
        "from importlib import resources\nimport importlib.resources",
        "import numpy as np\nnp.random.default_rng()",
        "import numpy as np\nnp.random.default_rng(seed)",
        "import numpy as np\nnp.random.default_rng(None)",
        "from django.db import models",
    ],
)
def test_the_guard_sees_each_kind_of_io(source: str):
    assert impurities(source)


def test_a_generator_from_a_constant_is_no_chance():
    assert impurities("import numpy as np\nnp.random.default_rng(_SEED + 1)") == []
