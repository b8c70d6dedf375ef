"""A private pack that people wrote, as its authors have it registered, made without a process."""

from pathlib import Path
from typing import Any

from support.packs import write_pack
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.registering import Made, RegisteredPack, register
from touchstone.evaluation.packs.source import read_pack

CANARY = "example-canary-5d0c4b71"
PEOPLE = f"""[people]
authors = ["A. Example", "B. Example"]
marking = "AMBER+STRICT"
canary = "{CANARY}"
{{more}}
[people.flaws]
"q0" = "off-by-one"
"q1" = "off-by-one"
[[people.trials]]
person = "tester 1"
item = "q0"
minutes = "35"
solved = true
[[people.trials]]
person = "tester 2"
item = "q0"
minutes = "50.5"
solved = false
"""
SLOTS = """[slots]
PERSON = ["Arden", "Blake", "Corin", "Dale", "Ellis", "Flynn", "Gray", "Hollis"]
TOWN = ["Kelso", "Lydd", "Morpeth", "Neston"]
"""


def questions(count: int, *, slots: bool) -> list[dict[str, Any]]:
    """Items with the canary in each, and slots where they are wanted."""
    who, where = ("{{PERSON}}", "{{TOWN}}") if slots else ("Arden", "Kelso")
    return [
        {
            "id": f"q{number}",
            "input": f"Question {number}: {who} drives from {where} at {number + 7} o'clock. When?",
            "target": f"{who} is there by {number + 9}",
            "choices": None,
            "metadata": {"dict": {"canary": CANARY}},
            "files": {},
            "setup": None,
        }
        for number in range(count)
    ]


def private_pack(folder: Path, count: int = 6, *, slots: bool = False) -> RegisteredPack:
    """Registered in the home `folder / "home"`."""
    more = 'variants = "variants.toml"' if slots else ""
    place = write_pack(folder / "pack", top=PEOPLE.format(more=more))
    if slots:
        (place / "variants.toml").write_text(SLOTS)
    limits = PackLimits()
    items = item_set(questions(count, slots=slots))
    made = Made(items, ("match",), limits, limits, (), "confined")
    return register(read_pack(place), made, folder / "home")
