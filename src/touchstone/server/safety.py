"""Whether a server is safe to start as its operator says: each fault is one line, with its fix.

for fault in unsafe(ServeOptions(host="0.0.0.0")):
    print(fault)
"""

import ipaddress
import os
import re
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from touchstone.errors import TouchstoneError
from touchstone.handin import utc_text
from touchstone.records.settings import (
    DATABASE,
    DATABASE_OWNER,
    DATABASE_READER,
    from_environment,
    may_be_read_along,
    reader_from_environment,
)
from touchstone.server.chosen import LOOPBACK, choose
from touchstone.server.running import ServerCertificate, Ways
from touchstone.service.configuration import read_configuration
from touchstone.service.homes import check_home, home_folder

MOST_PROCESSES = 64
MOST_PORT = 65_535
_OTHERS = 0o077
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True)
class ServeOptions:
    """Where and how a server is to answer, as its operator said it."""

    host: str = "127.0.0.1"
    port: int = 8443
    processes: int = 1
    origin: str = ""
    """The address by which others ask it: `https://review.example`."""
    certificate: Path | None = None
    key: Path | None = None
    proxy: bool = False
    """Whether a proxy that speaks TLS stands before it."""

    @property
    def ways(self) -> Ways:
        """How its processes answer, once it was found to be safe."""
        named = urlsplit(self.origin).hostname
        hosts = (*LOOPBACK, named) if named else LOOPBACK
        pair = None
        if self.certificate is not None and self.key is not None:
            pair = ServerCertificate(self.certificate, self.key)
        return Ways(hosts, self.proxy, pair)


def unsafe(options: ServeOptions) -> Iterator[str]:
    """What is not safe about starting a server so, each with its fix."""
    choose()
    if settings.DEBUG:
        yield "DEBUG is on, which shows strangers the inside of faults; fix: turn it off"
    yield from _unsafe_numbers(options)
    yield from _unsafe_place(options)
    yield from _unsafe_home()
    yield from _unsafe_pair(options)
    yield from _unsafe_database(options)


def _unsafe_numbers(options: ServeOptions) -> Iterator[str]:
    if not 0 <= options.port <= MOST_PORT:
        yield f"--port: {options.port} is no port; fix: 0 to {MOST_PORT}"
    if not 1 <= options.processes <= MOST_PROCESSES:
        yield f"--processes: {options.processes} is no number of them; fix: 1 to {MOST_PROCESSES}"


def _unsafe_place(options: ServeOptions) -> Iterator[str]:
    """Whoever is asked over a network is asked under a known name, and nobody reads along."""
    if options.origin and not _is_origin(options.origin):
        yield "--origin: write https://, a host and where needed a port, and no more"
    try:
        local = is_local(options.host)
    except ValueError:
        yield "--host: write an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        return
    if local and options.proxy and not options.origin:
        yield (
            "--proxy: it hands on requests under a name that is not known here, and whoever asks"
            " could say for whom; fix: say by which --origin https://... it is asked, or leave it"
            " out"
        )
    if local:
        return
    if not options.origin:
        yield (
            f"--host {options.host}: others would reach it, under any name; fix: say by which"
            " --origin https://... they do, or stay on 127.0.0.1"
        )
    if not options.proxy and options.certificate is None:
        yield (
            f"--host {options.host}: others on the way would read tokens and deeds; fix: name"
            " --certificate and --key, or say --proxy where one that speaks TLS stands before it"
        )


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address. Raises ValueError where it is none."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _is_origin(text: str) -> bool:
    try:
        origin = urlsplit(text)
        named, port = origin.hostname or "", origin.port
    except ValueError:
        return False
    beside = origin.path.strip("/") or origin.query or origin.fragment or origin.username
    # A name with a star, or that begins with a point, would let the server be asked under any.
    known = _HOST.fullmatch(named) is not None or _is_address(named)
    return origin.scheme == "https" and known and not beside and port != 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _unsafe_home() -> Iterator[str]:
    try:
        home = check_home(home_folder())
        read_configuration(home)
    except TouchstoneError as error:
        yield str(error)
        return
    if home.is_dir() and (mode := stat.S_IMODE(home.stat().st_mode)) & _OTHERS:
        yield (
            f"{home}: others on this machine may look into it (mode {mode:04o}); fix: chmod 700"
            f" {home}"
        )


def _unsafe_pair(options: ServeOptions) -> Iterator[str]:
    """Of a certificate and its key: whose they are, and whether they go together today."""
    certificate, key = options.certificate, options.key
    if (certificate is None) != (key is None):
        yield "--certificate and --key go together; fix: name both, or neither"
    missing = [path for path in (certificate, key) if path and not os.access(path, os.R_OK)]
    yield from (f"{path}: is not there, or cannot be read" for path in missing)
    if key is not None and key.exists():
        facts = key.stat()
        if (mode := stat.S_IMODE(facts.st_mode)) & _OTHERS:
            yield (
                f"{key}: others may read the server's key (mode {mode:04o}); fix: chmod 600 {key}"
            )
        if facts.st_uid not in {os.geteuid(), 0}:
            yield f"{key}: belongs to user {facts.st_uid}, who can change it; fix: own it"
    if certificate is not None and key is not None and not missing:
        yield from _unfit(certificate, key)


def _unfit(certificate: Path, key: Path) -> Iterator[str]:
    try:
        # Else a terminal would be asked for the words, and a service would wait for ever.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_words)
    except _LockedKeyError:
        yield f"{key}: is locked with a passphrase; fix: a key file without one, mode 0600"
        return
    except (ssl.SSLError, OSError):
        yield (
            f"{certificate}: is no certificate that goes with {key}; fix: name a PEM file of the"
            " chain, its own first, and the key that it was made for"
        )
        return
    ends = x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc
    if ends <= datetime.now(UTC):
        yield f"{certificate}: ended {utc_text(ends)}, and nobody takes it any more; fix: renew it"


class _LockedKeyError(Exception):
    """A key that asks for a passphrase."""


def _no_words() -> str:
    raise _LockedKeyError


def _unsafe_database(options: ServeOptions) -> Iterator[str]:
    recorder, reader = from_environment(), reader_from_environment()
    if recorder is None:
        if options.processes > 1:
            yield (
                "--processes: SQLite is written by one process at a time; fix: leave it at 1, or"
                f" set {DATABASE} (docs/how-to/postgresql.md)"
            )
        return
    if reader is None:
        yield (
            f"{DATABASE_READER} is not set, so the database would hide no party's rows from"
            " another's; fix: name its reading role, as docs/how-to/postgresql.md says"
        )
    for name, address in ((DATABASE, recorder), (DATABASE_READER, reader)):
        try:
            seen = address is not None and may_be_read_along(address)
        except TouchstoneError as error:
            yield str(error)
            continue
        if seen:
            yield (
                f"{name}: others on the way to that machine could read the record; fix: end the"
                " address with ?sslmode=verify-full&sslrootcert=FILE"
            )
    if os.environ.get(DATABASE_OWNER):
        yield (
            f"{DATABASE_OWNER} is set: whoever got into the server could drop what guards the"
            " record; fix: unset it, and set it for `touchstone doctor --prepare` alone"
        )
