"""What an installation is told once, by hand: touchstone.toml in its home. It need not be there."""

import os
import stat
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, model_validator

from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.families.loading import FamilyChoice, LoadedFamilies, load_families
from touchstone.evaluation.families.registry import family_names
from touchstone.service.errors import ConfigurationError
from touchstone.service.homes import check_home
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.errors import TermsFileError

CONFIGURATION = "touchstone.toml"
MAX_BYTES = 1 << 16


class FamiliesText(Text):
    """Which families of tasks there are."""

    shipped: tuple[str, ...] = family_names()
    packages: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _possible(self) -> "FamiliesText":
        try:
            self.choice()
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None
        return self

    def choice(self) -> FamilyChoice:
        """The same, for whoever loads them."""
        return FamilyChoice(shipped=self.shipped, packages=self.packages)


class Configuration(Text):
    """The whole file."""

    families: FamiliesText = FamiliesText()


_TABLES: dict[str, type[BaseModel]] = {"families": FamiliesText}


def read_configuration(home: Path) -> Configuration:
    """What touchstone.toml in a home says; what stands for it where there is none.

    Raises:
        UnsafeHomeError: others may write there.
        ConfigurationError: it cannot be used; one line that names the file, the key and the fix.
    """
    if not os.path.lexists(home / CONFIGURATION):
        return Configuration()
    path = check_home(home) / CONFIGURATION
    text = _text(path)
    try:
        return read_toml(text, str(path), Configuration, _TABLES, MAX_BYTES)
    except TermsFileError as error:
        raise ConfigurationError(str(error)) from error


def families_of(home: Path) -> LoadedFamilies:
    """The families of the installation at a home: those that its configuration names, no other.

    Raises:
        ConfigurationError: as `read_configuration`, or a family cannot be loaded.
        UnsafeHomeError: others may write there.
    """
    chosen = read_configuration(home).families.choice()
    try:
        return load_families(chosen)
    except FamilyError as error:
        raise ConfigurationError(f"{home / CONFIGURATION}: {error}") from error


def _text(path: Path) -> str:
    """The file's text. It says which code runs here, so nobody else may write it.

    Raises ConfigurationError.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        why = "is a link: put the file itself there" if path.is_symlink() else error.strerror
        raise ConfigurationError(f"{path}: {why}") from error
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise ConfigurationError(f"{path}: is no file")
    with os.fdopen(handle, "rb") as file:
        if facts.st_uid not in {os.geteuid(), 0} or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigurationError(
                f"{path}: others may write it (user {facts.st_uid}, mode "
                f"{stat.S_IMODE(facts.st_mode):04o}), and it says which code runs here; fix: own "
                f"it, and chmod go-w {path}"
            )
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path}: is larger than {MAX_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
