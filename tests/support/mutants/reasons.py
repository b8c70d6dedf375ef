"""Why a mutant that no test notices is none: written by hand, in `equivalent.toml`."""

import tomllib
from pathlib import Path

from support.mutants.operators import Mutant

Key = tuple[str, str, str, str, str, int]


class UnreadableReasonsError(Exception):
    """The file of reasons says something that is none."""


def read(path: Path) -> dict[Key, str]:
    """Reasons by what they are about.

    Raises:
        UnreadableReasonsError: a field is missing or unknown, or a reason is empty.
    """
    reasons: dict[Key, str] = {}
    for entry in tomllib.loads(path.read_text("utf-8")).get("mutant", []):
        rest = dict(entry)
        try:
            place, operator, line, was, becomes, reason = (
                rest.pop(name) for name in ("place", "operator", "line", "was", "becomes", "reason")
            )
        except KeyError as missing:
            raise UnreadableReasonsError(f"{path.name}: {entry} has no {missing}") from None
        key = (place, operator, line, was, becomes, rest.pop("nth", 1))
        if rest or not reason.strip() or key in reasons:
            raise UnreadableReasonsError(f"{path.name}: {place}: {rest or 'no reason, or twice'}")
        reasons[key] = " ".join(reason.split())
    return reasons


def block(mutant: Mutant) -> str:
    """What to paste into the file for a mutant, its reason left open."""
    fields = ("place", "operator", "line", "was", "becomes")
    lines = [f"{name} = {_quote(getattr(mutant, name))}" for name in fields]
    nth = [f"nth = {mutant.nth}"] if mutant.nth > 1 else []
    return "\n".join(["[[mutant]]", *lines, *nth, 'reason = ""'])


def _quote(text: str) -> str:
    return f"'{text}'" if "'" not in text and "\n" not in text else f"'''\n{text}'''"
