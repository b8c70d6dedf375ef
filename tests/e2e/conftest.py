from support.forked import forked_starts, real_starts
from support.unscanned import without_scans

__all__ = ["forked_starts", "real_starts", "without_scans"]
