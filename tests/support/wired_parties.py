"""Parties' machines that talk to one real server, each by a wire of its own that a test may cut."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from support.live_server import LiveServer, Told
from support.party_homes import Machines
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.client import http_server
from touchstone.client.http_server import HttpServer
from touchstone.client.party_home import PartyHome

Call = Callable[..., tuple[int, str]]
"""Runs a command on a party's machine: its exit code, and what it says."""


@contextmanager
def wired(
    made: Machines, server: LiveServer, wires: Mapping[str, httpx.BaseTransport], piece: int
) -> Iterator[None]:
    """Let each party reach the server by its wire; files go in pieces of so many bytes."""
    talks = dict[str, HttpServer]()
    with ExitStack() as stack:
        for party, wire in wires.items():
            token = Told(server.doorkeeper.lets_in(party))
            # As `server join` does it, which a token that is told takes the place of.
            own = PartyHome.open(made.home(party), party)
            own.keep(own.server(server.url, made.pinned))
            talks[party] = stack.enter_context(HttpServer(server.url, token, transport=wire))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(connecting, "connect", lambda home, _: talks[home.party])
        patch.setattr(http_server, "PIECE", piece)
        patch.delenv("TOUCHSTONE_DATABASE", raising=False)
        yield


def caller(
    made: Machines,
    server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """What runs commands on the parties' machines, by that server."""

    def called(party: str, *words: str | Path) -> tuple[int, str]:
        monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home(party)))
        there = ("--server", server.url, "--trust", made.pinned, "--as", party)
        capsys.readouterr()
        code = run([*map(str, words), *there])
        said = capsys.readouterr()
        return code, said.out + said.err

    return called
