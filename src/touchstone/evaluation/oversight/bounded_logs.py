"""Inspect's log cut to what may be read: samples beyond a bound are left out, and named.

A transcript is a stranger's. As values of three bytes take hundreds as objects, values are counted
too, and both as they come: what a file says of its own sizes counts for nothing.
"""

import io
import json
import sys
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.packs.logs import ValueCount

MOST_SAMPLE = 16 * 1024 * 1024
"""Bytes of one sample's transcript, unpacked."""
MOST_VALUES = 300_000
"""JSON values of one sample's transcript."""
MOST_BESIDE = 16 * 1024 * 1024
"""Bytes of each entry that is no sample, unpacked."""
MOST_ENTRIES = 10_000
TOO_LARGE = "too large, not looked at"
UNREADABLE = "its log cannot be read"
_BLOCK = 1 << 16
_SAMPLES = "samples/"


@dataclass(frozen=True)
class BoundedLog:
    """A log that may be read."""

    data: bytes
    samples: tuple[str, ...]
    """Names of the entries of samples in it."""
    left_out: tuple[tuple[str, str], ...]
    """Ids of samples that were left out, each with why."""


class UnreadableLogError(ValueError):
    """The log is none, or what is beside its samples is beyond the bounds."""


def bounded_log(data: bytes, only: Collection[str] | None = None) -> BoundedLog:
    """Copy a log with the samples that are within the bounds.

    Args:
        data: The log, packed.
        only: Entries of samples to take; None: all.

    Raises:
        UnreadableLogError: it is no log that can be read within the bounds.
    """
    packed = io.BytesIO()
    kept: list[str] = []
    left_out: list[tuple[str, str]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as theirs, zipfile.ZipFile(packed, "w") as ours:
            entries = theirs.infolist()
            beside: dict[str, bytes] = {}
            for number, entry in enumerate(entries):
                _check(number, MOST_ENTRIES)
                name = entry.filename
                if not name.startswith(_SAMPLES):
                    beside[name] = _read(theirs, entry, MOST_BESIDE)
                elif only is None or name in only:
                    try:
                        ours.writestr(name, _read(theirs, entry, MOST_SAMPLE, MOST_VALUES))
                        kept.append(name)
                    except _TooLargeError:
                        left_out.append((_sample_of(name), TOO_LARGE))
            for name, said in beside.items():
                ours.writestr(name, _listing(said, kept) if "summaries" in name else said)
    except _TooLargeError as error:
        raise UnreadableLogError("what it says beside its samples is too large") from error
    # What a reader of a stranger's archive may trip over, zstandard's own error among it.
    except (Exception, zlib.error) as error:
        raise UnreadableLogError(f"{type(error).__name__}: {error}") from error
    return BoundedLog(packed.getvalue(), tuple(kept), tuple(left_out))


class _TooLargeError(Exception):
    """An entry is beyond its bound."""


def _check(size: int, most: int) -> None:
    if size > most:
        raise _TooLargeError


def _read(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, values: int = sys.maxsize
) -> bytes:
    found, count = bytearray(), ValueCount()
    with archive.open(entry) as source:
        while block := source.read(_BLOCK):
            found += block
            count.add(block)
            _check(len(found), most)
            _check(count.found, values)
    return bytes(found)


def _listing(said: bytes, kept: Collection[str]) -> bytes:
    """A list of samples without those that are not there: Scout would wait for them for ever."""
    listed = [each for each in json.loads(said) if _entry_of(each) in kept]
    return json.dumps(listed).encode()


def _entry_of(summary: dict[str, Any]) -> str:
    return f"{_SAMPLES}{summary['id']}_epoch_{summary['epoch']}.json"


def _sample_of(name: str) -> str:
    """The sample's id, of `samples/7_epoch_1.json`."""
    return name.removeprefix(_SAMPLES).removesuffix(".json").rsplit("_epoch_", 1)[0]
