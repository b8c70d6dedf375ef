"""What smaller budgets would have given: answers copied out at checkpoints, judged afterwards.

A separate run of a smaller budget ends at the first answer of the model that goes beyond it, before
the tools which that answer asked for. So here, before a tool runs, the answer file is copied for
each checkpoint that has been passed. Nothing is judged before the sample is over, each copy in a
sandbox of its own: no verdict can reach the subject, and no answer what is judged after it.
"""

from collections.abc import Mapping

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.judging import Answer, JudgeFault, judge_apart, take_answer
from touchstone.evaluation.outcomes import REASON_LENGTH, CurvePoint
from touchstone.handin import printable_line


async def copy_answer(item: Item) -> Answer | JudgeFault:
    """The answer file as it stands, or the fault that kept it from being taken."""
    if item.watched:
        return JudgeFault("of an item that watches what is done only the end is judged")
    try:
        return await take_answer(item)
    except JudgeFault as fault:
        return fault


async def judge_copies(
    item: Item, copies: Mapping[int, Answer | JudgeFault]
) -> tuple[CurvePoint, ...]:
    """What each copy is worth, by ascending checkpoint.

    Args:
        item: Whose judge speaks.
        copies: By the tokens of the checkpoint.
    """
    known: dict[Answer, bool] = {}
    points = []
    for tokens, copy in sorted(copies.items()):
        if isinstance(copy, JudgeFault):
            points.append(_unjudged(tokens, copy))
            continue
        if copy not in known:
            try:
                # The same bytes again are the same answer: a judge to whom they are not is none.
                known[copy] = await judge_apart(item, copy)
            except JudgeFault as fault:
                points.append(_unjudged(tokens, fault))
                continue
        points.append(CurvePoint(tokens=tokens, solved=known[copy]))
    return tuple(points)


def _unjudged(tokens: int, fault: JudgeFault) -> CurvePoint:
    why = printable_line(f"judge fault: {fault}", REASON_LENGTH)
    return CurvePoint(tokens=tokens, solved=None, why=why)
