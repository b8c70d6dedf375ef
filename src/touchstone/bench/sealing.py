"""How long it takes to register a large pack and to seal all of its items."""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from touchstone.bench.table import BenchRow
from touchstone.evaluation import BatteryPlan, ItemSetPlan, draw_battery
from touchstone.evaluation.families.base import MIN_DIFFICULTY
from touchstone.evaluation.packs.apart import ProcessLimits
from touchstone.evaluation.packs.family import PackFamily
from touchstone.evaluation.packs.registering import make_task, register, registered
from touchstone.evaluation.packs.source import read_pack
from touchstone.evaluation.seals import SEED_BYTES

ITEMS = 10_000
GOAL = 20.0
_NAME = "example-large"
_MANIFEST = f"""format = "touchstone pack 1"
id = "{_NAME}"
version = "1"
owner = "Example Lab"
[task]
file = "task.py"
function = "large"
data = ["items.json"]
[score]
scorer = "match"
values = "letters"
solved_from = 1.0
"""
_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def large():
    return Task(dataset=json_dataset("items.json"), solver=generate(), scorer=match())
"""
_WORDS = "What follows from the terms above, and for whom? " * 8


def sealing_row(items: int = ITEMS) -> BenchRow:
    """Made apart twice, frozen, registered, drawn and sealed; wall time.

    Raises:
        PackError: no pack can be held on this machine.
    """
    with TemporaryDirectory(prefix="touchstone-bench-") as name:
        folder, home = Path(name) / "pack", Path(name) / "home"
        folder.mkdir()
        (folder / "pack.toml").write_text(_MANIFEST)
        (folder / "task.py").write_text(_TASK)
        written = [{"input": f"{_WORDS}({n})", "target": str(n)} for n in range(items)]
        (folder / "items.json").write_text(json.dumps(written))
        began = time.perf_counter()
        source = read_pack(folder)
        register(source, anyio.run(make_task, source, ProcessLimits()), home)
        family = PackFamily(registered(home, _NAME))
        part = ItemSetPlan(id="all", criterion="all", family=_NAME, counts={MIN_DIFFICULTY: items})
        plan = BatteryPlan(id="battery-1", sets=(part,))
        drawn = draw_battery(plan, {_NAME: family}, bytes(SEED_BYTES), {_NAME: family.code})
        taken = time.perf_counter() - began
    count = len(drawn.sealed.sets[0].commitments)
    return BenchRow(
        f"a pack of {count} items registered and sealed",
        taken,
        "s",
        None,
        "",
        f"at most {GOAL:g} s",
        taken <= GOAL,
    )
