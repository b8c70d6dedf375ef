from support.forked import forked_starts, real_starts
from support.toy_run import toy_run

__all__ = ["forked_starts", "real_starts", "toy_run"]
