"""Reading what a stranger handed in: bounded, plain text, without keys, within a folder."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from touchstone.evaluation.errors import SubmissionError
from touchstone.handin import Bounds, Origin, parse_toml, printable_line, unseen

_READ = 1024 * 1024
_MAX_DEPTH = 16
_SHOWN = 80
"""Characters of what was handed in that an error shows."""
# Keys under which people paste secrets, whatever the value looks like.
_SECRET_NAME = re.compile(
    r"^(.*[_-])?(api[_-]?key|secret|password|passwd|token|authorization|bearer|credential)s?$",
    re.IGNORECASE,
)
# The forms of keys in wide use, and any long run of letters and digits without a word in it.
_SECRET_VALUE = re.compile(
    r"(?:\b(?:sk|pk|rk|gsk|hf|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_-]{12,}"
    r"|\bAKIA[0-9A-Z]{12,}|\bAIza[0-9A-Za-z_-]{20,}"
    # A token begins with "eyJ" somewhere in a run that ends at a dot: each run is looked at once.
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*?\beyJ[A-Za-z0-9_-]{10})[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{10}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|\bBearer\s+\S{8,})"
)
_LONG_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_-])")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NOT_KEYS = ("path", "digest", "base_url", "model")


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Raises:
        SubmissionError: missing, not a regular file, unreadable or too large.
    """
    # A path such as "." has no name of its own.
    return b"".join(_blocks(path, path.name or str(path), limit))


def parse_submission(data: bytes, name: str) -> dict[str, Any]:
    """What the TOML of a submission says, numbers with a point as Decimal.

    Raises:
        SubmissionError: not UTF-8, not TOML, or nested too deeply; its size is the caller's.
    """
    bounds = Bounds(len(data), _MAX_DEPTH)
    return parse_toml(data, Origin(name, SubmissionError), bounds, decimals=True)


def refuse_keys(raw: dict[str, Any]) -> None:
    """Refuse a submission in which something looks like a key.

    Raises:
        SubmissionError: names the place, never the value.
    """
    for place, value in _strings(raw, ""):
        leaf = re.split(r"[.\]]", place)[-1]
        named = bool(_SECRET_NAME.match(leaf)) and not leaf.endswith("_env")
        pasted = leaf == "api_key_env" and not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", value)
        digest = leaf == "weights" and _DIGEST.fullmatch(value)
        shaped = _SECRET_VALUE.search(value) or (
            leaf not in _NOT_KEYS
            and not digest
            and any(map(_random_looking, _LONG_RUN.findall(value)))
        )
        if value and (named or pasted or shaped):
            raise SubmissionError(
                f"a key is written in the submission at {place}: "
                "put it into an environment variable and name it"
            )


def plain_text(raw: dict[str, Any]) -> None:
    """Refuse in any string what a reader cannot see, as the record itself refuses it.

    Line breaks and tabs are plain in `description` alone.

    Raises:
        SubmissionError: names the place and the character.
    """
    for place, value in _strings(raw, ""):
        free = "\n\t" if place.endswith("description") else ""
        if bad := unseen("".join(c for c in value if c not in free)):
            raise SubmissionError(f"{place}: holds {bad}, which cannot be seen; take it out")


def check_document(folder: Path, relative: str, place: str, limit: int) -> tuple[str, int]:
    """Digest (`sha256:` and hex) and size of a document below a folder.

    Raises:
        SubmissionError: missing, outside the folder (also by a link), not regular, or too large.
    """
    parts = relative.split("/")
    if relative.startswith("/") or "\\" in relative or {"", ".", ".."} & set(parts):
        raise SubmissionError(
            f"{place}.path: write a plain path below the submission's folder, without '..'"
        )
    root = folder.resolve()
    path = root.joinpath(*parts)
    # Resolved: a link below the folder may lead out of it.
    if not path.resolve().is_relative_to(root):
        raise SubmissionError(f"{place}.path: {relative} leads outside the submission's folder")
    digest, size = hashlib.sha256(), 0
    for block in _blocks(path, f"{place}.path: {relative}", limit):
        digest.update(block)
        size += len(block)
    return f"sha256:{digest.hexdigest()}", size


def _blocks(path: Path, name: str, limit: int) -> Iterator[bytes]:
    try:
        # O_NONBLOCK: a named pipe must be refused, not waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise SubmissionError(f"{name}: {reason}; correct the path") from None
    # Of what was opened, and not of the path, which may be another file by now.
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SubmissionError(f"{name}: not a regular file")
    with os.fdopen(handle, "rb") as file:
        size = 0
        while block := file.read(_READ):
            size += len(block)
            # While it is read: the file may grow, and its size was only true when it was asked.
            if size > limit:
                raise SubmissionError(f"{name}: larger than {limit // 1024} KiB; hand in less")
            yield block


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every string in a parsed TOML value, its keys included, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            shown = printable_line(key, _SHOWN)
            yield (f"{place}.{shown}" if place else shown) + " (the key itself)", key
            yield from _strings(inner, f"{place}.{shown}" if place else shown)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{place}[{number}]")
    elif isinstance(value, str):
        yield place, value


def _random_looking(run: str) -> bool:
    """Whether a long run mixes upper case, lower case and digits, or is hex as long as a key."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(kind(c) for c in run) for kind in kinds) or bool(
        re.fullmatch(r"[0-9a-f]{32,}", run)
    )
