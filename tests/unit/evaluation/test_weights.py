"""A set of weights is named by one digest, and what could be another set is no manifest."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from touchstone.evaluation.errors import WeightsError
from touchstone.evaluation.weights import (
    FORMAT,
    MOST_FILES,
    MOST_MANIFEST,
    differences,
    manifest_of,
    parse_weights,
    read_file,
)
from touchstone.ledger import digest_bytes, dumps
from touchstone.review.parts import MOST_EVIDENCE

SHA = sha256(b"one").hexdigest()


def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    (made / "shards").mkdir(parents=True)
    (made / "shards" / "2.bin").write_bytes(b"two")
    (made / "shards" / "1.bin").write_bytes(b"one")
    (made / "config.json").write_bytes(b"{}")
    return made


def entry(path: Any = "a.bin", size: Any = 3, digest: Any = SHA, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": size, "sha256": digest, **more}


def manifest(*files: Any, **more: Any) -> bytes:
    return dumps({"format": FORMAT, "files": list(files), **more})


def test_a_manifest_is_the_same_wherever_and_in_whatever_order_its_files_lie(tmp_path: Path):
    found = manifest_of(folder(tmp_path))
    assert [(each.path, each.size) for each in found.files] == [
        ("config.json", 2),
        ("shards/1.bin", 3),
        ("shards/2.bin", 3),
    ]
    assert found.files[1].digest == f"sha256:{SHA}"
    # Told by the standard library alone: canonical JSON has its keys in order, and no space.
    parts = [(b"{}", "config.json"), (b"one", "shards/1.bin"), (b"two", "shards/2.bin")]
    told = ",".join(
        f'{{"path":"{path}","sha256":"{sha256(data).hexdigest()}","size":{len(data)}}}'
        for data, path in parts
    )
    expected = f'{{"files":[{told}],"format":"touchstone/weights/1"}}'.encode()
    assert (found.data, found.digest) == (expected, digest_bytes(expected))
    assert parse_weights(found.data, "m.json") == found
    assert found.size == 8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: (at / "config.json").write_bytes(b"[]"), ["'config.json' has changed"]),
        (lambda at: (at / "config.json").unlink(), ["'config.json' is missing"]),
        (lambda at: (at / "more.bin").write_bytes(b"x"), ["'more.bin' was added"]),
        (
            lambda at: (at / "shards" / "2.bin").rename(at / "shards" / "3.bin"),
            ["'shards/2.bin' is missing", "'shards/3.bin' was added"],
        ),
        (lambda at: (at / "config.json").touch(), []),
    ],
)
def test_what_changed_is_named(tmp_path: Path, change: Callable[[Path], Any], said: list[str]):
    at = folder(tmp_path)
    before = manifest_of(at)
    change(at)
    after = manifest_of(at)
    assert list(differences(before, after)) == said
    assert (after.digest == before.digest) == (not said)


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (lambda at: (at / "l").symlink_to(at / "config.json"), "is a link"),
        (lambda at: (at / "l").symlink_to(at / "shards"), "is a link"),
        (lambda at: (at / "l").symlink_to("nowhere"), "is a link"),
        (lambda at: (at / ".git").mkdir(), "hidden by its name '.git'"),
        (lambda at: (at / ".gitattributes").write_bytes(b"x"), "hidden by its name"),
        (lambda at: (at / "shards" / ".git").mkdir(), "hidden by its name '.git'"),
        (lambda at: (at / "empty").mkdir(), "'empty': is an empty folder"),
        (lambda at: (at / "shards" / "no" / "more").mkdir(parents=True), "'shards/no/more': is an"),
        (lambda at: (at / "GIT~1").mkdir(), "stand for another"),
        (lambda at: (at / "nul.txt").write_bytes(b"x"), "keeps for a device"),
        (lambda at: (at / "-rf").write_bytes(b"x"), "begins with a dash"),
        (lambda at: os.mkfifo(at / "pipe"), "is not a regular file"),
        (lambda at: (at / "none.bin").write_bytes(b""), "has 0 bytes"),
        (lambda at: (at / "Config.JSON").write_bytes(b"x"), "one path on some disks"),
        (lambda at: (at / "a\\b").write_bytes(b"x"), "not a relative path"),
        (lambda at: (at / "a\u202eb").write_bytes(b"x"), "cannot be seen"),
        (lambda at: (at / "a\nb").write_bytes(b"x"), "cannot be seen"),
        (lambda at: Path(os.fsdecode(bytes(at) + b"/\xff")).write_bytes(b"x"), "no text"),
    ],
)
def test_a_folder_with_something_hidden_or_strange_is_refused_and_nothing_passed_over(
    tmp_path: Path, add: Callable[[Path], Any], said: str
):
    at = folder(tmp_path)
    manifest_of(at)
    add(at)
    with pytest.raises(WeightsError, match=said) as caught:
        manifest_of(at)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_and_none_are_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="0 files"):
        manifest_of(tmp_path / "empty")
    with pytest.raises(WeightsError, match="cannot be read"):
        manifest_of(tmp_path / "none")


def test_a_link_that_came_in_a_files_place_is_not_followed(tmp_path: Path):
    at = folder(tmp_path)
    (at / "config.json").unlink()
    (at / "config.json").symlink_to(tmp_path / "weights" / "shards" / "1.bin")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_file(at, "config.json")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a manifest"),
        (b"\xff", "not a manifest"),
        (b"[]", "has not format and files"),
        (b"{" * 100, "not a manifest"),
        (manifest(entry(), more=1), "has not format and files"),
        (dumps({"format": "touchstone/weights/2", "files": [entry()]}), "of the format"),
        (dumps({"format": FORMAT, "files": {}}), "of the format"),
        (manifest(), "0 files"),
        (manifest(*[entry(f"{n}") for n in range(MOST_FILES + 1)]), "4097 files"),
        (b" " * (MOST_MANIFEST + 1), "larger than"),
        (manifest("a.bin"), "path, size and sha256 alone"),
        (manifest(entry(mode=511)), "path, size and sha256 alone"),
        (manifest(entry(path=1)), "another type"),
        (manifest(entry(size="3")), "another type"),
        (manifest(entry(size=True)), "another type"),
        (manifest(entry(digest=None)), "another type"),
        (manifest(entry(size=0)), "has 0 bytes"),
        (manifest(entry(size=MOST_EVIDENCE + 1)), "divide it into shards"),
        (manifest(entry(digest=SHA[:-1])), "64 lowercase hex"),
        (manifest(entry(digest=SHA.upper())), "64 lowercase hex"),
        (manifest(entry("")), "is empty"),
        (manifest(entry("a" * 501)), "longer than"),
        (manifest(entry("/etc/passwd")), "not a relative path"),
        (manifest(entry("a//b")), "not a relative path"),
        (manifest(entry("a/")), "not a relative path"),
        (manifest(entry("C:a")), "not a relative path"),
        (manifest(entry("a\\..\\b")), "not a relative path"),
        (manifest(entry("../a")), "leads elsewhere"),
        (manifest(entry("a/../b")), "leads elsewhere"),
        (manifest(entry("./a")), "leads elsewhere"),
        (manifest(entry(".git/config")), "hidden by its name"),
        (manifest(entry("a/.gitattributes")), "hidden by its name"),
        (manifest(entry("a ")), "begins or ends with a space"),
        (manifest(entry("a.")), "ends with a dot"),
        (manifest(entry("a\u200b")), "cannot be seen"),
        (manifest(entry("GIT~1/config")), "'GIT~1', which may stand for another"),
        (manifest(entry("a/MODEL~2.BIN")), "stand for another"),
        (manifest(entry("CON")), "'CON', which Windows keeps for a device"),
        (manifest(entry("a/nul.tar.gz")), "keeps for a device"),
        (manifest(entry("aux .txt")), "keeps for a device"),
        (manifest(entry("Lpt9/a")), "keeps for a device"),
        (manifest(entry("com\u00b9")), "keeps for a device"),
        (manifest(entry("a*b")), "holds '\\*', which Windows"),
        (manifest(entry("a/b?")), "holds '\\?', which Windows"),
        (manifest(entry('a"<b>|')), "which Windows has in no name"),
        (manifest(entry("-rf")), "begins with a dash"),
        (manifest(entry("a/--force")), "begins with a dash"),
        (manifest(entry("a" * 256)), "more than 255 bytes"),
        (manifest(entry("a/" + "\u00e9" * 128)), "more than 255 bytes"),
        (manifest(entry("e\u0301")), "decomposed"),
        (manifest(entry("a"), entry("a")), "one path"),
        (manifest(entry("A"), entry("a")), "one path"),
        (manifest(entry("STRASSE"), entry("stra\u00dfe")), "one path"),
        (manifest(entry("a"), entry("a/b")), "both a file and a folder"),
        (manifest(entry("A"), entry("a/b")), "both a file and a folder"),
        (manifest(entry("b"), entry("a")), "not sorted"),
        (manifest(entry()) + b"\n", "not "),
        (manifest(entry()).replace(b":3", b": 3"), "not canonical"),
    ],
)
def test_a_hostile_manifest_is_refused_in_one_line(data: bytes, said: str):
    assert parse_weights(manifest(entry()), "m.json").files[0].path == "a.bin"
    with pytest.raises(WeightsError, match=said) as caught:
        parse_weights(data, "m.json")
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith("m.json: ")


@pytest.mark.parametrize(
    "path", ["a" * 255, "\u00e9" * 127, "a~b", "con-1.bin", "a-rf", "com10", "a/console.txt", "~a"]
)
def test_what_only_looks_like_such_a_name_is_taken(path: str):
    assert parse_weights(manifest(entry(path)), "m.json").files[0].path == path
