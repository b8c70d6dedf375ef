"""What these files share, and which of them `make test` leaves to another target."""

import os

from support.forked import forked_starts, real_starts
from support.toy_run import toy_run

__all__ = ["forked_starts", "real_starts", "toy_run"]
# Two of its packages come from npm's registry, which `make test` asks nothing of.
ELSEWHERE = ["test_planted_packages.py"]
collect_ignore = [] if os.environ.get("TOUCHSTONE_BENCHMARKS") else ELSEWHERE
