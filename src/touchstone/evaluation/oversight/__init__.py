"""Watching the subject: whether what answers is still the same snapshot.

It notices and records; what a change means for a case is decided elsewhere.
"""

from touchstone.evaluation.oversight.readiness import Readiness, ask_readiness
from touchstone.evaluation.oversight.snapshots import Probe, probe

__all__ = ["Probe", "Readiness", "ask_readiness", "probe"]
