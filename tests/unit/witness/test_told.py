"""What the operator of a witness is told, in words that fit how many there are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.witnesses import LyingLog, write_witness
from touchstone.witness import commands
from touchstone.witness.commands import LogSeen, WitnessStatus, serve_witness


@pytest.mark.parametrize(("size", "words"), [(1, "o: 1 head, root"), (2, "o: 2 heads, root")])
def test_heads_are_counted(size: int, words: str):
    seen = LogSeen("o", size, "00", "2026-11-21T10:00:00Z")
    assert WitnessStatus("w", (seen,), ()).lines()[1].startswith(words)


@pytest.mark.parametrize(("count", "words"), [(1, "witness for 1 log at"), (2, "for 2 logs at")])
def test_logs_are_counted(count: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def serving(_config: object, _cosigner: object, ready: Callable[[str], None]) -> None:
        ready("http://127.0.0.1:1")

    # No loop is made: it would open a socket, and nothing is served.
    monkeypatch.setattr("asyncio.run", lambda _: None)
    monkeypatch.setattr(commands, "serve_cosigner", serving)
    vkeys = [LyingLog(f"log-{each}").vkey for each in range(count)]
    told = list[str]()
    serve_witness(write_witness(tmp_path / "w", vkeys), told.append)
    assert words in told[0]
