"""Commands run in this process, with a home of their own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.party_homes import URL, Machines, machines
from support.reviews import KEY
from touchstone.cli.app import run


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    def refused(self, code: int = 2) -> str:
        """The one line of a refusal, which is all that there is."""
        assert self.code == code, self.err
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("touchstone: ")
        assert line.isprintable()
        return line


Command = Callable[..., Said]
Sits = Callable[[str], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(folder))
    monkeypatch.setenv(KEY, "an-invented-key")
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    return folder


@pytest.fixture
def command(home: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    del home

    def call(*args: str | Path) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in args])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A server and each party's machine, with one case, for all tests of a file."""
    with machines(tmp_path_factory.mktemp("machines")) as found:
        yield found


@pytest.fixture
def by_server(made: Machines) -> tuple[str, ...]:
    """The options by which a machine acts by the server."""
    return ("--server", URL, "--trust", made.pinned)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, made: Machines) -> Sits:
    """Sit down at a party's machine, or at the server."""

    def sits(party: str) -> None:
        monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
        monkeypatch.setenv("TOUCHSTONE_HOME", str(made.home(party)))

    return sits
