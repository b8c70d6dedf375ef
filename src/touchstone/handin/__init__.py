"""Strangers' text, taken in: TOML read strictly, times in one form, one printable line of it.

No I/O: files are read by whoever calls. `printable` shows what may not be refused; the rest refuses
in one line what two readers could read in two ways, or what a reader could not see.

Begin at `touchstone.handin.toml`: `parse_toml(data, origin, bounds)`.
"""

from touchstone.handin.printable import (
    escaped,
    is_unseen,
    printable,
    printable_bytes,
    printable_line,
    shown,
    unseen,
)
from touchstone.handin.times import (
    day_written,
    moment_of,
    moment_with_offset,
    seconds_of,
    utc,
    utc_text,
)
from touchstone.handin.toml import (
    MAX_DOTS,
    Bounds,
    Origin,
    as_json,
    parse_toml,
    refuse_unseen,
)

__all__ = [
    "MAX_DOTS",
    "Bounds",
    "Origin",
    "as_json",
    "day_written",
    "escaped",
    "is_unseen",
    "moment_of",
    "moment_with_offset",
    "parse_toml",
    "printable",
    "printable_bytes",
    "printable_line",
    "refuse_unseen",
    "seconds_of",
    "shown",
    "unseen",
    "utc",
    "utc_text",
]
