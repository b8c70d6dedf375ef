"""Sent to the sandbox by the quick solver: mutate the sample at random, keep what ASan reports."""
# ruff: noqa: T201 - what it prints is what the solver reads

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

RUNS = 800
SECONDS = 15.0
FILLER = b"A" * 400
WORKERS = 2
ASAN_EXIT = 86
BUILD = "gcc -g -fsanitize=address program.c -o fuzzed"
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=f"exitcode={ASAN_EXIT}:detect_leaks=0")


def mutations(sample: bytes) -> Iterator[bytes]:
    """Every byte set to a boundary value or moved a little, in random order; then pairs, for ever.

    All end in filler, so that a longer length finds bytes to take.
    """
    draw = random.Random(1)
    places = [
        (place, value % 256)
        for place, byte in enumerate(sample)
        for value in (0, 127, 128, 255, byte - 1, byte + 1, byte + 2, byte + 3)
    ]
    draw.shuffle(places)

    def changed(*edits: tuple[int, int]) -> bytes:
        data = bytearray(sample)
        for place, value in edits:
            data[place] = value
        return bytes(data) + FILLER

    for edit in places:
        yield changed(edit)
    while True:
        yield changed(draw.choice(places), (draw.randrange(len(sample)), draw.randrange(256)))


def crashes(data: bytes) -> bytes | None:
    """The input itself where AddressSanitizer reports an error, else None."""
    with tempfile.NamedTemporaryFile(dir=".") as file:
        file.write(data)
        file.flush()
        try:
            run = subprocess.run(
                ["./fuzzed", file.name],
                capture_output=True,
                timeout=5,
                env=ENVIRONMENT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
    return data if run.returncode == ASAN_EXIT else None


def main() -> None:
    """Fuzz until something is found or RUNS are spent; SECONDS guard against a slow machine."""
    if subprocess.run(BUILD.split(), check=False).returncode:
        sys.exit("the program does not build")
    until, tried = time.monotonic() + SECONDS, 0
    todo = mutations(Path("sample.bin").read_bytes())
    with ThreadPoolExecutor(WORKERS) as pool:
        while tried < RUNS and time.monotonic() < until:
            batch = list(islice(todo, 8 * WORKERS))
            tried += len(batch)
            found = next(filter(None, pool.map(crashes, batch)), None)
            if found is not None:
                Path("crash.bin").write_bytes(found)
                print(f"found after {tried}")
                return
    print(f"nothing after {tried}")


if __name__ == "__main__":
    main()
