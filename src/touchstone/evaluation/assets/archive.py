"""One archive with all that a list names, or files as somebody has them: without a network."""

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from touchstone.evaluation.assets import bundles
from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import AssetList, GitAsset
from touchstone.evaluation.assets.store import AssetState, AssetStore
from touchstone.handin import printable_line

_BLOCK = 1 << 20


def pack_assets(listed: AssetList, store: AssetStore, out: Path) -> int:
    """Write the archive; the same list gives the same bytes, bundles of git aside.

    Returns:
        How many files are in it.

    Raises:
        AssetError: something is missing or altered here, or there is a file of that name.
    """
    for state in store.states(listed):
        if state.state in {"missing", "altered"}:
            raise AssetError(
                f"{state}; pull it: touchstone assets pull PLACE, the pack's folder or the list"
            )
    paths = {f"blobs/{file.sha256}": store.blob(file.sha256) for file in listed.files}
    paths |= {f"bundles/{each.commit}": store.bundle(each) for each in listed.git}
    try:
        with out.open("xb") as file, tarfile.open(fileobj=file, mode="w|") as packed:
            for name, path in sorted(paths.items()):
                entry = tarfile.TarInfo(name)
                entry.size = path.stat().st_size
                with path.open("rb") as content:
                    packed.addfile(entry, content)
    except FileExistsError:
        raise AssetError(f"{out}: is there already; name another file") from None
    except OSError as error:
        raise AssetError(f"{out}: cannot be written: {error.strerror}") from error
    return len(paths)


def pull_from(archive: Path, listed: AssetList, store: AssetStore) -> Iterator[AssetState]:
    """Take from an archive, or a folder, what the list names; tells of each asset how it stands.

    Of a folder each file is taken by what is in it, whatever it is called, and others are let be.

    Raises:
        AssetError: it is no such archive, or holds what the list does not name.
    """
    store.prepare()
    store.drop_views(listed)
    if archive.is_dir():
        try:
            _take_all(archive, listed, store)
        except OSError as error:
            where = printable_line(str(error.filename or archive))
            raise AssetError(f"{where}: {(error.strerror or 'cannot be read').lower()}") from error
        yield from store.states(listed)
        return
    sizes = {f"blobs/{file.sha256}": file.bytes for file in listed.files}
    commits = {f"bundles/{each.commit}": each for each in listed.git}
    try:
        with tarfile.open(archive, mode="r|") as packed:
            for entry in packed:
                content = packed.extractfile(entry) if entry.isreg() else None
                if content is None or entry.name not in sizes.keys() | commits.keys():
                    shown = printable_line(entry.name, 80)
                    raise AssetError(f"{archive}: holds {shown!a}, which the list does not name")
                if entry.name in commits:
                    _take_bundle(content, entry.size, commits[entry.name], store)
                elif entry.size == sizes[entry.name]:
                    _take(content, entry.name.removeprefix("blobs/"), store)
    except (tarfile.TarError, EOFError) as error:
        raise AssetError(f"{archive}: is no archive of assets, or was cut off") from error
    except OSError as error:
        raise AssetError(f"{archive}: {(error.strerror or 'cannot be read').lower()}") from error
    yield from store.states(listed)


def _take_all(folder: Path, listed: AssetList, store: AssetStore) -> None:
    sizes: dict[int, list[str]] = {}
    for file in listed.files:
        sizes.setdefault(file.bytes, []).append(file.sha256)
    for path in sorted(folder.rglob("*")):
        # What a link leads to lies elsewhere, and a pipe has no end.
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        # By its size first: most of a folder is not read at all.
        for sha256 in sizes.get(size, ()):
            with path.open("rb") as content:
                _take(content, sha256, store)
        for asset in listed.git if path.suffix == ".bundle" else ():
            with path.open("rb") as content:
                _take_bundle(content, size, asset, store)


def _take(content: IO[bytes], sha256: str, store: AssetStore) -> None:
    draft = store.draft(f"{sha256}.packed")
    found = hashlib.sha256()
    try:
        with draft.open("wb") as out:
            while block := content.read(_BLOCK):
                found.update(block)
                out.write(block)
        if found.hexdigest() == sha256:
            store.keep(draft, store.blob(sha256))
    finally:
        draft.unlink(missing_ok=True)


def _take_bundle(content: IO[bytes], size: int, asset: GitAsset, store: AssetStore) -> None:
    if size > asset.bytes:
        return
    draft = store.draft(f"{asset.commit}.packed")
    try:
        with draft.open("wb") as out:
            while block := content.read(_BLOCK):
                out.write(block)
        if not bundles.bundle_fault(draft, asset.commit):
            store.keep(draft, store.bundle(asset))
    finally:
        draft.unlink(missing_ok=True)
