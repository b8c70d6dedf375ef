"""What a client keeps of a server that it caught: a file for others to look at.

Signed statements stand in it as they came; whatever is long is cut and named by its digest, since
whoever lies may choose a lie that no file would hold.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchstone.evaluation.digests import digest_bytes
from touchstone.keys.files import write_secret

LONGEST = 20_000
"""Characters of one text in a proof."""
MOST = 1_000
"""Texts of one list in a proof."""


def write_proof(folder: Path, proof: Mapping[str, Any]) -> Path:
    """Write what was said beside what it does not agree with; gives the file (0600, JSON)."""
    # Not canonical JSON, which many a lie is none of: lone surrogates, numbers of any size.
    data = json.dumps(_bounded(proof), ensure_ascii=True, indent=1).encode() + b"\n"
    # Called by its content: the same lie told each minute is one file.
    path = folder / f"caught-{digest_bytes(data)[-16:]}.json"
    write_secret(path, data, replace=True)
    return path


def cut(text: str, longest: int = LONGEST) -> str:
    """A text, or its beginning and its digest where it is too long."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}... ({digest_bytes(text.encode('utf-8', 'replace'))})"


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Mapping):
        return {cut(str(name), 200): _bounded(each) for name, each in list(value.items())[:MOST]}
    if isinstance(value, list | tuple):
        return [_bounded(each) for each in value[:MOST]]
    # Whatever else a server's JSON may hold is shown as text, so that writing a proof never fails.
    return value if isinstance(value, bool | int | None) else cut(str(value))
