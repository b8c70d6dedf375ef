"""A real nginx for tests: Debian's program in a folder of its own. Mark with `needs_nginx`."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from support.proxies import running_proxy

# What Debian's nginx.conf says around sites-enabled, with every path in the test's folder.
_AROUND = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{site}
}}
"""


def program() -> str:
    """Debian's nginx lies in /usr/sbin, which not every PATH has."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""


@contextlib.contextmanager
def running_nginx(site: str, port: int, folder: Path) -> Iterator[None]:
    """Serve a site, as it would lie in sites-enabled, on a port of the loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "nginx.conf"
    conf.write_text(_AROUND.format(site=site), "utf-8")
    command = [program(), "-e", "stderr", "-p", f"{folder}/", "-c", str(conf)]
    with running_proxy(command, port, folder):
        yield
