"""One thing that a doctor looked at: of this machine, or of a server.

By itself, since a server's doctor needs nothing of what measures, which takes seconds to load.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    fix: str
    """What to do about it; empty where nothing is to be done."""
    made_by: Mapping[str, str] | None = None
    """Of a family: whose code it is (distribution, version, digest of its files)."""

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {name: value for name, value in asdict(self).items() if value is not None}
