"""Whose code makes a family's items: its distribution, its version, and a digest of its files."""

import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from touchstone.evaluation.digests import Frozen, digest_bytes, digest_value

SHIPPED = "touchstone"
"""The distribution of the families that come with Touchstone."""
_SHARED = ("base.py", "draws.py", "naming.py", "twins.py", "claims")
"""What the shipped families have in common: files, and folders whole."""
_SHORT = 19


class FamilyCode(Frozen):
    """Whose code makes a family's items. It is sealed with a battery."""

    distribution: str
    """Its name, in lower case with hyphens."""
    version: str
    digest: str
    """Of every file of the package that the family stands in; not of what that package imports."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version} ({self.digest[:_SHORT]})"


def package_digest(module: str) -> str:
    """Digest of the files of the package that an imported module stands in, or of the module's own.

    A folder above without code of its own (a namespace) is others' as well, and is not looked at.

    Raises:
        OSError: they are no files, or cannot be read.
    """
    steps = module.split(".")
    for count in range(1, len(steps) + 1):
        above = sys.modules[".".join(steps[:count])]
        if above.__file__:
            place = Path(above.__file__)
            return _digest(
                _below(place.parent) if hasattr(above, "__path__") else {place.name: place}
            )
    raise FileNotFoundError(f"{module} has no file")


def shipped_digest(package: str) -> str:
    """Digest of the files of a shipped family, and of what the shipped ones share."""
    here = Path(__file__).parent
    shared: dict[str, Path] = {}
    for each in _SHARED:
        if (here / each).is_dir():
            shared |= {f"../{each}/{name}": path for name, path in _below(here / each).items()}
        else:
            shared[f"../{each}"] = here / each
    return _digest({**_below(Path(str(resources.files(package)))), **shared})


def _digest(files: Mapping[str, Path]) -> str:
    return digest_value({name: digest_bytes(path.read_bytes()) for name, path in files.items()})


def _below(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
