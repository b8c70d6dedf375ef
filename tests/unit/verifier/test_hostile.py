"""Hostile bundles: one clear line, no traceback, bounded memory, in a process of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from touchstone.handin import is_unseen

ROOT = Path(__file__).parents[3]
MEMORY = 300 << 20
RUN = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
sys.argv = ["touchstone.verifier", *{arguments!r}]
runpy.run_module("{module}", run_name="__main__")
"""


def command(
    *arguments: str | Path, module: str = "touchstone.verifier", under: Path = ROOT / "src"
) -> subprocess.CompletedProcess[str]:
    code = RUN.format(memory=MEMORY, arguments=[str(one) for one in arguments], module=module)
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=under,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def brackets(lines: list[bytes]) -> bytes:
    lines[12] = b"[" * 1_000_000
    return b"\n".join(lines) + b"\n"


def nested_objects(lines: list[bytes]) -> bytes:
    lines[12] = b'{"a":' * 200_000
    return b"\n".join(lines) + b"\n"


def first_line(line: bytes) -> Callable[[list[bytes]], bytes]:
    return lambda lines: b"\n".join([line, *lines[1:]]) + b"\n"


HOSTILE: dict[str, tuple[Callable[[list[bytes]], bytes], int]] = {
    "a million brackets": (brackets, 13),
    "nested objects": (nested_objects, 13),
    "a line of 2 MiB": (first_line(b'"' + b"a" * 2_000_000 + b'"'), 1),
    "a duplicate key": (first_line(b'{"line":"bundle","line":"bundle"}'), 1),
    "not a number": (first_line(b'{"line":NaN}'), 1),
    "infinity": (first_line(b"-Infinity"), 1),
    "a float": (first_line(b'{"size":1.0}'), 1),
    "a float beyond floats": (first_line(b'{"size":1e400}'), 1),
    "a huge integer": (first_line(b'{"size":' + b"9" * 1_000_000 + b"}"), 1),
    "an integer of 4300 digits": (first_line(b'{"size":' + b"9" * 4300 + b"}"), 1),
    "a lone surrogate": (first_line(b'{"line":"\\ud800"}'), 1),
    "invalid UTF-8": (first_line(b'{"line":"\xff\xfe"}'), 1),
    "a coded surrogate": (first_line(b'{"line":"\xed\xa0\x80"}'), 1),
    "an overlong slash": (first_line(b'{"line":"\xc0\xaf"}'), 1),
    "NUL bytes": (first_line(b"\0" * 500), 1),
    "a scalar": (first_line(b"1"), 1),
    "a list": (first_line(b"[]"), 1),
    "a control sequence": (first_line(b'{"\\u001b[31m":"\xe2\x80\xae"}'), 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_gets_one_clear_line(name: str, authentic: Path, tmp_path: Path):
    make, line = HOSTILE[name]
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(make(authentic.read_bytes().split(b"\n")[:-1]))
    done = command(bundle)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"altered: line {line}")
    assert done.stdout.endswith("\n")
    assert done.stdout[:-1].isprintable()
    assert len(done.stdout) < 400


def test_a_line_of_a_gigabyte_is_not_read(tmp_path: Path):
    bundle = tmp_path / "sparse.jsonl"
    with bundle.open("wb") as file:
        file.truncate(1 << 30)
    done = command(bundle)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no bundle" in done.stderr


def test_a_claim_of_endless_entries_ends_where_the_bundle_ends(authentic: Path, tmp_path: Path):
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(authentic.read_bytes().replace(b'"size":6', b'"size":9007199254740991', 1))
    done = command(bundle)
    assert done.returncode == 1
    assert done.stdout.startswith("altered: line 10")


def test_a_hostile_audience_is_shown_safely(authentic: Path, tmp_path: Path, making: ModuleType):
    body = authentic.read_bytes().splitlines()[:-1]
    audience = "\x1b]0;owned\x07\u202e\x9b\u3164\ufe0f\U000e0101\u2800\u034f" + "long" * 100
    body[0] = making.edited(body[0], audience=audience)
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(making.sealed(body))
    done = command(bundle)
    assert done.returncode == 0
    assert not any(is_unseen(c) for line in done.stdout.splitlines() for c in line)
    assert "owned" in done.stdout
    assert "long" * 50 not in done.stdout


def test_it_answers_in_json_and_by_exit_code(
    authentic: Path, manifest: dict[str, Any], tmp_path: Path
):
    trust = ["--trust", manifest["trust"]]
    yes = command(authentic, *trust, "--json")
    assert yes.returncode == 0
    assert json.loads(yes.stdout)["word"] == "authentic"
    assert command(authentic, "--trust", manifest["stranger"]).returncode == 1
    for arguments in ([tmp_path], [tmp_path / "none"], [authentic, "--trust", "x"]):
        bad = command(*arguments)
        assert bad.returncode == 2
        assert (bad.stdout, bad.stderr.count("\n")) == ("", 1)


def test_the_folder_runs_alone(authentic: Path, tmp_path: Path):
    shutil.copytree(ROOT / "src/touchstone/verifier", tmp_path / "alone")
    done = command(authentic, module="alone", under=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("consistent, issuer unverified")
