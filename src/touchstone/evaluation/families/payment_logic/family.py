"""The family: ledgers whose program keeps some of its rules otherwise."""

import json
from collections.abc import Sequence

from touchstone.evaluation.families.claims.family import CLAIMING, ClaimFamily
from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic import model
from touchstone.evaluation.families.payment_logic.plan import DEEPEST, make_plan
from touchstone.evaluation.families.payment_logic.source import ledger_program, rule_texts
from touchstone.evaluation.families.payment_logic.terms import rules_text

_PROMPT = """\
Task {label} of the family payment-logic.

RULES.txt says by which numbered rules {title} moves money. ledger.py is a program that is to keep
them: after(operations) gives, after a list of operations, what is on each account (in the order of
RULES.txt, the house last) and then what is held of each (without the house). In 0 to 3 of the rules
the program does something else than RULES.txt says. Nothing but RULES.txt tells which: every rule
of the program makes sense on its own.

"""
_POINTS = """\
- steps are 1 to {most} operations, oldest first, after which the program has something else because
  of this rule. Each has op, from, to, amount (0 to {largest}) and ref.
- right is what after(steps) should give by RULES.txt."""


class PaymentLogic(ClaimFamily):
    """Find where a ledger breaks its rules: none to three of them, each with a proof."""

    name = "payment-logic"
    version = "2"
    least_grade = "limited"
    needs = ("python3",)
    program_file = "ledger.py"
    terms_file = "RULES.txt"
    domain = "financial-systems"
    model = model
    deepest = DEEPEST

    def plan(self, draw: Draws, difficulty: int) -> ClaimPlan:
        """Draw a plan."""
        return make_plan(draw, difficulty)

    def program(self, plan: ClaimPlan, parts: Sequence[Part], label: str) -> str:
        """ledger.py of these rules."""
        return ledger_program(plan, parts, label)

    def texts(self, plan: ClaimPlan, parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
        """Of each rule its statements, and the helpers that they call."""
        del plan
        return rule_texts(parts, label)

    def terms(self, plan: ClaimPlan, draw: Draws) -> str:
        """RULES.txt."""
        return rules_text(plan, draw)

    def prompt(self, plan: ClaimPlan, label: str) -> str:
        """What the subject is told."""
        one, two = plan.facts["accounts"][:2]
        step = {"op": plan.parts[0]["op"], "from": one, "to": two, "amount": 7, "ref": 0}
        points = _POINTS.format(most=model.MOST_STEPS, largest=model.LARGEST)
        claiming = CLAIMING.format(
            part="rule",
            parts="rules",
            example=json.dumps(step),
            right="[120, 0, ...]",
            points=points,
        )
        return _PROMPT.format(label=label, title=plan.title) + claiming


FAMILY = PaymentLogic()
