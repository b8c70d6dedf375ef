"""What a script of ours sends: canonical JSON with the fields that are asked for, and no others."""

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
