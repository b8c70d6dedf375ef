"""What people type: commands, tables, progress and exit codes.

It decides nothing. Imports are lazy, so that `--help` and `verify` start quickly.
"""

from touchstone.cli.app import main

__all__ = ["main"]
