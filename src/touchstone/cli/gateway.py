"""`touchstone gateway`: what stands before an endpoint and carries terms out."""

import sys
from pathlib import Path
from typing import Any

from cyclopts import App

from touchstone.cli.output import Json, show, show_json, warn
from touchstone.cli.process import stay

DONE, NO = 0, 1
gateway = App(
    name="gateway",
    help="Enforce terms in front of a model's endpoint, with receipts and an audit.",
    suppress_keyboard_interrupt=False,
)


@gateway.command
def serve(config: Path) -> int:
    """Serve until SIGTERM or Ctrl-C. Exchanges in flight then have `drain_seconds` to end.

    Args:
        config: The gateway.toml.
    """
    from touchstone.gateway.commands import serve_gateway as run

    stay()
    run(config)
    return DONE


@gateway.command
def check(config: Path, *, json: Json = False) -> int:
    """Read the configuration and the newest bundle, and say what would be served.

    Args:
        config: The gateway.toml.
    """
    from touchstone.gateway.commands import check_gateway

    found = check_gateway(config)
    _tell(found.as_dict(), found.lines(), json=json)
    return DONE if found.bundle is not None else NO


@gateway.command
def status(config: Path, *, json: Json = False) -> int:
    """Ask a running gateway how it stands; exit 1 where it serves nothing or does not answer.

    Args:
        config: The gateway.toml.
    """
    from touchstone.gateway.commands import ask_status, status_lines

    found = ask_status(config)
    _tell(found, status_lines(found), json=json)
    return DONE if found["serving"] else NO


@gateway.command
def audit(config: Path, *, json: Json = False) -> int:
    """Merge the audit of all workers, once every line of it was checked; exit 1 where one is not.

    Lines go to stdout by time, the summary to stderr; nothing is printed of an audit that was
    altered.

    Args:
        config: The gateway.toml.
    """
    from touchstone.gateway.commands import export_audit

    summary, lines = export_audit(config)
    if json:
        show_json({"summary": summary.as_dict(), "lines": [line.as_dict() for line in lines]})
        return DONE
    for line in lines:
        show(line.text())
    warn(str(summary))
    return DONE


@gateway.command
def key(config: Path, *, json: Json = False) -> int:
    """Print the public key that signs this gateway's receipts; it is made where it is missing.

    Args:
        config: The gateway.toml.
    """
    from touchstone.gateway.commands import public_key

    found = public_key(config)
    _tell(found, [f"{name}: {value}" for name, value in found.items()], json=json)
    return DONE


@gateway.command(name="hash-key")
def hash_key() -> int:
    """Read an opaque key from stdin and print the entry for the file of keys; it is not kept."""
    from touchstone.gateway.commands import key_entry

    # From stdin and not as an argument, which every user of the machine can see in its list of
    # processes.
    show(key_entry(sys.stdin.readline()))
    return DONE


def _tell(value: Any, lines: list[str], *, json: bool) -> None:
    if json:
        show_json(value)
    else:
        show("\n".join(lines))
