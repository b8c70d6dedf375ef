"""Worker processes: each runs one chunk after another; a death loses only what is in flight.

They decide nothing: which chunk runs next, and whether any does, is the caller's.
"""

from touchstone.evaluation.workers.messages import WorkerEvent, WorkerJob, make_job
from touchstone.evaluation.workers.pool import WorkerPool

__all__ = ["WorkerEvent", "WorkerJob", "WorkerPool", "make_job"]
