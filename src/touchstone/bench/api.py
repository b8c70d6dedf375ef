"""What HTTP adds to a deed, what many clients at once do to it, and what lists cost a server.

It is measured by `api_measured` in a process of its own: Django is set up once in each, and other
benches set it up without accounts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from touchstone.bench.errors import BenchError
from touchstone.bench.table import BenchRow, BenchTable

_PROGRAM = """\
import sys
from importlib import import_module
from touchstone.server.settings import set_up_server
set_up_server()
import_module("touchstone.bench." + sys.argv[1]).main(*map(int, sys.argv[2:]))
"""


def run(deeds: int = 200, clients: int = 50, cases: int = 2_000) -> BenchTable:
    """Measure so many deeds each way, so many clients at once, and a list of so many cases."""
    rows = measured_apart("api_measured", (deeds, clients, cases))
    return BenchTable("api (CPU time of the server)", rows)


def measured_apart(module: str, sizes: Sequence[int]) -> tuple[BenchRow, ...]:
    """The rows that a module of this room writes as JSON, in a process that is a server's.

    Raises BenchError.
    """
    command = [sys.executable, "-c", _PROGRAM, module, *map(str, sizes)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    if done.returncode:
        raise BenchError(f"the server's bench failed: {done.stderr.decode()[-500:]}")
    return tuple(BenchRow(**row) for row in json.loads(done.stdout))
