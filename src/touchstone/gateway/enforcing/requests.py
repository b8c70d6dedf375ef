"""What is asked of a request before its body is read."""

import re
from collections.abc import Collection, Mapping

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from multidict import CIMultiDictProxy

from touchstone.gateway.adapters import Adapter, Anthropic, OpenAI, RefusedError

PURPOSE = "Touchstone-Purpose"
MAX_PURPOSE = 64
OPENAI, ANTHROPIC = OpenAI(), Anthropic()
ROUTES: Mapping[str, Adapter] = {
    **dict.fromkeys(OPENAI.paths, OPENAI),
    **dict.fromkeys(ANTHROPIC.paths, ANTHROPIC),
}
ADAPTERS: Mapping[str, Adapter] = {each.name: each for each in (OPENAI, ANTHROPIC)}
MODELS = "/v1/models"
PAGING = frozenset({"limit", "after_id", "before_id", "after"})
"""Keys of a query for models that are answered here, where an administrator admits them."""
_VERSIONS = {HttpVersion10, HttpVersion11}
_VERSION = "anthropic-version"
_SWITCHES = ("anthropic-beta", "openai-beta")
_JSON = {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
_DATE_LENGTH = 10
_MOST_MODELS = 1000
_PAIR = re.compile(r"[A-Za-z0-9_-]+=[A-Za-z0-9._~:-]*")


def adapter_of(request: web.BaseRequest) -> Adapter:
    """The API in whose form an answer about this request is given."""
    if request.raw_path.startswith("/v1/messages") or _VERSION in request.headers:
        return ANTHROPIC
    return OPENAI


def no_route(request: web.BaseRequest) -> RefusedError:
    """Why a method and a path lead nowhere. Paths are compared as they were written."""
    bare, mark, _ = request.raw_path.partition("?")
    # Some servers read parameters from the query beside those of the body.
    if mark and (bare in ROUTES or bare == MODELS):
        return RefusedError(
            400, "query_refused", "a query could change what is asked: send none, only the body"
        )
    if bare in ROUTES or bare == MODELS or bare.startswith(f"{MODELS}/"):
        return RefusedError(405, "method_not_allowed", f"{request.method} is not for this path")
    return RefusedError(404, "unknown_path", "there is no such path here")


def check_head(request: web.BaseRequest) -> None:
    """RefusedError for headers that another server could read otherwise."""
    headers = request.headers
    if "Upgrade" in headers:
        raise RefusedError(400, "upgrade_refused", "no other protocol is spoken here")
    # Of HTTP/0.9 and unknown ones no two servers agree where a request ends.
    if request.version not in _VERSIONS:
        raise RefusedError(400, "version_refused", "this version of HTTP is not spoken here")
    coding = headers.get("Transfer-Encoding")
    # RFC 9112 sections 6.1 and 6.3: of two lengths, servers differ in which one they take.
    if coding is not None and (
        coding.lower() != "chunked"
        or "Content-Length" in headers
        or request.version == HttpVersion10
    ):
        raise RefusedError(400, "length_ambiguous", "the request's length can be read in two ways")
    # Who ignores such a body reads it as the next request.
    if request.method == "GET" and request.body_exists:
        raise RefusedError(400, "body_refused", "a GET has no body here")


def check_path(path: str, like: str, admitted: Collection[str]) -> None:
    """RefusedError for a path that an administrator admitted, but not for this model."""
    if path != like and path not in admitted:
        raise RefusedError(404, "unknown_path", "there is no such path here")


def admitted_headers(
    headers: CIMultiDictProxy[str], admitted: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Those of the caller's headers that a model's administrator lets through.

    RefusedError for one that switches something and is not among them, or has another value.
    """
    found = {}
    # Beta headers switch features whose fields nobody has judged.
    for name in {*_SWITCHES, *admitted}:
        values = headers.getall(name, [])
        if not values:
            continue
        words = [word.strip() for value in values for word in value.split(",")]
        allowed = admitted.get(name, ())
        if not all(word and (word in allowed or allowed == ("*",)) for word in words):
            raise RefusedError(
                400,
                "header_refused",
                f"header {name} is not supported: its effect cannot be checked",
            )
        found[name] = ",".join(words)
    return found


def admitted_query(query: str, admitted: Collection[str]) -> str:
    """A query that a model's administrator lets through, with its mark; RefusedError otherwise."""
    keys = [pair.partition("=")[0] for pair in query.split("&")] if query else []
    # Without escapes, or another server could read another key.
    plain = all(map(_PAIR.fullmatch, query.split("&"))) if query else True
    if not plain or len(set(keys)) != len(keys) or not {*keys} <= {*admitted}:
        raise RefusedError(
            400, "query_refused", "a query could change what is asked: send none, only the body"
        )
    return f"?{query}" if query else ""


def page(names: list[str], query: str) -> tuple[list[str], bool]:
    """The part of a list that a query wants, and whether there is more behind it."""
    wanted = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
    after, before = wanted.get("after_id", wanted.get("after")), wanted.get("before_id")
    if after is not None:
        names = names[names.index(after) + 1 :] if after in names else []
    if before is not None:
        names = names[: names.index(before)] if before in names else []
    limit = _number(wanted.get("limit", str(_MOST_MODELS)))
    if not 0 < limit <= _MOST_MODELS:
        raise RefusedError(400, "query_refused", f"limit is not a number up to {_MOST_MODELS}")
    return names[:limit], len(names) > limit


def _number(text: str) -> int:
    """The number that a short text of digits says; else 0. Python reads no number of 5,000."""
    return int(text) if text.isdecimal() and len(text) <= len(str(_MOST_MODELS)) else 0


def check_body_headers(headers: CIMultiDictProxy[str]) -> None:
    """RefusedError unless the body is plain JSON in UTF-8."""
    # Of another charset or a form the bytes would mean something else to the endpoint.
    kind = headers.get("Content-Type", "")
    if kind not in _JSON and kind.lower() not in _JSON:
        raise RefusedError(415, "not_json", "the body must be application/json in UTF-8")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedError(415, "encoded_body", "a compressed body is not read: send it as it is")


def token_of(headers: CIMultiDictProxy[str]) -> str:
    """What makes the caller known: one bearer token or one key; RefusedError otherwise."""
    bearers, keys = headers.getall("Authorization", []), headers.getall("x-api-key", [])
    # Of two, one server could take the first and another the last.
    if len(bearers) + len(keys) != 1:
        raise RefusedError(401, "token_missing", "send one bearer token or key, and only one")
    if keys:
        scheme, token = "bearer", keys[0]
    else:
        scheme, _, token = bearers[0].partition(" ")
    # The token is hashed and compared: nothing in it may be read in two ways.
    if scheme.lower() != "bearer" or not token or not token.isascii() or not token.isprintable():
        raise RefusedError(401, "token_missing", "send Authorization: Bearer and one token")
    return token


def purpose_of(headers: CIMultiDictProxy[str]) -> str | None:
    """The purpose that the caller states; None where none is stated."""
    stated = headers.getall(PURPOSE, [])
    if not stated:
        return None
    if len(stated) > 1 or not 0 < len(stated[0]) <= MAX_PURPOSE:
        raise RefusedError(400, "purpose_ambiguous", f"send one {PURPOSE} of at most 64 characters")
    return stated[0]


def forwarded(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """The only headers of the caller's that go on: none of them can say who asks or what for."""
    found = {}
    version = headers.get(_VERSION)
    if version is not None:
        # It goes on as it came, so nothing but a date may stand in it.
        if len(version) != _DATE_LENGTH or not version.replace("-", "").isdecimal():
            raise RefusedError(400, "header_refused", "anthropic-version is no date")
        found[_VERSION] = version
    accept = headers.get("Accept")
    # Any other wish could bring an answer in a form that is neither counted nor known.
    if accept in {"application/json", "text/event-stream"}:
        found["Accept"] = accept
    return found


async def read_body(request: web.BaseRequest, most: int) -> bytes:
    """The whole body; RefusedError (413) where it is longer than `most` bytes."""
    content = request.content
    if content.is_eof() and content.total_bytes <= most:
        return content.read_nowait(-1)
    length = request.content_length
    if length is not None and length > most:
        raise RefusedError(413, "body_too_large", f"the body is larger than {most} bytes")
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # An interim answer is none yet: `handle_error` resets what has begun to be answered.
        request.writer.output_size = 0
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise RefusedError(
            413, "body_too_large", f"the body is larger than {most} bytes"
        ) from error
