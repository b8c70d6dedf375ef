"""What a browser sends: a script's canonical JSON, and where a list is to begin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from touchstone.server.api.parsing import StrictParser
from touchstone.server.errors import ProblemError


@dataclass(frozen=True)
class Sent:
    """Texts by name, and what an authenticator answered."""

    texts: Mapping[str, str]
    answer: Mapping[str, Any]


def sent(request: HttpRequest, *names: str, answered: bool = False) -> Sent:
    """These texts, and where asked for an authenticator's answer. Raises ProblemError."""
    found = StrictParser().parse_body(request)
    answer = found.pop("answer", {}) if answered else {}
    if set(found) != set(names) or not isinstance(answer, dict):
        raise ProblemError(422)
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    if len(texts) != len(names):
        raise ProblemError(422)
    return Sent(texts, answer)


_MOST_DIGITS = 9


def start_of(text: str) -> int:
    """Where a page of a list begins, as an address says it. Raises ProblemError."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ProblemError(422, "query", "the query does not say from where on")
    return int(text)
