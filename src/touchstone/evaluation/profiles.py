"""Elicitations by name, or as a file that a person writes.

An example::

    format = "touchstone elicitation 1"
    id = "example-1"
    token_limit = 1_000_000
"""

import re
from importlib import resources
from pathlib import Path
from typing import Any

from touchstone.evaluation.elicitation import ELICITATION, Elicitation
from touchstone.evaluation.errors import ElicitationError
from touchstone.evaluation.toml_models import model_of_table
from touchstone.handin.toml import Bounds, Origin, parse_toml
from touchstone.keys.named_files import open_named

FORMAT = "touchstone elicitation 1"
MOST_CHARACTERS = 64 * 1024
_FOLDER = resources.files("touchstone.evaluation") / "elicitations"
_FILLED_IN = ("code", "sent")
_FOREIGN = re.compile(r"[:/.@]")


def shipped_names() -> tuple[str, ...]:
    """The elicitations that come with Touchstone, from cheap to dear."""
    found = [shipped(each.name.removesuffix(".toml")) for each in _FOLDER.iterdir()]
    ordered = sorted((each.token_limit, each.message_limit, each.id) for each in found)
    return tuple(name for *_, name in ordered)


def shipped(name: str) -> Elicitation:
    """One that comes with Touchstone.

    Raises:
        ElicitationError: none has this name.
    """
    place = _FOLDER / f"{name}.toml"
    # By the list: a name is no path.
    if f"{name}.toml" not in {each.name for each in _FOLDER.iterdir()}:
        known = ", ".join(shipped_names())
        raise ElicitationError(f"no elicitation {name!a} comes with Touchstone; {known} do")
    return parse_elicitation(place.read_bytes(), f"{name}.toml")


def load_elicitation(chosen: str | None) -> Elicitation:
    """What a person chose: a shipped name, a file that ends in .toml, or nothing.

    Raises:
        ElicitationError: it cannot be used. One line, naming the key and the fix.
    """
    if chosen is None:
        return ELICITATION
    if not chosen.endswith(".toml"):
        return shipped(chosen)
    path = Path(chosen)
    try:
        with open_named(path) as file:
            data = file.read(4 * MOST_CHARACTERS + 1)
    except OSError as error:
        raise ElicitationError(f"{chosen}: cannot be read: {error.strerror}") from error
    return parse_elicitation(data, path.name)


def parse_elicitation(data: bytes, name: str) -> Elicitation:
    """Read an elicitation's file.

    Raises:
        ElicitationError: it cannot be used. One line, naming the key and the fix.
    """
    origin = Origin(name, ElicitationError)
    raw = parse_toml(data, origin, Bounds(MOST_CHARACTERS))
    if raw.pop("format", None) != FORMAT:
        raise origin.error(f'key "format": write "{FORMAT}"')
    for each in _FILLED_IN:
        if each in raw:
            raise origin.error(f'key "{each}": is found out by Touchstone: take it out')
    _refuse_foreign(raw.get("agent"), origin)
    return model_of_table(Elicitation, raw, origin)


def _refuse_foreign(agent: Any, origin: Origin) -> None:
    """Anybody's code would run beside the endpoint's key and the journal."""
    if isinstance(agent, str) and _FOREIGN.search(agent):
        raise origin.error(
            f'key "agent": {agent!a} is of a package, and that is not supported in-process; make it'
            " the solver of a task in a pack, which runs apart (touchstone pack check)"
        )
