"""`make faults`: the campaign at length. Exit 1 where a word came without enough measured."""

import argparse
import sys

from support.faults.campaign import FAULTS, campaign

WORDS = ("above", "below", "within-zone", "at-ceiling", "undetermined", "not-measured", "open")
BLOCK = 200


def show(text: str) -> None:
    """One line of the answer."""
    sys.stdout.write(text + "\n")


def main() -> int:
    """Play, show progress and a table."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    asked = parser.parse_args()
    counts, wrong = campaign(asked.seed, 0)
    done = 0
    while done < asked.count:
        block = min(BLOCK, asked.count - done)
        more, found = campaign(asked.seed * 1_000_003 + done, block)
        counts, wrong, done = counts + more, wrong + found, done + block
        sys.stderr.write(f"{done} of {asked.count} trials, {len(wrong)} wrong\n")
    show(f"{'fault':<16}" + "".join(f"{word:>14}" for word in WORDS))
    for fault in FAULTS:
        show(f"{fault:<16}" + "".join(f"{counts[fault, word]:>14}" for word in WORDS))
    for trial, said in wrong[:20]:
        show(f"{said.word} though {said.wrong}: {trial}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
