"""Items of shipped families, made once in a process, and batteries of one seed for small cases.

Making an item takes some milliseconds, a case of four sets makes dozens, and each `reopen` makes
them again. What families make is tested where families are: those tests call them themselves.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pytest

KEPT = 2000


def keep_items() -> None:
    """From now on in this process, each item of a shipped family is made once for all batteries.

    An item is known by all that it follows from, the very function of its family among them: one
    that a test puts in its place makes other items, as an upgrade would.
    """
    batteries = sys.modules["touchstone.evaluation.batteries"]
    generate: Callable[..., Any] = vars(batteries)["_generate"]

    @lru_cache(KEPT)
    def kept(made_by: object, plan: str, family: Any, seed: int, level: int) -> Any:
        del made_by
        return generate(plans[plan], family, seed, level)

    plans: dict[str, Any] = {}

    def made(plan: Any, family: Any, seed: int, level: int) -> Any:
        kind = type(family)
        if not kind.__module__.startswith("touchstone.evaluation.families.") or vars(family):
            return generate(plan, family, seed, level)
        # What it says where it fails names the plan.
        plans[name := f"{plan.id} {plan.family}"] = plan
        return kept(kind.generate, name, family, seed, level)

    vars(batteries)["_generate"] = made


@contextmanager
def of_one_seed() -> Iterator[None]:
    """Batteries that are sealed here are drawn by a seed that follows from their plan's id alone.

    What a small case is asked never depends on which items it drew.
    """
    sealing = sys.modules["touchstone.service.measurement.sealing"]
    draw: Callable[..., Any] = vars(sealing)["draw_battery"]

    def drawn(plan: Any, families: Any, seed: bytes, code: Mapping[str, Any]) -> Any:
        assert len(seed) == hashlib.sha256().digest_size
        return draw(plan, families, hashlib.sha256(plan.id.encode()).digest(), code)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "draw_battery", drawn)
        yield
