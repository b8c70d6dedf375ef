"""The folder that a gateway watches for bundles."""

from dataclasses import dataclass
from pathlib import Path

from touchstone.keys.files import write_file
from touchstone.service.errors import CannotOrderError

_PENDING = ".pending"
"""Ends the name of a bundle that no record has yet: gateways take `NUMBER.bundle` alone."""


@dataclass(frozen=True)
class BundleFolder:
    """Where commands and the demo lay bundles: a `BundleShelf` of files."""

    path: Path

    def prepare(self) -> None:
        """Make the folder. Raises CannotOrderError where it can be none."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            place, why = str(self.path), str(error.strerror)
            raise CannotOrderError("shelf-unusable", place=place, why=why) from error

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return (self.path / name).exists()

    def require_free(self, name: str) -> None:
        """Raise CannotOrderError where there is one."""
        if self.has(name):
            raise CannotOrderError("shelf-taken", place=str(self.path), name=name)

    def put(self, name: str, data: bytes) -> None:
        """Write a file, whole and durable."""
        write_file(self.path / name, [data])

    def keep(self, name: str, data: bytes) -> None:
        """Write a file beside, which no gateway takes for a bundle."""
        write_file(self.path / f"{name}{_PENDING}", [data])

    def read(self, name: str) -> bytes | None:
        """The bytes of a bundle, or of one that is kept beside; None: there is neither."""
        for place in (self.path / name, self.path / f"{name}{_PENDING}"):
            if place.is_file():
                return place.read_bytes()
        return None

    def place_of(self, name: str) -> str:
        """Its path."""
        return str(self.path / name)
