"""Single values of gateway.toml, each checked by itself; and secrets, which it only names."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from touchstone.gateway.errors import GatewayConfigError
from touchstone.keys import read_secret
from touchstone.keys.errors import KeyFileError
from touchstone.ledger import fingerprint, has_small_order
from touchstone.ledger.errors import MalformedError


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url(value: str) -> str:
    try:
        url = urlsplit(value)
        # The port is checked by the standard library only when it is read.
        _ = url.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("is not a URL: write http:// or https:// and a host")
    # Errors and logs name this address: a secret in it would be told with them.
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("holds a user, a password, a query or a fragment: take it out")
    return value.rstrip("/")


def _safe_url(value: str) -> str:
    url = urlsplit(_url(value))
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("goes over a network without TLS: write https://")
    return value.rstrip("/")


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}", value):
        raise ValueError("is no name: write up to 128 letters, digits and . _ : / @ -")
    return value


def _env_name(value: str) -> str:
    # Keys hold lowercase letters: one that was pasted in the place of its name is refused here.
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", value):
        raise ValueError("is not the name of a variable, such as EXAMPLE_KEY: never the key itself")
    return value


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or len(value) > 64:  # noqa: PLR2004 - said
        raise ValueError("is no id: write up to 64 lowercase letters and digits, with hyphens")
    return value


def _public_key(value: str) -> str:
    try:
        key = bytes.fromhex(value)
        fingerprint(key)
    except (ValueError, MalformedError) as error:
        raise ValueError("is not an Ed25519 public key: write its 64 hex digits") from error
    # Of eight such keys a signature can be made that holds for many messages (ADR 14).
    if has_small_order(key):
        raise ValueError("is a key for which anyone can sign: ask the developer for another")
    return value


Url = Annotated[str, AfterValidator(_url)]
SafeUrl = Annotated[str, AfterValidator(_safe_url)]
Name = Annotated[str, AfterValidator(_name)]
EnvName = Annotated[str, AfterValidator(_env_name)]
Id = Annotated[str, AfterValidator(_id)]
Seconds = Annotated[float, Field(ge=0.001, le=86400)]
Port = Annotated[int, Field(ge=0, le=65535)]
PublicKey = Annotated[str, AfterValidator(_public_key)]


def secret(env: str | None, file: Path | None, what: str) -> str | None:
    """The secret that a variable or a 0600 file holds; None where neither is named."""
    if env is not None:
        # Set and empty is as good as not set: an empty key would be sent as one.
        value = os.environ.get(env, "")
        if not value:
            raise GatewayConfigError(f"{what}_env: the variable {env} is not set: set it")
        return value
    if file is None:
        return None
    try:
        value = read_secret(file).decode().strip()
    except UnicodeDecodeError as error:
        raise GatewayConfigError(f"{file}: is not text: write the secret alone") from error
    except KeyFileError as error:
        raise GatewayConfigError(str(error)) from error
    if not value:
        raise GatewayConfigError(f"{file}: is empty: write the secret alone")
    return value
