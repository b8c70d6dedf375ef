"""`touchstone assets`: what tasks need beside their code, by digest, pulled and carried."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from touchstone.cli.output import Json, show, show_json, waiting, warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from touchstone.evaluation.assets.listing import AssetList
    from touchstone.evaluation.assets.store import AssetState, AssetStore

DONE, NO = 0, 1
assets = App(
    name="assets",
    help="What packs and families name by digest: data sets, packages, repositories, vocabularies.",
)


@assets.command(name="list")
def list_assets(place: Path, *, json: Json = False) -> int:
    """Show what a list names: what each asset is, how large, its digest and where it is had.

    Nothing is read or asked for beside the list.

    Args:
        place: A pack's folder, an assets.toml, or the name of a shipped family that needs assets.
    """
    listed = _listed(place)
    if json:
        show_json({"digest": listed.digest, **listed.model_dump(mode="json")})
        return DONE
    for file in listed.files:
        told = "items, " if file.items else ""
        show(f"{file.title}: {told}{file.bytes} bytes, sha256:{file.sha256}; {file.where}")
    for asset in listed.git:
        show(f"git {asset.url}@{asset.commit}: at most {asset.bytes} bytes")
    for image in listed.image:
        show(f"image {image.name}@{image.digest}: not pulled here")
    show(f"list {listed.digest}")
    return DONE


@assets.command
def pull(place: Path, *, from_: Path | None = None, json: Json = False) -> int:
    """Pull what a list names and is not here: over HTTPS, by pip, npm and git.

    What is not as the list names it is not kept. What was cut off is gone on with the next time.
    Exit 1: something is not here afterwards.

    Args:
        place: A pack's folder, an assets.toml, or the name of a shipped family that needs assets.
        from_: An archive that `touchstone assets pack` wrote, or a folder with the files, whatever
            they are called there; nothing is asked of any network then.
    """
    from touchstone.evaluation.assets.archive import pull_from
    from touchstone.evaluation.assets.fetching import pull as fetch

    listed, store = _listed(place), _store(made=True)
    with waiting("pulling") as say:
        states = []
        for each in fetch(listed, store) if from_ is None else pull_from(from_, listed, store):
            states.append(each)
            say(f"pulling: {len(states)} of {len(listed.files) + len(listed.git)}")
    _warn_of_closed(store)
    return _told(states, json)


def _warn_of_closed(store: "AssetStore") -> None:
    """Say at once what a pack would be refused for: as root its process is a user of its own."""
    import os

    from touchstone.evaluation.assets.store import SETTING
    from touchstone.evaluation.packs.given import open_to_all

    if os.geteuid() == 0 and not open_to_all(store.folder):
        warn(
            f"{store.folder}: a pack's process runs as a user of its own, who cannot read this; set"
            f" {SETTING} to a folder that every user can read, such as /var/lib/touchstone-assets,"
            f" and pull again, with --from {store.folder} from here"
        )


@assets.command
def verify(place: Path, *, json: Json = False) -> int:
    """Read again all that a list names, and say whether it is here as it is named.

    Exit 1: something is missing or altered, or cannot be had here.

    Args:
        place: A pack's folder, an assets.toml, or the name of a shipped family that needs assets.
    """
    return _told(_store().states(_listed(place)), json)


@assets.command
def pack(place: Path, *, out: Path) -> int:
    """Write one archive with all that a list names, for a centre that has no network.

    Args:
        place: A pack's folder, an assets.toml, or the name of a shipped family that needs assets.
        out: The archive; there is no such file yet.
    """
    from touchstone.evaluation.assets.archive import pack_assets

    count = pack_assets(_listed(place), _store(), out)
    files = "1 file" if count == 1 else f"{count} files"
    show(f"{out}: {files}; there: touchstone assets pull {place} --from {out}")
    return DONE


def _told(states: "Iterable[AssetState]", json: bool) -> int:
    found = list(states)
    if json:
        show_json([vars(each) for each in found])
    for each in [] if json else found:
        show(str(each))
    return DONE if all(each.state == "here" for each in found) else NO


def _listed(place: Path) -> "AssetList":
    from touchstone.evaluation.assets.errors import AssetError
    from touchstone.evaluation.assets.listing import LISTING, MOST_LISTING, parse_assets
    from touchstone.evaluation.families.registry import assets_of_family
    from touchstone.keys.named_files import open_named

    path = place / LISTING if place.is_dir() else place
    named = None if place.exists() else assets_of_family(str(place))
    if named is not None:
        return parse_assets(named)
    try:
        with open_named(path) as file:
            return parse_assets(file.read(4 * MOST_LISTING + 1))
    except FileNotFoundError:
        raise AssetError(f"{path}: there is no such list; see the how-to page on assets") from None
    except OSError as error:
        raise AssetError(f"{path}: cannot be read: {error.strerror}") from error


def _store(*, made: bool = False) -> "AssetStore":
    """The store; `made`: with its home, which must not come to be as open as what lies in it."""
    from touchstone.evaluation.assets.store import AssetStore, store_folder
    from touchstone.service.homes import check_home, home_folder, make_home

    home = check_home(home_folder())
    folder = store_folder(home)
    if made and folder.is_relative_to(home):
        make_home(home)
    return AssetStore(folder)
