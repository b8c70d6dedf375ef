"""Notices to an address of the institution's own: canonical JSON, signed by the installation's key.

Whoever has an account can name an address, and this server asks it from within its own network. So
it asks only addresses of the Internet, or of networks that the configuration names; it looks at
what the name leads to, and connects to exactly that; and it follows no other address.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from touchstone.ledger import dumps, fingerprint
from touchstone.ledger.signing import Signer
from touchstone.server.notices.sending import Deliver, NoticeSent, UndeliveredError
from touchstone.server.notices.waiting import Bounded
from touchstone.service.configuration import NoticesText

SECONDS = 10.0
"""For all of a delivery: from the look-up of the name to the status of the answer."""
MOST_LOOKUPS = 64
"""Names that are being looked up at once, those that nobody waits for any more among them."""
SIGNED_AS = b"touchstone-notice-v1\n"
"""What stands before the body in what is signed: no other signature passes for a notice."""
MOST_READ = 1024
"""Bytes of an answer, of which the status is all that counts."""
_EMBEDDING = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""Networks of IPv6 whose addresses lead to some of IPv4, whatever these are."""
_ACCEPTED = range(200, 300)
# The system's look-up has no time-out, and takes as long as whoever keeps the name likes.
_LOOKUPS = Bounded(MOST_LOOKUPS)
Address = IPv4Address | IPv6Address


def webhook_way(chosen: NoticesText, signer: Signer) -> Deliver:
    """Sends notices to addresses that people named, signed by the installation's key."""
    return partial(_send, chosen, signer)


def notice_body(chosen: NoticesText, signer: Signer, notice: NoticeSent) -> bytes:
    """What is sent, as canonical JSON: it names no case, model or deed."""
    return dumps(
        {
            "v": 1,
            "id": notice.name,
            "installation_key": fingerprint(signer.public_key),
            "link": chosen.link,
            "made_at": notice.made,
            "party": notice.party,
            "possible": notice.possible,
            "repeats": notice.repeats,
            "waiting": notice.waiting,
        }
    )


def is_allowed(address: Address, private: Sequence[str]) -> bool:
    """Whether an address is of the Internet, or of a network that may be asked all the same."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in ip_network(each) for each in private):
        return True
    hidden = any(address in each for each in _EMBEDDING)
    # Networks that Python calls global lead inside, too: `::127.0.0.1` and the old `fec0::/10`.
    local = address.is_reserved or (isinstance(address, IPv6Address) and address.is_site_local)
    return address.is_global and not (address.is_multicast or hidden or local)


def _send(chosen: NoticesText, signer: Signer, notice: NoticeSent) -> None:
    found, until = urlsplit(notice.target), time.monotonic() + SECONDS
    secure = found.scheme == "https"
    host, port = found.hostname or "", found.port or (443 if secure else 80)
    body = notice_body(chosen, signer, notice)
    try:
        _require_named(host, chosen.webhook_hosts)
        reached = _connected(host, port, chosen.private_webhooks, until, secure=secure)
    except (OSError, ValueError) as error:
        # A ValueError is of a name that none can be (`a..b`): it must not keep others' from going.
        raise UndeliveredError(str(error)[:200], certain=True) from error
    with reached:
        try:
            status = _asked(reached, found.netloc, found.path, found.query, body, signer, until)
        except (OSError, http.client.HTTPException) as error:
            raise UndeliveredError(type(error).__name__, certain=False) from error
    if status not in _ACCEPTED:
        raise UndeliveredError(f"answered {status}", certain=True, reached=True)


def _require_named(host: str, named: Sequence[str] | None) -> None:
    """Raise OSError where the configuration says to which hosts webhooks go, and not to this."""
    if named is not None and host not in named:
        raise OSError("webhooks may not go to that host: webhook_hosts does not name it")


def _left(until: float) -> float:
    """The seconds that are left. Raises TimeoutError."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long")
    return left


def _connected(
    host: str, port: int, private: Sequence[str], until: float, *, secure: bool
) -> socket.socket:
    """A connection to an address that was looked at: the name is asked once. Raises OSError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = _LOOKUPS.run(host, _left(until), ask)
    places = [each[4] for each in found]
    addresses = [ip_address(str(place[0]).partition("%")[0]) for place in places]
    # All of them: a name that leads inside by one of its addresses is not asked at all.
    if not addresses or not all(is_allowed(each, private) for each in addresses):
        raise OSError("the name leads to an address that webhooks may not go to")
    inside = any(each in ip_network(net) for each in addresses for net in private)
    if not secure and not inside:
        raise OSError("plain http goes to networks that the configuration names alone")
    reached = socket.create_connection((str(addresses[0]), port), timeout=_left(until))
    if not secure:
        return reached
    try:
        reached.settimeout(_left(until))
        return ssl.create_default_context().wrap_socket(reached, server_hostname=host)
    except OSError:
        reached.close()
        raise


def _asked(
    reached: socket.socket,
    host: str,
    path: str,
    query: str,
    body: bytes,
    signer: Signer,
    until: float,
) -> int:
    """The status of the answer. Raises OSError, HTTPException."""
    asking = http.client.HTTPConnection(host)
    asking.sock = reached
    headers = {
        "Content-Type": "application/json",
        "Connection": "close",
        "Touchstone-Signature": f"ed25519={signer.sign(SIGNED_AS + body).hex()}",
        "User-Agent": "touchstone",
    }
    reached.settimeout(_left(until))
    asking.request("POST", (path or "/") + (f"?{query}" if query else ""), body, headers)
    answer = b""
    # By hand: a reader of whole answers would wait for as many headers as somebody sends, slowly.
    while b"\r\n" not in answer and len(answer) < MOST_READ:
        reached.settimeout(_left(until))
        piece = reached.recv(MOST_READ)
        if not piece:
            break
        answer += piece
    version, _, rest = answer.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit():
        raise http.client.BadStatusLine("no status")
    return int(code)
