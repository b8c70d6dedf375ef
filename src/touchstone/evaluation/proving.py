"""The instrument proves itself: known commands in a family's sandbox, known answers to its judge.

A sandbox in which nothing comes to an end, or a judge that is wrong, looks like a model that can do
nothing. Each family is tried before the first sample of a review, in sandboxes of its own, with an
item that is in no battery.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anyio
from inspect_ai.util import SandboxEnvironment

from touchstone.evaluation.families.base import MIN_DIFFICULTY, Family, Item
from touchstone.evaluation.inspect_seam import registry_find_sandboxenv
from touchstone.evaluation.judging import JudgeFault, judge_word
from touchstone.evaluation.sandbox.provider import SAMPLE_KEY
from touchstone.handin import printable_line

COMMAND_SECONDS = 15
"""Longest that a known command may take in the subject's sandbox; it takes a small part of one."""
_START_SECONDS = 60
_SEEDS = (1, 2)
"""Of the items tried: the answer to the second is wrong for the first."""
_WORD = "known"
# As the tools of a sample run what a subject asks for, and what it is then given to see.
_SHELL = ("bash", "--login", "-c")
_FAULT_MOST = 300


@dataclass(frozen=True)
class FamilyTrial:
    """What came of one family's trial."""

    family: str
    fault: str
    """Empty where all was right; else one line that says what was not."""
    seconds: float
    """How long the trial took."""


def prove_family(
    families: Iterable[Family], config: dict[str, Any] | None = None, provider: str = "touchstone"
) -> tuple[FamilyTrial, ...]:
    """Try families' sandboxes and judges, two at a time; takes seconds for each.

    Of each family the subject's sandbox runs a shell command, a Python program and a look for the
    programs that the family needs; its judge, in its own sandbox, is given the reference solution
    (solved) and the reference of another item (unsolved), within the judge's time.

    Args:
        families: The families to try.
        config: The sandbox provider's settings, as samples get them.
        provider: The Inspect sandbox provider.
    """
    # A thread of its own, so that it also answers inside a running event loop.
    with ThreadPoolExecutor(1, "touchstone-proof") as pool:
        return pool.submit(anyio.run, _all, tuple(families), config, provider).result()


async def _all(
    families: tuple[Family, ...], config: dict[str, Any] | None, provider: str
) -> tuple[FamilyTrial, ...]:
    found: dict[str, FamilyTrial] = {}
    room = anyio.Semaphore(2)

    async def one(family: Family) -> None:
        async with room:
            began = time.monotonic()
            try:
                fault = await _try(family, _opener(config, provider))
            except Exception as error:  # noqa: BLE001 - whatever fails here would fail every sample
                fault = f"{type(error).__name__}: {error}"
            shown = printable_line(fault, _FAULT_MOST)
            found[family.name] = FamilyTrial(family.name, shown, time.monotonic() - began)

    async with anyio.create_task_group() as group:
        for family in families:
            group.start_soon(one, family)
    return tuple(found[family.name] for family in families)


class _Opened:
    """The sandboxes of one trial, as a sample gets them."""

    def __init__(self, config: dict[str, Any] | None, provider: str) -> None:
        self._kind = registry_find_sandboxenv(provider)
        self._config = None if config is None else self._kind.config_deserialize(config)
        self._boxes: dict[str, SandboxEnvironment] = {}

    async def __aenter__(self) -> dict[str, SandboxEnvironment]:
        about = {SAMPLE_KEY: f"proof-{uuid.uuid4().hex}"}
        with anyio.fail_after(_START_SECONDS):
            self._boxes = await self._kind.sample_init("touchstone-proof", self._config, about)
        return self._boxes

    async def __aexit__(self, *_: object) -> None:
        # A trial that ran out of time must not leave a sandbox behind.
        with anyio.CancelScope(shield=True):
            await self._kind.sample_cleanup(
                "touchstone-proof", self._config, self._boxes, interrupted=False
            )


def _opener(config: dict[str, Any] | None, provider: str) -> Callable[[], _Opened]:
    return lambda: _Opened(config, provider)


async def _try(family: Family, opened: Callable[[], _Opened]) -> str:
    """What is wrong with the family's sandboxes or judge, or an empty text."""
    # The seeds are public, so these items are in no battery and give nothing away.
    item, other = (family.generate(seed, MIN_DIFFICULTY) for seed in _SEEDS)
    async with opened() as boxes:
        for name, data in item.files.items():
            await boxes["default"].write_file(name, data)
        if fault := await _commands(boxes["default"], family.needs):
            return fault
        if fault := await _judged(boxes["judge"], item, item.reference, solved=True):
            return fault
    async with opened() as boxes:
        return await _judged(boxes["judge"], item, other.reference, solved=False)


async def _commands(box: SandboxEnvironment, needs: tuple[str, ...]) -> str:
    known = [
        ("a known shell command", f"echo {_WORD}", None, _WORD),
        ("a known Python program", "python3 -", f"print('{_WORD}')", _WORD),
    ]
    known += [
        (f"the look for {need}", f"command -v {need} >/dev/null && echo {_WORD}", None, _WORD)
        for need in needs
    ]
    for what, command, given, expected in known:
        try:
            ran = await box.exec([*_SHELL, command], input=given, timeout=COMMAND_SECONDS)
        except TimeoutError:
            return f"{what} did not end within {COMMAND_SECONDS} s in the subject's sandbox"
        # Also what it says beside: a shell that complains at each start would fill every sample
        # with it.
        if not ran.success or ran.stdout.strip() != expected or ran.stderr.strip():
            said = (ran.stderr or ran.stdout).strip() or "nothing"
            return f"{what} failed in the subject's sandbox (exit {ran.returncode}): {said}"
    return ""


async def _judged(box: SandboxEnvironment, item: Item, answer: bytes, *, solved: bool) -> str:
    for name, data in {**item.judge_files, item.answer: answer}.items():
        await box.write_file(name, data)
    try:
        ran = await box.exec(list(item.judge), timeout=item.judge_seconds)
    except TimeoutError:
        return f"its judge gave no verdict within {item.judge_seconds} s"
    if not ran.success:
        return f"its judge failed (exit {ran.returncode}): {ran.stderr.strip() or 'nothing said'}"
    try:
        word = judge_word(ran.stdout, watched=bool(item.watched))
    except JudgeFault as fault:
        return f"its judge gave no verdict: {fault}"
    if word.solved != solved:
        what = "the reference solution unsolved" if solved else "a wrong answer solved"
        return f"its judge called {what}: {word.reason}"
    return ""
