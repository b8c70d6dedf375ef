"""Taking a pack's log in: its entries are unpacked here, within bounds, and packed anew.

Inspect's reader unpacks whatever is there, and does not look at the sizes that a file states: 24 kB
took 1.5 GB. So it never sees the pack's own file, but what was read of it under our bounds; and as
values of three bytes take hundreds as objects, values are counted too, before anything parses them.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from inspect_ai.event import SandboxEvent

from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.evaluation.packs.witnessed import witnessed
from touchstone.handin import printable_line
from touchstone.keys.files import write_secret

MOST_ENTRIES = 10_000
MOST_ENTRY = 64 * 1024 * 1024
"""Bytes of one entry, unpacked: a sample's whole transcript."""
MOST_ALL = 256 * 1024 * 1024
"""Bytes of all entries, unpacked."""
MOST_HEADER = 1024 * 1024
"""Bytes of what the log says of the whole run, unpacked."""
MOST_VALUES = 500_000
"""JSON values of one sample, and of all entries that are no sample together."""
_SAMPLE = re.compile(r"samples/(\d{1,9})_epoch_1\.json", re.ASCII)
_HEADERS = frozenset({"header.json", "_journal/start.json"})
_LISTED = b"PK\1\2"
_LOCAL = struct.Struct("<26xHH")
_ZSTANDARD = 93
"""By which Inspect packs; its own import teaches `zipfile` to read it."""
_KNOWN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD})
_BLOCK = 1 << 16


class ValueCount:
    """Counts the values of a JSON text that comes in blocks, without parsing it.

    What stands within texts does not count, however many commas it has. A backslash outside of a
    text would mislead it; and no parser goes on past one there.
    """

    def __init__(self) -> None:
        self.found = 0
        self._within = False
        self._left = b""

    def add(self, block: bytes) -> None:
        """Take the next block."""
        plain = (self._left + block).replace(b"\\\\", b"")
        # Half of an escape: its other half comes with the next block.
        self._left = b"\\" if plain.endswith(b"\\") else b""
        parts = plain.removesuffix(self._left).replace(b'\\"', b"").split(b'"')
        for part in parts[self._within :: 2]:
            self.found += part.count(b",") + part.count(b"[") + part.count(b"{")
        self._within ^= len(parts) % 2 == 0


def keep_log(
    data: bytes, path: Path, seen: Mapping[int, Sequence[SandboxEvent]] | None = None
) -> None:
    """Write a log that Inspect may read, of what a pack gave as one, for this user alone.

    Takes seconds for a large one: not for an event loop's own thread.

    Args:
        data: What the pack gave.
        path: Where it is written.
        seen: What was done in the sandboxes of each sample, as we saw it: it takes the place of
            what the log says of that. None: the log's word is kept.

    Raises:
        PackProcessError: it is no log, or unpacks to more than the bounds.
    """
    # Before `zipfile` makes an object of each; one that is not listed is no entry.
    if data.count(_LISTED) > MOST_ENTRIES:
        raise PackProcessError("the pack's log holds too many entries, or one twice")
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as theirs, zipfile.ZipFile(packed, "w") as ours:
            _check_apart(theirs.infolist(), data)
            _copy(theirs, ours, seen)
    except PackProcessError:
        raise
    # What a reader of a stranger's archive may trip over, zstandard's own error among it.
    except (Exception, zlib.error) as error:
        why = printable_line(f"{type(error).__name__}: {error}", 200)
        raise PackProcessError(f"the pack's log cannot be read: {why}") from error
    write_secret(path, packed.getvalue(), replace=True)


def _check_apart(entries: list[zipfile.ZipInfo], data: bytes) -> None:
    """Refuse entries that share bytes: unpacking them takes as often as long as they are many."""
    end = 0
    for each in sorted(entries, key=lambda entry: entry.header_offset):
        name, extra = _LOCAL.unpack_from(data, each.header_offset)
        if each.header_offset < end:
            raise PackProcessError("the pack's log holds entries that overlap")
        end = each.header_offset + _LOCAL.size + name + extra + each.compress_size


def _copy(
    theirs: zipfile.ZipFile,
    ours: zipfile.ZipFile,
    seen: Mapping[int, Sequence[SandboxEvent]] | None,
) -> None:
    entries = theirs.infolist()
    if len({each.filename for each in entries}) != len(entries):
        raise PackProcessError("the pack's log holds too many entries, or one twice")
    left, beside = MOST_ALL, 0
    for each in entries:
        if each.compress_type not in _KNOWN:
            raise PackProcessError("the pack's log is packed in a way that Inspect does not")
        kept = zipfile.ZipInfo(each.filename)
        kept.compress_type = zipfile.ZIP_DEFLATED
        values, sample = ValueCount(), kept.filename.startswith("samples/")
        whole = io.BytesIO() if sample and seen is not None else None
        with theirs.open(each) as source, ours.open(kept, "w") as target:
            size = 0
            while block := source.read(_BLOCK):
                size += len(block)
                values.add(block)
                # Counted as it comes: what the file says of its sizes is the pack's word.
                _check_size(kept.filename, size, left)
                # Samples are read one at a time, and what is beside them all at once.
                if values.found + (0 if sample else beside) > MOST_VALUES:
                    raise PackProcessError(
                        f"the pack's log holds more than {MOST_VALUES} values for one sample, or"
                        " beside its samples"
                    )
                (whole or target).write(block)
            if whole is not None and seen is not None:
                target.write(witnessed(whole.getvalue(), seen.get(_place(kept.filename), ())))
        left -= size
        beside += 0 if sample else values.found


def _check_size(name: str, size: int, left: int) -> None:
    if size > min(MOST_ENTRY, left):
        raise PackProcessError(
            f"the pack's log unpacks to more than {MOST_ENTRY >> 20} MiB for one sample, or"
            f" {MOST_ALL >> 20} MiB in all"
        )
    if name in _HEADERS and size > MOST_HEADER:
        raise PackProcessError(
            f"the pack's log says more than {MOST_HEADER >> 20} MiB of its run as a whole"
        )


def _place(name: str) -> int:
    """The position of the sample that an entry is of; -1 where it is of none."""
    found = _SAMPLE.fullmatch(name)
    return int(found[1]) if found else -1
