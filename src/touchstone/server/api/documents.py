"""Documents of a case, fetched again by those who may read them; they are handed in by deeds."""

import re

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from touchstone.server.accounts.reads import note_read
from touchstone.server.errors import ProblemError
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.access.documents_handed_in import fetch_document

router = Router(tags=["Cases"])
_FROM = re.compile(r"bytes=(\d{1,12})-", re.ASCII)
PARTIAL = 206


@router.get("cases/{case}/documents/{name}")
def document_bytes(request: HttpRequest, case: str, name: str) -> StreamingHttpResponse:
    """The bytes of a document, by its id; `Range: bytes=N-` asks for those from N on.

    Who reads one is written down before it is sent. A `Range` of another form is not heeded.
    """
    serving, who = serving_of(request), speaker_of(request)
    asked = _FROM.fullmatch(request.headers.get("Range", ""))
    start = int(asked[1]) if asked else 0
    found = fetch_document(serving.here, case, who.party, name, start, sight=who.sight)
    size = found.shown.size
    if start and start == size:
        # Nothing is read by it, so that nothing is written down.
        raise ProblemError(416, "range", "the document has no byte from there on")
    if request.resolver_match is not None:
        route, n = request.resolver_match.route, found.shown.n
        note_read(who, case, route, n, n, now=serving.now())
    # Never as what it says it is: a browser would show a stranger's page as this server's.
    response = StreamingHttpResponse(found.pieces, content_type="application/octet-stream")
    response["Content-Disposition"] = "attachment"
    response["Content-Length"] = str(size - start)
    if asked and start < size:
        response.status_code = PARTIAL
        response["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    return response
