"""Packages of npm as assets: brought by npm (here a stand-in), and held to a digest."""

from pathlib import Path

import pytest

from support.assets import TEXT, digest, listed
from touchstone.evaluation.assets import fetching
from touchstone.evaluation.assets.listing import parse_assets
from touchstone.evaluation.assets.store import AssetStore
from touchstone.evaluation.digests import digest_value

NPM = """\
#!/bin/sh
echo "$@" >> {folder}/asked
[ "$2" = example-tasks@1.0.0 ] || {{ echo "no such package" >&2; exit 1; }}
cp {folder}/served example-tasks-1.0.0.tgz
"""


def npm_part(data: bytes, version: str = "1.0.0") -> str:
    return (
        f'[[npm]]\nname = "example-tasks"\nversion = "{version}"\n'
        f'sha256 = "{digest(data)}"\nbytes = {len(data)}\n'
    )


def test_a_package_of_npm_is_packed_by_its_client_and_held_against_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    client, store = tmp_path / "bin", AssetStore(tmp_path / "assets")
    client.mkdir()
    monkeypatch.setenv("PATH", str(client), prepend=":")
    (client / "npm").write_text(NPM.format(folder=tmp_path))
    (client / "npm").chmod(0o755)
    (tmp_path / "served").write_bytes(TEXT)
    (state,) = fetching.pull(parse_assets(listed(npm_part(TEXT)).encode()), store)
    assert str(state) == "npm example-tasks 1.0.0: here"
    # Packed and not installed, and nothing of it run.
    asked = (tmp_path / "asked").read_text()
    assert asked == "pack example-tasks@1.0.0 --silent --ignore-scripts\n"
    (state,) = fetching.pull(parse_assets(listed(npm_part(b"other")).encode()), store)
    assert (state.state, state.why) == ("missing", "npm gave another file than the list names")
    (state,) = fetching.pull(parse_assets(listed(npm_part(b"gone", "2.0.0")).encode()), store)
    assert (state.state, state.why) == ("missing", "npm: no such package")
    monkeypatch.setenv("PATH", str(tmp_path))
    (state,) = fetching.pull(parse_assets(listed(npm_part(b"gone")).encode()), store)
    assert "npm is not installed (Debian: apt-get install npm)" in state.why
    assert [each.name for each in (store.folder / "blobs").iterdir()] == [digest(TEXT)]


def test_a_list_without_npm_keeps_the_digest_that_it_had_before_there_was_npm():
    known = parse_assets(listed().encode())
    named = known.model_dump(mode="json")
    assert named.pop("npm") == []
    assert known.digest == digest_value(named)
    assert parse_assets(listed(npm_part(b"")).encode()).digest != known.digest
