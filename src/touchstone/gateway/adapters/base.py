"""What an adapter finds in a request, and how it refuses one that it cannot read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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
    content: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The whole body, as it was read."""


@dataclass(frozen=True, slots=True)
class Admits:
    """What a model's administrator lets through beside what an API is known to have."""

    fields: frozenset[str] = frozenset()
    """Places in the body, such as `top_k` or `messages.prefix`."""
    tools: frozenset[str] = frozenset()
    """Types of tools that the endpoint runs by itself; their calls and results with them."""

    def tool(self, kind: str, name: object) -> bool:
        """Whether a tool, or an item that belongs to one, is allowed."""
        told = name if kind == "server_tool_use" and isinstance(name, str) else kind
        # Versions of a tool are told by a date behind its name, such as web_search_20250305.
        return any(told == each or told.startswith(f"{each}_") for each in self.tools)


NOTHING = Admits()
Admitted = Callable[[str], Admits]
"""What is admitted for a model, by its name."""


def nothing(_: str) -> Admits:
    """Nothing beside what the API is known to have."""
    return NOTHING


class Adapter(Protocol):
    """One API: which paths it has, what a request asks for, and the form of its errors."""

    name: str
    """As in `protocol` of gateway.toml."""
    paths: Mapping[str, str]
    """From each path of a POST to what is put after the upstream's base URL."""

    def read(self, path: str, body: bytes, admitted: Admitted = nothing) -> Ask:
        """What the body of a POST to `path` asks for; RefusedError where it cannot be told.

        `admitted` is asked once, for the model that the body names, before anything else is judged.
        """

    def error(self, refusal: RefusedError) -> bytes:
        """The body of an answer that refuses, in this API's form."""

    def models(self, names: list[str], *, more: bool = False) -> bytes:
        """The body of the list of models."""

    def model(self, name: str) -> bytes:
        """The body that describes one model."""


def unreadable(sentence: str, code: str = "unreadable_request") -> RefusedError:
    """The refusal of a request that cannot be read in only one way."""
    return RefusedError(400, code, sentence)
