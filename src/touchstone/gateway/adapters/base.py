"""What an adapter finds in a request, and how it refuses one that it cannot read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from touchstone.gateway.errors import RefusedError

NOT_ASKED = "default"
"""The setting of a request that says nothing about reasoning."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request asks for, as far as a decision needs to know."""

    model: str
    """As the caller wrote it."""
    setting: str = NOT_ASKED
    """Every word about reasoning in the request, in a fixed order, joined by `+`."""
    stream: bool = False


class Adapter(Protocol):
    """One API: which paths it has, what a request asks for, and the form of its errors."""

    name: str
    """As in `protocol` of gateway.toml."""
    paths: Mapping[str, str]
    """From each path of a POST to what is put after the upstream's base URL."""

    def read(self, path: str, body: bytes) -> Ask:
        """What the body of a POST to `path` asks for; RefusedError where it cannot be told."""

    def error(self, refusal: RefusedError) -> bytes:
        """The body of an answer that refuses, in this API's form."""

    def models(self, names: list[str]) -> bytes:
        """The body of the list of models."""

    def model(self, name: str) -> bytes:
        """The body that describes one model."""


def unreadable(sentence: str, code: str = "unreadable_request") -> RefusedError:
    """The refusal of a request that cannot be read in only one way."""
    return RefusedError(400, code, sentence)
