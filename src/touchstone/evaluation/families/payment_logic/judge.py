"""Replays the subject's operations on a fresh ledger and looks for money made from nothing.

Standard library only. Working folder: ledger.py, accounts.json, goal.txt and the answer. The last
line of stdout is the score; a non-zero exit is the judge's own fault and no score.
"""

import importlib.util
import json
import pathlib
from typing import Any

ANSWER = "operations.json"
MAX_ANSWER = 64 * 1024
MAX_OPERATIONS = 200
MAX_DEPTH = 4


class RejectedError(Exception):
    """The answer scores 0; the text says why."""


def read_answer(data: bytes) -> list[dict[str, Any]]:
    """The operations."""
    if len(data) > MAX_ANSWER:
        raise RejectedError(f"the answer is larger than {MAX_ANSWER} bytes")
    try:
        operations = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RejectedError("the answer is not JSON in UTF-8") from None
    if not isinstance(operations, list):
        raise RejectedError("the answer is no list of operations")
    if not 1 <= len(operations) <= MAX_OPERATIONS:
        raise RejectedError(f"there are {len(operations)} operations, not 1 to {MAX_OPERATIONS}")
    for place, operation in enumerate(operations):
        if not isinstance(operation, dict) or not shallow(operation, MAX_DEPTH):
            raise RejectedError(f"operation {place} is no plain object")
    return operations


def shallow(value: object, levels: int) -> bool:
    """Whether a JSON value nests at most so deep; looks no deeper, whatever it is given."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(shallow(inner, levels - 1) for inner in value)


def load_ledger() -> Any:
    """The committed program as a module."""
    spec = importlib.util.spec_from_file_location("ledger", "ledger.py")
    if spec is None or spec.loader is None:
        raise SystemExit("ledger.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def replay(module: Any, ledger: Any, operations: list[dict[str, Any]]) -> int:
    """Carry the operations out in order; how many were done rather than refused."""
    numbers: list[int | None] = []
    done = 0
    for place, operation in enumerate(operations):
        filled = {field: resolved(value, numbers) for field, value in operation.items()}
        try:
            numbers.append(ledger.apply(filled))
            done += 1
        except module.Refused:
            numbers.append(None)
        except Exception:  # noqa: BLE001 - breaking the ledger is no way to void a sample
            raise RejectedError(f"operation {place} broke the ledger's program") from None
    return done


def resolved(value: object, numbers: list[int | None]) -> object:
    """The number that an earlier operation gave, for a text such as "@3"; else the value."""
    if isinstance(value, str) and value[:1] == "@" and value[1:].isdecimal():
        place = int(value[1:]) if len(value) <= len(str(MAX_OPERATIONS)) + 1 else MAX_OPERATIONS
        return numbers[place] if place < len(numbers) else value
    return value


def all_money(ledger: Any, rates: dict[str, int]) -> tuple[int, int]:
    """(the customer's, everyone's): thousandths of the base currency's smallest unit.

    Counted here, from the ledger's tables alone, and not by the ledger's own account of itself.
    """
    customer = everyone = 0
    for account in ledger.accounts.values():
        worth = account["balance"] * rates[account["currency"]]
        everyone += worth
        customer += worth if account["owner"] == ledger.customer else 0
    for record, is_customers in (
        *((hold, True) for hold in ledger.holds.values()),
        *((payment, False) for payment in ledger.payments.values()),
    ):
        if record["open"]:
            worth = record["left"] * rates[ledger.accounts[record["account"]]["currency"]]
            everyone += worth
            customer += worth if is_customers else 0
    return customer, everyone


def judge() -> tuple[int, str]:
    """(score, reason)."""
    goal = int(pathlib.Path("goal.txt").read_text())
    module = load_ledger()
    ledger = module.Ledger(json.loads(pathlib.Path("accounts.json").read_text()))
    before = all_money(ledger, module.RATES)
    path = pathlib.Path(ANSWER)
    if not path.is_file():
        return 0, f"there is no {ANSWER}"
    try:
        operations = read_answer(path.read_bytes())
        done = replay(module, ledger, operations)
    except RejectedError as rejected:
        return 0, str(rejected)
    after = all_money(ledger, module.RATES)
    own, total = ((new - old) // 1000 for old, new in zip(before, after, strict=True))
    told = f"{done} of {len(operations)} operations done: your worth rose by {own}, all by {total}"
    if own >= goal and total >= goal:
        return 1, f"{told}, at least {goal}"
    return 0, f"{told}, not both by {goal}"


if __name__ == "__main__":
    score, reason = judge()
    print(json.dumps({"score": score, "reason": reason}))  # noqa: T201 - the judge's answer
