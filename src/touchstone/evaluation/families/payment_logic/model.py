"""What the rules of a ledger come to. Standard library only: generator, judge and solvers read it.

A rule is one operation. Whatever a program can have otherwise is one boolean of a rule, and both
values are as likely in the rules. An operation that asks for what is not there changes nothing.
"""

from typing import Any

MOST_STEPS = 10
LARGEST = 5000
SLIPS = {
    "move": ("strict", "up", "top"),
    "bonus": ("of_balance", "up"),
    "hold": ("free",),
    "capture": ("whole",),
    "refund": ("remaining", "fee_back"),
    "share": ("rest_first",),
    "interest": ("on_free", "up"),
    "capped": ("including", "strict"),
    "turn": ("last",),
}
"""What each kind of rule can have otherwise."""
_TIMES = {"hold": 2, "capture": 3, "refund": 3, "capped": 2, "turn": 4}


def open_slips(parts: Any) -> list[Any]:
    """Everything that a program of these rules could have otherwise."""
    return [(place, name) for place, part in enumerate(parts) for name in SLIPS[part["kind"]]]


def slips_made(parts: Any, slips: Any) -> list[Any]:
    """The rules with some booleans the other way round."""
    changed = [dict(part) for part in parts]
    for place, name in slips:
        changed[place][name] = not changed[place][name]
    return changed


class Books:
    """The state of a ledger: what is on the accounts, what is held, and what was done."""

    def __init__(self, facts: Any) -> None:
        """Open the accounts."""
        self.house: str = facts["house"]
        self.names: list[str] = facts["accounts"]
        self.money: dict[str, int] = dict(facts["start"])
        self.held = dict.fromkeys(self.money, 0)
        self.sent: dict[tuple[int, str], int] = {}
        self.turns: dict[tuple[int, str], int] = {}
        self.book: dict[int, dict[str, Any]] = {}

    def free(self, name: str) -> int:
        """What is on an account and not held."""
        return self.money[name] - self.held[name]

    def pay(self, source: str, target: str, amount: int) -> None:
        """Move money."""
        self.money[source] -= amount
        self.money[target] += amount


def comes_to(facts: Any, parts: Any, steps: Any) -> list[int]:
    """What is on each account after the operations, then what is held of each."""
    books = Books(facts)
    numbers = {part["op"]: at for at, part in enumerate(parts)}
    for place, step in enumerate(steps, start=1):
        at = numbers[step["op"]]
        if step["from"] != step["to"]:
            _DONE[parts[at]["kind"]](books, parts[at], step, place, at)
    named = facts["accounts"]
    held = [books.held[name] for name in named]
    return [*(books.money[name] for name in [*named, books.house]), *held]


def part_of(rule: Any, base: int) -> int:
    """A rule's share of a sum, rounded its way."""
    raw: int = base * rule["share"]
    size: int = rule["of"]
    return -(-raw // size) if rule["up"] else raw // size


def _move(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del at
    source, target, amount = step["from"], step["to"], step["amount"]
    above = amount > rule["limit"] or (amount == rule["limit"] and not rule["strict"])
    fee = part_of(rule, amount) if above else 0
    taken, given = (amount + fee, amount) if rule["top"] else (amount, amount - fee)
    if taken > books.free(source):
        return
    books.pay(source, target, given)
    books.pay(source, books.house, fee)
    books.book[place] = {"of": "paid", "by": source, "to": target, "sum": given, "fee": fee}
    books.book[place]["left"] = given


def _bonus(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del place, at
    source, target, amount = step["from"], step["to"], step["amount"]
    if amount > books.free(source):
        return
    more = part_of(rule, books.money[target] if rule["of_balance"] else amount)
    books.pay(source, target, amount)
    books.pay(books.house, target, more)


def _hold(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del at
    source, amount = step["from"], step["amount"]
    there = books.free(source) if rule["free"] else books.money[source]
    if amount <= there:
        books.held[source] += amount
        books.book[place] = {"of": "held", "by": source, "left": amount}


def _capture(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del place, at
    entry = books.book.get(step["ref"])
    if entry is None or entry["of"] != "held":
        return
    amount = entry["left"] if rule["whole"] else min(step["amount"], entry["left"])
    if entry["by"] == step["to"] or amount > books.money[entry["by"]]:
        return
    entry["left"] -= amount
    books.held[entry["by"]] -= amount
    books.pay(entry["by"], step["to"], amount)


def _refund(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del place, at
    entry = books.book.get(step["ref"])
    if entry is None or entry["of"] != "paid":
        return
    back = min(step["amount"], entry["left"] if rule["remaining"] else entry["sum"])
    if back > books.free(entry["to"]):
        return
    books.pay(entry["to"], entry["by"], back)
    entry["left"] = max(0, entry["left"] - back)
    if rule["fee_back"]:
        books.pay(books.house, entry["by"], entry["fee"])
        entry["fee"] = 0


def _share(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del place, at
    source, amount = step["from"], step["amount"]
    if amount > books.free(source):
        return
    others = [name for name in books.names if name != source]
    each, rest = divmod(amount, len(others))
    for name in others:
        books.pay(source, name, each)
    books.pay(source, others[0 if rule["rest_first"] else -1], rest)


def _interest(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    del place, at
    target = step["to"]
    base = books.free(target) if rule["on_free"] else books.money[target]
    books.pay(books.house, target, part_of(rule, max(0, base)))


def _capped(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    source, target, amount = step["from"], step["to"], step["amount"]
    before = books.sent.get((at, source), 0)
    counted = before + amount if rule["including"] else before
    if counted > rule["limit"] or (counted == rule["limit"] and rule["strict"]):
        return
    if amount > books.free(source):
        return
    books.sent[at, source] = before + amount
    books.pay(source, target, amount)
    books.book[place] = {"of": "paid", "by": source, "to": target, "sum": amount, "fee": 0}
    books.book[place]["left"] = amount


def _turn(books: Books, rule: Any, step: Any, place: int, at: int) -> None:
    source, target, amount = step["from"], step["to"], step["amount"]
    done = books.turns.get((at, source), 0)
    free = done % rule["every"] == (rule["every"] - 1 if rule["last"] else 0)
    charge = 0 if free else rule["charge"]
    if amount + charge > books.free(source):
        return
    books.turns[at, source] = done + 1
    books.pay(source, target, amount)
    books.pay(source, books.house, charge)
    books.book[place] = {"of": "paid", "by": source, "to": target, "sum": amount, "fee": charge}
    books.book[place]["left"] = amount


_DONE = {
    "move": _move,
    "bonus": _bonus,
    "hold": _hold,
    "capture": _capture,
    "refund": _refund,
    "share": _share,
    "interest": _interest,
    "capped": _capped,
    "turn": _turn,
}


def steps_fault(facts: Any, parts: Any, steps: Any) -> str:
    """Why something is no list of operations; empty: it is one."""
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        return f"steps are not 1 to {MOST_STEPS} operations"
    known = {part["op"] for part in parts}
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, dict) or set(step) != {"op", "from", "to", "amount", "ref"}:
            return f"operation {number} has not just op, from, to, amount and ref"
        if fault := _step_fault(facts, known, step, number):
            return f"operation {number}: {fault}"
    return ""


def _step_fault(facts: Any, known: set[str], step: Any, number: int) -> str:
    words = (step["op"], step["from"], step["to"])
    if not all(isinstance(word, str) for word in words) or step["op"] not in known:
        return "op is none of the rules'"
    if not {step["from"], step["to"]} <= set(facts["accounts"]):
        return "it names an account that is none"
    if type(step["amount"]) is not int or not 0 <= step["amount"] <= LARGEST:
        return f"amount is no whole number from 0 to {LARGEST}"
    if type(step["ref"]) is not int or not 0 <= step["ref"] < number:
        return "ref is no number of an operation before it, nor 0"
    return ""


def some_steps(draw: Any, facts: Any, parts: Any, focus: int | None) -> list[Any]:
    """Operations at random; with a focus, those that bring a rule to its edges."""
    if focus is None:
        return [_some(draw, facts, draw.pick(parts), n) for n in range(draw.between(1, 3))]
    rule = parts[focus]
    before = [part for part in parts if part["kind"] in _BEFORE.get(rule["kind"], ())]
    count = draw.between(1, _TIMES.get(rule["kind"], 1))
    steps: list[Any] = [_begun(draw, facts, draw.pick(before))] if before else []
    for _ in range(count):
        step = _some(draw, facts, rule, len(steps))
        if before:
            step["ref"], step["amount"] = 1, draw.between(0, steps[0]["amount"] + 5)
            step["to"] = steps[0]["from"] if rule["kind"] == "interest" else step["to"]
        elif "limit" in rule and draw.below(3):
            step["amount"] = _edge(draw, rule, steps)
        if steps and draw.below(3):
            step["from"] = steps[0]["from"]
        steps.append(step)
    asks = [part for part in parts if part["kind"] == "capture" and rule["kind"] == "hold"]
    # What is held shows once it is asked for.
    later = [_some(draw, facts, asks[0], 0) | {"ref": n + 1} for n in range(count)] if asks else []
    return steps + later


def _begun(draw: Any, facts: Any, rule: Any) -> dict[str, Any]:
    """An operation that is likely to take place, so that later ones can refer to it."""
    step = _some(draw, facts, rule, 0)
    return step | {"amount": draw.between(1, facts["start"][step["from"]] // 2)}


_BEFORE = {
    "capture": ("hold",),
    "refund": ("move", "turn", "capped"),
    "interest": ("hold",),
}
"""What must have been done before a rule does anything, or anything special."""


def _edge(draw: Any, rule: Any, steps: list[Any]) -> int:
    limit: int = rule["limit"]
    done = sum(step["amount"] for step in steps)
    if rule["kind"] == "capped":
        amount: int = draw.pick((limit, limit - done, limit - done + 1, limit // 2))
        return min(LARGEST, max(0, amount))
    around: int = draw.pick((limit - 1, limit, limit, limit + 1))
    return around


def _some(draw: Any, facts: Any, rule: Any, done: int) -> dict[str, Any]:
    source = draw.pick(facts["accounts"])
    return {
        "op": rule["op"],
        "from": source,
        "to": draw.pick([name for name in facts["accounts"] if name != source]),
        "amount": draw.between(0, 999),
        "ref": draw.between(0, done),
    }
