"""What was pulled, by its digest; and from it the folder that a process is given.

A file is believed for its digest alone, each time that a process is to get it. Within this process
one that the system says was not touched since is not read again.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from touchstone.evaluation.assets import bundles
from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import AssetFile, AssetList, GitAsset
from touchstone.evaluation.assets.wheels import changed_in, unpack_wheel
from touchstone.handin import printable_line
from touchstone.keys.files import move_folder, take_place

SETTING = "TOUCHSTONE_ASSETS"
_BLOCK = 1 << 20
_READ: dict[tuple[int, ...], str] = {}
State = Literal["here", "missing", "altered", "not pulled here"]


@dataclass(frozen=True)
class AssetState:
    """How one asset stands here."""

    title: str
    state: State
    why: str = ""

    def __str__(self) -> str:
        return f"{self.title}: {self.state}" + (f" ({self.why})" if self.why else "")


def store_folder(home: Path) -> Path:
    """Where assets are kept: TOUCHSTONE_ASSETS, or below the home."""
    return Path(os.environ.get(SETTING) or home / "assets")


class AssetStore:
    """The assets of one folder. They are no secrets: any user may read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder and what is in it.

        Raises:
            AssetError: it cannot be made.
        """
        try:
            for name in ("", "blobs", "bundles", "drafts", "views"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
                (self.folder / name).chmod(0o755)
        except OSError as error:
            raise AssetError(f"{self.folder}: cannot be made: {error.strerror}") from error

    def blob(self, sha256: str) -> Path:
        """Where a file lies."""
        return self.folder / "blobs" / sha256

    def bundle(self, asset: GitAsset) -> Path:
        """Where a bundle lies."""
        return self.folder / "bundles" / f"{asset.commit}.bundle"

    def draft(self, name: str) -> Path:
        """Where what is on its way is kept."""
        return self.folder / "drafts" / name

    def keep(self, draft: Path, path: Path) -> None:
        """Give what came, and was found to be what it should, its place."""
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.chmod(0o444)
        # What was altered gives way; to another process that kept the same meanwhile, this does.
        path.unlink(missing_ok=True)
        with contextlib.suppress(FileExistsError):
            take_place(draft, path)

    def state_of(self, file: AssetFile) -> AssetState:
        """Whether a file is here, as it should be."""
        return _state(file.title, self.blob(file.sha256), file.sha256)

    def bundle_state(self, asset: GitAsset) -> AssetState:
        """Whether a bundle is here and holds its commit."""
        title, path = f"git {asset.url}@{asset.commit}", self.bundle(asset)
        if not path.is_file():
            return AssetState(title, "missing")
        fault = bundles.bundle_fault(path, asset.commit)
        return AssetState(title, "altered" if fault else "here", fault)

    def states(self, listed: AssetList) -> Iterator[AssetState]:
        """How each asset of a list stands here."""
        for file in listed.files:
            yield self.state_of(file)
        for asset in listed.git:
            yield self.bundle_state(asset)
        for image in listed.image:
            why = "no process here can run an image; take it with a tool for containers"
            yield AssetState(f"image {image.name}@{image.digest[:19]}", "not pulled here", why)

    def drop_views(self, listed: AssetList) -> None:
        """Have what processes are given made anew the next time."""
        for items in (True, False):
            shutil.rmtree(self._view_folder(listed, items=items), ignore_errors=True)

    def _view_folder(self, listed: AssetList, *, items: bool) -> Path:
        name = listed.digest.removeprefix("sha256:") + ("-items" if items else "")
        return self.folder / "views" / name

    def view(self, listed: AssetList, *, items: bool) -> Path:
        """The folder with all that a process is given, each file held against its digest.

        Args:
            listed: What is named.
            items: Whether what holds items is in it.

        Raises:
            AssetError: something is missing or altered; names the first, and the fix.
        """
        folder = self._view_folder(listed, items=items)
        try:
            if not folder.is_dir():
                self._make_view(listed, folder, items=items)
            self._check_view(listed, folder, items=items)
        except OSError as error:
            where = printable_line(str(error.filename or folder))
            raise AssetError(f"{where}: cannot be read or made: {error.strerror}") from error
        return folder

    def _make_view(self, listed: AssetList, folder: Path, *, items: bool) -> None:
        for state in self.states(listed):
            if state.state in {"missing", "altered"}:
                raise AssetError(
                    f"{state}; pull it: touchstone assets pull PLACE, the pack's folder or the list"
                )
        draft = Path(tempfile.mkdtemp(prefix="view-", dir=self.folder / "drafts"))
        try:
            draft.chmod(0o755)
            for file in _given(listed, items=items):
                path = _below(draft, file.place)
                os.link(self.blob(file.sha256), path)
                if file.wheel is not None:
                    unpack_wheel(path, draft / package_place(file))
            for place, text in _references(listed, items=items):
                _below(draft, place).write_text(text)
            for asset in listed.git:
                if items or not asset.items:
                    os.link(self.bundle(asset), _below(draft, f"git/{asset.commit}.bundle"))
            # Another process may have made the same one meanwhile.
            with contextlib.suppress(FileExistsError):
                move_folder(draft, folder)
        except OSError as error:
            if not folder.is_dir():
                raise AssetError(f"{folder}: cannot be made: {error.strerror}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check_view(self, listed: AssetList, folder: Path, *, items: bool) -> None:
        allowed: set[str] = set()
        for file in _given(listed, items=items):
            allowed.add(file.place)
            _refuse(_state(file.title, folder / file.place, file.sha256))
            if file.wheel is None:
                continue
            place = package_place(file)
            if changed := changed_in(folder / file.place, folder / place):
                _refuse(AssetState(file.title, "altered", changed))
            allowed.add(f"{place}/")
        for place, text in _references(listed, items=items):
            allowed.add(place)
            if (folder / place).read_text() != text:
                _refuse(AssetState(place, "altered"))
        for asset in listed.git:
            if items or not asset.items:
                place = f"git/{asset.commit}.bundle"
                allowed.add(place)
                fault = bundles.bundle_fault(folder / place, asset.commit)
                title = f"git {asset.url}@{asset.commit}"
                _refuse(AssetState(title, "altered" if fault else "here", fault))
        _refuse_strange(folder, allowed)


def package_place(file: AssetFile) -> str:
    """Where a wheel lies unpacked."""
    return f"packages/{file.sha256[:16]}"


def _given(listed: AssetList, *, items: bool) -> Iterator[AssetFile]:
    return (file for file in listed.files if items or not file.items)


def _references(listed: AssetList, *, items: bool) -> Iterator[tuple[str, str]]:
    """Names of revisions in the cache of the Hub's client."""
    for hub in listed.hub:
        if items or not hub.items:
            for name in hub.names:
                yield f"{hub.folder}/refs/{name}", hub.revision


def _below(folder: Path, place: str) -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _refuse(state: AssetState) -> None:
    if state.state != "here":
        raise AssetError(
            f"{state}; pull it anew: touchstone assets pull PLACE, the pack's folder or the list"
        )


def _refuse_strange(folder: Path, allowed: set[str]) -> None:
    """Refuse a view in which something lies that is none of the list's."""
    for above, _, names in os.walk(folder):
        for name in names:
            place = (Path(above) / name).relative_to(folder).as_posix()
            package = "/".join(place.split("/")[:2]) + "/"
            if place not in allowed and package not in allowed:
                where = printable_line(place)
                raise AssetError(
                    f"{where}: is no asset of the list; pull anew: touchstone assets pull"
                )


def _state(title: str, path: Path, sha256: str) -> AssetState:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return AssetState(title, "missing")
    if not stat.S_ISREG(facts.st_mode):
        return AssetState(title, "altered", "no regular file")
    if sha256_of(path) != sha256:
        return AssetState(title, "altered", "its digest is another one")
    return AssetState(title, "here")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        # Of these the last cannot be set back by who changes the file.
        known = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        if known not in _READ:
            found = hashlib.sha256()
            while block := file.read(_BLOCK):
                found.update(block)
            _READ[known] = found.hexdigest()
    return _READ[known]
