"""`make faults`: the campaign at length. Exit 1 where a word came without enough measured.

With `--http`, whole reviews of a real endpoint instead of recorded outcomes.
"""

import argparse
import gc
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from support.faults.campaign import FAULTS, campaign
from support.faults.reviewed import Reviewed, review, wrongs
from support.faults.served import plan_of

WORDS = ("above", "below", "within-zone", "at-ceiling", "undetermined", "not-measured", "open")
BLOCK = 200


def show(text: str) -> None:
    """One line of the answer."""
    sys.stdout.write(text + "\n")


def main() -> int:
    """Play, show progress and a table."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0, help="2000, or 40 with --http")
    parser.add_argument("--http", action="store_true", help="whole reviews of a real endpoint")
    asked = parser.parse_args()
    if asked.http:
        return reviews(asked.seed, asked.count or 40)
    return trials(asked.seed, asked.count or 2000)


def reviews(seed: int, count: int) -> int:
    """So many whole reviews, one seed after the other."""
    counts: Counter[tuple[str, str]] = Counter()
    results: Counter[tuple[str, str]] = Counter()
    wrong, runs, stopped, began = [], 0, 0, time.monotonic()
    for number in range(seed, seed + count):
        with TemporaryDirectory(prefix="faults-") as folder:
            for found in review(Path(folder), plan_of(number)):
                wrong += wrongs(found)
                runs, stopped = runs + 1, stopped + bool(found.state.stopped)
                count_words(found, counts, results)
        # Inspect leaves streams to the collector.
        gc.collect()
        took = time.monotonic() - began
        sys.stderr.write(
            f"seed {number}: {runs} runs of reviews, {stopped} stopped, "
            f"{len(wrong)} wrong, {took:.0f} s\n"
        )
    for title, table in (("verdicts", counts), ("samples", results)):
        show(f"{title} by what went wrong in their mode")
        columns = sorted({word for _, word in table})
        show(f"{'':<16}" + "".join(f"{word:>16}" for word in columns))
        for kind in sorted({kind for kind, _ in table}):
            row = "".join(f"{table[kind, word] or '':>16}" for word in columns)
            show(f"{kind:<16}{row}")
    for line in wrong[:40]:
        show(line)
    return 1 if wrong else 0


def count_words(
    found: Reviewed, counts: Counter[tuple[str, str]], results: Counter[tuple[str, str]]
) -> None:
    """Add a review's verdicts and outcomes, by the fault of their mode."""
    spoils = found.served.plan.spoils
    for key in found.rules:
        said = [v.verdict for k, v in found.state.verdicts.items() if k.mode == key]
        counts[spoils[key].kind, said[0] if said else "open"] += 1
    for (_, mode, _), (result, _) in found.results.items():
        results[spoils[mode].kind, result] += 1


def trials(seed: int, count: int) -> int:
    """So many trials from recorded outcomes on."""
    counts, wrong = campaign(seed, 0)
    done = 0
    while done < count:
        block = min(BLOCK, count - done)
        more, found = campaign(seed * 1_000_003 + done, block)
        counts, wrong, done = counts + more, wrong + found, done + block
        sys.stderr.write(f"{done} of {count} trials, {len(wrong)} wrong\n")
    show(f"{'fault':<16}" + "".join(f"{word:>14}" for word in WORDS))
    for fault in FAULTS:
        show(f"{fault:<16}" + "".join(f"{counts[fault, word]:>14}" for word in WORDS))
    for trial, said in wrong[:20]:
        show(f"{said.word} though {said.wrong}: {trial}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
