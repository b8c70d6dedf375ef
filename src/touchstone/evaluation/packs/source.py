"""A pack's files, read once: what is digested here is what runs, and nothing is read again."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import LISTING, AssetList, parse_assets
from touchstone.evaluation.digests import digest_bytes
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.manifest import MANIFEST, PackManifest, parse_manifest
from touchstone.evaluation.packs.mark import PackMark
from touchstone.handin import printable_line

MOST_FILES = 2000
MOST_BYTES = 64 * 1024 * 1024
_PASSED_OVER = frozenset({"__pycache__", ".git"})


@dataclass(frozen=True)
class PackSource:
    """A pack as it was read."""

    manifest: PackManifest
    files: Mapping[str, bytes]
    """Every file, by its path below the folder."""
    registered_as: str = ""
    """The digest under which it was registered, where files that hold items are no longer here."""

    @cached_property
    def assets(self) -> AssetList | None:
        """What its task needs beside its files; None where it names nothing.

        Raises:
            PackError: its list cannot be used.
        """
        if LISTING not in self.files:
            return None
        try:
            return parse_assets(self.files[LISTING])
        except AssetError as error:
            raise PackError(str(error)) from error

    @cached_property
    def digest(self) -> str:
        """Of every file: the same in any folder, on any machine."""
        if self.registered_as:
            return self.registered_as
        listed = [[name, digest_bytes(data)] for name, data in sorted(self.files.items())]
        # Escaped: a file's name may hold what the record's canonical form does not.
        return digest_bytes(json.dumps(listed).encode())

    @property
    def mark(self) -> PackMark:
        """Whose it is."""
        said = self.manifest
        return PackMark(id=said.id, version=said.version, owner=said.owner, digest=self.digest)

    def is_data(self, name: str) -> bool:
        """Whether a file holds items, and is held back when samples run."""
        own = self.manifest.people.variants if self.manifest.people else None
        held = (*self.manifest.task.data, *([own] if own else []))
        return any(name == each or name.startswith(f"{each}/") for each in held)

    @property
    def variants(self) -> bytes | None:
        """The file that says what differs between recipients, where there is one."""
        people = self.manifest.people
        return self.files.get(people.variants) if people and people.variants else None

    @property
    def code(self) -> Mapping[str, bytes]:
        """The files without those that hold items."""
        return {name: data for name, data in self.files.items() if not self.is_data(name)}


def read_pack(folder: Path) -> PackSource:
    """Read a pack's folder.

    Raises:
        PackError: it is no pack, or holds what a pack may not; one line, with the fix.
    """
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if len(files) >= MOST_FILES:
            raise PackError(f"{folder}: a pack has at most {MOST_FILES} files; take some out")
        files[name] = _read(path, name, left)
        left -= len(files[name])
    if MANIFEST not in files:
        raise PackError(f"{folder}: holds no {MANIFEST}; see the how-to page on packs")
    manifest = parse_manifest(files[MANIFEST])
    source = PackSource(manifest, files)
    if manifest.task.file not in source.code:
        raise PackError(f"{MANIFEST}: task.file: there is no file {manifest.task.file!a} of code")
    # A list that cannot be used is said now, and not when the first sample is to run.
    if source.assets is not None and LISTING not in source.code:
        raise PackError(f"{MANIFEST}: task.data: {LISTING} holds no items; take it out there")
    for each in manifest.task.data:
        if not any(name == each or name.startswith(f"{each}/") for name in files):
            raise PackError(f"{MANIFEST}: task.data: there is no file or folder {each!a}")
    return source


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PackError(f"{folder}: is no folder; name the one that {MANIFEST} stands in")
    found = []
    for above, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(set(folders) - _PASSED_OVER)
        for name in [*folders, *names]:
            path = Path(above, name)
            # A link's target is not the pack's, and may be another one when the pack runs.
            if path.is_symlink():
                where = printable_line(str(path.relative_to(folder)))
                raise PackError(f"{where}: a pack holds no links; put the file itself there")
            if name in names:
                found.append(path)
    return sorted(found)


def _read(path: Path, name: str, left: int) -> bytes:
    shown = printable_line(name)
    try:
        # Without blocking: a pipe would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise PackError(f"{shown}: {(error.strerror or 'cannot be read').lower()}") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PackError(f"{shown}: not a regular file; take it out")
        data = file.read(left + 1)
    if len(data) > left:
        raise PackError(f"a pack holds at most {MOST_BYTES >> 20} MiB; take {shown} or others out")
    return data
