"""What the API says of itself beyond what functions' signatures tell: each answer of each route.

A test holds the table against that of the routes, and what a server answers against all of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from touchstone.ledger.canonical import MAX_INTEGER
from touchstone.ledger.contract2 import MAX_NAMED
from touchstone.records.members import OwnCase
from touchstone.server.accounts.joining import IssuedToken, JoinedDevice
from touchstone.server.accounts.kept_answers import MOST_KEY
from touchstone.server.accounts.people import InvitedPerson, ShownAct, ShownPerson
from touchstone.server.accounts.reads import NumberedRead
from touchstone.server.api.answers import IDEMPOTENCY
from touchstone.server.api.declared import DECLARED, Need
from touchstone.server.api.problems import PROBLEM
from touchstone.server.notices.channels import ShownChannel
from touchstone.service.access.flagged import FlaggedTranscript, ScanShown
from touchstone.service.access.transcripts import ShownTranscript
from touchstone.service.cases.drafting import DraftedEdition

Schema = Mapping[str, Any]
Route = tuple[str, str]
JSON, LINES, HTML = "application/json", "application/jsonl", "text/html; charset=utf-8"
EVENTS, CALENDAR = "text/event-stream", "text/calendar; charset=utf-8"
BYTES = "application/octet-stream"
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
OBJECT: Schema = {"type": "object"}
SWITCH: Schema = {"type": "boolean"}
_REF = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """What a route answers where it says yes, and with which problems of its own it says no."""

    shown: Schema | None = None
    """Of the body, where that is JSON."""
    media: str | None = JSON
    """None: there is no body."""
    status: int = 200
    refused: tuple[int, ...] = ()
    """Beside those that `_refused` tells of every route of its kind."""


def _listed(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _or_null(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _object(**fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _named(of: type[object]) -> Schema:
    return {"$ref": _REF.format(model=of.__name__)}


_KEY = _object(name=TEXT, at=TEXT, by=TEXT, revoked=SWITCH)
_PAGE: Schema = _or_null(TEXT)
NAMED = (
    OwnCase,
    NumberedRead,
    ShownTranscript,
    JoinedDevice,
    IssuedToken,
    InvitedPerson,
    ShownPerson,
    ShownAct,
)
"""What is shown as it stands in a dataclass."""
_CASE = "v1/cases/<case>"
_PERSON = "v1/people/<person>"
_CHANNEL = _named(ShownChannel)
ANSWERED: dict[Route, RouteAnswer] = {
    ("GET", "v1/installation"): RouteAnswer(
        _object(keys=_listed(TEXT), checkpoint=TEXT, consistency=_listed(TEXT))
    ),
    ("GET", "v1/openapi.json"): RouteAnswer(OBJECT),
    ("GET", "v1/cases"): RouteAnswer(
        _object(cases=_listed(_named(OwnCase)), after=_PAGE), refused=(400,)
    ),
    ("GET", "v1/invitations"): RouteAnswer(
        _object(invitations=_listed(_object(case=TEXT, role=TEXT, n=COUNT)), after=_PAGE),
        refused=(400,),
    ),
    ("GET", "v1/events"): RouteAnswer(media=EVENTS),
    ("GET", f"{_CASE}/entries"): RouteAnswer(media=LINES),
    ("GET", f"{_CASE}/head"): RouteAnswer(OBJECT),
    ("GET", f"{_CASE}/newest"): RouteAnswer(
        _object(newest=_listed(_or_null(COUNT))), refused=(409,)
    ),
    ("GET", f"{_CASE}/bundle"): RouteAnswer(media=LINES),
    ("GET", f"{_CASE}/report"): RouteAnswer(media=HTML),
    ("GET", f"{_CASE}/reads"): RouteAnswer(_object(reads=_listed(_named(NumberedRead)))),
    ("GET", f"{_CASE}/documents/<name>"): RouteAnswer(media=BYTES, refused=(409, 416)),
    ("GET", f"{_CASE}/transcripts"): RouteAnswer(
        _object(transcripts=_listed(_named(ShownTranscript)))
    ),
    ("GET", f"{_CASE}/transcripts/<transcript>"): RouteAnswer(
        _object(transcript=_named(ShownTranscript), bytes=COUNT, page=OBJECT), refused=(409,)
    ),
    ("GET", f"{_CASE}/transcripts/<transcript>/log"): RouteAnswer(media=BYTES, refused=(409,)),
    ("GET", f"{_CASE}/oversight"): RouteAnswer(_object(scans=_listed(_named(ScanShown)))),
    ("GET", f"{_CASE}/oversight/<transcript>"): RouteAnswer(
        _named(FlaggedTranscript), refused=(409,)
    ),
    ("POST", f"{_CASE}/deeds"): RouteAnswer(OBJECT, refused=(409,)),
    ("POST", f"{_CASE}/deeds/cancel"): RouteAnswer(OBJECT, refused=(409,)),
    ("POST", f"{_CASE}/drafts/destruction"): RouteAnswer(
        _object(certificate=_or_null(OBJECT)), refused=(409,)
    ),
    ("POST", f"{_CASE}/drafts/report"): RouteAnswer(_named(DraftedEdition), refused=(409,)),
    ("GET", f"{_CASE}/endpoint-keys"): RouteAnswer(_object(keys=_listed(_KEY))),
    ("PUT", f"{_CASE}/endpoint-keys/<name>"): RouteAnswer(_KEY, refused=(409,)),
    ("DELETE", f"{_CASE}/endpoint-keys/<name>"): RouteAnswer(_KEY, refused=(400, 409)),
    ("HEAD", f"{_CASE}/evidence/<digest>"): RouteAnswer(media=None, refused=(400, 409)),
    ("PUT", f"{_CASE}/evidence/<digest>"): RouteAnswer(
        _object(digest=TEXT, size=COUNT, received=COUNT, whole=SWITCH), refused=(409,)
    ),
    ("DELETE", f"{_CASE}/evidence/<digest>"): RouteAnswer(
        _object(forgotten=SWITCH), refused=(400, 409)
    ),
    ("POST", "v1/invitations/redeem"): RouteAnswer(
        _named(JoinedDevice), status=201, refused=(401, 409)
    ),
    ("POST", "v1/tokens"): RouteAnswer(_named(IssuedToken), status=201, refused=(401, 403)),
    ("DELETE", "v1/tokens/current"): RouteAnswer(media=None, status=204),
    ("GET", "v1/me"): RouteAnswer(
        _object(
            person=TEXT,
            party=TEXT,
            name=TEXT,
            roles=_listed(TEXT),
            scopes=_listed(TEXT),
            devices=_listed(_object(key=TEXT, label=TEXT, added=TEXT, revoked=TEXT, tokens=COUNT)),
        )
    ),
    ("DELETE", "v1/me/devices/<key>"): RouteAnswer(media=None, status=204),
    ("DELETE", "v1/me/tokens"): RouteAnswer(media=None, status=204),
    ("GET", "v1/people"): RouteAnswer(_object(people=_listed(_named(ShownPerson)), after=TEXT)),
    ("POST", "v1/people"): RouteAnswer(_named(InvitedPerson), status=201, refused=(409,)),
    ("GET", _PERSON): RouteAnswer(_named(ShownPerson)),
    ("DELETE", _PERSON): RouteAnswer(media=None, status=204, refused=(409,)),
    ("PUT", f"{_PERSON}/roles"): RouteAnswer(_named(ShownPerson), refused=(409,)),
    ("POST", f"{_PERSON}/invitations"): RouteAnswer(
        _named(InvitedPerson), status=201, refused=(409,)
    ),
    ("DELETE", f"{_PERSON}/devices/<key>"): RouteAnswer(media=None, status=204),
    ("GET", "v1/next"): RouteAnswer(
        _object(next=_listed(OBJECT), hidden={"type": "object", "additionalProperties": COUNT})
    ),
    ("GET", "v1/notices/channels"): RouteAnswer(_object(channels=_listed(_CHANNEL))),
    ("POST", "v1/notices/webhooks"): RouteAnswer(_CHANNEL, status=201, refused=(409,)),
    ("POST", "v1/notices/calendars"): RouteAnswer(
        _object(name=TEXT, kind=TEXT, address=TEXT, made=TEXT, path=TEXT),
        status=201,
        refused=(409,),
    ),
    ("DELETE", "v1/notices/channels/<name>"): RouteAnswer(media=None, status=204),
    ("GET", "v1/calendars/<token>"): RouteAnswer(media=CALENDAR),
    ("GET", "v1/account-acts"): RouteAnswer(_object(acts=_listed(_named(ShownAct)))),
}
"""By method and route."""
PATHS: Mapping[str, Schema] = {
    "case": {"type": "string", "minLength": 1, "maxLength": 200},
    "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    "person": {"type": "string", "pattern": "^p[0-9a-f]{24}$"},
    "key": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "name": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,128}$"},
    "transcript": {"type": "string", "pattern": "^[0-9]{1,9}-[0-9]{1,9}-[0-9]{1,9}$"},
    "token": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
}
"""What stands in a path. Whatever else stands there is not there, or is a problem."""
_ONCE: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_KEY}
_RANGE: Schema = {
    "type": "string",
    "pattern": r"^bytes ([0-9]{1,12}-[0-9]{1,12}|\*)/[0-9]{1,12}$",
}
HEADERS: Mapping[Route, tuple[str, Schema, bool]] = {
    ("GET", "v1/events"): ("Last-Event-ID", TEXT, False),
    ("PUT", f"{_CASE}/evidence/<digest>"): ("Content-Range", _RANGE, True),
    ("POST", "v1/people"): (IDEMPOTENCY, _ONCE, False),
    ("POST", f"{_PERSON}/invitations"): (IDEMPOTENCY, _ONCE, False),
}
"""Of a route its header, of which form, and whether it must be there."""
PROBLEM_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "type": {"const": "about:blank"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "detail": TEXT,
    },
    "required": ["type", "title", "status", "code", "detail"],
}
"""Beside these stands what a code is told with, as `fields` or `offset`."""
_ANYWHERE = (400, 422, 429, 500, 503)
"""No host of ours, a name in the query that is not asked for, too often, a fault, too busy."""
_WITH_TOKEN = (401, 403)
_WITH_BODY = (408, 411, 413, 415)


def described_precisely(schema: dict[str, Any]) -> dict[str, Any]:
    """The API's description as ninja makes it, with answers, limits and who may ask, in place."""
    for path, operations in schema["paths"].items():
        route = path.removeprefix("/").replace("{", "<").replace("}", ">")
        for method, operation in operations.items():
            _describe(operation, (method.upper(), route))
    components = schema["components"]
    for each in (*NAMED, ShownChannel):
        made = TypeAdapter(each).json_schema(mode="serialization", ref_template=_REF)
        components["schemas"] |= made.pop("$defs", {}) | {each.__name__: made}
    components["schemas"]["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return schema


def _describe(operation: dict[str, Any], of: Route) -> None:
    need, answered = DECLARED[of], ANSWERED[of]
    operation["security"] = [] if need.scope is None else [{"token": []}]
    parameters = operation.setdefault("parameters", [])
    for each in parameters:
        if each["in"] == "path":
            each["schema"] = PATHS[each["name"]]
        elif each["name"] in need.many:
            each["schema"]["maxItems"] = MAX_NAMED
    if of in HEADERS:
        name, form, required = HEADERS[of]
        parameters.append({"in": "header", "name": name, "required": required, "schema": form})
    if of[0] == "PUT" and "requestBody" not in operation:
        operation["requestBody"] = {
            "required": True,
            "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}},
        }
    has_body = "requestBody" in operation
    refused = _refused(need, of[1], answered.refused, has_body=has_body)
    operation["responses"] = _yes(answered) | {str(status): _no(status, of) for status in refused}


def _refused(need: Need, route: str, more: Iterable[int], *, has_body: bool) -> list[int]:
    found = {*_ANYWHERE, *more}
    found |= {*_WITH_TOKEN} if need.scope else set()
    found |= {404} if "<" in route else set()
    found |= {*_WITH_BODY} if has_body else set()
    return sorted(found)


def _yes(answered: RouteAnswer) -> dict[str, Any]:
    said: dict[str, Any] = {"description": HTTPStatus(answered.status).phrase}
    if answered.media:
        said["content"] = {answered.media: {"schema": answered.shown or TEXT}}
    return {str(answered.status): said}


def _no(status: int, of: Route) -> dict[str, Any]:
    said: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    # To HEAD nothing is answered but a head.
    if of[0] != "HEAD":
        said["content"] = {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return said
