"""Sent to the sandbox by the thorough solver: finish candidates' checksums, run them under ASan.

The checksum is computed by the program's own function, built as a library. PLAN is put in front.
"""
# ruff: noqa: T201 - what it prints is what the solver reads

import base64
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PLAN = "@PLAN@"
SECONDS = 15.0
WORKERS = 2
ASAN_EXIT = 86
Check = dict[str, Any]
Compute = Callable[[bytes, int], int]
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=f"exitcode={ASAN_EXIT}:detect_leaks=0")
LIBRARY = """
#define main original_main
#include "program.c"
#undef main
unsigned long long compute(const unsigned char *p, unsigned long n) { return %s(p, n); }
"""


def build(check: Check | None) -> Compute | None:
    """Build the program, and its checksum where it has one."""
    if not Path("tried").exists():
        command = "gcc -g -fsanitize=address program.c -o tried"
        if subprocess.run(command.split(), check=False).returncode:
            sys.exit("the program does not build")
    if check is None:
        return None
    Path("checksum.c").write_text(LIBRARY % check["function"])
    command = "gcc -w -shared -fPIC checksum.c -o checksum.so"
    if subprocess.run(command.split(), check=False).returncode:
        sys.exit("the checksum does not build")
    compute: Any = ctypes.CDLL("./checksum.so").compute
    compute.restype = ctypes.c_ulonglong
    compute.argtypes = [ctypes.c_char_p, ctypes.c_ulong]
    return compute  # type: ignore[no-any-return]  # a ctypes function


def finish(data: bytes, check: Check | None, compute: Compute | None) -> bytes:
    """Write the checksum into its place."""
    if check is None or compute is None:
        return data
    rest = data[check["begin"] :]
    value = compute(rest, len(rest)).to_bytes(check["width"], "big" if check["big"] else "little")
    return data[: check["at"]] + value + data[check["at"] + check["width"] :]


def crashes(data: bytes) -> bytes | None:
    """The input itself where AddressSanitizer reports an error, else None."""
    with tempfile.NamedTemporaryFile(dir=".") as file:
        file.write(data)
        file.flush()
        try:
            run = subprocess.run(
                ["./tried", file.name], capture_output=True, timeout=5, env=ENVIRONMENT, check=False
            )
        except subprocess.TimeoutExpired:
            return None
    return data if run.returncode == ASAN_EXIT else None


def main() -> None:
    """Try all candidates in order, a few at a time."""
    plan = json.loads(zlib.decompress(base64.b64decode(PLAN)))
    check = plan["check"]
    compute = build(check)
    todo = [finish(bytes.fromhex(text), check, compute) for text in plan["candidates"]]
    until, tried = time.monotonic() + SECONDS, 0
    with ThreadPoolExecutor(WORKERS) as pool:
        while tried < len(todo) and time.monotonic() < until:
            batch = todo[tried : tried + 8 * WORKERS]
            tried += len(batch)
            found = next(filter(None, pool.map(crashes, batch)), None)
            if found is not None:
                Path("crash.bin").write_bytes(found)
                print(f"found after {tried} of {len(todo)}")
                return
    print(f"nothing after {tried} of {len(todo)}")


if __name__ == "__main__":
    main()
