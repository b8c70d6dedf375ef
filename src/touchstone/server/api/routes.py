"""The API, put together."""

import json
from functools import cache

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router

from touchstone import __version__
from touchstone.ledger import dumps
from touchstone.server.api import (
    cases,
    deeds,
    documents,
    drafts,
    endpoint_keys,
    entering,
    events,
    installation,
    notices,
    people,
    transcripts,
)
from touchstone.server.api.declared import admitted
from touchstone.server.api.describing import described_precisely
from touchstone.server.api.parsing import JSON, StrictParser
from touchstone.server.api.problems import handle_all

api = NinjaAPI(
    title="Touchstone",
    version=__version__,
    description="What a party asks of an installation, and does in its cases.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="v1",
    parser=StrictParser(),
    auth=admitted,
)
handle_all(api)
description = Router()


@description.get("openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - as ninja calls it
    """What the API is, as OpenAPI 3.1 has it."""
    return HttpResponse(described(), content_type=JSON)


_ROUTED = (
    cases,
    deeds,
    documents,
    transcripts,
    drafts,
    endpoint_keys,
    events,
    entering,
    people,
    notices,
)
for each in (installation, *_ROUTED):
    api.add_router("", each.router)
api.add_router("", description)


@cache
def described() -> bytes:
    """The API's description (OpenAPI 3.1), as canonical JSON."""
    found = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/v1/")))
    return dumps(described_precisely(found))
