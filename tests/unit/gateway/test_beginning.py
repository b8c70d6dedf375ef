"""A gateway that cannot begin lets go of what it took, and says why in a line."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from support.gateway import write_config
from touchstone.gateway.config import load_config
from touchstone.gateway.errors import GatewayConfigError, GatewayError
from touchstone.gateway.supervisor import Supervisor

pytestmark = pytest.mark.enable_socket


def begin(folder: Path) -> Supervisor:
    return Supervisor(load_config(folder / "gateway.toml"))


def test_an_address_that_is_taken_is_told_and_the_next_try_begins(tmp_path: Path):
    port, _ = write_config(tmp_path, "http://127.0.0.1:1", workers=1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(GatewayConfigError, match="in use"):
            begin(tmp_path)
    begin(tmp_path).close()


def test_two_on_one_folder_are_told_apart(tmp_path: Path):
    write_config(tmp_path, "http://127.0.0.1:1", workers=1)
    first = begin(tmp_path)
    with pytest.raises(GatewayError, match="another gateway runs on this folder"):
        begin(tmp_path)
    first.close()


def test_a_folder_that_knows_no_locks_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def none(descriptor: int, operation: int) -> None:
        del descriptor, operation
        raise OSError(37, "No locks available")

    write_config(tmp_path, "http://127.0.0.1:1", workers=1)
    monkeypatch.setattr(fcntl, "flock", none)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    with pytest.raises(GatewayError, match="cannot be locked: No locks available"):
        begin(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
