"""Digests of items, to see that a seed gives the same bytes for ever.

`python tests/support/golden_items.py` writes them anew, for a family whose version was raised.
Those that need assets are made of them: `TOUCHSTONE_ASSETS` says where they are.
"""

import hashlib
import json
from pathlib import Path

from touchstone.evaluation.families.base import MAX_DIFFICULTY, MIN_DIFFICULTY, Item
from touchstone.evaluation.families.registry import MODULES, get_family

PATH = Path(__file__).parents[1] / "vectors" / "families" / "items.json"
SEEDS = (0, 2**64 - 1)


def digest(item: Item) -> str:
    """SHA-256 over everything that the item holds but the judge's own script."""
    parts = [
        item.id,
        item.version,
        item.prompt,
        item.answer,
        str(item.answer_limit),
        *item.judge,
        str(item.judge_seconds),
        item.reference.hex(),
        *(f"{name} {data.hex()}" for name, data in sorted(item.files.items())),
        *(
            f"{name} {data.hex()}"
            for name, data in sorted(item.judge_files.items())
            if name not in item.judge
        ),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def digests(name: str) -> dict[str, str]:
    """Item id -> digest, for SEEDS at every difficulty."""
    family = get_family(name)
    items = [
        family.generate(seed, difficulty)
        for seed in SEEDS
        for difficulty in range(MIN_DIFFICULTY, MAX_DIFFICULTY + 1)
    ]
    return {item.id: digest(item) for item in items}


def main() -> None:
    golden = {
        name: {"version": get_family(name).version, "items": digests(name)} for name in MODULES
    }
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
