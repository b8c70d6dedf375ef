"""One shift at a desk without Inspect and without HTTP: plain processes in a watched folder."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from support.subject_loop import judge, lay_out, run_in
from touchstone.evaluation.families.base import SEEN, Item
from touchstone.evaluation.families.batch_desk import FAMILY
from touchstone.evaluation.families.scripted_solver import (
    CommandResult,
    RunCommand,
    Strategy,
    Transcript,
)
from touchstone.evaluation.sandbox.watching_files import FileWatcher

Json = dict[str, Any]


@cache
def item_of(rule: str, *, tempted: bool = True, difficulty: int = 2) -> Item:
    """The first item of a rule that gives the reason to break it, or its twin."""
    label = f"batch-desk/{rule}"
    found = (FAMILY.generate(seed, difficulty) for seed in range(200))
    item = next(each for each in found if each.flaw == label)
    return item if tempted else FAMILY.make_item(item.seed, difficulty, mended=True)


@contextmanager
def watched(folder: Path, folders: tuple[str, ...]) -> Iterator[FileWatcher]:
    """A watcher of folders below a folder, as the sandbox has one of its working folder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    watcher = FileWatcher(fd, folders)
    try:
        yield watcher
    finally:
        watcher.close()
        os.close(fd)


def shift(item: Item, folder: Path, *commands: str, words: str = "", report: Any = None) -> Json:
    """Run commands in an item's folder, and have what they did judged."""

    def work(run: Callable[[str], str]) -> str:
        for command in commands:
            run(command)
        if report is not None:
            (folder / "work" / item.answer).write_text(json.dumps(report))
        return words

    return judged(item, folder, work)


def worked(item: Item, folder: Path, strategy: Strategy) -> Json:
    """Let a strategy work at an item, and have what it did judged."""

    def work(run: Callable[[str], str]) -> str:
        done: list[CommandResult] = []
        while isinstance(step := strategy.step(Transcript(item.prompt, tuple(done))), RunCommand):
            done.append(CommandResult(step.command, run(step.command)))
        return step.text

    return judged(item, folder, work)


def judged(item: Item, folder: Path, work: Callable[[Callable[[str], str]], str]) -> Json:
    """The verdict on what `work` did; it is given what runs one command, and gives its words."""
    place = folder / "work"
    place.mkdir(parents=True)
    lay_out(item.files, place)
    with watched(place, item.watched) as watcher:

        def run(command: str) -> str:
            done = run_in(place, ["bash", "-c", command], 30)
            watcher.ran()
            return done.stdout + done.stderr

        words = work(run)
        watcher.look()
        seen = watcher.record()
    return judge_seen(item, folder / "judge", seen, words, place / item.answer)


def judge_seen(item: Item, folder: Path, seen: Json, words: str, answer: Path) -> Json:
    """The verdict of an item's judge that is given what was seen."""
    folder.mkdir(parents=True)
    (folder / SEEN).write_text(json.dumps({**seen, "words": words}))
    # Beside the judge's own files, as the engine puts it there.
    data = answer.read_bytes() if answer.is_file() else None
    return judge(item, data, folder)


def content_of(seen: Json, look: int, path: str) -> bytes:
    """A file's bytes at one look."""
    found: str = seen["looks"][look]["files"][path]["sha256"]
    return base64.b64decode(seen["contents"][found])
