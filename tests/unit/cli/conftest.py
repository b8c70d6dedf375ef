"""Commands run in this process, with a home of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

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
