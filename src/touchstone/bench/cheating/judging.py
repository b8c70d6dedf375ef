"""Scores of many answers by their items' own judges, in one process for all of them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from touchstone.bench.errors import BenchError
from touchstone.evaluation.families.base import Item

# Each judge is a script that prints its score last: it is run as itself, in its own folder.
_ALL = """
import contextlib, io, json, os, runpy, sys
for folder, script in json.loads(sys.stdin.read()):
    os.chdir(folder)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as left:
            if left.code:
                raise
    print(out.getvalue().splitlines()[-1], flush=True)
"""


def scores(asked: Sequence[tuple[Item, bytes]]) -> list[int]:
    """The score, 0 or 1, of each answer to its item.

    The judges run unconfined: nothing but data of a cheat of ours is before them.

    Raises:
        BenchError: a judge failed.
    """
    with tempfile.TemporaryDirectory() as home:
        jobs = []
        for number, (item, answer) in enumerate(asked):
            folder = Path(home, str(number))
            for name, data in {**item.judge_files, item.answer: answer}.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            jobs.append((str(folder), item.judge[-1]))
        done = subprocess.run(
            [sys.executable, "-I", "-B", "-c", _ALL],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            check=False,
        )
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(jobs):
        last = (done.stderr.splitlines() or ["no word"])[-1]
        raise BenchError(f"the judge of {asked[len(lines)][0].id} failed: {last}")
    return [int(json.loads(line)["score"]) for line in lines]
