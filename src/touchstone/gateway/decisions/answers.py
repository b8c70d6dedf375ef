"""What a proxy is answered: a status, and headers that it passes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from touchstone.gateway.adapters import Adapter, RefusedError
from touchstone.terms import Decision

DECISION = "X-Touchstone-Decision"
"""The id of a decision, as in the audit."""
RULE = "X-Touchstone-Rule"
SENTENCE = "X-Touchstone-Sentence"
ERROR = "X-Touchstone-Error"
"""The body of a denial once more, for a proxy that throws bodies away."""
PARTIAL = "x-envoy-auth-partial-body"
REMOVE = "x-envoy-auth-headers-to-remove"
_OF_THE_PROXY = {
    "host", "content-type", "content-length", "transfer-encoding", "x-request-id",
    "x-forwarded-proto", PARTIAL, DECISION.lower(), RULE.lower(),
}  # fmt: skip
"""Headers that the proxy writes itself, that were judged with the body, or that are replaced."""
_MOST_CHARACTERS = 500
_FAULTS = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision that was written to the audit under an id."""

    id: str
    decision: Decision


def allowed(verdict: Verdict, unjudged: Iterable[str] = ()) -> web.Response:
    """200, and which of the caller's headers the proxy is to take out."""
    headers = _of(verdict)
    names = ",".join(unjudged)
    return web.Response(headers={**headers, REMOVE: names} if names else headers)


def refused(
    refusal: RefusedError, adapter: Adapter, *, three: bool, verdict: Verdict | None = None
) -> web.Response:
    """A denial. `three`: the proxy knows only 401, 403 and faults."""
    body = adapter.error(refusal)
    headers = {
        SENTENCE: in_a_header(str(refusal)),
        ERROR: in_a_header(body.decode(), len(body)),
        "Content-Type": "application/json",
        **(_of(verdict) if verdict else {}),
    }
    if refusal.status == 401:  # noqa: PLR2004 - not known who asks
        headers["WWW-Authenticate"] = "Bearer"
    status = refusal.status
    if three and status != 401:  # noqa: PLR2004 - the same
        status = 503 if status >= _FAULTS else 403
    return web.Response(status=status, body=body, headers=headers)


def not_judged(headers: Iterable[str], judged: Mapping[str, str]) -> list[str]:
    """The names of headers that must not go on, in order."""
    kept = _OF_THE_PROXY | {name.lower() for name in judged}
    return sorted({name.lower() for name in headers} - kept)


def in_a_header(text: str, most: int = _MOST_CHARACTERS) -> str:
    """One line of ASCII, at most so long."""
    return " ".join(text.split())[:most].encode("ascii", "backslashreplace").decode()


def _of(verdict: Verdict) -> dict[str, str]:
    return {DECISION: verdict.id, RULE: in_a_header(verdict.decision.rule)}
