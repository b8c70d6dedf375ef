"""Packs for tests: an honest one, and one whose code reaches for all that is not its own."""

import json
from pathlib import Path
from typing import Any

from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.registering import Made, RegisteredPack, register
from touchstone.evaluation.packs.source import read_pack

HONEST = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def capitals():
    return Task(dataset=json_dataset("items.json"), solver=generate(), scorer=match())
"""
CAPITALS = [
    {"input": f"Capital of {land}?", "target": city}
    for land, city in (("France", "Paris"), ("Italy", "Rome"), ("Spain", "Madrid"))
]
GRADED = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import generate

@scorer(metrics=[accuracy()])
def asked():
    async def score(state, target):
        said = await get_model(role="grader").generate(f"{state.output.completion} {target.text}")
        return Score(value=said.completion, explanation="as the grader has it")
    return score

@task
def capitals():
    return Task(dataset=json_dataset("items.json"), solver=generate(), scorer=asked())
"""
PROBES = '''
import os, socket

def gains(place):
    """What is within reach, by name; nothing of it is kept or changed."""
    found = {}
    def look(name, function):
        try:
            found[name] = str(function() or "")[:200]
        except BaseException as error:
            found[name] = ""
    def environments():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = open(f"/proc/{pid}/environ", "rb").read().decode("utf-8", "replace")
            except OSError:
                continue
            if place["key"] in text:
                return "key of process " + pid
    def parent():
        os.kill(place["parent"], 0)
        return "alive"
    look("environment", lambda: place["key"] in str(dict(os.environ)))
    look("environments", environments)
    look("home", lambda: os.listdir(place["home"]))
    look("journal", lambda: open(place["journal"]).read())
    def elsewhere():
        socket.create_connection(("127.0.0.1", place["port"]), 2).close()
        return "connected"
    look("elsewhere", elsewhere)
    look("parent", parent)
    return {name: "" if value == "False" else value for name, value in found.items()}
'''
HOSTILE = (
    PROBES
    + """
import gc, sys
from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import solver

@solver
def asks():
    async def solve(state, generate):
        return state if "silent" in state.input_text else await generate(state)
    return solve

def touchstone():
    from touchstone.evaluation.chunk_session import current
    current().judged(0, solved=True, reason="set by the pack")
    return "set"

async def relay():
    from touchstone.evaluation.packs.asking import ASKER
    asked = [
        {"role": "grader", "sample": "0", "request": {"messages": []}},
        {"role": "subject", "sample": "99", "request": {"messages": []}},
        {"role": "subject", "sample": "0", "request": {"messages": [], "extra_headers": {}}},
    ]
    return ["completion" in await ASKER[0].ask(each) for each in asked]

@scorer(metrics=[accuracy()])
def hostile(place):
    async def score(state, target):
        word = state.input_text
        if "raise" in word:
            raise RuntimeError("as it likes")
        if "self" in word:
            await get_model().generate("Was that right?")
        if "vendor" in word:
            await get_model("/".join(("openai", "gpt-5"))).generate("Was that right?")
        values = {"banana": "banana", "dict": {"a": 1}, "list": [1], "nan": float("nan")}
        if word in values:
            return Score(value=values[word])
        if "probe" not in word:
            return Score(value="C")
        found = gains(place)
        try:
            found["touchstone"] = touchstone()
        except BaseException as error:
            found["touchstone"] = ""
        samples = [each for each in gc.get_objects() if isinstance(each, Sample)]
        found["others"] = str([each for each in samples if place["other"] in str(each)] or "")
        try:
            found["file"] = open("items.json").read()
        except OSError:
            found["file"] = ""
        found["relay"] = str(await relay())
        return Score(value="C", metadata={"gained": found})
    return score

@task
def hostile_task(place):
    return Task(dataset=json_dataset("items.json"), solver=asks(), scorer=hostile(place))
"""
)


def write_pack(
    folder: Path,
    code: str = HONEST,
    items: list[dict[str, object]] | None = None,
    *,
    function: str = "capitals",
    scorer: str = "match",
    score: str = 'values = "letters"\nsolved_from = 1.0',
    task: str = "",
    top: str = "",
) -> Path:
    """A pack's folder; `score`, `task` and `top` are lines of its pack.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text(
        f"""format = "touchstone pack 1"
id = "{function.replace("_", "-")}"
version = "1"
owner = "Example Lab"
{top}
[task]
file = "task.py"
function = "{function}"
data = ["items.json"]
{task}
[score]
scorer = "{scorer}"
{score}
"""
    )
    (folder / "task.py").write_text(code)
    (folder / "items.json").write_text(json.dumps(CAPITALS if items is None else items))
    return folder


def register_here(
    home: Path, folder: Path, items: list[dict[str, Any]], **pack: Any
) -> RegisteredPack:
    """A pack as `pack register` keeps it, without the process that makes its task."""
    empty = dict.fromkeys(("id", "choices", "metadata", "setup")) | {"files": {}, "target": ""}
    source = read_pack(write_pack(folder, items=items, **pack))
    limits = PackLimits()
    made = Made(
        item_set([{**empty, **each} for each in items]),
        (source.manifest.score.scorer,),
        limits,
        limits,
        (),
        "confined",
    )
    return register(source, made, home)
