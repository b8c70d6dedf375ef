"""Over a network a server speaks TLS, and a party's machine believes no other certificate."""

import socket
import ssl
from pathlib import Path

import httpx
import pytest

from support.certificates import certificate
from support.live_server import Doorkeeper, live
from touchstone.client.errors import UnheardError
from touchstone.client.http_server import HttpServer
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.running import ServerCertificate
from touchstone.server.settings import set_up_server
from touchstone.service.installation import open_installation


def _trusting(pair: ServerCertificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=pair.certificate)


def _spoken(
    url: str, pair: ServerCertificate, most: ssl.TLSVersion, ciphers: str = "ALL"
) -> str | None:
    """Which version is spoken with whoever knows none after this one."""
    context = _trusting(pair)
    # As an old program has it: what is refused is refused by the server.
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
    port = int(url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as reached,
        context.wrap_socket(reached, server_hostname="127.0.0.1") as spoken,
    ):
        return spoken.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # old ones are what is to be refused
def test_a_server_with_a_certificate_is_asked_by_who_trusts_it(tmp_path: Path):
    set_up_server()
    pair = certificate(tmp_path)
    with open_installation(tmp_path / "server", apart=True) as here:
        open_accounts(here.home, None)
        with live(here, Doorkeeper(), certificate=pair) as server:
            url = server.url.replace("http:", "https:")
            with HttpServer(url, certificates=pair.certificate) as trusting:
                keys = trusting.greet(0).keys
            assert keys == tuple(line.line for line in here.keyring.history.lines)
            said = httpx.get(f"{url}/v1/installation", verify=_trusting(pair))
            assert said.headers["Strict-Transport-Security"].startswith("max-age=31536000")
            with pytest.raises(ssl.SSLError, match="ALERT"):
                _spoken(url, pair, ssl.TLSVersion.TLSv1_1)
            assert _spoken(url, pair, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
            # None without forward secrecy, and none without authenticated encryption.
            for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES256-SHA256"):
                with pytest.raises(ssl.SSLError, match="ALERT"):
                    _spoken(url, pair, ssl.TLSVersion.TLSv1_2, weak)
            assert _spoken(url, pair, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
            for other in (url, server.url):
                with HttpServer(other) as strange, pytest.raises(UnheardError):
                    strange.greet(0)
