"""What a POST is for, and what it asks for there once it is judged."""

from dataclasses import dataclass

from aiohttp import ClientResponse

from touchstone.gateway.adapters import Adapter, Ask
from touchstone.gateway.enforcing.upstreams import ModelRoute

_COUNTS_ONLY = ("/count_tokens", "/input_tokens")
"""Ends of paths that have no model answer: they cost no tokens."""


class AbsentError(Exception):
    """A body names a model that is not there: nothing else in it is judged."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a POST goes."""

    adapter: Adapter
    path: str
    like: str
    """The path whose bodies it has: itself, unless an administrator admitted it."""
    upstream: str
    """What is put after the upstream's base URL."""
    query: str

    @property
    def free(self) -> bool:
        """Whether no model answers there: it costs no tokens."""
        return self.path.endswith(_COUNTS_ONLY)

    @property
    def answers_like(self) -> str:
        """The known path whose answers it has; its own where no model answers."""
        return self.path if self.free else self.like


@dataclass(frozen=True, slots=True)
class JudgedAsk:
    """What a request asks for, judged."""

    ask: Ask
    offer: ModelRoute
    mode: str
    headers: dict[str, str]
    """Those that go on because an administrator admitted them."""
    query: str


def is_stream(answer: ClientResponse, ask: Ask) -> bool:
    """By what the endpoint says; where it says nothing of use, by what was asked for."""
    kind = answer.content_type
    return kind == "text/event-stream" or (ask.stream and kind != "application/json")
