"""Endpoints of models, as gateway.toml describes them: what a name means, and what goes there."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from touchstone.gateway.adapters.names import is_judged, is_reference
from touchstone.gateway.errors import GatewayConfigError
from touchstone.gateway.values import EnvName, Name, Url, is_loopback, secret
from touchstone.terms.document.reading import Text

KNOWN_PATHS = {
    "openai": {"/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings"},
    "anthropic": {"/v1/messages"},
}
"""Whose bodies the adapters know, by protocol."""
# Who calls, how long the body is and where it goes on to is said by the gateway alone.
_OWN_HEADERS = re.compile(
    r"(authorization|x-api-key|host|connection|keep-alive|te|trailer|upgrade|expect|cookie|accept"
    r"|anthropic-version|forwarded|(content|transfer|proxy|touchstone|x-forwarded)-.*)",
)
_HEADER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
# No dot and no escape: another server could read such a path as another one.
_PATH = re.compile(r"/v1(/[A-Za-z0-9][A-Za-z0-9_-]*)+")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _field(value: str) -> str:
    if not _FIELD.fullmatch(value):
        raise ValueError('is no field: write "top_k", or "messages.prefix" for one below')
    return _free(value)


def _free(value: str) -> str:
    """What no configuration admits, in whatever spelling: it is judged, or goes on nowhere."""
    # Admitted, it would go on unread, and say again what a decision was made about (ADR 132).
    if is_judged(value) or any(map(is_reference, value.split("."))):
        raise ValueError("is judged by the gateway, or reaches beyond a request: take it out")
    return value


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("is no header: write its name in lowercase")
    if _OWN_HEADERS.fullmatch(value):
        raise ValueError("is the gateway's own to write: take it out")
    return _free(value)


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("is no path: write /v1/ and what follows, as clients write it")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError("is not a word of letters, digits, _ and -")
    return value


FieldName = Annotated[str, AfterValidator(_field)]
HeaderName = Annotated[str, AfterValidator(_header)]
PathName = Annotated[str, AfterValidator(_path)]
Word = Annotated[str, AfterValidator(_word)]
QueryKey = Annotated[Word, AfterValidator(_free)]


class Upstream(Text):
    """One model name that clients may write, and what it means."""

    model: Name
    """As clients write it."""
    variant: Name
    """The variant of the terms that answers under it."""
    base_url: Url
    """With the version, such as http://127.0.0.1:9000/v1."""
    protocol: Literal["openai", "anthropic"] = "openai"
    upstream_model: Name | None = None
    """The name that the upstream knows; default: the same."""
    mode: Name | None = None
    """The one mode that answers under this name, whatever the request says."""
    modes: dict[str, Name] = Field(default_factory=dict)
    """From the request's reasoning effort to the mode of the terms; "default": none was asked."""
    api_key_env: EnvName | None = None
    api_key_file: Path | None = None
    insecure: bool = False
    """Reached over a network without TLS, because something else gives it."""
    fields: tuple[FieldName, ...] = ()
    """Fields of bodies that go on beside the known ones, such as top_k or messages.prefix."""
    headers: dict[HeaderName, tuple[str, ...]] = Field(default_factory=dict)
    """Headers that go on, each with the values that it may have; "*": any."""
    query: tuple[QueryKey, ...] = ()
    """Keys of a query that go on; in a list of models: limit, after_id, before_id."""
    paths: dict[PathName, PathName] = Field(default_factory=dict)
    """More paths, each with the known one whose bodies it has."""
    tools: tuple[Word, ...] = ()
    """Types of tools that the endpoint may run by itself, such as web_search."""
    stores_per_caller: bool = False
    """Whether what it stores is each caller's own: only then `store` goes on as it was asked."""
    stream_usage: bool = True
    """Whether it can be asked to say in a stream what was used."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        url = urlsplit(self.base_url)
        if url.scheme == "http" and not self.insecure and not is_loopback(url.hostname or ""):
            raise ValueError(
                "base_url goes over a network without TLS: write https://, or insecure = true"
            )
        if bool(self.mode) == bool(self.modes):
            raise ValueError("write mode (the only one) or [upstreams.modes], and not both")
        known = KNOWN_PATHS[self.protocol]
        # A known path that led elsewhere would have its bodies judged by the wrong shape.
        if self.paths.keys() & known or not {*self.paths.values()} <= known:
            raise ValueError(
                "paths leads from a path that is not known to one that is, such as"
                ' "/v1/messages/count_tokens" = "/v1/messages"'
            )
        if self.api_key_env and self.api_key_file:
            raise ValueError("write api_key_env or api_key_file, and not both")
        return self

    def api_key(self) -> str | None:
        """The upstream's key; None where it wants none. Raises GatewayConfigError."""
        key = secret(self.api_key_env, self.api_key_file, "api_key")
        # Found here and not by the first request, which no header could carry it for. The key
        # itself is in no message.
        if key is not None and not (key.isascii() and key.isprintable()):
            raise GatewayConfigError(
                f"api_key of {self.model}: is not one line of ASCII: correct it"
            )
        return key
