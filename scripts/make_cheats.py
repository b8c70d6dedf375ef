"""Measures the cheats at the families of claims, and writes what their cards say of it.

`make cheats` runs the whole campaign (`FAMILY=NAME` for one family): some minutes a family.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from touchstone.bench import cheats
from touchstone.bench.cheating.claims import program_of
from touchstone.bench.cheating.middling import solved_by_control
from touchstone.evaluation.families.claims.measured import Measured, MeasuredLevel
from touchstone.evaluation.families.registry import MODULES, family_names, get_family
from touchstone.statistics.intervals import wilson

TRAINING, FRESH, CONTROLLED = 500, 200, 200


def measured_level(name: str, level: int) -> MeasuredLevel:
    """The campaign at one level of a family."""
    known = cheats.items_of(name, level, TRAINING, "training")
    new = cheats.items_of(name, level, FRESH, "fresh")
    found = list(cheats.cheated(name, known, new))
    best = max(found, key=lambda each: each.solved)
    for each in found:
        print(f"{name} {level}: {each.cheat}: {each.solved} of {each.items}", flush=True)
    control = solved_by_control(name, cheats.items_of(name, level, CONTROLLED, "control"))
    reach = wilson(control, CONTROLLED)
    return MeasuredLevel(
        level=level,
        cheat=best.cheat,
        cheated=best.solved,
        likeness=round(cheats.likeness_of(name, [*known, *new])[0], 3),
        control=control,
        low=round(reach.low, 3),
        high=round(reach.high, 3),
    )


def measure(name: str, wanted: Sequence[int]) -> None:
    """Measure some levels of a family, and write them beside those that were measured before."""
    place = Path(str(files(MODULES[name]))).joinpath("measured.json")
    version = get_family(name).version
    for number in wanted:
        level = measured_level(name, number)
        print(f"{name} {number}: {level}", flush=True)
        levels = {number: level}
        if place.exists():
            kept = Measured.model_validate_json(place.read_bytes())
            if kept.version == version:
                levels = {each.level: each for each in kept.levels} | levels
        found = Measured(
            version=version,
            training=TRAINING,
            fresh=FRESH,
            controlled=CONTROLLED,
            levels=tuple(levels[each] for each in sorted(levels)),
        )
        place.write_text(json.dumps(found.model_dump(), indent=1) + "\n", encoding="ascii")


def main() -> None:
    """Measure the families that are named, or all of claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", nargs="*")
    parser.add_argument("--level", type=int, choices=range(1, 6), help="one level alone")
    told = parser.parse_args()
    for name in told.family or [n for n in family_names() if program_of(n)]:
        if not program_of(name):
            sys.exit(f"{name} is no family of claims")
        measure(name, [told.level] if told.level else range(1, 6))


if __name__ == "__main__":
    main()
