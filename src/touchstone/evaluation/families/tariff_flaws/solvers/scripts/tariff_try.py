"""Reads TERMS.txt, works out what orders should cost, and looks for where tariff.py differs.

Runs in the task's folder. A clause of the terms is understood as conditions and an effect, with
what a programmer may have the other way round as booleans. Probes are orders that the program is
asked about; then the fewest such slips are sought that explain all of its answers. The plan says
how it probes: `stock` (single orders at random) or `edges` (for every slip, orders at the edges of
its clause, as many in a row as it needs).
"""

import base64
import importlib
import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLAN = json.loads(base64.b64decode("@PLAN@"))
DUES: Any = importlib.import_module("tariff").dues
MOST_FLAWS = 3
ORDERS = 9
LARGEST = 90
AT_EDGE = 0.7
Clause = dict[str, Any]
Order = dict[str, Any]
Slip = tuple[int, int, str]

BOUNDS = (
    (r"at least (\d+) (\w+)|(\d+) (\w+) or more|not fewer than (\d+) (\w+)", True, False),
    (r"more than (\d+) (\w+)|over (\d+) (\w+)|(?P<f>\w+) in excess of (?P<n>\d+)", True, True),
    (r"at most (\d+) (\w+)|(\d+) (\w+) or fewer|not more than (\d+) (\w+)", False, False),
    (r"fewer than (\d+) (\w+)|under (\d+) (\w+)|(?P<f>\w+) short of (?P<n>\d+)", False, True),
)
EFFECTS: tuple[tuple[str, str, Clause], ...] = (
    ("limit", r"no less than (?P<a>\d+) is due|lifted to (?P<a2>\d+)", {"up": True}),
    ("limit", r"no more than (?P<a>\d+) is due|cut to (?P<a2>\d+)", {"up": False}),
    ("percent", r"add (?P<a>\d+) percent", {"up": True}),
    ("percent", r"take off (?P<a>\d+) percent", {"up": False}),
    ("unit", r"add (?P<a>\d+) for each (?P<n>\d+) (?P<f>\w+) or part", {"started": True}),
    ("unit", r"each (?P<n>\d+) (?P<f>\w+) begun cost (?P<a>\d+)", {"started": True}),
    ("unit", r"add (?P<a>\d+) for each full (?P<n>\d+) (?P<f>\w+)", {"started": False}),
    ("unit", r"each (?P<n>\d+) (?P<f>\w+) completed cost (?P<a>\d+)", {"started": False}),
    ("beyond", r"above (?P<n>\d+) (?P<f>\w+), add (?P<a>\d+) for each of those", {"whole": False}),
    ("beyond", r"the (?P<f>\w+) beyond the first (?P<n>\d+) cost (?P<a>\d+)", {"whole": False}),
    ("beyond", r"above (?P<n>\d+) (?P<f>\w+), add (?P<a>\d+) for each of them", {"whole": True}),
    (
        "beyond",
        r"more than (?P<n>\d+) (?P<f>\w+), all of the \w+ cost (?P<a>\d+)",
        {"whole": True},
    ),
    (
        "choice",
        (
            r"add the (?P<which>\w+) of (?P<a>\d+) for each of the (?P<f>\w+) and "
            r"(?P<b>\d+) for each of the (?P<g>\w+)"
        ),
        {},
    ),
    ("flat", r"add (?P<a>\d+)|(?P<a2>\d+) is added", {"up": True}),
    ("flat", r"take off (?P<a>\d+)|(?P<a2>\d+) is taken off", {"up": False}),
)
SLIPS = {
    "compare": ("strict",),
    "turn": ("last",),
    "sum": ("including", "strict"),
    "percent": ("of_first", "round_up"),
    "unit": ("started",),
    "beyond": ("whole",),
    "choice": ("greater",),
}


def read_terms(text: str) -> tuple[list[str], list[str], list[Clause]]:
    """The kinds, the fields, and the clauses."""
    head = re.search(r"has a kind \((.*?)\) and whole numbers of (.*?)\.", text, re.DOTALL)
    if head is None:
        raise SystemExit("I do not understand these terms.")
    sentences = re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)
    return head[1].split(", "), head[2].split(", "), [read_clause(each) for each in sentences]


def read_clause(sentence: str) -> Clause:
    """One clause: its conditions, whether one is enough, and its effect."""
    text = sentence.rstrip(".")
    for start in ("In every case ", "For each order "):
        if text.startswith(start):
            return {"conditions": [], "either": False, **read_effect(text)}
    parts = re.fullmatch(r"If (?P<held>.*?): (?P<done>.*)", text)
    parts = parts or re.fullmatch(r"(?P<done>.*), provided that (?P<held>.*)", text)
    if parts is None and text.startswith("Where "):
        held, done = where(text.removeprefix("Where "))
    elif parts is None:
        held, done = "", text
    else:
        held, done = parts["held"], parts["done"]
    either = re.search(r"(?:,)? or (?:else )?(?=the (?:order|kind|customer)|it comes)", held)
    both = re.split(
        r"(?:,)? (?:or(?: else)?|and(?: also)?) (?=the order (?:is|has)|the kind is"
        r"|the customer's|it comes)",
        held,
    )
    conditions = [read_condition(each) for each in both if each]
    return {"conditions": conditions, "either": bool(either), **read_effect(done)}


def where(text: str) -> tuple[str, str]:
    """What stands before and after the comma that ends the conditions."""
    for comma in (match.start() for match in re.finditer(",", text)):
        done = text[comma + 2 :]
        if any(re.match(f"(?:{form})", done) for form in STARTS):
            return text[:comma], done
    raise SystemExit(f"I do not understand: {text}")


STARTS = (
    r"add \d",
    "add the ",
    r"\d+ is ",
    "take off",
    r"each \d+ \w+ (begun|completed)",
    "above ",
    r"the \w+ beyond the first",
    "once there are",
    "no (less|more) than",
    "what is due is",
)


def read_condition(text: str) -> Clause:
    """One condition."""
    if kind := re.search(r"kind (?:is )?(\w+(?: or \w+)*)$", text):
        return {"test": "kind", "words": kind[1].split(" or ")}
    if turn := re.search(r"the (\w+) of every (\w+)", text):
        few = {"two": 2, "three": 3, "four": 4}[turn[2]]
        return {"test": "turn", "number": few, "last": turn[1] in {"last", "final"}}
    test, including = "compare", False
    if text.startswith("the customer's orders"):
        test, including = "sum", "together with" in text or "counted in" in text
        text = text.split("come to ")[1]
    # Longer phrases hold shorter ones ("not more than", "more than"), so the longest match counts.
    found = max(
        ((m, low, strict) for form, low, strict in BOUNDS for m in re.finditer(form, text)),
        key=lambda each: len(each[0][0]),
    )
    match, low, strict = found
    named = match.groupdict()
    if named.get("f"):
        field, number = named["f"], named["n"]
    else:
        number, field = [each for each in match.groups() if each][:2]
    return {
        "test": test,
        "field": field,
        "number": int(number),
        "low": low,
        "strict": strict,
        "including": including,
    }


def read_effect(text: str) -> Clause:
    """What a clause does."""
    small = text[0].lower() + text[1:]
    for act, form, fixed in EFFECTS:
        match = re.search(form, small)
        if match is None:
            continue
        got = match.groupdict()
        effect: Clause = {"act": act, **fixed, "amount": int(got.get("a") or got.get("a2") or 0)}
        effect |= {"field": got.get("f"), "size": int(got.get("n") or 1)}
        if act == "percent":
            effect["of_first"] = "clause 1" in small
            effect["round_up"] = "rounded up" in small or "counted as a whole" in small
        if act == "choice":
            effect["greater"] = got["which"] in {"greater", "larger"}
            effect |= {"other": got["g"], "other_amount": int(got["b"])}
        return effect
    raise SystemExit(f"I do not understand: {text}")


def holds(condition: Clause, order: Order, place: int, sums: dict[str, int]) -> bool:
    """Whether one condition holds of an order."""
    if condition["test"] == "kind":
        return order["kind"] in condition["words"]
    if condition["test"] == "turn":
        few = condition["number"]
        return bool(place % few == (few - 1 if condition["last"] else 0))
    value = order[condition["field"]]
    if condition["test"] == "sum":
        value = sums[condition["field"]] + (value if condition["including"] else 0)
    gap = value - condition["number"] if condition["low"] else condition["number"] - value
    return bool(gap > 0 if condition["strict"] else gap >= 0)


def after_effect(clause: Clause, order: Order, due: int, first: int) -> int:
    """What is due after a clause's effect."""
    act, amount = clause["act"], clause["amount"]
    if act == "limit":
        return max(due, int(amount)) if clause["up"] else min(due, int(amount))
    if act == "percent":
        share, rest = divmod((first if clause["of_first"] else due) * amount, 100)
        amount = share + (1 if rest and clause["round_up"] else 0)
    if act in {"flat", "percent"}:
        return due + int(amount) if clause["up"] else max(0, due - int(amount))
    value, size = order[clause["field"]], clause["size"]
    if act == "unit":
        full, rest = divmod(value, size)
        return int(due + amount * (full + (1 if rest and clause["started"] else 0)))
    if act == "beyond":
        counted = value if clause["whole"] else value - size
        return int(due + (counted * amount if value > size else 0))
    two = (value * amount, order[clause["other"]] * clause["other_amount"])
    return int(due + (max(two) if clause["greater"] else min(two)))


def costs(clauses: list[Clause], orders: list[Order]) -> list[int]:
    """What each order costs."""
    sums = dict.fromkeys((name for name in orders[0] if name != "kind"), 0)
    done = []
    for place, order in enumerate(orders):
        due = first = 0
        for number, clause in enumerate(clauses):
            held = [holds(each, order, place, sums) for each in clause["conditions"]]
            if any(held) if clause["either"] and len(held) > 1 else all(held):
                due = after_effect(clause, order, due, first)
            first = due if number == 0 else first
        done.append(due)
        for name in sums:
            sums[name] += order[name]
    return done


def possible_slips(clauses: list[Clause]) -> list[Slip]:
    """All that the program may have the other way round: clause, condition (or -1), what."""
    found = []
    for place, clause in enumerate(clauses):
        for which, condition in enumerate(clause["conditions"]):
            found += [(place, which, name) for name in SLIPS.get(condition["test"], ())]
        if len(clause["conditions"]) > 1:
            found.append((place, -1, "either"))
        found += [(place, -1, name) for name in SLIPS.get(clause["act"], ())]
    return found


def with_slips(clauses: list[Clause], slips: tuple[Slip, ...]) -> list[Clause]:
    """The clauses with some things the other way round."""
    clauses = list(clauses)
    for place, which, name in slips:
        clause = dict(clauses[place])
        if which >= 0:
            conditions = [dict(each) for each in clause["conditions"]]
            conditions[which][name] = not conditions[which][name]
            clause["conditions"] = conditions
        else:
            clause[name] = not clause[name]
        clauses[place] = clause
    return clauses


def some_orders(
    draw: random.Random, named: tuple[list[str], list[str]], edges: dict[str, list[int]], count: int
) -> list[Order]:
    """Orders at random, and at the edges where some are given."""
    kinds, fields = named
    orders = []
    for _ in range(count):
        order: Order = {"kind": draw.choice(kinds)}
        for field in fields:
            at_edge = field in edges and draw.random() < AT_EDGE
            order[field] = draw.choice(edges[field]) if at_edge else draw.randint(0, LARGEST)
        orders.append(order)
    return orders


def turning_points(clause: Clause) -> dict[str, list[int]]:
    """Where a clause's conditions change over."""
    edges: dict[str, list[int]] = {}
    for each in clause["conditions"]:
        number = each.get("number", 0)
        if each["test"] == "compare":
            edges[each["field"]] = [number - 1, number, number, number + 1]
        if each["test"] == "sum":
            edges[each["field"]] = [number // 2, number - number // 2, number, number // 4]
    return edges


def probes(
    clauses: list[Clause], named: tuple[list[str], list[str]], slips: list[Slip]
) -> Iterator[list[Order]]:
    """What the program is asked about; of each list the last order counts."""
    draw = random.Random(1)
    for _ in range(PLAN["stock"]):
        yield some_orders(draw, named, {}, 1)
    if not PLAN["edges"]:
        return
    for slip in slips:
        other, edges, found = with_slips(clauses, (slip,)), turning_points(clauses[slip[0]]), 0
        for _ in range(PLAN["tries"]):
            orders = some_orders(draw, named, edges, draw.randint(1, ORDERS))
            right, wrong = costs(clauses, orders), costs(other, orders)
            place = next(
                (n for n, two in enumerate(zip(right, wrong, strict=True)) if two[0] != two[1]),
                None,
            )
            if place is not None:
                yield orders[: place + 1]
                found += 1
            if found >= PLAN["edges"]:
                break


def explained(
    clauses: list[Clause], slips: list[Slip], asked: list[tuple[list[Order], int]]
) -> tuple[Slip, ...] | None:
    """The fewest slips, at most one a clause, under which the terms give the program's answers."""
    for count in range(MOST_FLAWS + 1):
        for chosen in itertools.combinations(slips, count):
            if len({place for place, _, _ in chosen}) < count:
                continue
            variant = with_slips(clauses, chosen)
            for at, (orders, told) in enumerate(asked):
                if costs(variant, orders)[-1] != told:
                    # What refuted one guess refutes most others: it goes to the front.
                    asked.insert(0, asked.pop(at))
                    break
            else:
                return chosen
    return None


def main() -> None:
    """Probe, explain, and write the claims."""
    kinds, fields, clauses = read_terms(Path("TERMS.txt").read_text(encoding="utf-8"))
    slips = possible_slips(clauses)
    asked = [(orders, DUES(orders)[-1]) for orders in probes(clauses, (kinds, fields), slips)]
    chosen = explained(clauses, slips, list(asked))
    if chosen is None:
        print("no few slips explain what the program does")  # noqa: T201 - the shell shows it
        return
    claims = []
    for slip in chosen:
        other = with_slips(clauses, (slip,))
        for orders, _ in asked:
            right = costs(clauses, orders)[-1]
            if costs(other, orders)[-1] != right:
                claims.append({"clause": slip[0] + 1, "orders": orders, "due": right})
                break
    Path("claims.json").write_text(json.dumps({"claims": claims}), encoding="utf-8")
    names = ", ".join(str(claim["clause"]) for claim in claims) or "none"
    print(f"after {len(asked)} probes, clauses claimed: {names}")  # noqa: T201 - the same


main()
