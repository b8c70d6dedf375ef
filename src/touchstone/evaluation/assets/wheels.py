"""A wheel laid out as a folder that Python can import from, and held against the wheel itself."""

import base64
import csv
import hashlib
import io
import os
import zipfile
from pathlib import Path

from touchstone.evaluation.assets.errors import AssetError
from touchstone.handin import printable_line

MOST_UNPACKED = 2 * 1024 * 1024 * 1024
MOST_ENTRIES = 50_000
_BLOCK = 1 << 20
_LIBRARIES = ("purelib", "platlib")


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Lay a wheel's files out; what it would install elsewhere (scripts, data) is left out.

    Raises:
        AssetError: it is no wheel, or one whose names or sizes cannot be.
    """
    left = MOST_UNPACKED
    with _opened(wheel) as packed:
        for entry, place in _entries(packed, wheel):
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(entry) as source, path.open("wb") as target:
                while block := source.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise AssetError(f"{wheel.name}: unpacks to more than {MOST_UNPACKED} B")
                    target.write(block)


def changed_in(wheel: Path, folder: Path) -> str:
    """What of an unpacked wheel is not as the wheel has it, in words; empty where all is.

    Raises:
        AssetError: the wheel cannot be read.
    """
    with _opened(wheel) as packed:
        entries = _entries(packed, wheel)
        listed = _recorded(packed)
        here = {
            (Path(above) / name).relative_to(folder).as_posix()
            for above, _, names in os.walk(folder)
            for name in names
        }
        if strange := sorted(here ^ {place for _, place in entries}):
            return f"{printable_line(strange[0])} is not of the wheel, or is missing"
        for entry, place in entries:
            data = (folder / place).read_bytes()
            # The record of digests does not hold its own.
            known = listed.get(entry) or _digest(packed.read(entry))
            if (folder / place).is_symlink() or _digest(data) != known:
                return f"{printable_line(place)} was changed"
    return ""


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (zipfile.BadZipFile, OSError) as error:
        raise AssetError(f"{wheel.name}: is no wheel") from error


def _entries(packed: zipfile.ZipFile, wheel: Path) -> list[tuple[str, str]]:
    """Each entry, and its place when it is unpacked."""
    found: list[tuple[str, str]] = []
    for each in packed.infolist():
        if each.is_dir():
            continue
        parts = each.filename.split("/")
        if {"", ".", ".."} & set(parts) or "\\" in each.filename or "\0" in each.filename:
            raise AssetError(f"{wheel.name}: holds {each.filename[:80]!a}, which is no plain path")
        if parts[0].endswith(".data"):
            if len(parts) < 3 or parts[1] not in _LIBRARIES:  # noqa: PLR2004 - folder, kind, a file
                continue
            parts = parts[2:]
        found.append((each.filename, "/".join(parts)))
    if len(found) > MOST_ENTRIES or len({place for _, place in found}) != len(found):
        raise AssetError(f"{wheel.name}: holds too many files, or one twice")
    return found


def _recorded(packed: zipfile.ZipFile) -> dict[str, str]:
    """The digests that the wheel itself has of its entries."""
    names = [
        each
        for each in packed.namelist()
        if each.endswith(".dist-info/RECORD") and each.count("/") == 1
    ]
    if len(names) != 1:
        return {}
    rows = csv.reader(io.StringIO(packed.read(names[0]).decode("utf-8", "replace")))
    return {
        row[0]: row[1]
        for row in rows
        if len(row) == 3 and row[1].startswith("sha256=")  # noqa: PLR2004 - path, digest, size
    }


def _digest(data: bytes) -> str:
    found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
    return "sha256=" + found.rstrip("=")
