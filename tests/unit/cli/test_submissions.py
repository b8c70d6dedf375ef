"""Submissions that cannot be used: one line that names the place and the fix, nothing made."""

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

# Imported here, so that the memory that is measured below is not that of importing it.
import touchstone.service.reviews.reviewing  # noqa: F401  for its imports
from support.compared import write_compared, write_comparing
from support.reviews import KEY, write_submission
from support.small_review import write_framework
from touchstone.verdicts.errors import CannotRunError

from .conftest import Command

URL = "http://127.0.0.1:9/v1"
Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def more(text: str) -> Change:
    return lambda before: before + text


WRONG: dict[str, tuple[Change, str]] = {
    "missing-document": (more('[[documents]]\npath = "gone.pdf"\n'), "gone.pdf: missing"),
    "document-outside": (more('[[documents]]\npath = "../x"\n'), "documents[0].path: write a"),
    "unknown-provider": (swap("openai-api/subject", "bedrock"), 'modes[0].model: write "openai'),
    "unknown-variant": (swap('variant = "final"', 'variant = "finale"'), "no variant 'finale'"),
    "key-as-a-key": (swap("api_key_env", "api_key"), "a key is written in the submission at"),
    "key-for-its-name": (swap(KEY, "sk-abcdefghijklmnop12"), "a key is written in the submission"),
    "two-modes-of-one-id": (lambda t: t + t[t.index("[[modes]]") :], "'instant' is there twice"),
    "direction-character": (swap("Example Lab", "Example \u202e Lab"), "holds U+202E"),
    "filler": (swap("Example Lab", "Example \u3164 Lab"), "holds U+3164"),
    "selector": (swap("Example Lab", "Example\ufe0f Lab"), "holds U+FE0F"),
    "control-character": (swap("Example Lab", "Example \\u001b[31m"), "holds U+001B"),
    "control-in-the-raw": (swap("Example Lab", "Example \x1b[31m"), "not TOML"),
    "deep": (lambda _: "a = " + "[" * 100_000, "nested too deeply"),
    "dotted": (lambda _: ".".join("a" * 200_000) + " = 1", "line 1 has more than 100 dots"),
    "dotted-header": (lambda _: f"[{'.'.join('a' * 200_000)}]", "line 1 has more than 100 dots"),
    "long-number": (more("[caps]\ntokens = " + "9" * 5000), "a number with too many digits"),
    "huge-decimal": (more("[caps]\nmoney = 1e999999\n"), "caps.money: write a decimal"),
    "not-a-number": (more("[caps]\nmoney = nan\n"), "is nan: write a number that has an end"),
    "no-price": (more('[caps]\nmoney = "5"\n'), "caps: money needs price_input"),
    "cap-of-nothing": (more("[caps]\ntokens = 0\n"), "caps.tokens: "),
    "last-day": (swap("2027-01-05", "9999-12-31"), "planned_release.date: "),
    "first-day": (swap("2027-01-05", "0001-01-01"), "planned_release.date: "),
    "unknown-key": (lambda t: 'colour = "red"\n' + t, "colour: not a key of a submission"),
    "open-endpoint": (swap("127.0.0.1:9", "example.org"), "base_url: http without TLS"),
    "port": (swap("127.0.0.1:9", "127.0.0.1:99999"), "base_url: not a URL"),
    "party-name": (swap('id = "example-lab"', 'id = "example.lab"'), "developer.id: 'example.lab'"),
    "other-party": (swap('id = "example-lab"', 'id = "example-centre"'), "is another party"),
    "unknown-framework": (swap('"example"', '"nope"'), "no framework is called 'nope'"),
    "comparison-only": (swap('"example"', '"approval-gate"'), "is for comparison only"),
    "nothing": (lambda _: "", "framework: missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_submission_is_refused_in_one_line(
    command: Command, home: Path, tmp_path: Path, name: str
):
    change, told = WRONG[name]
    path = write_submission(tmp_path, URL)
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert told in command("review", "run", path, "--out", tmp_path / "out").refused()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 100_000  # KiB
    assert not (home / "keys" / "parties").exists()
    assert list((tmp_path / "out").glob("*")) == []


def test_bytes_that_are_no_text(command: Command, tmp_path: Path):
    path = tmp_path / "SUBMISSION.toml"
    path.write_bytes(b'framework = "\xff"')
    assert "not UTF-8 at byte 13" in command("review", "run", path).refused()


def test_a_hundred_megabytes_are_not_read(command: Command, tmp_path: Path):
    path = tmp_path / "SUBMISSION.toml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert "larger than 1024 KiB" in command("review", "run", path).refused()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing.toml", "nothing.toml: missing; correct the path"),
        ("\x1b[2J.toml", "<U+001B>[2J.toml: missing; correct the path"),
        ("folder", "folder: not a regular file"),
    ],
    ids=ascii,
)
def test_path_that_is_no_submission(command: Command, tmp_path: Path, name: str, told: str):
    (tmp_path / "folder").mkdir()
    assert command("review", "run", tmp_path / name).refused() == f"touchstone: {told}"


def test_a_path_without_a_name_is_still_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert command("review", "run", ".").refused() == "touchstone: .: not a regular file"


def test_key_that_is_not_set(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(KEY)
    said = command("review", "run", write_submission(tmp_path, URL), "--out", tmp_path).refused()
    assert f"mode instant: set {KEY} in the environment" in said


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--items", "0"), "--items 0: write a number from 1"),
        (("--items", "-1"), "--items -1: write a number from 1"),
        (("--items", "1000000000"), "write a number from 1 to 5000"),
        (("--items", "many"), "--items"),
        (("--workers", "0"), "--workers 0: write a number from 1"),
        (("--workers", "65"), "--workers 65: write a number from 1"),
        (("--out", "/dev/null"), "--out /dev/null: cannot be a folder"),
        (("--framework", "nothing.toml"), "nothing.toml: cannot be read"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_wrong_option(command: Command, tmp_path: Path, option: tuple[str, str], told: str):
    submission = write_submission(tmp_path, URL)
    assert told in command("review", "run", submission, *option).refused()


def test_a_reference_that_is_not_handed_in(command: Command, home: Path, tmp_path: Path):
    """A comparison that nothing could answer is refused before anything is asked or written."""
    submission = write_compared(tmp_path, URL, purpose="")
    framework = write_comparing(tmp_path)
    said = command("review", "run", submission, "--framework", framework).refused()
    assert "against-older compares with the variant 'older': hand it in under [[variants]]" in said
    assert not (home / "keys" / "parties").exists()
    planned = command("plan", submission, "--framework", framework, "--items", "5")
    assert "against-older compares with the variant 'older'" in planned.out


def _stop(*_: object) -> None:
    raise CannotRunError("stopped by the test")


@pytest.mark.enable_socket  # the loop makes a pair for itself
def test_a_named_mode_that_is_not_handed_in_is_told_before_anything_is_asked(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The rule could never find such a criterion not met."""
    submission, framework = write_submission(tmp_path, URL), write_framework(tmp_path)
    text = framework.read_text("utf-8").replace('modes = "any"', 'modes = ["instant", "dreaming"]')
    framework.write_text(text, "utf-8")
    # The next step takes seconds, and the one after it asks an endpoint.
    monkeypatch.setattr("touchstone.service.reviews.reviewing.require_proof", _stop)
    said = command("review", "run", submission, "--framework", framework, "--accept-grade")
    assert said.code
    assert "is also judged in dreaming mode, and nothing under review was handed in" in said.err
    assert said.err.splitlines()[-1] == "touchstone: stopped by the test"


def test_framework_file_with_an_error(command: Command, tmp_path: Path):
    framework = write_framework(tmp_path)
    text = framework.read_text("utf-8").replace('threshold = "0.5"', 'threshold = "1.5"')
    framework.write_text(text, "utf-8")
    submission = write_submission(tmp_path, URL)
    said = command("review", "run", submission, "--framework", framework).refused()
    assert "small.toml" in said
    assert "threshold" in said
