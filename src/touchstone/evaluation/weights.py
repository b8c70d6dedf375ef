"""A set of weights as a manifest: each file's path, size and SHA-256, and one digest over all.

    manifest = manifest_of(Path("weights"))
    manifest.digest                          # what a submission's variant names
    parse_weights(manifest.data, "manifest.json") == manifest

A manifest is canonical JSON, sorted by path, so that one set of files has one digest.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from touchstone.evaluation.errors import WeightsError
from touchstone.evaluation.portable_names import why_not_portable
from touchstone.handin import unseen
from touchstone.ledger import digest_bytes, dumps, loads
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.errors import MalformedError
from touchstone.review.parts import MOST_EVIDENCE

FORMAT = "touchstone/weights/1"
WEIGHTS_FILE = "weights"
"""The kind of document that is one file of a set."""
MOST_FILES = 4096
MOST_PATH = 500
"""Characters of a path, at most."""
MOST_MANIFEST = MAX_LINE
"""Bytes of a manifest, at most."""
_READ = 1 << 20
_HEX = frozenset("0123456789abcdef")
_PROBLEM = "\\:"


@dataclass(frozen=True, order=True)
class WeightsFile:
    """One file of a set: its path below the folder, with `/`."""

    path: str
    size: int
    """In bytes."""
    digest: str
    """`sha256:` and hex."""


@dataclass(frozen=True)
class WeightsManifest:
    """The files of a set of weights, sorted by path, each path once however it is written."""

    files: tuple[WeightsFile, ...]

    @cached_property
    def data(self) -> bytes:
        """Its bytes: canonical JSON."""
        files = [
            {"path": each.path, "size": each.size, "sha256": each.digest.removeprefix("sha256:")}
            for each in self.files
        ]
        return dumps({"format": FORMAT, "files": files})

    @property
    def digest(self) -> str:
        """The one digest over the sorted list: of the manifest's bytes."""
        return digest_bytes(self.data)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(each.size for each in self.files)


def manifest_of(folder: Path) -> WeightsManifest:
    """The manifest of all that lies in a folder, read whole.

    Raises:
        WeightsError: it holds nothing, a link, a special file, a hidden name, an empty folder, or
            what a manifest cannot name. Nothing in the folder is passed over.
    """
    found: list[WeightsFile] = []
    for path in sorted(_walk(folder, "")):
        if len(found) == MOST_FILES:
            raise WeightsError(f"{folder}: holds more than {MOST_FILES} files; pack them together")
        found.append(read_file(folder, path))
    return _checked(found, str(folder))


def read_file(folder: Path, path: str) -> WeightsFile:
    """A file of a set as it lies in its folder now. Raises WeightsError."""
    digest, size = sha256(), 0
    try:
        # Not followed, and not waited for: a link or a pipe may have come in the file's place.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(folder / path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise WeightsError(f"{path!a}: is not a regular file; take it out of the folder")
            while block := file.read(_READ):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise WeightsError(f"{path!a}: cannot be read: {error.strerror}") from error
    return WeightsFile(path, size, f"sha256:{digest.hexdigest()}")


def parse_weights(data: bytes, source: str) -> WeightsManifest:
    """A stranger's manifest.

    Raises:
        WeightsError: it is none, in one line that begins with `source`.
    """
    if len(data) > MOST_MANIFEST:
        raise WeightsError(f"{source}: larger than {MOST_MANIFEST} bytes; no manifest is")
    try:
        value = loads(data)
    except MalformedError as error:
        raise WeightsError(f"{source}: not a manifest of weights: {error}") from error
    if not isinstance(value, dict) or value.keys() != {"format", "files"}:
        raise WeightsError(f"{source}: not a manifest of weights: it has not format and files")
    if value["format"] != FORMAT or not isinstance(value["files"], list):
        raise WeightsError(f"{source}: not a manifest of weights of the format {FORMAT}")
    manifest = _checked([_file(each, source) for each in value["files"]], source)
    # Written otherwise, the same set would have a second digest.
    if manifest.data != data:
        raise WeightsError(f"{source}: its files are not sorted by path; make it anew")
    return manifest


def differences(told: WeightsManifest, found: WeightsManifest) -> tuple[str, ...]:
    """What differs of a set from its manifest, a phrase for each path, in their order."""
    before = {each.path: each for each in told.files}
    after = {each.path: each for each in found.files}
    said = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            said.append(f"{path!a} is missing")
        elif path not in before:
            said.append(f"{path!a} was added")
        elif before[path] != after[path]:
            said.append(f"{path!a} has changed")
    return tuple(said)


def _walk(folder: Path, below: str) -> Iterator[str]:
    """The paths of all files below a folder. Raises WeightsError."""
    try:
        entries = sorted(os.scandir(folder / below), key=lambda entry: entry.name)
    except OSError as error:
        raise WeightsError(f"{folder / below}: cannot be read: {error.strerror}") from error
    if below and not entries:
        # No manifest names it, and a program may go by its being there.
        raise WeightsError(f"{below[:-1]!a}: is an empty folder; take it out")
    for entry in entries:
        path = f"{below}{entry.name}"
        if entry.is_symlink():
            raise WeightsError(f"{path!a}: is a link; put the file itself in its place")
        if entry.is_dir():
            # Before it is entered: what is hidden is refused whole, even where it is empty.
            _check_path(path, str(folder))
            yield from _walk(folder, f"{path}/")
        else:
            yield path


def _checked(files: Sequence[WeightsFile], source: str) -> WeightsManifest:
    """The manifest of these. Raises WeightsError."""
    if not 0 < len(files) <= MOST_FILES:
        raise WeightsError(f"{source}: {len(files)} files of weights, not 1 to {MOST_FILES}")
    known: dict[str, str] = {}
    for each in files:
        _check_path(each.path, source)
        if not 0 < each.size <= MOST_EVIDENCE:
            raise WeightsError(
                f"{source}: {each.path!a} has {each.size} bytes, not 1 to {MOST_EVIDENCE}: divide"
                " it into shards, or take it out"
            )
        # As a file system may see it that folds case, or composes letters.
        if other := known.get(_folded(each.path)):
            raise WeightsError(f"{source}: {other!a} and {each.path!a} are one path on some disks")
        known[_folded(each.path)] = each.path
    for each in files:
        steps = each.path.split("/")
        for end in range(1, len(steps)):
            above = "/".join(steps[:end])
            if _folded(above) in known:
                raise WeightsError(f"{source}: {above!a} is both a file and a folder")
    manifest = WeightsManifest(tuple(sorted(files)))
    try:
        _ = manifest.data
    except MalformedError as error:
        raise WeightsError(f"{source}: its paths are too long together: {error}") from error
    return manifest


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _check_path(path: str, source: str) -> None:
    """Refuse a path that is not plainly below the folder. Raises WeightsError."""
    steps = path.split("/")
    why = ""
    if not 0 < len(path) <= MOST_PATH:
        why = f"is empty, or longer than {MOST_PATH} characters"
    elif not _is_text(path) or (bad := unseen(path)) is not None:
        why = f"holds {bad if _is_text(path) else 'what is no text'}, which cannot be seen"
    elif "" in steps or any(sign in path for sign in _PROBLEM):
        why = "is not a relative path, with / alone between its names"
    elif {".", ".."} & set(steps):
        why = "leads elsewhere by . or .."
    # Named, and never passed over: what tools ignore by default could be loaded all the same.
    elif hidden := next((step for step in steps if step.startswith(".")), None):
        why = f"is hidden by its name {hidden!a}: take it out of the folder"
    elif any(step != step.strip() or step.endswith(".") for step in steps):
        why = "has a name that begins or ends with a space, or ends with a dot"
    elif unicodedata.normalize("NFC", path) != path:
        why = "is written with decomposed letters: rename it"
    else:
        why = next(filter(None, map(why_not_portable, steps)), "")
    if why:
        raise WeightsError(f"{source}: {path[:80]!a} {why}")


def _is_text(path: str) -> bool:
    """Whether it can be written down: a name on a disk may be bytes that are no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _file(value: Any, source: str) -> WeightsFile:
    if not isinstance(value, dict) or value.keys() != {"path", "size", "sha256"}:
        raise WeightsError(f"{source}: a file has not path, size and sha256 alone")
    path, size, digest = value["path"], value["size"], value["sha256"]
    if not isinstance(path, str) or type(size) is not int or not isinstance(digest, str):
        raise WeightsError(f"{source}: a file's path, size or sha256 is of another type")
    if len(digest) != sha256().digest_size * 2 or not set(digest) <= _HEX:
        raise WeightsError(f"{source}: {path[:80]!a}: sha256 is not 64 lowercase hex digits")
    return WeightsFile(path, size, f"sha256:{digest}")
