"""Measures the cheats at the families of claims, and writes what their cards say of it.

`make cheats` runs the whole campaign (`FAMILY=NAME` for one family): some minutes a family.
"""

import argparse
import json
import sys
from importlib.resources import files
from pathlib import Path

from touchstone.bench import cheats
from touchstone.bench.cheating.claims import program_of
from touchstone.bench.cheating.middling import solved_by_control
from touchstone.evaluation.families.claims.measured import Measured, MeasuredLevel
from touchstone.evaluation.families.registry import MODULES, family_names, get_family
from touchstone.statistics.intervals import wilson

TRAINING, FRESH, CONTROLLED = 500, 200, 200


def measured(name: str) -> Measured:
    """The whole campaign at one family."""
    levels = []
    for level in range(1, 6):
        known = cheats.items_of(name, level, TRAINING, "training")
        new = cheats.items_of(name, level, FRESH, "fresh")
        found = list(cheats.cheated(name, known, new))
        best = max(found, key=lambda each: each.solved)
        for each in found:
            print(f"{name} {level}: {each.cheat}: {each.solved} of {each.items}", flush=True)
        tried = cheats.items_of(name, level, CONTROLLED, "control")
        control = solved_by_control(name, tried)
        reach = wilson(control, CONTROLLED)
        levels.append(
            MeasuredLevel(
                level=level,
                cheat=best.cheat,
                cheated=best.solved,
                likeness=round(cheats.likeness_of(name, [*known, *new])[0], 3),
                control=control,
                low=round(reach.low, 3),
                high=round(reach.high, 3),
            )
        )
        print(f"{name} {level}: {levels[-1]}", flush=True)
    return Measured(
        version=get_family(name).version,
        training=TRAINING,
        fresh=FRESH,
        controlled=CONTROLLED,
        levels=tuple(levels),
    )


def main() -> None:
    """Measure the families that are named, or all of claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", nargs="*")
    for name in parser.parse_args().family or [n for n in family_names() if program_of(n)]:
        if not program_of(name):
            sys.exit(f"{name} is no family of claims")
        text = json.dumps(measured(name).model_dump(), indent=1) + "\n"
        Path(str(files(MODULES[name]))).joinpath("measured.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
