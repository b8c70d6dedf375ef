"""Plays with ledger.py, looks for a rise of all money, and writes operations.json if it finds one.

Runs in the task's folder. The plan's way is `stock` (a handful of usual slips) or `walk` (those,
then some random plays with the law that money only moves as the alarm; then the
shortest part that raises the alarm, with the amounts that raise it most).
"""

import base64
import importlib
import itertools
import json
import random
import re
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLAN = json.loads(base64.b64decode("@PLAN@"))
GOAL = int(PLAN["goal"])
MOST = 200
AMOUNTS = (1, 100, 1900, 4800)
LEDGER: Any = importlib.import_module("ledger")
ACCOUNTS = Path("accounts.json").read_text(encoding="utf-8")
OWN = [
    name
    for name, account in json.loads(ACCOUNTS)["accounts"].items()
    if account["owner"] == json.loads(ACCOUNTS)["customer"]
]
Operation = dict[str, Any]


def copied(value: Any) -> Any:
    """A copy of what a ledger keeps: numbers, texts, and lists and dictionaries of them."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


# It copies all that it keeps before each operation; the copy for any object takes most of a walk.
LEDGER.copy = types.SimpleNamespace(deepcopy=copied)


def fresh() -> Any:
    """A ledger with as little money in each account as the task allows."""
    data = json.loads(ACCOUNTS)
    for name, account in data["accounts"].items():
        account["balance"] = 0 if name == "fees" else 20_000
    return LEDGER.Ledger(data)


def rise(operations: list[Operation]) -> int:
    """By how much the customer's worth and all money both rose, in smallest units."""
    ledger = fresh()
    before = LEDGER.worth(ledger, ledger.customer), LEDGER.worth(ledger)
    for _ in LEDGER.play(ledger, operations):
        pass
    after = LEDGER.worth(ledger, ledger.customer), LEDGER.worth(ledger)
    return int(min(new - old for old, new in zip(before, after, strict=True)) // 1000)


def shifted(operation: Operation, by: int, turn: int) -> Operation:
    """The same operation further down the list, with keys of its own."""
    kinds = LEDGER.OPERATIONS[operation["op"]]
    moved = dict(operation)
    for field, kind in kinds.items():
        if kind == "number" and str(operation[field]).startswith("@"):
            moved[field] = f"@{int(operation[field][1:]) + by}"
        if kind == "key":
            moved[field] = f"{operation[field]}{turn}"
    return moved


def repeated(operations: list[Operation]) -> list[Operation] | None:
    """The play, repeated until the goal is reached; None if it cannot be."""
    gain, answer = rise(operations), list[Operation]()
    if gain <= 0:
        return None
    turns = -(-GOAL // gain) + 1
    for turn in range(turns):
        answer += [shifted(operation, len(answer), turn) for operation in operations]
    return answer if len(answer) <= MOST and rise(answer) >= GOAL else None


def stock() -> Iterator[list[Operation]]:
    """Usual slips, each on its own: itself as target, less than nothing, twice the same."""
    first, second = OWN[0], OWN[1]
    takes = {name: set(fields) for name, fields in LEDGER.OPERATIONS.items()}
    movers = [name for name, fields in takes.items() if fields == {"source", "target", "amount"}]
    makers = [name for name, fields in takes.items() if fields == {"account", "amount"}]
    for op in movers:
        yield [{"op": op, "source": first, "target": first, "amount": 1900}]
        yield [{"op": op, "source": first, "target": second, "amount": -1900}]
    for op in makers:
        made = {"op": op, "account": first, "amount": 1900}
        for name, fields in LEDGER.OPERATIONS.items():
            numbers = [field for field, kind in fields.items() if kind == "number"]
            if numbers:
                rest = {"amount": 1900, "target": first, "line": 0}
                used = {f: rest[f] for f in fields if f in rest} | {numbers[0]: "@0"}
                yield [made, {"op": name, **used}, {"op": name, **used}]
    for op, fields in takes.items():
        if "lines" in fields:
            line = {"target": second, "amount": 1900}
            yield [{"op": op, "source": first, "lines": [line, line]}]


def some_operation(draw: random.Random, made: list[int]) -> Operation:
    """A random operation that refers to earlier ones at most."""
    name = draw.choice(sorted(LEDGER.OPERATIONS))
    operation: Operation = {"op": name}
    for field, kind in LEDGER.OPERATIONS[name].items():
        operation[field] = {
            "account": draw.choice(OWN),
            "amount": draw.choice(AMOUNTS),
            "number": f"@{draw.choice(made[-4:])}" if made else 0,
            "count": draw.choice((0, 1, 100)),
            "key": draw.choice("ab"),
            "lines": [
                {"target": draw.choice(OWN[:3]), "amount": draw.choice(AMOUNTS)} for _ in range(2)
            ],
        }[kind]
    return operation


def walk(draw: random.Random, steps: int) -> list[Operation] | None:
    """One random play, ended where all money first rose; None if it never did."""
    ledger, made = fresh(), list[int]()
    worth, operations = LEDGER.worth(ledger), list[Operation]()
    for place in range(steps):
        operations.append(some_operation(draw, made))
        said = list(LEDGER.play(ledger, [with_numbers(operations[-1], made_numbers(ledger, made))]))
        if said[0].startswith("done, number"):
            made.append(place)
        before, worth = worth, LEDGER.worth(ledger)
        if worth > before:
            return operations
    return None


def made_numbers(ledger: Any, made: list[int]) -> dict[str, int]:
    """The numbers that earlier operations gave, by the text that stands for them."""
    newest = ledger.next_number
    return {f"@{place}": newest - len(made) + i for i, place in enumerate(made)}


def with_numbers(operation: Operation, numbers: dict[str, int]) -> Operation:
    """The operation with its reference filled in."""
    return {
        field: numbers.get(value, value) if isinstance(value, str) else value
        for field, value in operation.items()
    }


def without(operations: list[Operation], place: int) -> list[Operation] | None:
    """The play without one operation; None if another refers to it."""
    if any(f"@{place}" in operation.values() for operation in operations):
        return None
    kept = [dict(operation) for i, operation in enumerate(operations) if i != place]
    for operation in kept:
        for field, value in operation.items():
            if isinstance(value, str) and re.fullmatch(r"@\d+", value) and int(value[1:]) > place:
                operation[field] = f"@{int(value[1:]) - 1}"
    return kept


def last_rise(operations: list[Operation]) -> int:
    """By how much all money rose in the last operation, in thousandths."""
    ledger, seen = fresh(), [0, 0]
    for _ in LEDGER.play(ledger, operations):
        seen = [seen[1], LEDGER.worth(ledger)]
    return seen[1] - seen[0] if len(operations) > 1 else seen[1] - LEDGER.worth(fresh())


def shortest(operations: list[Operation]) -> list[Operation]:
    """As few of the operations as still make money in the last one."""
    for place in reversed(range(len(operations) - 1)):
        fewer = without(operations, place)
        if fewer and last_rise(fewer) > 0:
            operations = fewer
    return operations


def variants(operation: Operation) -> Iterator[Operation]:
    """The operation with other amounts."""
    for value in (1, 100, 2000, 2500, 4900, 5000):
        for field in operation.keys() & {"amount", "parts"}:
            yield {**operation, field: value}
        if "lines" in operation:
            yield {**operation, "lines": [{**ln, "amount": value} for ln in operation["lines"]]}


def richest(operations: list[Operation]) -> list[Operation]:
    """The same operations with the amounts that make most, one operation after the other."""
    for place, operation in enumerate(operations):
        before, after = operations[:place], operations[place + 1 :]
        tries = [[*before, variant, *after] for variant in variants(operation)]
        operations = max((operations, *tries), key=rise)
    return operations


def walked() -> Iterator[list[Operation]]:
    """Plays that raise the alarm, as short and as rich as can be."""
    draw, end = random.Random(1), time.monotonic() + PLAN["seconds"]
    for _ in range(PLAN["walks"]):
        if time.monotonic() > end:
            return
        found = walk(draw, PLAN["steps"])
        if found:
            yield richest(shortest(found))


def main() -> None:
    """Look, and write what works."""
    slips = (play for play in stock() if rise(play) > 0)
    for play in itertools.chain(slips, walked()) if PLAN["way"] == "walk" else slips:
        answer = repeated(play)
        if answer is not None:
            Path("operations.json").write_text(json.dumps(answer), encoding="utf-8")
            names = ", ".join(operation["op"] for operation in play)
            sys.stdout.write(f"it worked with {len(answer)} operations: {names}\n")
            return
    sys.stdout.write("nothing worked\n")


main()
