"""Pulling assets: over HTTPS, within the size that the list says, kept where the digest is right.

What came in part is kept for the next time; what came whole and is another file is not.
"""

import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from touchstone.evaluation.assets import bundles
from touchstone.evaluation.assets.errors import AssetFetchError
from touchstone.evaluation.assets.listing import (
    AssetFile,
    AssetList,
    GitAsset,
    NpmAsset,
    WheelAsset,
)
from touchstone.evaluation.assets.store import AssetState, AssetStore, sha256_of
from touchstone.handin import printable_line

_REDIRECTS = 5
_SECONDS = 60.0
_CLIENT_SECONDS = 1800
_PARTIAL = 206


def pull(listed: AssetList, store: AssetStore) -> Iterator[AssetState]:
    """Pull what is not here; tells of each asset how it stands then.

    Raises:
        AssetError: the store cannot be made.
    """
    store.prepare()
    store.drop_views(listed)
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        for file in listed.files:
            yield _pulled(file, store, client)
    for asset in listed.git:
        yield _bundled(asset, store)
    yield from (each for each in store.states(AssetList(format=listed.format, image=listed.image)))


def _pulled(file: AssetFile, store: AssetStore, client: httpx.Client) -> AssetState:
    if store.state_of(file).state == "here":
        return AssetState(file.title, "here")
    try:
        if file.wheel is not None:
            _by_pip(file.wheel, store)
        elif file.npm is not None:
            _by_npm(file.npm, store)
        else:
            download(client, file, store)
    except (AssetFetchError, OSError) as error:
        return AssetState(file.title, "missing", printable_line(str(error), 300))
    return store.state_of(file)


def _bundled(asset: GitAsset, store: AssetStore) -> AssetState:
    found = store.bundle_state(asset)
    if found.state == "here":
        return found
    if not bundles.installed():
        return AssetState(found.title, "not pulled here", "git is not installed")
    draft = store.draft(asset.commit)
    try:
        bundles.make_bundle(asset.url, asset.commit, draft, asset.bytes)
        store.keep(draft, store.bundle(asset))
    except (AssetFetchError, OSError) as error:
        return AssetState(found.title, "missing", printable_line(str(error), 300))
    return store.bundle_state(asset)


def download(client: httpx.Client, file: AssetFile, store: AssetStore) -> None:
    """Take a file from where an earlier time ended, and keep it if it is the one.

    Raises:
        AssetFetchError: it cannot be had, or is another one.
        OSError: it cannot be written.
    """
    draft = store.draft(file.sha256)
    have = draft.stat().st_size if draft.exists() else 0
    have = have if have < file.bytes else 0
    why = ""
    try:
        with _answer(client, file.url, have) as answer, draft.open("r+b" if have else "wb") as out:
            if not (answer.status_code == _PARTIAL and have):
                have = 0
            out.seek(have)
            out.truncate()
            for block in answer.iter_raw():
                have += len(block)
                if have > file.bytes:
                    break
                out.write(block)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = f" ({type(error).__name__}: {error})"
    if have < file.bytes:
        raise AssetFetchError(
            f"{file.url}: ended after {have} of {file.bytes} bytes{why}; pull again to go on there"
        )
    if have > file.bytes or sha256_of(draft) != file.sha256:
        draft.unlink()
        raise AssetFetchError(
            f"{file.url}: is another file than the list names; nothing of it was kept"
        )
    store.keep(draft, store.blob(file.sha256))


@contextlib.contextmanager
def _answer(client: httpx.Client, url: str, have: int) -> Iterator[httpx.Response]:
    """The answer to a request for what comes after so many bytes."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    for _ in range(_REDIRECTS + 1):
        # Wherever it leads: what comes is held against its digest, but others read along.
        if urlsplit(url).scheme != "https":
            raise AssetFetchError(f"{url[:200]}: not https")
        with client.stream("GET", url, headers=headers) as answer:
            if answer.has_redirect_location:
                url = urljoin(url, answer.headers["location"])
                continue
            if not _fits(answer, have):
                raise AssetFetchError(f"{url[:200]}: the server answered {answer.status_code}")
            yield answer
            return
    raise AssetFetchError(f"{url[:200]}: more than {_REDIRECTS} redirections")


def _fits(answer: httpx.Response, have: int) -> bool:
    if answer.status_code != _PARTIAL:
        return answer.status_code == httpx.codes.OK
    return bool(have) and answer.headers.get("content-range", "").startswith(f"bytes {have}-")


def _by_pip(wheel: WheelAsset, store: AssetStore) -> None:
    wanted = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    # The wheel alone: what it needs beside is in the list as well, or the list is not whole.
    words = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--dest", ".")
    argv = (sys.executable, "-m", "pip", "download", "--quiet", *words, "-r", "wanted.txt")
    _by_client("pip", argv, wanted, wheel, store)


def _by_npm(package: NpmAsset, store: AssetStore) -> None:
    if not shutil.which("npm"):
        raise AssetFetchError("npm is not installed (Debian: apt-get install npm)")
    # Packed and not installed: nothing of the package, or of what it names, is run.
    words = ("pack", f"{package.name}@{package.version}", "--silent", "--ignore-scripts")
    _by_client("npm", ("npm", *words), "", package, store)


def _by_client(
    client: str,
    argv: Sequence[str],
    wanted: str,
    asset: WheelAsset | NpmAsset,
    store: AssetStore,
) -> None:
    """Have a registry's own client bring one file, and keep it if it is the one."""
    with tempfile.TemporaryDirectory(prefix="client-", dir=store.folder / "drafts") as folder:
        Path(folder, "wanted.txt").write_text(wanted)
        try:
            run = subprocess.run(
                argv, cwd=folder, capture_output=True, check=False, timeout=_CLIENT_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AssetFetchError(f"{client}: {type(error).__name__}") from error
        found = Path(folder, asset.file)
        if run.returncode or not found.is_file():
            said = run.stderr.decode("utf-8", "replace").strip().splitlines() or ["no such file"]
            raise AssetFetchError(f"{client}: {said[-1]}")
        if found.stat().st_size != asset.bytes or _digest(found) != asset.sha256:
            raise AssetFetchError(f"{client} gave another file than the list names")
        store.keep(found, store.blob(asset.sha256))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
