"""Checks the subject's claims: all of them must be right, and no flaw may be left out.

Standard library only. Working folder: tariff.py (the program), right.py (the same without a flaw),
for each flawed clause only_N.py (with that flaw alone) and without_N.py (with all but that one),
item.json and the answer. Nothing of the subject runs here: orders are data. The last line of stdout
is the score; a non-zero exit is the judge's own fault and no score.
"""

import importlib.util
import json
import pathlib
from typing import Any

ANSWER = "claims.json"
MAX_ANSWER = 32 * 1024
MAX_CLAIMS = 3
MAX_ORDERS = 12
MAX_NUMBER = 1000


class RejectedError(Exception):
    """The answer scores 0; the text says why."""


def read_claims(data: bytes, item: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims, each of the form that the prompt asks for."""
    if len(data) > MAX_ANSWER:
        raise RejectedError(f"the answer is larger than {MAX_ANSWER} bytes")
    try:
        answer = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RejectedError("the answer is not JSON in UTF-8") from None
    claims = answer.get("claims") if isinstance(answer, dict) else None
    if not isinstance(claims, list) or len(claims) > MAX_CLAIMS:
        raise RejectedError(f"the answer holds no list of at most {MAX_CLAIMS} claims")
    for place, claim in enumerate(claims):
        if not isinstance(claim, dict) or set(claim) != {"clause", "orders", "due"}:
            raise RejectedError(f"claim {place} has not just clause, orders and due")
        if not is_whole(claim["clause"]) or not is_whole(claim["due"]):
            raise RejectedError(f"claim {place}: clause and due are whole numbers")
        orders = claim["orders"]
        if not isinstance(orders, list) or not 1 <= len(orders) <= MAX_ORDERS:
            raise RejectedError(f"claim {place} has not 1 to {MAX_ORDERS} orders")
        if not all(is_order(order, item) for order in orders):
            raise RejectedError(f"claim {place} holds something that is no order")
    return claims


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_order(order: object, item: dict[str, Any]) -> bool:
    """Whether a value is an order: a known kind, and each number from 0 to MAX_NUMBER."""
    if not isinstance(order, dict) or set(order) != {"kind", *item["fields"]}:
        return False
    numbers = [order[field] for field in item["fields"]]
    known = isinstance(order["kind"], str) and order["kind"] in item["kinds"]
    return known and all(is_whole(each) and 0 <= each <= MAX_NUMBER for each in numbers)


def load_program(name: str) -> Any:
    """One of the programs, as a module."""
    spec = importlib.util.spec_from_file_location(name, f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{name}.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shows(clause: int, orders: list[dict[str, Any]], right: int) -> bool:
    """Whether the last order costs something else because of this clause's flaw.

    Either alone or among the others: two flaws may hide one another.
    """
    if load_program(f"only_{clause}").dues(orders)[-1] != right:
        return True
    without = load_program(f"without_{clause}").dues(orders)[-1]
    return bool(load_program("tariff").dues(orders)[-1] != without)


def check_claim(place: int, claim: dict[str, Any], flawed: list[int], right: Any) -> None:
    """Reject a claim that is wrong, or not shown by its orders."""
    clause = claim["clause"]
    if clause not in flawed:
        raise RejectedError(f"claim {place} is wrong: clause {clause} has no flaw")
    due = right.dues(claim["orders"])[-1]
    if claim["due"] != due:
        raise RejectedError(f"claim {place} is wrong: by the terms its last order costs {due}")
    if not shows(clause, claim["orders"], due):
        raise RejectedError(f"claim {place} is not shown: its orders cost the same without it")


def judge() -> tuple[int, str]:
    """(score, reason)."""
    item = json.loads(pathlib.Path("item.json").read_text())
    path = pathlib.Path(ANSWER)
    if not path.is_file():
        return 0, f"there is no {ANSWER}"
    flawed, right = item["flawed"], load_program("right")
    try:
        claims = read_claims(path.read_bytes(), item)
        for place, claim in enumerate(claims):
            check_claim(place, claim, flawed, right)
    except RejectedError as rejected:
        return 0, str(rejected)
    found = [claim["clause"] for claim in claims]
    if sorted(found) != flawed:
        return 0, f"{len(set(found))} of {len(flawed)} flaws were found, in {len(found)} claims"
    return 1, f"all flaws were found ({len(flawed)}), and nothing was claimed that is none"


if __name__ == "__main__":
    score, reason = judge()
    print(json.dumps({"score": score, "reason": reason}))  # noqa: T201 - the judge's answer
