"""What people type: commands, tables, progress and exit codes.

It decides nothing. Imports are lazy, so that `--help` and `verify` start quickly.

Begin at `touchstone.cli.app`: `main(["review", "list"])`.
"""

from touchstone.cli.app import main

__all__ = ["main"]
