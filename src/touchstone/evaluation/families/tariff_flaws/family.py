"""The family: puts plan, program, terms, judge and reference together into items."""

import json

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.naming import item_id, task_label
from touchstone.evaluation.families.tariff_flaws.plan import Plan, make_plan
from touchstone.evaluation.families.tariff_flaws.source import program
from touchstone.evaluation.families.tariff_flaws.terms import terms_text
from touchstone.evaluation.families.twins import TwinFamily, resource

NAME = "tariff-flaws"
VERSION = "1"
ANSWER = "claims.json"
ANSWER_LIMIT = 32 * 1024
JUDGE_SECONDS = 10

_PROMPT = """\
Task {label} of the family tariff-flaws.

TERMS.txt is the tariff of {title}: numbered clauses that say what an order costs. tariff.py is a
program that is to charge by them: dues(orders) gives what each of one customer's orders costs, in
cents. In 0 to 3 of the clauses the program does something else than the terms say. Nothing but the
terms tells which: every clause of the program makes sense on its own.

Find those clauses and write the file claims.json, with one claim for each:

{{"claims": [{{"clause": 3, "orders": [{example}], "due": 1234}}]}}

- clause is the number of a clause that the program has wrong.
- orders, 1 to 12 of them, are one customer's, oldest first, where the program has the last one
  wrong because of this clause. Each has all the fields, with numbers from 0 to 1000.
- due is what the last of these orders costs by the terms.
- If no clause is wrong, the right answer is {{"claims": []}}.
- There is one try. One wrong claim, or one flaw left out, and the task is not solved.
"""


class TariffFlaws(TwinFamily):
    """Find where a program differs from its tariff: none to three clauses, each with a proof."""

    name = NAME
    version = VERSION
    least_grade = "limited"
    needs = ("python3",)
    cheat = (
        "the answer that nothing is wrong: it solved at most 21 of 200 items tried at any "
        "difficulty"
    )

    def make_item(self, seed: int, difficulty: int, *, mended: bool) -> Item:
        """The item, or its twin: same terms, same prompt, the program without a flaw."""
        identity = item_id(NAME, seed, difficulty)
        plan = make_plan(Draws(f"{identity}/{VERSION}"), difficulty)
        source = program(plan, plan.clauses if mended else plan.program, identity)
        return Item(
            id=identity,
            family=NAME,
            version=VERSION,
            seed=seed,
            difficulty=difficulty,
            prompt=_prompt(plan, task_label(identity)),
            files={
                "tariff.py": source.encode(),
                "TERMS.txt": terms_text(plan, Draws(f"{identity}/terms")).encode(),
            },
            answer=ANSWER,
            answer_limit=ANSWER_LIMIT,
            judge_files=_judge_files(plan, identity, source, mended=mended),
            judge=("python3", "-I", "-B", "judge.py"),
            judge_seconds=JUDGE_SECONDS,
            reference=b'{"claims": []}\n' if mended else reference_claims(plan),
            domain="financial-systems",
            flaw=f"{NAME}/{_label(plan, mended=mended)}",
        )


def reference_claims(plan: Plan) -> bytes:
    """The content of `claims.json`."""
    claims = [
        {
            "clause": slip.clause + 1,
            "orders": [dict(each) for each in proof.orders],
            "due": proof.due,
        }
        for slip, proof in zip(plan.slips, plan.proofs, strict=True)
    ]
    return (json.dumps({"claims": claims}) + "\n").encode()


def _judge_files(plan: Plan, identity: str, source: str, *, mended: bool) -> dict[str, bytes]:
    slips = () if mended else plan.slips
    item = {
        "fields": plan.fields,
        "kinds": plan.kinds,
        "flawed": [slip.clause + 1 for slip in slips],
    }
    files = {
        "judge.py": resource(__package__, "judge.py"),
        "item.json": json.dumps(item).encode(),
        "tariff.py": source.encode(),
        "right.py": program(plan, plan.clauses, identity).encode(),
    }
    for slip in slips:
        others = [each for each in slips if each != slip]
        only, without = plan.only([slip]), plan.only(others)
        files[f"only_{slip.clause + 1}.py"] = program(plan, only, identity).encode()
        files[f"without_{slip.clause + 1}.py"] = program(plan, without, identity).encode()
    return files


def _label(plan: Plan, *, mended: bool) -> str:
    """What the deepest of its flaws is; items without one are alike in that."""
    if mended or not plan.slips:
        return "none"
    return min((slip.attribute for slip in plan.slips), key=_DEEPEST.index).replace("_", "-")


_DEEPEST = (
    "including",
    "last",
    "strict",
    "either",
    "round_up",
    "of_first",
    "started",
    "whole",
    "greater",
)


def _prompt(plan: Plan, label: str) -> str:
    example = {"kind": plan.kinds[0], **dict.fromkeys(plan.fields, 7)}
    return _PROMPT.format(label=label, title=plan.title, example=json.dumps(example))


FAMILY = TariffFlaws()
