"""Taking a pack's log in: its entries are unpacked here, within bounds, and packed anew.

Inspect's reader unpacks whatever is there, and does not look at the sizes that a file states: 24 kB
took 1.5 GB. So it never sees the pack's own file, but what was read of it under our bounds.
"""

import io
import zipfile
import zlib
from pathlib import Path

from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.handin import printable_line
from touchstone.keys.files import write_secret

MOST_ENTRIES = 10_000
MOST_ENTRY = 64 * 1024 * 1024
"""Bytes of one entry, unpacked: a sample's whole transcript."""
MOST_ALL = 256 * 1024 * 1024
"""Bytes of all entries, unpacked."""
_ZSTANDARD = 93
"""By which Inspect packs; its own import teaches `zipfile` to read it."""
_KNOWN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD})
_BLOCK = 1 << 16


def keep_log(data: bytes, path: Path) -> None:
    """Write a log that Inspect may read, of what a pack gave as one, for this user alone.

    Raises:
        PackProcessError: it is no log, or unpacks to more than the bounds.
    """
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as theirs, zipfile.ZipFile(packed, "w") as ours:
            _copy(theirs, ours)
    except PackProcessError:
        raise
    # What a reader of a stranger's archive may trip over, zstandard's own error among it.
    except (Exception, zlib.error) as error:
        why = printable_line(f"{type(error).__name__}: {error}", 200)
        raise PackProcessError(f"the pack's log cannot be read: {why}") from error
    write_secret(path, packed.getvalue(), replace=True)


def _copy(theirs: zipfile.ZipFile, ours: zipfile.ZipFile) -> None:
    entries = theirs.infolist()
    if len(entries) > MOST_ENTRIES or len({each.filename for each in entries}) != len(entries):
        raise PackProcessError("the pack's log holds too many entries, or one twice")
    left = MOST_ALL
    for each in entries:
        if each.compress_type not in _KNOWN:
            raise PackProcessError("the pack's log is packed in a way that Inspect does not")
        kept = zipfile.ZipInfo(each.filename)
        kept.compress_type = zipfile.ZIP_DEFLATED
        most = min(MOST_ENTRY, left)
        with theirs.open(each) as source, ours.open(kept, "w") as target:
            size = 0
            while block := source.read(_BLOCK):
                size += len(block)
                # Counted as it comes: what the file says of its sizes is the pack's word.
                if size > most:
                    raise PackProcessError(
                        f"the pack's log unpacks to more than {MOST_ENTRY >> 20} MiB for one"
                        f" sample, or {MOST_ALL >> 20} MiB in all"
                    )
                target.write(block)
        left -= size
