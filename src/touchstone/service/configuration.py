"""What an installation is told once, by hand: touchstone.toml in its home. It need not be there."""

import os
import re
import stat
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, model_validator

from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.families.loading import FamilyChoice, LoadedFamilies, load_families
from touchstone.evaluation.families.registry import family_names
from touchstone.ledger import MalformedError, parse_vkey
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.service.errors import ConfigurationError
from touchstone.service.homes import check_home
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.errors import TermsFileError

CONFIGURATION = "touchstone.toml"
MAX_BYTES = 1 << 16
_PACK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
ON_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class FamiliesText(Text):
    """Which families of tasks there are."""

    shipped: tuple[str, ...] = family_names()
    packages: dict[str, str] = Field(default_factory=dict)
    packs: tuple[str, ...] = ()
    """Registered packs that criteria may name as their family."""

    @model_validator(mode="after")
    def _possible(self) -> "FamiliesText":
        try:
            named = self.choice().named
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None
        for place, name in enumerate(self.packs):
            if not _PACK.fullmatch(name):
                raise ValueError(f"packs: {name!a}: a pack in a review has an id in kebab-case")
            if name in named or name in self.packs[:place]:
                raise ValueError(f"packs: {name!r} is there twice: take one out")
        return self

    def choice(self) -> FamilyChoice:
        """The same, for whoever loads them."""
        return FamilyChoice(shipped=self.shipped, packages=self.packages)


class WitnessText(Text):
    """A witness that is asked to cosign: where it answers, and its key."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    """What it is called here."""
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    """Its submission prefix, as C2SP's tlog-witness calls it."""
    vkey: Annotated[str, Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _possible(self) -> "WitnessText":
        try:
            address = urlsplit(self.url)
            # Asked for, since only then is it looked at.
            _ = address.port
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        plain = not (address.username or address.password or address.query or address.fragment)
        if address.scheme not in {"http", "https"} or not address.hostname or not plain:
            raise ValueError("url: write http:// or https://, a host and a path, and no more")
        try:
            parse_vkey(self.vkey, COSIGNATURE_V1)
        except MalformedError as error:
            raise ValueError(f"vkey: {error}") from None
        return self


LEAST_PREFIX = 7
"""Bits of a network that webhooks may go to, at least: that of IPv6 for private addresses has 7."""
# Where clouds tell a machine its own secrets.
_OWN = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"), ip_network("fd00:ec2::/32"))


HostName = Annotated[str, Field(pattern=r"^[a-z0-9.:-]{1,253}$")]
"""Of a host, as an address has it: in small letters, without a port."""


class NoticesText(Text):
    """How people are told that deeds wait for them."""

    link: Annotated[str, Field(pattern=r"^https?://[^\s]{1,500}$")]
    """Where they go on reading: an address of this server, or of its pages."""
    sender: Annotated[str, Field(pattern=r"^[^\s<>@]{1,64}@[A-Za-z0-9.-]{1,190}$")] = ""
    """From whom mail comes; without one no mail is sent."""
    smtp_host: Annotated[str, Field(max_length=253)] = "localhost"
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for a mail server on this machine alone."""
    smtp_user: Annotated[str, Field(max_length=320)] = ""
    smtp_password_env: Annotated[str, Field(max_length=128)] = ""
    """The environment variable that holds the password."""
    by_server: bool = True
    """Whether `touchstone serve` sends them; else `touchstone notices send` alone does."""
    private_webhooks: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    """Networks that are not of the Internet to which webhooks may go, as `10.1.0.0/16`."""

    webhook_hosts: Annotated[tuple[HostName, ...] | None, Field(max_length=256)] = None
    """To which hosts webhooks may go, and no others; without it to any that leads where it may."""

    @model_validator(mode="after")
    def _possible(self) -> "NoticesText":
        for each in self.private_webhooks:
            try:
                network = ip_network(each)
            except ValueError as error:
                raise ValueError(f"private_webhooks: {error}") from None
            if network.prefixlen < LEAST_PREFIX or any(network.overlaps(own) for own in _OWN):
                raise ValueError(
                    f"private_webhooks: {each} would let people have this server ask about itself:"
                    " name the networks in which webhooks answer"
                )
        if urlsplit(self.link).scheme == "http" and not self._is_here(self.link):
            raise ValueError("link: write https://: people sign in where it leads")
        if self.smtp_security == "none" and self.smtp_host not in ON_THIS_MACHINE:
            raise ValueError(
                'smtp_security: "none" is for a mail server on this machine: write "starttls"'
            )
        if bool(self.smtp_user) != bool(self.smtp_password_env):
            raise ValueError("smtp_user and smtp_password_env go together: write both")
        return self

    @staticmethod
    def _is_here(link: str) -> bool:
        return urlsplit(link).hostname in ON_THIS_MACHINE


class Configuration(Text):
    """The whole file."""

    families: FamiliesText = FamiliesText()
    witnesses: Annotated[tuple[WitnessText, ...], Field(max_length=32)] = ()
    notices: NoticesText | None = None
    """None: nobody is sent anything."""

    @model_validator(mode="after")
    def _distinct(self) -> "Configuration":
        if len({each.name for each in self.witnesses}) < len(self.witnesses):
            raise ValueError("two witnesses have one name: give each its own")
        # Under two names one witness would count as two.
        keys = {parse_vkey(each.vkey, COSIGNATURE_V1).public_key for each in self.witnesses}
        if len(keys) < len(self.witnesses):
            raise ValueError("two witnesses have one key: take one out")
        return self


_TABLES: dict[str, type[BaseModel]] = {
    "families": FamiliesText,
    "witnesses": WitnessText,
    "notices": NoticesText,
}


def read_configuration(home: Path) -> Configuration:
    """What touchstone.toml in a home says; what stands for it where there is none.

    Raises:
        UnsafeHomeError: others may write there.
        ConfigurationError: it cannot be used; one line that names the file, the key and the fix.
    """
    # A link that leads nowhere is a mistake of somebody's, and not a file that is missing.
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
    said = read_configuration(home).families
    chosen, named = said.choice(), said.packs
    try:
        loaded = load_families(chosen)
        if not named:
            return loaded
        # Only then: what freezes and runs packs takes long to load.
        from touchstone.evaluation.packs.family import load_packs  # noqa: PLC0415

        return loaded.with_packs(load_packs(home, named))
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
