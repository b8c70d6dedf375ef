"""Reads RULES.txt by its grammar, and asks ledger.py."""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(1, ".")
_KINDS = {
    "hold": "holds the amount on",
    "capture": "of the hold `ref`",
    "refund": "of the payment `ref`",
    "share": "evenly among",
    "interest": "the house pays the account",
    "bonus": "the house adds",
    "capped": "unless what `from` paid",
    "turn": "on top, save for",
    "move": "The house charges",
}
# For each kind what says which way a boolean is: the value, where the phrase is met.
_SAID: dict[str, dict[str, tuple[str, bool]]] = {
    "move": {
        "strict": (r"that is (more than|over|above) \d", True),
        "up": (r"rounded up|as a whole one", True),
        "top": (r"on top", True),
    },
    "bonus": {"of_balance": (r"before", True), "up": (r"rounded up|as a whole one", True)},
    "interest": {"on_free": (r"free", True), "up": (r"rounded up|as a whole one", True)},
    "hold": {"free": (r"free", True)},
    "capture": {"whole": (r"all that is left|everything that", True)},
    "refund": {"remaining": (r"given back yet|remains", True), "fee_back": (r"once\.", True)},
    "share": {"rest_first": (r"first|earliest", True)},
    "capped": {
        "including": (r"with this amount|counted in", True),
        "strict": (r"comes to (more than|over|above) \d", False),
    },
    "turn": {"last": (r"last|final", True)},
}


def read_task() -> tuple[Any, Any]:
    """(facts, parts) of the task."""
    text = Path("RULES.txt").read_text(encoding="utf-8")
    head, _, rules = text.partition("\n1. ")
    accounts = re.search(r"in this order: (.*?)\. The house is (\w+)", head)
    if accounts is None:
        raise SystemExit("I do not understand these rules.")
    start = {name: int(money) for money, name in re.findall(r"(\d+) on (\w+)", head)}
    facts = {"accounts": accounts[1].split(", "), "house": accounts[2], "start": start}
    return facts, [_rule(line) for line in f"1. {rules}".splitlines()]


def _rule(line: str) -> dict[str, Any]:
    name, said = line.split(". ", 1)[1].split(": ", 1)
    kind = next(kind for kind, phrase in _KINDS.items() if phrase in said)
    rule: dict[str, Any] = {"op": name, "kind": kind}
    for boolean, (phrase, value) in _SAID[kind].items():
        rule[boolean] = (re.search(phrase, said) is not None) == value
    for key, phrase in (
        ("share", r"(\d+) in every \d+ cents"),
        ("of", r"in every (\d+) cents"),
        ("limit", r"(?:that is|comes to) \D*(\d+)"),
        ("charge", r"takes (\d+) on top"),
        ("every", r"of every (\d+) payments"),
    ):
        if found := re.search(phrase, said):
            rule[key] = int(found[1])
    return rule


def answers(facts: Any, wanted: Any) -> list[Any]:
    """What the program comes to, for each list of operations."""
    del facts
    ledger: Any = importlib.import_module("ledger")
    return [ledger.after(steps) for steps in wanted]
