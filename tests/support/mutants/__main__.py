"""`python -m support.mutants`: see the package."""

import argparse
import json
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from support.mutants import reasons
from support.mutants.campaign import SLOW, Draw, Limits, Result, Room, rooms, run
from support.mutants.operators import Mutant
from support.mutants.trial import CampaignError, Tree

HERE = Path(__file__).parent
COLUMNS = ("mutants", "killed", "timed out", "with a reason", "survived", "unreached")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: each mutant fell or has its reason; 1: one has not; 2: no campaign; 130: interrupted."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides the order of the mutants")
    parser.add_argument("--count", type=int, default=50, help="how many to try; 0: all")
    parser.add_argument("--skip", type=int, default=0, help="how many of that order come before")
    parser.add_argument("--rooms", default="", help="comma-separated; all by default")
    parser.add_argument("--only", default="", help="parts of files, functions or ids")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument(
        "--slowest",
        type=float,
        default=SLOW,
        help="leave out tests that take more processor seconds",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=20.0,
        help="processor seconds beside 4 times what the tests take",
    )
    parser.add_argument("--list", action="store_true", help="show the mutants and try none")
    parser.add_argument("--json", type=Path, help="keep what became of each here too")
    parser.add_argument("--root", type=Path, default=HERE.parents[2])
    parser.add_argument("--plan", type=Path, default=HERE / "rooms.toml")
    parser.add_argument("--reasons", type=Path, default=HERE / "equivalent.toml")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return campaign(asked)
    except (CampaignError, reasons.UnreadableReasonsError) as error:
        say(f"mutants: {error}")
        return 2


def say(line: str) -> None:
    """Tell whoever started it."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def campaign(asked: argparse.Namespace) -> int:
    """Hold it as asked for."""
    every = rooms(asked.plan)
    names = [each for each in asked.rooms.split(",") if each] or list(every)
    if unknown := [each for each in names if each not in every]:
        raise CampaignError(f"no room {unknown[0]}: there are {', '.join(every)}")
    known = reasons.read(asked.reasons)
    found = [(name, mutant) for name in names for mutant in every[name].mutants(asked.root)]
    drawn = Draw(asked.seed, asked.skip, asked.count, asked.only).of(found)
    say(f"seed {asked.seed}: {len(drawn)} of {len(found)} mutants in {', '.join(names)}")
    if asked.list:
        for room, mutant in drawn:
            sys.stdout.write(f"{_line(room, mutant)}\n")
        return 0
    stale = [key for key in known if key not in {mutant.key for _, mutant in found}]
    stale = [key for key in stale if key[0].startswith(_sources([every[each] for each in names]))]
    results = _held(asked, [every[each] for each in names], drawn, set(known))
    code = tell(results, known, stale, asked.json)
    return code if len(results) == len(drawn) else 130


def _sources(chosen: Sequence[Room]) -> tuple[str, ...]:
    return tuple(source for room in chosen for source in room.sources)


def _held(
    asked: argparse.Namespace,
    chosen: Sequence[Room],
    drawn: Sequence[tuple[str, Mutant]],
    known: set[reasons.Key],
) -> list[Result]:
    results: list[Result] = []

    def told(result: Result) -> None:
        results.append(result)
        excused = result.mutant.key in known
        if result.outcome in {"survived", "unreached"} and not excused:
            say(f"{result.outcome}: {_line(result.room, result.mutant)}")
        if len(results) % 10 == 0 or len(results) == len(drawn):
            count = Counter(each.outcome for each in results)
            say(f"{len(results)} of {len(drawn)}: {_counts(count)}")

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = [
            Tree.copy(asked.root, Path(folder) / str(number)) for number in range(asked.parallel)
        ]
        wanted = {room for room, _ in drawn}
        touches = {
            room.name: room.touch(trees[0], asked.root / ".mutants", asked.slowest, say)
            for room in chosen
            if room.name in wanted
        }
        for name, touch in touches.items():
            slow = sum(each > asked.slowest for each in touch.seconds.values())
            if slow:
                say(f"{name}: {slow} tests above {asked.slowest:g} s are left out (--slowest)")
        try:
            run(drawn, touches, trees, Limits(asked.slowest, asked.grace), told)
        except KeyboardInterrupt:
            say(f"interrupted after {len(results)} of {len(drawn)}")
    return results


def _counts(count: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.items()))


def _line(room: str, mutant: Mutant) -> str:
    return (
        f"{mutant.id} {room} {mutant.place}:{mutant.lines[0]} {mutant.operator}: "
        f"{mutant.line}  |  {mutant.was} -> {mutant.becomes}"
    )


def tell(
    results: Sequence[Result],
    known: dict[reasons.Key, str],
    stale: Sequence[reasons.Key],
    keep: Path | None,
) -> int:
    """The table, those who survived, and the exit code."""
    table: dict[str, Counter[str]] = {}
    left: list[Result] = []
    for each in results:
        outcome = each.outcome
        if outcome in {"survived", "unreached"}:
            if each.mutant.key in known:
                outcome = "with a reason"
            else:
                left.append(each)
        for row in (each.room, "all"):
            table.setdefault(row, Counter()).update((outcome, "mutants"))
    say_table(table)
    for each in results:
        if each.outcome in {"survived", "unreached"} and each.mutant.key in known:
            sys.stdout.write(f"\n{_line(each.room, each.mutant)}\n  {known[each.mutant.key]}\n")
    for each in left:
        sys.stdout.write(f"\n# {each.outcome}: line {each.mutant.lines[0]}, {each.mutant.id}\n")
        sys.stdout.write(f"{reasons.block(each.mutant)}\n")
    for key in stale:
        what = " | ".join(map(str, key))
        sys.stdout.write(f"\na reason is written for a mutant that is gone: {what}\n")
    if keep:
        rows = [{**asdict(each), "id": each.mutant.id} for each in results]
        keep.write_text(json.dumps(rows, indent=1), "utf-8")
    return 1 if left or stale else 0


def say_table(table: dict[str, Counter[str]]) -> None:
    """One line for each room, and one for all."""
    sys.stdout.write(f"{'room':<12}" + "".join(f"{name:>15}" for name in COLUMNS) + "\n")
    for room in (*(each for each in table if each != "all"), *(["all"] if table else [])):
        row = "".join(f"{table[room][name]:>15}" for name in COLUMNS)
        sys.stdout.write(f"{room:<12}{row}\n")


if __name__ == "__main__":
    sys.exit(main())
