"""What a proxy is answered: a status, and headers that it passes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from touchstone.gateway.adapters import Adapter, RefusedError
from touchstone.handin import printable_line
from touchstone.terms import AccessDecision

DECISION = "X-Touchstone-Decision"
"""The id of a decision, as in the audit."""
RULE = "X-Touchstone-Rule"
SENTENCE = "X-Touchstone-Sentence"
ERROR = "X-Touchstone-Error"
"""The body of a denial once more, for a proxy that throws bodies away."""
PARTIAL = "x-envoy-auth-partial-body"
REMOVE = "x-envoy-auth-headers-to-remove"
_OF_THE_PROXY = {
    "host",
    "content-type",
    "content-length",
    "transfer-encoding",
    "x-request-id",
    "x-forwarded-proto",
    PARTIAL,
    DECISION.lower(),
    RULE.lower(),
}
"""Headers that the proxy writes itself, that were judged with the body, or that are replaced."""
_MOST_CHARACTERS = 500
_FAULTS = 500
_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n" for each in HTTPStatus}


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A decision that was written to the audit under an id."""

    id: str
    decision: AccessDecision


@dataclass(frozen=True, slots=True)
class AuthzAnswer:
    """An answer. Its headers hold one line of ASCII each."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def response(self) -> web.Response:
        """For aiohttp to send."""
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    def data(self, *, last: bool = False) -> bytes:
        """To be sent as it is; `last`: the connection ends with it.

        Raises ValueError where a header holds more than printable ASCII.
        """
        text = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        # Sent as it is: a line break in a rule's name would begin a header of its own.
        if not text.replace("\r\n", "", len(self.headers)).isprintable() or not text.isascii():
            raise ValueError("a header holds more than a line of ASCII")
        end = "Connection: close\r\n\r\n" if last else "\r\n"
        head = f"{_LINES[self.status]}{text}Content-Length: {len(self.body)}\r\n{end}"
        return head.encode() + self.body


def allowed(verdict: LoggedDecision, unjudged: Iterable[str] = ()) -> AuthzAnswer:
    """200, and which of the caller's headers the proxy is to take out."""
    headers = _of(verdict)
    # Envoy takes them out: what passes is what the gateway itself would forward (ADR 120).
    names = ",".join(unjudged)
    return AuthzAnswer(200, {**headers, REMOVE: names} if names else headers)


def refused(
    refusal: RefusedError, adapter: Adapter, *, three: bool, verdict: LoggedDecision | None = None
) -> AuthzAnswer:
    """A denial. `three`: the proxy knows only 401, 403 and faults."""
    body = adapter.error(refusal)
    headers = {
        SENTENCE: in_a_header(str(refusal)),
        ERROR: in_a_header(body.decode(), None),
        "Content-Type": "application/json",
        **(_of(verdict) if verdict else {}),
    }
    if refusal.status == 401:  # noqa: PLR2004 - not known who asks
        headers["WWW-Authenticate"] = "Bearer"
    status = refusal.status
    # nginx makes a 500 of every other status, which reads like a fault of its own (ADR 121).
    if three and status != 401:  # noqa: PLR2004 - the same
        status = 503 if status >= _FAULTS else 403
    return AuthzAnswer(status, headers, body)


def not_judged(headers: Iterable[str], judged: Mapping[str, str]) -> list[str]:
    """The names of headers that must not go on, in order."""
    kept = _OF_THE_PROXY | {name.lower() for name in judged}
    return sorted({name.lower() for name in headers} - kept)


def in_a_header(text: str, most: int | None = _MOST_CHARACTERS) -> str:
    """One line of ASCII; of the text at most so many characters."""
    return printable_line(text)[:most].encode("ascii", "backslashreplace").decode()


def _of(verdict: LoggedDecision) -> dict[str, str]:
    return {DECISION: verdict.id, RULE: in_a_header(verdict.decision.rule)}
