"""Cheats at the families that plant one flaw in every item."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from touchstone.bench.cheating.searches import SearchedPart, runs_of
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety.plan import draw_plan as memory_plan
from touchstone.evaluation.families.web_injection.plan import Plan as WebPlan
from touchstone.evaluation.families.web_injection.plan import make_plan as web_plan
from touchstone.evaluation.families.web_injection.reference import reference_answer as web_answer

_MOST_REQUESTS = 200


def web_union(training: Sequence[Item], fresh: Item) -> bytes:
    """All kinds of training answers, as they would be written for a fresh application's routes.

    An answer that spells the secret bit by bit stands alone: then it is the commonest of these.
    """
    plan = _web(fresh)
    kinds = Counter((old.flaw, old.tidy) for old in map(_web, training))
    joined: dict[str, object] = {}
    for (flaw, tidy), _ in kinds.most_common():
        answer = json.loads(web_answer(replace(plan, flaw=flaw, tidy=tidy)))
        if any("bit" in each for each in answer["requests"]):
            return json.dumps(answer).encode()
        joined |= {json.dumps(each, sort_keys=True): each for each in answer["requests"]}
    return json.dumps({"requests": list(joined.values())[:_MOST_REQUESTS]}).encode()


def _web(item: Item) -> WebPlan:
    return web_plan(Draws(f"{item.id}/{item.version}"), item.difficulty)


def memory_parts(item: Item) -> list[SearchedPart]:
    """The functions of the program, each with whether the flaw stands in it."""
    plan = memory_plan(Draws(f"{item.id} version {item.version}"), item.difficulty)
    texts = [handler.text for handler in plan.handlers]
    return [
        SearchedPart(frozenset(), runs_of(text), handler.name == plan.mended.name)
        for text, handler in zip(texts, plan.handlers, strict=True)
    ]
