"""What the pages of a contract come to. Standard library only: all read it, judge and solvers too.

A page prepares a value in some steps, one after the other, and builds a query of it. Whatever a
program can have otherwise is one boolean of a page or of a step, or the order of two steps; all
are drawn evenly for the contract.
"""

from typing import Any

MOST_STEPS = 3
LONGEST = 40
PRINTABLE = "".join(map(chr, range(33, 127))) + " "
KINDS = {
    "cut": "front",
    "trim": "left",
    "case": "lower",
    "wrap": "before",
    "swap": "there",
    "drop": "every",
    "bar": "anywhere",
    "decode": "again",
    "guard": "whole",
}
"""The boolean of each kind of step."""


def open_slips(parts: Any) -> list[Any]:
    """Everything that a program of these pages could have otherwise."""
    found: list[Any] = []
    for place, part in enumerate(parts):
        if part["of"]:
            found.append((place, "given"))
        steps = part["steps"]
        found += [(place, f"{KINDS[step['do']]}:{at}") for at, step in enumerate(steps)]
        found += [(place, f"order:{at}") for at in range(len(steps) - 1)]
    return found


def slips_made(parts: Any, slips: Any) -> list[Any]:
    """The pages with some things otherwise."""
    changed = [{**part, "steps": [dict(step) for step in part["steps"]]} for part in parts]
    for place, slip in slips:
        what, _, at = slip.partition(":")
        part = changed[place]
        if what == "given":
            part["given"] = not part["given"]
        elif what == "order":
            one, two = int(at), int(at) + 1
            steps = part["steps"]
            steps[one], steps[two] = steps[two], steps[one]
        else:
            step = part["steps"][int(at)]
            step[what] = not step[what]
    return changed


def comes_to(facts: Any, parts: Any, steps: Any) -> Any:
    """The query of the last request; None: it is refused."""
    pages = {part["page"]: part for part in parts}
    given: dict[str, str] = {}
    made: dict[str, str] = {}
    query: str | None = None
    for request in steps:
        part, value = pages[request["page"]], request["value"]
        if part["of"]:
            value = (given if part["given"] else made).get(part["of"], "")
        prepared = prepare(facts, part, value)
        given[part["page"]] = request["value"]
        made[part["page"]] = prepared or ""
        query = None if prepared is None else part["query"] + prepared
    return query


def prepare(facts: Any, part: Any, value: str) -> str | None:
    """A value after the steps of a page; None: it is refused."""
    for step in part["steps"]:
        got = _DONE[step["do"]](facts, step, value)
        if got is None:
            return None
        value = got
    return value


def decoded(facts: Any, value: str) -> str:
    """A value in which the mark and a digit stood for a special character."""
    done, at = "", 0
    while at < len(value):
        code = value[at + 1 : at + 2]
        if value[at] == facts["mark"] and code.isdigit() and int(code) < len(facts["specials"]):
            done, at = done + facts["specials"][int(code)], at + 2
        else:
            done, at = done + value[at], at + 1
    return done


def _decode(facts: Any, step: Any, value: str) -> str:
    once = decoded(facts, value)
    return decoded(facts, once) if step["again"] else once


def _guard(facts: Any, step: Any, value: str) -> str:
    chosen = facts["specials"] if step["whole"] else facts["specials"][1:]
    return "".join(facts["escape"] + each if each in chosen else each for each in value)


def _bar(_: Any, step: Any, value: str) -> str | None:
    char = step["char"]
    held = char in value if step["anywhere"] else value.startswith(char)
    return None if held else value


def _cut(_: Any, step: Any, value: str) -> str:
    return value[: step["size"]] if step["front"] else value[-step["size"] :]


def _trim(_: Any, step: Any, value: str) -> str:
    return value.lstrip(step["char"]) if step["left"] else value.rstrip(step["char"])


def _case(_: Any, step: Any, value: str) -> str:
    return value.lower() if step["lower"] else value.upper()


def _wrap(_: Any, step: Any, value: str) -> str:
    char: str = step["char"]
    return char + value if step["before"] else value + char


def _swap(_: Any, step: Any, value: str) -> str:
    one: str = step["char"] if step["there"] else step["other"]
    two: str = step["other"] if step["there"] else step["char"]
    return value.replace(one, two)


def _drop(_: Any, step: Any, value: str) -> str:
    return value.replace(step["char"], "", -1 if step["every"] else 1)


_DONE: dict[str, Any] = {
    "cut": _cut,
    "trim": _trim,
    "case": _case,
    "wrap": _wrap,
    "swap": _swap,
    "drop": _drop,
    "bar": _bar,
    "decode": _decode,
    "guard": _guard,
}


def steps_fault(facts: Any, parts: Any, steps: Any) -> str:
    """Why something is no list of requests; empty: it is one."""
    del facts
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        return f"steps are not 1 to {MOST_STEPS} requests"
    known = {part["page"] for part in parts}
    for number, step in enumerate(steps, start=1):
        if not isinstance(step, dict) or set(step) != {"page", "value"}:
            return f"request {number} has not just page and value"
        page, value = step["page"], step["value"]
        if not isinstance(page, str) or page not in known:
            return f"request {number} is to no page of the contract"
        if not isinstance(value, str) or len(value) > LONGEST or set(value) - set(PRINTABLE):
            return f"request {number}: value is no printable ASCII text of at most {LONGEST}"
    return ""


def some_steps(draw: Any, facts: Any, parts: Any, focus: int | None) -> list[Any]:
    """Requests at random; with a focus, of values that a page has something to do with."""
    part = draw.pick(parts) if focus is None else parts[focus]
    requests = [{"page": part["page"], "value": _value(draw, facts, part, focus is not None)}]
    before = [each for each in parts if each["page"] == part["of"]]
    if before:
        value = _value(draw, facts, before[0], focus is not None)
        requests.insert(0, {"page": part["of"], "value": value})
    return requests


def _value(draw: Any, facts: Any, part: Any, at_edges: bool) -> str:
    letters = "abcdefghijKLMNOP"
    word = [draw.pick(letters) for _ in range(draw.between(2, 12))]
    if not at_edges:
        return "".join(word)
    chars = [step[key] for step in part["steps"] for key in ("char", "other") if key in step]
    digits = [str(each) for each in range(len(facts["specials"]))]
    told = [*chars, *chars, *facts["specials"], facts["mark"], *digits]
    twice = facts["mark"] + str(facts["specials"].index(facts["mark"])) + draw.pick(digits)
    told += [facts["mark"] + draw.pick(digits), twice, twice]
    mixed = [draw.pick(told) if draw.below(2) else draw.pick(letters) for _ in word]
    # Codes of the mark itself, and characters at both ends, are what most orders turn on.
    if draw.below(2):
        mixed.insert(draw.below(len(mixed) + 1), facts["mark"] + draw.pick(digits))
    if chars and draw.below(2):
        mixed.insert(draw.pick((0, len(mixed))), draw.pick(chars))
    return "".join(mixed)[:LONGEST]
