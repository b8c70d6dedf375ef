"""What a request to a model says beside the conversation: its system text and its tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.evaluation.digests import digest_bytes, digest_value


@dataclass(frozen=True)
class SentCall:
    """What a request says beside the conversation."""

    system: str
    """The text of its system messages."""
    tools: tuple[Mapping[str, Any], ...]
    """The tools' schemas."""

    @property
    def system_digest(self) -> str:
        """Of the system text."""
        return digest_bytes(self.system.encode(errors="surrogatepass"))

    @property
    def tools_digest(self) -> str:
        """Of the schemas, in their order."""
        return digest_value(list(self.tools))

    @property
    def digest(self) -> str:
        """Of both."""
        return digest_value([self.system_digest, self.tools_digest])

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(each["function"]["name"] for each in self.tools)


def sent_in(request: Mapping[str, Any]) -> SentCall:
    """What a request to the chat API says beside the conversation and the model's settings."""
    texts = [
        _text(each.get("content"))
        for each in request.get("messages", ())
        # One and the same message: which word an endpoint takes hangs on the model's name.
        if each.get("role") in {"system", "developer"}
    ]
    return SentCall("\n\n".join(texts), tuple(request.get("tools") or ()))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or ())
