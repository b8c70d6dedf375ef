"""What is told of each call to an endpoint: what was sent, what came, how it ended, what failed."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.endings import Stop
from touchstone.evaluation.kept_answers import HeardAnswer
from touchstone.evaluation.outcomes import Usage


class EndpointFault(Exception):  # noqa: N818 - a fault of the endpoint, not of ours
    """An endpoint refused, hung, broke off or answered nonsense. One line, without the key."""

    def __init__(self, text: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after


class EndedWithoutAnswer(Exception):  # noqa: N818 - a way to end, not an error
    """The endpoint declined the request in a way that tells of the model, not of a fault."""

    def __init__(self, stop: Stop, text: str) -> None:
        super().__init__(text)
        self.stop = stop
        self.text = text


@dataclass(frozen=True)
class Call:
    """How one call ended, as far as it matters to what the sample's result is worth."""

    stop: Stop
    """`length` at any limit on output or context, the model's or the provider's, and for an answer
    that is not said to be whole."""
    unknown_end: str = ""
    """What was told of the answer's end, where that is no word for one; one line."""
    refused: bool = False
    submitted: bool = False
    asked: int = 0
    """Tool calls that the model asked for, `submit` aside."""
    seen: int = 0
    """Tokens that the bytes to and fro account for; what was reported may be more."""
    said: str = ""
    """Digest of what the model said; empty where the endpoint declined to give an answer."""


class EndpointWatch:
    """What the endpoint tells the engine of each call; the plain one ignores it."""

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        """An answer came."""

    def ended(self, call: Call) -> None:
        """How a call ended: after each answer, and where the endpoint declined to give one."""

    def declined(self, call: Call) -> None:
        """The endpoint declined to answer, in a way that tells of the model."""
        self.ended(call)

    def sending(self, request: Mapping[str, Any]) -> None:
        """A request goes out, or another attempt at it."""

    def kept(self, request: Mapping[str, Any]) -> HeardAnswer | None:  # noqa: ARG002 - for others
        """What was answered to this request before a death, if the sample runs again after one."""
        return None

    def keep(self, request: Mapping[str, Any], exchange: HeardAnswer) -> None:
        """An answer came, and is not handed on before this returns."""

    def waited(self, seconds: float) -> None:
        """How long the endpoint took for one attempt, whatever came of it."""

    def slot(self) -> AbstractAsyncContextManager[None] | None:
        """The shared quota's slot for one request, if there is a quota."""
        return None

    def token_limit(self) -> int | None:
        """Tokens that the running sample may use in all, where that is a hard cap."""
        return None

    def refuse(self) -> str:
        """Why no further call may be made, or an empty text."""
        return ""
