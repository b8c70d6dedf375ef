"""Watching the subject: whether what answers is still the same, and what its transcripts show.

It notices and records; what a change means for a case is decided elsewhere. What asks,
and what reads transcripts, needs Inspect and is imported from its own module:
`readiness.ask_readiness`, `snapshots.probe`, `detectors.look_through`.
"""

from touchstone.evaluation.oversight.found import Probe, Readiness, When

__all__ = ["Probe", "Readiness", "When"]
