"""Reads app.py and prints every statement that takes a value without making it safe, as JSON.

Runs in the task's folder. It follows each value written into a statement back to where it comes
from, and knows the usual ways of making one safe: doubled quotes, fixed lists, digits only.
"""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

SOURCE = Path("app.py").read_text(encoding="utf-8")
TREE = ast.parse(SOURCE)
FUNCTIONS = {node.name: node for node in TREE.body if isinstance(node, ast.FunctionDef)}


def routes() -> dict[str, list[tuple[str, str]]]:
    """(method, path) pairs by the name of the function that serves them."""
    served: dict[str, list[tuple[str, str]]] = {}
    for table in (node for node in ast.walk(TREE) if isinstance(node, ast.Dict)):
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Tuple) and isinstance(value, ast.Name):
                parts = [str(part.value) for part in key.elts if isinstance(part, ast.Constant)]
                served.setdefault(value.id, []).append((parts[0], parts[1]))
    return served


def fields_of(function: ast.FunctionDef) -> list[str]:
    """The form fields that a function reads."""
    return re.findall(r"form\.get\(['\"](\w+)['\"]", ast.unparse(function))


def refuses_all_but_digits(name: str) -> bool:
    """Whether a helper raises unless its argument is all digits."""
    text = ast.unparse(FUNCTIONS[name]) if name in FUNCTIONS else ""
    return "raise" in text and "fullmatch" in text and "[0-9]" in text


def made_safe(value: ast.expr, *, quoted: bool) -> bool:
    """Whether an assignment's right side makes the value safe for its place."""
    if isinstance(value, ast.IfExp):
        return True
    if not isinstance(value, ast.Call):
        return False
    if isinstance(value.func, ast.Attribute) and value.func.attr == "replace":
        arguments = [part.value for part in value.args if isinstance(part, ast.Constant)]
        return quoted and arguments == ["'", "''"]
    return isinstance(value.func, ast.Name) and refuses_all_but_digits(value.func.id)


def place_of(before: str) -> str:
    """Where in a statement a value stands, by the text before it."""
    if before.endswith("'%"):
        return "like"
    if before.endswith("'"):
        return "text"
    return "order" if before.rstrip().endswith("ORDER BY") else "number"


def opening_of(function: ast.FunctionDef, statement: ast.JoinedStr) -> dict[str, Any] | None:
    """What is open about one statement, or None if its value is safe."""
    first = statement.values[0]
    before = str(first.value) if isinstance(first, ast.Constant) else ""
    written = [p.value for p in statement.values if isinstance(p, ast.FormattedValue)]
    if len(written) != 1 or not isinstance(written[0], ast.Name):
        return None
    place, name = place_of(before), written[0].id
    history = [
        node.value
        for node in function.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    quoted = place in {"text", "like"}
    if not history or any(made_safe(value, quoted=quoted) for value in history):
        return None
    origin = ast.unparse(history[0])
    field = re.search(r"form\.get\(['\"](\w+)['\"]", origin)
    selected = before.split(" FROM ")[0].removeprefix("SELECT ")
    return {
        "place": place,
        "columns": selected.count(",") + 1,
        "blind": "COUNT(" in selected or " LIMIT 1" in ast.unparse(statement),
        "field": field[1] if field else None,
        "origin": re.findall(r"\w+", origin),
    }


def stored_by(origin: list[str], served: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """Which POST route stores a value that is read back later, and which ones move it on."""
    posts = {
        path: fields_of(FUNCTIONS[name])
        for name, pairs in served.items()
        for method, path in pairs
        if method == "POST"
    }
    store = [
        (path, field, fields)
        for path, fields in posts.items()
        for field in fields
        if field in origin and field != "id"
    ]
    enter = [path for path, fields in posts.items() if {"name", "password"} <= set(fields)]
    if not store:
        return {}
    path, field, fields = store[0]
    moves = [other for other, needed in posts.items() if needed == ["id"]]
    return {"field": field, "store": path, "others": fields, "enter": enter, "moves": moves}


def main() -> None:
    """Print the findings."""
    served, findings = routes(), []
    for name, pairs in served.items():
        for call in ast.walk(FUNCTIONS[name]):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("execute"):
                continue
            if not call.args or not isinstance(call.args[0], ast.JoinedStr):
                continue
            found = opening_of(FUNCTIONS[name], call.args[0])
            if found is None:
                continue
            if found["field"] is None:
                found |= stored_by(found["origin"], served)
            if found["field"] is not None:
                findings.append({**found, "path": pairs[0][1], "origin": None})
    sys.stdout.write(json.dumps(findings) + "\n")


main()
