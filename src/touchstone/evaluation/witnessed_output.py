"""What a sandbox notes of an output that Inspect's log keeps only the beginning of.

The log shows 20 lines, or 10,000 characters, of what a program wrote. Beside such an event stands a
digest of all of it, made where the program ran, by which an answer is held against the whole.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from touchstone.evaluation.inspect_seam import shortened_text

SOURCE = "touchstone-output"
"""Of the event that says it, which stands just before that of the program."""
SHOWN_AT_MOST = 16 * 1024
"""Bytes of an answer that Inspect shows to a model, unless it is told otherwise."""
_LINES, _CHARACTERS = 20, 9_000
"""What is longer than either may be cut in the log."""


def blanks_joined(text: str) -> str:
    """The text with one space for each run of blanks, and nothing else changed."""
    return " ".join(text.split())


def output_digest(text: str) -> str:
    """`sha256:...` of a text but for its blanks: those between streams are a tool's own."""
    data = blanks_joined(text).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def witness_of(stderr: str, stdout: str) -> dict[str, Any] | None:
    """What is noted of an output; None where the log keeps all of it.

    `whole` is the digest of what a shell's tool answers, `size` its bytes, and `shown` the digest
    of as much as the model is shown, empty where that is all of it.
    """
    text = f"{stderr}\n{stdout}" if stderr else stdout
    if len(text) <= _CHARACTERS and len(text.splitlines()) < _LINES:
        return None
    shown = shortened_text(text, SHOWN_AT_MOST)
    return {
        "whole": output_digest(text),
        "size": len(text.encode("utf-8", "surrogatepass")),
        "shown": output_digest(shown) if shown is not None else "",
    }


def read_witness(told: object) -> dict[str, Any] | None:
    """What was noted, as an event tells it; None where it tells nothing of this kind."""
    if not isinstance(told, Mapping):
        return None
    kinds: dict[str, type] = {"whole": str, "size": int, "shown": str}
    if any(type(told.get(name)) is not kind for name, kind in kinds.items()):
        return None
    return {name: told[name] for name in kinds}
