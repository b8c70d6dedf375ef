"""Which programs of this machine the sandbox is built from, and where its interpreter is."""

import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_MENDS = {
    "bwrap": "install bubblewrap 0.8 or newer (Debian: apt install bubblewrap)",
    "unshare": "install util-linux (Debian: apt install util-linux)",
    "mount": "install mount (Debian: apt install mount)",
    "setpriv": "install util-linux (Debian: apt install util-linux)",
}


@dataclass(frozen=True)
class Tools:
    """Absolute paths, and what is missing with its fix."""

    paths: dict[str, str]
    python: str
    """An interpreter that any user can reach; empty: none."""
    binds: tuple[str, ...]
    """Folders beyond `/usr` that the interpreter needs in view."""
    missing: tuple[tuple[str, str], ...]
    libraries: tuple[tuple[str, str], ...] = ()
    """Folders of this machine that are seen read-only, each with the place where it is seen."""


@cache
def find_tools() -> Tools:
    """Look once; the answer holds for the process."""
    wanted = ["bwrap", "unshare", "mount"] + (["setpriv"] if os.geteuid() == 0 else [])
    paths = {name: path for name in wanted if (path := shutil.which(name, path=SYSTEM_PATH))}
    missing = [(name, _MENDS[name]) for name in wanted if name not in paths]
    python, binds = _python()
    if not python:
        missing.append(
            (
                "python3",
                (
                    "install a system Python that every user can reach"
                    f" (Debian: apt install python3); {sys.executable} lies where others cannot"
                ),
            )
        )
    return Tools(paths, python, binds, tuple(missing))


def _python() -> tuple[str, tuple[str, ...]]:
    for candidate in ("/usr/bin/python3", "/usr/local/bin/python3"):
        real = Path(candidate).resolve()
        if reachable(real) and real.is_relative_to("/usr"):
            return candidate, ()
    prefix = Path(sys.base_prefix).resolve()
    own = prefix / "bin" / "python3"
    # Only an interpreter in a folder of its own: never a home, never the root.
    if reachable(own) and own.resolve().is_relative_to(prefix) and len(prefix.parts) > 2:  # noqa: PLR2004 - "/" and one more
        return str(own), (str(prefix),)
    return "", ()


def reachable(path: Path) -> bool:
    """Whether any user may run the file and enter every folder above it."""
    try:
        return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))
    except OSError:
        return False
