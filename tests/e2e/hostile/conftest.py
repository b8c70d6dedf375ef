"""One place for each test, commands in this process, and endpoints asked again at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.reviews import KEY, write_submission
from support.small_review import arguments, write_framework
from touchstone.cli.app import run
from touchstone.evaluation.controls.launch import Subject
from touchstone.evaluation.limits import EndpointLimits
from touchstone.service.measurement import probing
from touchstone.service.measurement.setting import Setting
from touchstone.service.reviews import measuring

# An endpoint that answers may take its time on a busy machine.
ASKED = EndpointLimits(retries=2, attempt_seconds=60, backoff_seconds=0)


@dataclass(frozen=True)
class Said:
    """What a command in this process said."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The last line on stderr, with no traceback above it."""
        assert "Traceback" not in self.err, self.err
        return self.err.strip().splitlines()[-1]


@dataclass
class Place:
    """A home, a submission and the small framework, for one test."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def command(self, *args: str | Path) -> Said:
        self.capture.readouterr()
        code = run([str(word) for word in args])
        said = self.capture.readouterr()
        return Said(code, said.out, said.err)

    def review(
        self, subject: Subject, *more: str, model: str = "control-null", extra: str = ""
    ) -> Said:
        submission = write_submission(self.folder, subject.url, model=model, extra=extra)
        return self.command(*arguments(submission, write_framework(self.folder), *more))

    def json(self, *args: str) -> Any:
        return json.loads(self.command(*args, "--json").out)

    def timeline(self) -> Sequence[str]:
        (row,) = self.json("review", "list")
        return [entry["text"] for entry in self.json("review", "show", row["case"])["timeline"]]


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Place:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(KEY, "an-invented-key")
    ask(monkeypatch, ASKED)
    return Place(tmp_path, capsys)


def ask(monkeypatch: pytest.MonkeyPatch, asking: EndpointLimits) -> None:
    """Ask endpoints so often and so long from now on."""
    monkeypatch.setattr(probing, "ASKING", asking)
    monkeypatch.setattr(measuring, "Setting", partial(Setting, asking=asking))
