"""What one run of the tests makes once, for all of its workers and for what they fork."""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

FOLDER = "TESTS_SHARED"
"""Names the folder that the workers of one run share."""


def folder() -> Path:
    """The folder of this run; it goes with pytest's own."""
    return Path(os.environ[FOLDER])


def made_once(name: str, make: Callable[[Path], object], own: Path) -> Path:
    """What the first worker that asks has `make` write into a folder, copied to `own`.

    So no worker sees what another does to it. Others wait meanwhile: they would make the same.
    """
    place = folder() / name
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            making = Path(tempfile.mkdtemp(dir=folder()))
            make(making)
            making.rename(place)
    return shutil.copytree(place, own, dirs_exist_ok=True)


def keep_pictures() -> None:
    """From now on, in this process and in those forked from it, each picture is drawn once.

    Drawing takes a fifth of a second of a core, and most tests that render a page show the same
    few pictures. One is known by all of its specification: another one is drawn.
    """
    charts = sys.modules["touchstone.editions.page.charts"]
    draw: Callable[[str], str] = vars(charts)["_svg"]
    kept = folder() / "pictures"
    kept.mkdir(exist_ok=True)

    @lru_cache(maxsize=64)
    def drawn(spec: str) -> str:
        path = kept / hashlib.sha256(spec.encode()).hexdigest()
        with suppress(FileNotFoundError):
            return path.read_text("utf-8")
        picture = draw(spec)
        # Where the disk is full or closed to this process, it is drawn again next time.
        with suppress(OSError), tempfile.NamedTemporaryFile("w", dir=kept, delete=False) as file:
            file.write(picture)
            file.flush()
            Path(file.name).replace(path)
        return picture

    vars(charts)["_svg"] = drawn
