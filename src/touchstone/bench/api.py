"""What HTTP adds to a deed, what many clients at once do to it, and what lists cost a server.

It is measured by `api_measured` in a process of its own: Django is set up once in each, and other
benches set it up without accounts.
"""

import json
import os
import subprocess
import sys

from touchstone.bench.errors import BenchError
from touchstone.bench.table import BenchRow, BenchTable

_PROGRAM = """\
import sys
from touchstone.server.settings import set_up_server
set_up_server()
from touchstone.bench.api_measured import main
main(*map(int, sys.argv[1:]))
"""


def run(deeds: int = 200, clients: int = 50, cases: int = 2_000) -> BenchTable:
    """Measure so many deeds each way, so many clients at once, and a list of so many cases."""
    command = [sys.executable, "-c", _PROGRAM, *map(str, (deeds, clients, cases))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    if done.returncode:
        raise BenchError(f"the server's bench failed: {done.stderr.decode()[-500:]}")
    rows = tuple(BenchRow(**row) for row in json.loads(done.stdout))
    return BenchTable("api (CPU time of the server)", rows)
