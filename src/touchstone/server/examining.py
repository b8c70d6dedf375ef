"""`touchstone doctor --server`: whether a server could be started here, and tells people."""

from touchstone.errors import TouchstoneError
from touchstone.records.settings import FILE, from_environment
from touchstone.server.commands import require_sound
from touchstone.server.notices.examining import examine_notices
from touchstone.server.running import HEAD_SECONDS, MOST_CONNECTIONS
from touchstone.server.safety import ServeOptions, unsafe
from touchstone.service.checks import Check
from touchstone.service.homes import home_folder


def examine_server(options: ServeOptions) -> list[Check]:
    """Whether a server could be started so, for `touchstone doctor --server`."""
    faults = list(unsafe(options))
    rows = [Check("Server", ok=False, found="would not start", fix=fault) for fault in faults]
    if not (home_folder() / FILE).exists() and from_environment() is None:
        return [*rows, Check("Server's record", ok=True, found="new: made by the server", fix="")]
    try:
        require_sound()
    except TouchstoneError as error:
        rows.append(Check("Server's record", ok=False, found="cannot be opened", fix=str(error)))
    if rows:
        return rows
    notices = examine_notices(home_folder())
    kept = "PostgreSQL" if from_environment() else "SQLite, one process"
    found = f"record and accounts open ({kept}); it would listen at {options.host}:{options.port}"
    # Granian knows no addresses before it has taken a connection up.
    connections = Check(
        "Server's connections",
        ok=True,
        found=f"{MOST_CONNECTIONS} a process, {HEAD_SECONDS:g} s for a head; not by address",
        fix="have the proxy before it count them by address (docs/how-to/serve.md)",
    )
    return [Check("Server", ok=True, found=found, fix=""), connections, *notices]
