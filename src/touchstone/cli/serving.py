"""`touchstone serve`: answer parties over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from touchstone.cli.output import warn
from touchstone.cli.process import stay
from touchstone.cli.typed import line_of

if TYPE_CHECKING:
    from touchstone.server.commands import ServerBegun


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8443,
    processes: int = 1,
    origin: str | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    proxy: bool = False,
    demo: Annotated[bool, Parameter(negative="")] = False,
    browser: bool = True,
) -> int:
    """Answer parties over HTTP until SIGTERM or Ctrl-C: on this machine alone, unless told more.

    For example: touchstone serve --port 8443

    Args:
        host: The address to listen at.
        port: The port; 0: whichever is free.
        processes: How many answer; more than one needs PostgreSQL.
        origin: The address by which others ask it, as https://review.example.
        certificate: Its TLS certificate with its chain, a PEM file; goes with --key.
        key: The key of the certificate, a PEM file.
        proxy: A proxy that speaks TLS stands before it, and says in X-Forwarded-For who asks.
        demo: Serve invented people and cases instead, in a folder that is gone afterwards; on this
            machine alone, since anybody becomes anybody there by a click.
        browser: With --demo: open a browser there.
    """
    address = "" if origin is None else line_of("--origin", origin)
    # First: Django is set up once, and the record would do it for itself alone.
    from touchstone.portal.site import PORTAL
    from touchstone.server.commands import begin_serving
    from touchstone.server.safety import ServeOptions
    from touchstone.server.security_log import write_as_lines

    stay()
    options = ServeOptions(host, port, processes, address, certificate, key, proxy)
    if demo:
        from touchstone.demo.house.serving import serve_house

        return serve_house(options, _tell, browser=browser)
    write_as_lines()
    return begin_serving(options, _tell, PORTAL)


def _tell(begun: "ServerBegun") -> None:
    warn("\n".join(begun.lines()))
