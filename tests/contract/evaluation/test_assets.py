"""Assets come over HTTPS, are what the list names, go on where they were cut, are carried."""

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from support.assets import TEXT, FileServer, digest, file_part, listed, repository, serve_files
from support.packs import write_pack
from touchstone.cli.app import run
from touchstone.evaluation.assets import fetching, wheels
from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import AssetList, parse_assets
from touchstone.evaluation.assets.store import AssetStore
from touchstone.evaluation.packs.apart import ProcessLimits, run_apart
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.given import NOTHING, OFFLINE, WHERE, GivenAssets, given_assets
from touchstone.evaluation.packs.lacking import lacking
from touchstone.evaluation.packs.source import read_pack

REVISION = "0123456789" * 4
HUB_PART = f"""[[hub]]
repo = "example-lab/questions"
revision = "{REVISION}"
names = ["main"]
[hub.files]
"data/test.jsonl" = {{ sha256 = "{digest(TEXT)}", bytes = {len(TEXT)} }}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serve_files(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of assets that the user of a pack's process can read too."""
    with tempfile.TemporaryDirectory(prefix="touchstone-assets-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOUCHSTONE_ASSETS", str(folder))
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setenv("GIT_SSL_CAINFO", str(server.authority))


def list_of(*parts: str) -> AssetList:
    return parse_assets(listed(*parts).encode())


def pulled(store: AssetStore, *parts: str) -> list[tuple[str, str]]:
    return [(each.state, each.why) for each in fetching.pull(list_of(*parts), store)]


def kept(folder: Path) -> set[str]:
    """The files of a store."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_pulling_makes_a_home_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TOUCHSTONE_ASSETS")
    (tmp_path / "assets.toml").write_text(
        'format = "touchstone assets 1"\n[[image]]\n'
        f'name = "example/kali"\ndigest = "sha256:{digest(TEXT)}"\n'
    )
    assert run(["assets", "pull", str(tmp_path / "assets.toml")]) == 1
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_what_is_named_is_pulled_once(server: FileServer, folder: Path):
    store, before = AssetStore(folder), len(server.asked)
    part = file_part(server.url + "/moved")
    assert pulled(store, part) == [("here", "")]
    assert pulled(store, part) == [("here", "")]
    assert len(server.asked) == before + 2
    assert kept(folder) == {f"blobs/{digest(TEXT)}"}
    # They are no secrets: the user of a pack's process reads them.
    assert store.blob(digest(TEXT)).stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/other", "another file than the list names"),
        ("/endless", "another file than the list names"),
        ("/nowhere", "answered 404"),
        ("/elsewhere", "not https"),
        ("/round", "more than 5 redirections"),
    ],
)
def test_what_is_not_as_it_is_named_is_not_kept(
    server: FileServer, folder: Path, address: str, says: str
):
    ((state, why),) = pulled(AssetStore(folder), file_part(server.url + address))
    assert state == "missing"
    assert says in why
    assert kept(folder) == set()


def test_what_was_cut_off_goes_on(server: FileServer, folder: Path):
    store, part = AssetStore(folder), file_part(server.url + "/cut")
    ((state, why),) = pulled(store, part)
    assert (state, "pull again to go on" in why) == ("missing", True)
    have = store.draft(digest(TEXT)).stat().st_size
    assert have == 1000
    assert pulled(store, part) == [("here", "")]
    assert server.asked[-1] == ("/cut", "bytes=1000-")


@pytest.mark.parametrize("address", ["/whole", "/ranges"])
def test_a_beginning_that_is_another_files_is_not_gone_on_with(
    server: FileServer, folder: Path, address: str
):
    store = AssetStore(folder)
    store.prepare()
    store.draft(digest(TEXT)).write_bytes(b"x" * 500)
    ((state, _),) = pulled(store, file_part(server.url + address))
    # A server without ranges gives all of it; else what came together is another file.
    assert state == ("here" if address == "/whole" else "missing")
    assert pulled(store, file_part(server.url + address)) == [("here", "")]


def test_a_server_that_is_not_trusted_is_not_asked(
    server: FileServer, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    ((state, why),) = pulled(AssetStore(folder), file_part(server.url + "/whole"))
    assert (state, "certificate" in why.lower()) == ("missing", True)


def test_a_repository_comes_as_a_bundle_of_its_commit(server: FileServer, folder: Path):
    commit = repository(server.folder / "work")
    store = AssetStore(folder)

    def part(commit: str, most: int = 100_000) -> str:
        url = f"{server.url}/files/work/.git"
        return f'[[git]]\nurl = "{url}"\ncommit = "{commit}"\nbytes = {most}\n'

    ((state, why),) = pulled(store, part("0" * 40))
    assert (state, "holds the commit" in why) == ("missing", True)
    ((state, _),) = pulled(store, part(commit, most=100))
    assert state == "missing"
    assert pulled(store, part(commit)) == [("here", "")]
    found = store.view(list_of(part(commit)), items=False)
    assert (found / f"git/{commit}.bundle").is_file()
    bundle = store.bundle(list_of(part(commit)).git[0])
    data = bytearray(bundle.read_bytes())
    data[-30] ^= 1
    bundle.chmod(0o644)
    bundle.write_bytes(data)
    (told,) = store.states(list_of(part(commit)))
    assert told.state == "altered"
    with pytest.raises(AssetError, match="altered"):
        store.view(list_of(part(commit)), items=False)


# ------------------------------------------------------------------ what a process is given
def standing(folder: Path, *parts: str, data: bytes = TEXT) -> tuple[AssetStore, AssetList]:
    """A store in which a list's one content lies."""
    store = AssetStore(folder)
    store.prepare()
    store.blob(digest(data)).write_bytes(data)
    return store, list_of(*parts)


def test_a_view_is_laid_out_as_its_readers_look_for_it(folder: Path):
    words = (
        f'[[vocabulary]]\nurl = "https://example.org/o200k.tiktoken"\nsha256 = "{digest(TEXT)}"\n'
        f"bytes = {len(TEXT)}\n"
    )
    part = file_part("https://example.org/a", "deep/b.txt", more="items = false")
    store, given = standing(folder, HUB_PART, part, words)
    view = store.view(given, items=True)
    hub = "hub/datasets--example-lab--questions"
    # The name under which tiktoken keeps what it had from there.
    name = hashlib.sha1(b"https://example.org/o200k.tiktoken", usedforsecurity=False).hexdigest()
    assert kept(view) == {
        f"{hub}/snapshots/{REVISION}/data/test.jsonl",
        f"{hub}/refs/main",
        "files/deep/b.txt",
        f"vocabularies/{name}",
    }
    assert (view / hub / "refs/main").read_text() == REVISION
    # Where samples run, what holds items is not there.
    assert {each.split("/")[0] for each in kept(store.view(given, items=False))} == {
        "files",
        "vocabularies",
    }


@pytest.mark.parametrize("how", ["changed", "added", "link", "reference", "gone"])
def test_what_was_altered_is_refused_by_its_name(folder: Path, how: str):
    store, given = standing(folder, HUB_PART)
    view = store.view(given, items=True)
    path = view / f"hub/datasets--example-lab--questions/snapshots/{REVISION}/data/test.jsonl"
    names = {"added": "other.txt", "reference": "refs/main"}
    if how == "changed":
        path.chmod(0o644)
        path.write_bytes(TEXT[:-1] + b"?")
    elif how == "added":
        (view / "other.txt").write_text("x")
    elif how == "reference":
        (view / "hub/datasets--example-lab--questions/refs/main").write_text("0" * 40)
    else:
        path.unlink()
        if how == "link":
            path.symlink_to(store.blob(digest(TEXT)))
    with pytest.raises(PackError, match=names.get(how, "example-lab/questions@0123")):
        given_assets(given, folder, items=True)


def test_a_missing_asset_is_named_with_its_fix(folder: Path):
    store = AssetStore(folder)
    store.prepare()
    with pytest.raises(PackError, match=r"test\.jsonl: missing; pull it: touchstone assets pull"):
        given_assets(list_of(HUB_PART), folder, items=True)


def test_a_process_is_told_where_its_assets_lie_and_asks_no_network(folder: Path):
    _, given = standing(folder, HUB_PART)
    found = given_assets(given, folder, items=False)
    assert found.environment["HF_HUB_CACHE"] == f"{WHERE}/hub"
    assert found.environment.items() >= OFFLINE.items()
    assert NOTHING.environment == OFFLINE
    assert given_assets(None, None, items=True) is NOTHING
    with pytest.raises(PackError, match="no folder of assets"):
        given_assets(given, None, items=True)


def printed(text: str, given: GivenAssets) -> list[str]:
    """The lines that a program prints in a pack's process."""

    async def nobody(_: socket.socket) -> None:
        """Nothing is asked."""

    limits = ProcessLimits(memory_mib=96, disk_mib=8, seconds=60)
    ran = anyio.run(lambda: run_apart({}, nobody, limits, program=text, given=given))
    return ran.result.decode().splitlines()


def test_a_process_reads_its_assets_and_cannot_write_there(folder: Path):
    part = file_part("https://example.org/a", more="items = false")
    _, given = standing(folder, HUB_PART, part)
    text = (
        "import os; from pathlib import Path; here = Path(os.environ['TOUCHSTONE_ASSETS'])\n"
        "print(sorted(each.name for each in here.iterdir()), os.environ['HF_HUB_OFFLINE'])\n"
        "print(len((here / 'files/a.txt').read_bytes()))\n"
        "try: (here / 'new').write_text('x')\n"
        "except OSError as error: print(error.strerror)"
    )

    said = printed(text, given_assets(given, folder, items=False))
    assert said == ["['files'] 1", str(len(TEXT)), "Read-only file system"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's packs get a user of their own")
def test_what_the_processs_user_cannot_read_is_said(folder: Path):
    _, given = standing(folder, HUB_PART)
    folder.chmod(0o700)
    with pytest.raises(PackError, match="set TOUCHSTONE_ASSETS to a folder"):
        given_assets(given, folder, items=True)


def test_assets_below_tmp_are_given_too(folder: Path):
    _, given = standing(folder, HUB_PART)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        shutil.copytree(folder, name, dirs_exist_ok=True)
        found = given_assets(given, Path(name), items=True)
        ((place, _),) = found.libraries
        assert Path(place).is_relative_to(name)
        text = "import os; print(os.listdir(os.environ['TOUCHSTONE_ASSETS']))"
        assert printed(text, found) == ["['hub']"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's packs get a user of their own")
def test_what_no_pack_could_read_is_said_as_soon_as_it_is_pulled(
    tmp_path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TOUCHSTONE_ASSETS", str(folder / "inner"))
    have = tmp_path / "have"
    have.mkdir()
    (have / "a.txt").write_bytes(TEXT)
    (tmp_path / "assets.toml").write_text(listed(file_part("https://example.org/whole")))
    pull = ["assets", "pull", str(tmp_path / "assets.toml"), "--from", str(have)]
    for mode, says in ((0o755, False), (0o700, True)):
        folder.chmod(mode)
        assert run(pull) == 0
        assert ("set TOUCHSTONE_ASSETS to a folder" in capsys.readouterr().err) == says


def wheel_of(**more: str) -> bytes:
    """A wheel, in which these files are too."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, text in {
            "example_tasks/__init__.py": "VALUE = 1\n",
            "example_tasks-1.data/purelib/beside.py": "",
            "example_tasks-1.data/scripts/run": "",
            "example_tasks-1.dist-info/RECORD": "",
            **more,
        }.items():
            file.writestr(name, text)
    return packed.getvalue()


def wheel_part(data: bytes) -> str:
    return (
        '[[wheel]]\nname = "example-tasks"\nversion = "1"\n'
        f'file = "example_tasks-1-py3-none-any.whl"\nsha256 = "{digest(data)}"\n'
        f"bytes = {len(data)}\n"
    )


def test_a_wheel_is_laid_out_and_held_against_itself(folder: Path):
    data = wheel_of()
    store, given = standing(folder, wheel_part(data), data=data)
    view = store.view(given, items=False)
    (package,) = (view / "packages").iterdir()
    assert kept(package) == {
        "example_tasks/__init__.py",
        "beside.py",
        "example_tasks-1.dist-info/RECORD",
    }
    assert given_assets(given, folder, items=False).paths == (f"{WHERE}/packages/{package.name}",)
    (package / "example_tasks/__init__.py").write_text("VALUE = 2\n")
    with pytest.raises(PackError, match=r"wheel example-tasks 1: altered .*__init__\.py was chan"):
        given_assets(given, folder, items=False)
    (package / "example_tasks/__init__.py").write_text("VALUE = 1\n")
    (package / "more.py").write_text("")
    with pytest.raises(PackError, match=r"more\.py is not of the wheel"):
        given_assets(given, folder, items=False)


@pytest.mark.parametrize("name", ["../out.py", "/out.py", "a//b.py", "a\\b.py"])
def test_a_wheel_that_reaches_out_is_refused(folder: Path, name: str):
    data = wheel_of(**{name: ""})
    store, given = standing(folder, wheel_part(data), data=data)
    with pytest.raises(AssetError, match="no plain path"):
        store.view(given, items=False)
    assert not list((folder / "drafts").iterdir())


def test_a_wheel_unpacks_to_no_more_than_the_bound(folder: Path, monkeypatch: pytest.MonkeyPatch):
    data = wheel_of(**{"large.py": "#" * 5000})
    store, given = standing(folder, wheel_part(data), data=data)
    monkeypatch.setattr(wheels, "MOST_UNPACKED", 4000)
    with pytest.raises(AssetError, match="unpacks to more"):
        store.view(given, items=False)


# ------------------------------------------------------------------ the commands
def test_what_was_packed_is_taken_elsewhere(
    server: FileServer, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
):
    pack = write_pack(tmp_path / "p")
    image = f'[[image]]\nname = "example/kali"\ndigest = "sha256:{"0" * 64}"\n'
    (pack / "assets.toml").write_text(listed(file_part(server.url + "/whole")))
    archive = tmp_path / "assets.tar"
    assert run(["assets", "list", str(pack)]) == 0
    assert f"sha256:{digest(TEXT)}; {server.url}/whole" in capsys.readouterr().out
    assert run(["assets", "verify", str(pack)]) == 1
    assert run(["assets", "pack", str(pack), "--out", str(archive)]) == 2
    assert "pull it" in capsys.readouterr().err
    assert run(["assets", "pull", str(pack)]) == 0
    assert run(["assets", "verify", str(pack)]) == 0
    assert run(["assets", "pack", str(pack), "--out", str(archive)]) == 0
    assert run(["assets", "pack", str(pack), "--out", str(archive)]) == 2
    shutil.rmtree(folder / "blobs")
    before = len(server.asked)
    capsys.readouterr()
    assert run(["assets", "pull", str(pack), "--from", str(archive), "--json"]) == 0
    assert [each["state"] for each in json.loads(capsys.readouterr().out)] == ["here"]
    assert len(server.asked) == before
    # An image is named, and the list is then not whole here.
    (pack / "assets.toml").write_text(listed(file_part(server.url + "/whole"), image))
    assert run(["assets", "pull", str(pack)]) == 1
    assert "not pulled here" in capsys.readouterr().out


def test_of_a_folder_what_the_list_names_is_taken_whatever_it_is_called(
    server: FileServer, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
):
    commit = repository(tmp_path / "work")
    have = tmp_path / "have" / "deep"
    have.mkdir(parents=True)
    command = ["git", "bundle", "create", "--quiet", str(have / "tasks.bundle"), "main"]
    subprocess.run(command, cwd=tmp_path / "work", check=True)
    bundle = (
        f'[[git]]\nurl = "https://example.org/tasks.git"\ncommit = "{commit}"\nbytes = 100000\n'
    )
    pack = write_pack(tmp_path / "p")
    (pack / "assets.toml").write_text(listed(file_part("https://example.org/whole"), bundle))
    pull = ["assets", "pull", str(pack), "--from", str(tmp_path / "have"), "--json"]
    (have / "other").write_bytes(TEXT[:-1] + b"?")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(TEXT)
    (have / "link").symlink_to(elsewhere)
    os.mkfifo(have / "pipe")

    def states() -> list[str]:
        return [each["state"] for each in json.loads(capsys.readouterr().out)]

    before = len(server.asked)
    assert run(pull) == 1
    assert states() == ["missing", "here"]
    (have / "as I called it.txt").write_bytes(TEXT)
    assert run(pull) == 0
    assert states() == ["here", "here"]
    assert len(server.asked) == before
    assert {each.name for each in (folder / "blobs").iterdir()} == {digest(TEXT)}
    assert not list((folder / "drafts").iterdir())


def archive_of(path: Path, *entries: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as packed:
        for name, data in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ((("../out", b"x"),), "the list does not name"),
        (((f"blobs/{'0' * 64}", b"x"),), "the list does not name"),
        (((f"blobs/{digest(TEXT)}", TEXT[:-1] + b"?"),), ""),
        (((f"blobs/{digest(TEXT)}", TEXT[:-1]),), ""),
    ],
)
def test_of_an_archive_only_what_the_list_names_is_taken(
    tmp_path: Path,
    folder: Path,
    entries: tuple[tuple[str, bytes], ...],
    says: str,
    capsys: pytest.CaptureFixture[str],
):
    pack = write_pack(tmp_path / "p")
    (pack / "assets.toml").write_text(listed(HUB_PART))
    archive = archive_of(tmp_path / "a.tar", *entries)
    assert run(["assets", "pull", str(pack), "--from", str(archive)]) == (2 if says else 1)
    assert says in capsys.readouterr().err
    assert kept(folder) == set()
    archive.write_bytes(archive.read_bytes()[:700])
    assert run(["assets", "pull", str(pack), "--from", str(archive)]) == 2
    assert kept(folder) == set()


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (file_part("http://example.org/a"), "https address"),
        (file_part("https://user@example.org/a"), "without a user"),
        (file_part("https://example.org/a", "../b"), "plain path"),
        (file_part("https://example.org/a") * 2, "files/a.txt is there twice"),
        (
            file_part("https://example.org/a", "a") + file_part("https://example.org/a", "a/b"),
            "both a file and a folder",
        ),
        (HUB_PART.replace("example-lab/questions", "../x"), "repository's name"),
        (HUB_PART.replace("example-lab/questions", "a--b/c"), "repository's name"),
        (HUB_PART.replace(REVISION, "main"), "revision"),
        (wheel_part(b"").replace("example_tasks-1-py3-none-any.whl", "../a.whl"), "file"),
        (wheel_part(b"").replace('"example-tasks"', '"--index"'), "name"),
        (wheel_part(b"").replace('version = "1"', 'version = "1 -r x"'), "version"),
        ('[[image]]\nname = "example/kali"\ndigest = "latest"\n', "digest"),
        ("[[other]]\n", "other"),
    ],
)
def test_a_list_that_is_none_is_refused_in_one_line(
    tmp_path: Path, part: str, says: str, capsys: pytest.CaptureFixture[str]
):
    pack = write_pack(tmp_path / "p")
    (pack / "assets.toml").write_text(listed(part))
    assert run(["assets", "list", str(pack)]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    with pytest.raises(PackError, match=r"assets\.toml"):
        read_pack(pack)


def test_a_list_that_is_not_there_or_is_said_to_hold_items_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pack = write_pack(tmp_path / "p")
    assert run(["assets", "list", str(pack)]) == 2
    assert "there is no such list" in capsys.readouterr().err
    (pack / "assets.toml").write_text(listed(HUB_PART))
    text = (pack / "pack.toml").read_text()
    (pack / "pack.toml").write_text(text.replace('["items.json"]', '["items.json", "assets.toml"]'))
    with pytest.raises(PackError, match="holds no items"):
        read_pack(pack)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("OfflineModeIsEnabled: Cannot reach the Hub", "data set of the Hub"),
        ("ModuleNotFoundError: No module named 'inspect_cyber'", "the package inspect_cyber"),
        ("AssertionError: see https://example.org/github.com, pip install x", "that it names"),
        ("OSError: Read-only file system: '/opt/touchstone/assets/a'", "beside its own code"),
        ("PrerequisiteError: No EXAMPLE_API_KEY defined", "a vendor's model"),
        ("RetryError: ConnectError", "a file that it downloads"),
        ("FileNotFoundError: 'docker'", "calls Docker"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'git'", "repository of git"),
        ("ValueError: No model specified", "needs a model to be made"),
    ],
)
def test_what_a_task_lacks_is_told(fault: str, says: str):
    assert says in lacking(fault)
    assert lacking("ZeroDivisionError: x") == "ZeroDivisionError: x"
