"""The assets of a pack as its process is given them: read-only, held against their digests."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import AssetList
from touchstone.evaluation.assets.store import SETTING, AssetStore, package_place
from touchstone.evaluation.packs.errors import PackError

WHERE = "/opt/touchstone/assets"
OFFLINE: Mapping[str, str] = {
    # Each of these asks the network otherwise, again and again, before it gives up.
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class GivenAssets:
    """What of this machine a pack's process sees beside the system and the installed packages."""

    libraries: tuple[tuple[str, str], ...] = ()
    """Folders, each with the place where it is seen."""
    environment: Mapping[str, str] = field(default_factory=lambda: OFFLINE)
    paths: tuple[str, ...] = ()
    """Where it imports from, after all that is installed."""


NOTHING = GivenAssets()


def given_assets(listed: AssetList | None, folder: Path | None, *, items: bool) -> GivenAssets:
    """What a process is given of a list.

    Args:
        listed: The pack's list; None: it has none.
        folder: Where assets are kept on this machine.
        items: Whether what holds items is in view.

    Raises:
        PackError: something is missing or altered, or the process's user cannot read it.
    """
    if listed is None:
        return NOTHING
    if folder is None:
        raise PackError("the pack names assets, and no folder of assets is known here")
    try:
        view = AssetStore(folder).view(listed, items=items)
    except AssetError as error:
        raise PackError(f"an asset cannot be given: {error}") from error
    if os.geteuid() == 0 and not open_to_all(view):
        raise PackError(
            f"{view}: a pack's process runs as a user of its own, who cannot read this; set"
            f" {SETTING} to a folder that every user can read, such as /var/lib/touchstone-assets,"
            " and pull anew"
        )
    environment = {
        "HF_HUB_CACHE": f"{WHERE}/hub",
        "TIKTOKEN_CACHE_DIR": f"{WHERE}/vocabularies",
        SETTING: WHERE,
    }
    wheels = [file for file in listed.files if file.wheel is not None]
    return GivenAssets(
        ((str(view), WHERE),),
        {**OFFLINE, **environment},
        tuple(f"{WHERE}/{package_place(file)}" for file in wheels),
    )


def open_to_all(folder: Path) -> bool:
    """Whether any user may list the folder and enter it, and all above it."""
    return all(step.stat().st_mode & 0o005 == 0o005 for step in (folder, *folder.parents))  # noqa: PLR2004 - read and enter, for others
