"""Composes the ledger's source and its opening data from small parts."""

import json
from importlib import resources
from textwrap import indent
from typing import Any

from touchstone.evaluation.families.payment_logic.operations import FIELDS, FLAWED, RIGHT, TEXTS
from touchstone.evaluation.families.payment_logic.plan import Plan

CUSTOMER = "you"
LIMIT = 5000
"""Largest amount of one operation, in smallest units."""


def ledger_source(plan: Plan) -> str:
    """The text of `ledger.py`."""
    frame = resources.files(__package__).joinpath("frame.tmpl").read_text(encoding="utf-8")
    parts = "\n".join(indent(_operation(plan, kind), "    ") for kind in plan.order)
    return (
        frame.replace("@TITLE@", plan.title)
        .replace("@CONSTANTS@", _constants(plan))
        .replace("@PARTS@\n", parts)
    )


def opening(plan: Plan, *, judge: bool) -> bytes:
    """The text of `accounts.json`: the subject's, or the judge's with other money and numbers."""
    balances = plan.balances[judge]
    accounts: dict[str, dict[str, Any]] = {
        name: {"owner": CUSTOMER, "currency": plan.base, "balance": balances[name]}
        for name in plan.own
    }
    for name, owner, currency in (
        (plan.own_weak, CUSTOMER, plan.weak),
        (plan.own_strong, CUSTOMER, plan.strong),
        (plan.shop, "shop", plan.base),
        (plan.other, "neighbour", plan.base),
    ):
        accounts[name] = {"owner": owner, "currency": currency, "balance": balances[name]}
    accounts["fees"] = {"owner": "bank", "currency": plan.base, "balance": 0}
    data = {
        "customer": CUSTOMER,
        "first_number": plan.first_numbers[judge],
        "accounts": accounts,
    }
    return (json.dumps(data, indent=1) + "\n").encode()


def _constants(plan: Plan) -> str:
    operations = "\n".join(f"    {plan.names[k]!r}: {FIELDS[k]!r}," for k in plan.order)
    return "\n".join(
        (
            f"RATES = {plan.rates!r}  # thousandths of the smallest unit of {plan.base}",
            f"LIMIT = {LIMIT}",
            f"FEE = {plan.fee}",
            f"STANDING = {plan.standing}",
            f"GATED = {tuple(plan.names[kind] for kind in plan.gated)!r}",
            "OPERATIONS = {",
            operations,
            "}",
        )
    )


def _operation(plan: Plan, kind: str) -> str:
    """One operation's method, its slot filled with the right rule or the flawed one."""
    text = TEXTS[kind].lstrip("\n").replace("@name@", plan.names[kind])
    if "@RULE@" not in text:
        return text
    flawed_kind, flawed_rule = FLAWED[plan.flaw]
    if kind == flawed_kind and not plan.mended:
        rule = flawed_rule
    else:
        rule = RIGHT[kind][plan.careful[kind]]
    return text.replace("    @RULE@\n", indent(rule.lstrip("\n"), "    "))
