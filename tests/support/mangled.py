"""JSON in which something else stands at one place."""

from typing import Any

ODD: list[Any] = [None, 7, "x", ["x"], {"x": 1}, [[["x"]]], 10**400, "\ud800", float("inf")]


def mangled(native: Any, place: int, odd: Any) -> Any:
    """The answer with something else at one of its places; `ODD` where it has no such place."""
    at = [-1]

    def walk(value: Any) -> Any:
        at[0] += 1
        if at[0] == place:
            return odd
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    changed = walk(native)
    return changed if at[0] >= place else ODD
