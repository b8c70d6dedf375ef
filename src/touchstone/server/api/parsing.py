"""How a body is read: canonical JSON, under its own content type, and nothing else."""

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict

from touchstone.ledger import MalformedError, loads
from touchstone.ledger.canonical import MAX_LINE
from touchstone.server.errors import ProblemError

JSON = "application/json"


class Strict(BaseModel):
    """What is sent, exactly so: an unknown field or another type is refused.

    No schema of ninja's, which would check each of them twice, and read attributes of objects.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StrictParser(Parser):
    """Ninja's own would take NaN, keys that stand twice, lone surrogates and plain text."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body's object. Raises ProblemError."""
        if request.headers.get("Content-Type", "").lower() != JSON:
            raise ProblemError(415, "media-type", f"the body must be {JSON}, and say so")
        if len(request.body) > MAX_LINE:
            raise ProblemError(413, "too-large", f"a JSON body has at most {MAX_LINE} bytes")
        try:
            found = loads(request.body)
        except MalformedError as error:
            # What it says may hold a key that was sent.
            raise ProblemError(
                400, "json", "the body is no canonical JSON: docs/reference/api.md says which"
            ) from error
        if not isinstance(found, dict):
            raise ProblemError(400, "json", "the body is no JSON object")
        return found
