"""What an installation says of itself to anybody: its keys, and that its log only grew."""

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Query

from touchstone.ledger import dumps
from touchstone.ledger.canonical import MAX_INTEGER
from touchstone.server.api.parsing import JSON
from touchstone.server.serving import serving_of
from touchstone.service.reporting.feed import installation_since

router = Router(tags=["Installation"])


@router.get("installation")
def installation(request: HttpRequest, size: int = Query(0, ge=0, le=MAX_INTEGER)) -> HttpResponse:
    """Its key lines, its newest checkpoint, and the proof that it extends the one of a size."""
    keys, note, proof = installation_since(serving_of(request).here, size)
    value = {
        "keys": [line.decode() for line in keys],
        "checkpoint": note,
        "consistency": [node.hex() for node in proof],
    }
    return HttpResponse(dumps(value), content_type=JSON)
