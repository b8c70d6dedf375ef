"""SUBMISSION.toml: what is taken, and one clear line for each thing that is not."""

import hashlib
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from touchstone.evaluation import endpoint_digest, load_submission, untrusted_input
from touchstone.evaluation.errors import SubmissionError

TEXT = """\
framework = "example"
reasoning_access = "summary"

[developer]
id = "example-lab"
name = "Example Lab"

[model]
id = "model-one"
name = "Model One"
release_state = "in-development"
planned_release = { date = 2027-01-05, anchor = "partner-release" }

[[variants]]
id = "final"
description = "as it would be released"

[[modes]]
id = "instant"
variant = "final"
model = "openai-api/lab/model-one"
base_url = "https://models.example/v1/"
api_key_env = "EXAMPLE_API_KEY"
settings = { reasoning_effort = "low", temperature = 0.5 }

[[modes]]
id = "thinking"
variant = "final"
model = "openai-api/lab/model-one"
base_url = "https://models.example/v1"
api_key_env = "EXAMPLE_API_KEY"
settings = { reasoning_effort = "high", temperature = 0.5 }

[[documents]]
path = "docs/card.md"
title = "Card"

[caps]
tokens = 1_000_000
money = "12.50"
price_input = 1
price_output = 3.5
wall_seconds = 7200
"""
Write = Callable[..., Path]
WRITTEN = (
    "a key is written in the submission at {}: put it into an environment variable and name it"
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the submission with one passage replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in TEXT
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / "card.md").write_text("about the model")
        path = tmp_path / "SUBMISSION.toml"
        path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(SubmissionError) as caught:
        load_submission(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isprintable()
    return text


def test_a_whole_submission(write: Write):
    submission = load_submission(write())
    assert [mode.id for mode in submission.modes] == ["instant", "thinking"]
    assert submission.mode("instant").base_url == "https://models.example/v1"
    assert submission.mode("instant").settings.temperature == Decimal("0.5")
    (document,) = submission.documents
    assert document.digest == "sha256:" + hashlib.sha256(b"about the model").hexdigest()
    assert document.size == len("about the model")
    assert submission.digest == load_submission(write()).digest
    assert submission.digest != load_submission(write("Model One", "Model Two")).digest


def test_the_endpoint_digest_tells_url_name_and_settings_apart(write: Write):
    first, second = load_submission(write()).modes
    moved = first.model_copy(update={"base_url": "https://other.example/v1"})
    renamed = first.model_copy(update={"model": "openai-api/lab/model-two"})
    digests = {endpoint_digest(mode) for mode in (first, second, moved, renamed)}
    assert len(digests) == 4
    assert endpoint_digest(first) == endpoint_digest(first.model_copy(update={"id": "other"}))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"EXAMPLE_API_KEY"', '"sk-abcdefghijklmnop123"', WRITTEN.format("modes[0].api_key_env")),
        ('api_key_env = "E', 'api_key = "x"\napi_key_env = "E', WRITTEN.format("modes[0].api_key")),
        ('"Card"', '"Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0Kk1"', WRITTEN.format("documents[0].title")),
        ("as it would", "Bearer abcdefgh12 as it would", "a key is written"),
        (
            "https://models",
            "https://user:pass@models",
            "modes[0].base_url: a URL here",
        ),
        (
            "https://models.example/v1/",
            "https://models.example/v1?key=x",
            "no user, password",
        ),
        (
            "https://models",
            "http://models",
            "modes[0].base_url: http without TLS",
        ),
        ("https://models.example/v1/", "file:///etc/passwd", "modes[0].base_url: write http://"),
        ("https://models.example/v1/", "http://[::1", "modes[0].base_url: not a URL"),
        (
            'variant = "final"',
            'variant = "finale"',
            "no variant 'finale'; known: final",
        ),
        ('id = "thinking"', 'id = "instant"', "modes[1]: 'instant' is there twice"),
        (
            "openai-api/lab",
            "anthropic/lab",
            'modes[0].model: write "openai-api/',
        ),
        (
            "docs/card.md",
            "docs/none.md",
            "docs/none.md: missing; correct the path",
        ),
        ("docs/card.md", "../card.md", "documents[0].path: write a plain path below"),
        ("docs/card.md", "/etc/hostname", "documents[0].path: write a plain path below"),
        ("docs/card.md", "docs", "documents[0].path: docs: not a regular file"),
        (
            '"Card"',
            f'"Card"\ndigest = "sha256:{"0" * 64}"',
            "digest: docs/card.md has sha256:",
        ),
        ("Model One", "Model \\u202e One", "model.name: holds U+202E"),
        ("Model One", "Model \\u200b One", "model.name: holds U+200B"),
        ("Model One", "Model\\tOne", "model.name: holds U+0009"),
        ("Model One", "Model\\u0000One", "model.name: holds U+0000"),
        ("date = 2027-01-05", "date = 2027-01-05T00:00:00Z", "planned_release.date: is '2027"),
        ("date = 2027-01-05", 'date = "2027-01-05T17:00"', "write a day alone"),
        ("date = 2027-01-05", 'date = "2027-02-30"', "planned_release.date: "),
        ("in-development", "secret", "model.release_state: Input should be"),
        ("tokens =", "tokenz =", "caps.tokenz: not a key of a submission"),
        ("price_input = 1\n", "", "caps: money needs price_input and price_output"),
        ('"12.50"', '"-1"', "caps.money: write a decimal"),
        ('"12.50"', "nan", 'key "caps", key "money" is nan'),
        ("temperature = 0.5", "temperature = 3", "modes[0].settings.temperature"),
        ('framework = "example"', "", "framework: missing; write it in"),
        ('framework = "example"', "framework = [", "not TOML"),
        ('framework = "example"', "framework = " + "[" * 5000, "nested too deeply"),
        ('framework = "example"', "framework = " + "[" * 40 + "]" * 40, "nested too deeply"),
        ('framework = "example"', "framework = " + "1" * 5000, "SUBMISSION.toml"),
        ('id = "example-lab"', 'id = "Example Lab!"', "developer.id: an id is"),
    ],
)
def test_each_fault_has_its_line(old: str, new: str, says: str, write: Write):
    assert says in refusal(write(old, new))


def test_a_missing_file_a_folder_and_a_pipe(tmp_path: Path):
    assert refusal(tmp_path / "none.toml") == "none.toml: missing; correct the path"
    assert refusal(tmp_path) == f"{tmp_path.name}: not a regular file"
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "pipe: not a regular file"


def test_bytes_that_are_not_utf8(write: Write):
    path = write()
    path.write_bytes(path.read_bytes().replace(b"Model One", b"Model \xff One"))
    assert "not UTF-8 at byte" in refusal(path)


@pytest.mark.parametrize("name", ["SUBMISSION.toml", "docs/card.md"])
def test_a_100_mb_file_is_refused_without_reading_it_all(
    name: str, write: Write, monkeypatch: pytest.MonkeyPatch
):
    path = write()
    with (path.parent / name).open("r+b") as file:
        file.truncate(100_000_000)
    read = 0
    real = untrusted_input._blocks

    def counted(*given: object) -> Iterator[bytes]:
        nonlocal read
        for block in real(*given):  # type: ignore[arg-type]  # passed on as it came
            read += len(block)
            yield block

    monkeypatch.setattr(untrusted_input, "_blocks", counted)
    assert "larger than" in refusal(path)
    assert read <= 33 * 1024 * 1024


def test_a_link_that_leads_out_is_refused_and_twin(write: Write, monkeypatch: pytest.MonkeyPatch):
    path = write("docs/card.md", "docs/link.md")
    outside = path.parent.parent / "outside.md"
    outside.write_text("not handed in")
    (path.parent / "docs" / "link.md").symlink_to(outside)
    assert "leads outside the submission's folder" in refusal(path)
    monkeypatch.setattr(Path, "is_relative_to", lambda *_: True)
    assert load_submission(path).documents[0].size == len("not handed in")


def test_twin_without_the_key_guard_a_pasted_key_is_taken(
    write: Write, monkeypatch: pytest.MonkeyPatch
):
    path = write('"Card"', '"Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0Kk1"')
    assert "a key is written" in refusal(path)
    monkeypatch.setattr("touchstone.evaluation.submission.refuse_keys", lambda _: None)
    assert load_submission(path).documents[0].title.startswith("Aa1")


def test_an_unknown_mode_names_the_known(write: Write):
    with pytest.raises(SubmissionError, match="no mode 'slow' in the submission; it has: instant"):
        load_submission(write()).mode("slow")


def test_weights_are_named_by_a_digest_alone(write: Write):
    said = 'description = "as it would be released"'
    path = write(said, f'weights = "sha256:{"ab" * 32}"')
    assert load_submission(path).variants[0].weights == f"sha256:{'ab' * 32}"
    # Hex as long as a key is one, where it is not said to be a digest.
    assert "a key is written" in refusal(write(said, f'weights = "{"ab" * 32}"'))
    assert "weights" in refusal(write(said, 'weights = "model/"'))


def test_a_submission_without_weights_has_the_digest_that_it_had(write: Write):
    assert "weights" not in load_submission(write()).model_dump_json()
