"""A file that somebody names and that is none is refused at once: nobody waits at a named pipe."""

import os
from pathlib import Path

import pytest

from touchstone.cli.app import run
from touchstone.keys.named_files import open_named

COMMANDS = (
    ("assets", "verify", "PIPE"),
    ("elicitation", "show", "PIPE"),
    ("pack", "open", "PIPE"),
    ("gateway", "check", "PIPE"),
    ("battery", "check", "PIPE", "--framework", "example"),
)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_named_pipe_is_one_line(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    assert run([str(pipe) if word == "PIPE" else word for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "regular file" in line
    assert not (tmp_path / "home").exists()


def test_a_file_is_read_and_what_is_none_is_an_error_of_the_system(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"as it is")
    with open_named(file) as found:
        assert found.read() == b"as it is"
    for other in (tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match=r"regular file|directory"):
            open_named(other)
    with pytest.raises(FileNotFoundError):
        open_named(tmp_path / "none")
