"""Commands typed in this process, for stories of many commands: what costs is then their work."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from touchstone.cli.app import run
from touchstone.demo.parties.machines import Typed


def typed_here(words: Sequence[str], environment: Mapping[str, str], stdin: str) -> Typed:
    """A command with an environment of its own, as a process would have it."""
    out, err, before = StringIO(), StringIO(), dict(os.environ)
    typed_in = sys.stdin
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = StringIO(stdin)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run(words)
    finally:
        sys.stdin = typed_in
        os.environ.clear()
        os.environ.update(before)
    return Typed(code, out.getvalue(), err.getvalue())
