"""Decisions of a whole gateway: every worker answers, under what was applied last, in its audit."""

import contextlib
import json
import os
import signal
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.gateway import (
    CHAT,
    ONLY_XA,
    PERMIT_ALL,
    RunningGateway,
    free_port,
    key_of,
    running_gateway,
)
from touchstone.gateway.commands import export_audit

UPSTREAM = "http://127.0.0.1:9"
FOR = "/for/final/instant"


@contextlib.contextmanager
def answering(
    folder: Path, more: str = "", apply_seconds: float = 10
) -> Iterator[tuple[RunningGateway, int]]:
    port = free_port()
    times = f"[processes]\ndrain_seconds = 0.2\napply_seconds = {apply_seconds}\n"
    door = f"[decisions]\nport = {port}\n{more}\n{times}"
    with running_gateway(folder, UPSTREAM, more=door) as gateway:
        yield gateway, port


@contextlib.contextmanager
def connections(port: int, count: int) -> Iterator[list[HTTPConnection]]:
    with contextlib.ExitStack() as stack:
        made = [HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(count)]
        yield [stack.enter_context(contextlib.closing(each)) for each in made]


def ask(
    connection: HTTPConnection, person: str = "ann", path: str = FOR, body: bytes | None = None
) -> tuple[int, str | None]:
    """Status and decision; the connection is kept."""
    headers = {"Authorization": f"Bearer {key_of(person)}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("X-Touchstone-Decision")


def test_a_gateway_answers_proxies(tmp_path: Path):
    with answering(tmp_path) as (gateway, port), connections(port, 8) as near:
        assert ask(near[0]) == (503, None)
        gateway.applied(PERMIT_ALL)
        told = [ask(each, "bea") for each in near]
        body = json.dumps(CHAT).encode()
        told.append(ask(near[0], "ann", "/read/v1/chat/completions", body))
        gateway.applied(ONLY_XA)
        # Connections that were open before meet the new policy too.
        told += [ask(each, "bea") for each in near]
        assert [status for status, _ in told] == [200] * 9 + [403] * 8
        assert ask(near[0], "ann")[0] == 200
    summary, lines = export_audit(gateway.config)
    written = [line.line.event for line in lines]
    assert summary.kinds["decision"] == 18
    ids = {event["decision"] for event in written if event["kind"] == "decision"}
    assert {decision for _, decision in told} < ids
    assert key_of("ann") not in json.dumps(written)
    assert "bea" not in {event.get("caller") for event in written}


def test_a_stopped_worker_gives_no_old_answer(tmp_path: Path):
    with (
        answering(tmp_path, apply_seconds=1) as (gateway, port),
        connections(port, 8) as near,
    ):
        gateway.applied(PERMIT_ALL)
        assert {ask(each, "bea")[0] for each in near} == {200}
        os.kill(gateway.workers[0], signal.SIGSTOP)
        receipt = gateway.applied(ONLY_XA).receipt
        assert any(each.killed for each in receipt.workers)
        found = set()
        for each in near:
            try:
                found.add(ask(each, "bea")[0])
            except ConnectionError:
                found.add(0)
        assert found <= {0, 403}
        with connections(port, 1) as (fresh,):
            assert ask(fresh, "bea")[0] == 403


def test_over_tls(tmp_path: Path):
    certify(tmp_path)
    tls = '[decisions.tls]\ncert = "cert.pem"\nkey = "key.pem"'
    with answering(tmp_path, tls) as (gateway, port), connections(port, 1) as (plain,):
        gateway.applied(PERMIT_ALL)
        trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        sealed = HTTPSConnection("localhost", port, timeout=20, context=trust)
        with contextlib.closing(sealed):
            assert ask(sealed)[0] == 200
        with pytest.raises(ConnectionError):
            ask(plain)


def certify(folder: Path) -> None:
    """A certificate for localhost that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "key.pem"
    path.touch(0o600)
    path.write_bytes(secret)
