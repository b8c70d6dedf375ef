"""Watching the subject: whether what answers is still the same snapshot.

It notices and records; what a change means for a case is decided elsewhere.
"""

from touchstone.evaluation.oversight.snapshots import (
    Probe,
    SnapshotChange,
    compare,
    probe,
)

__all__ = ["Probe", "SnapshotChange", "compare", "probe"]
