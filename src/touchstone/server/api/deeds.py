"""Deeds that were signed elsewhere, taken or taken back; and evidence, which goes before them."""

import re
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from touchstone.ledger import dumps
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.contract2 import MAX_SIGNED_PARTS, SentPart, SubmittedDeed
from touchstone.records.staging import Staged
from touchstone.server.api.parsing import JSON, Strict
from touchstone.server.errors import ProblemError
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.taking import take_back_deed, take_deed

router = Router(tags=["Deeds"])
BYTES = "application/octet-stream"
_RANGE = re.compile(r"bytes (?:(\d{1,12})-(\d{1,12})|\*)/(\d{1,12})", re.ASCII)


class PartSent(Strict):
    """A part of a deed: the salt that its signer drew (hex), and its canonical JSON as text."""

    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    text: Annotated[str, Field(max_length=MAX_LINE)]


class DeedSent(Strict):
    """A deed as its signer sends it."""

    envelope: Any
    parts: Annotated[list[PartSent], Field(max_length=MAX_SIGNED_PARTS)]

    @property
    def submitted(self) -> SubmittedDeed:
        """The same, as it is taken."""
        sent = [SentPart(bytes.fromhex(part.salt), part.text.encode()) for part in self.parts]
        return SubmittedDeed(self.envelope, tuple(sent))


class DeedTakenBack(Strict):
    """A deed that its party wants no more."""

    envelope: Any


@router.post("cases/{case}/deeds")
def deeds(request: HttpRequest, case: str, signed: DeedSent) -> HttpResponse:
    """Take a deed: the installation's signed answer, recorded or refused for good.

    The same bytes get the same answer. A problem (4xx) promises nothing; a fault (5xx) is no
    answer. Evidence that the deed names goes before it: the problem `evidence` says that it is not
    here.
    """
    serving = serving_of(request)
    answer = take_deed(
        serving.here,
        case,
        signed.submitted,
        asker=speaker_of(request).party,
        now=serving.now(),
    )
    return HttpResponse(answer.line, content_type=JSON)


@router.post("cases/{case}/deeds/cancel")
def cancel(request: HttpRequest, case: str, cancelled: DeedTakenBack) -> HttpResponse:
    """Take a deed back: its receipt after all, or a refusal `cancelled`."""
    serving = serving_of(request)
    answer = take_back_deed(
        serving.here,
        case,
        cancelled.envelope,
        asker=speaker_of(request).party,
        now=serving.now(),
    )
    return HttpResponse(answer.line, content_type=JSON)


@router.api_operation(["HEAD"], "cases/{case}/evidence/{digest}")
def evidence_there(request: HttpRequest, case: str, digest: str) -> HttpResponse:
    """How much of some bytes is here of the party, before their deed: `Upload-Offset`."""
    found = serving_of(request).here.records.staging.look(case, speaker_of(request).party, digest)
    response = HttpResponse()
    response["Upload-Offset"] = str(found.received if found else 0)
    if found:
        response["Upload-Length"] = str(found.size)
    return response


@router.put("cases/{case}/evidence/{digest}")
def evidence_piece(request: HttpRequest, case: str, digest: str) -> HttpResponse:
    """Keep some bytes for a deed of this party that is to come; `Content-Range` says which.

    `bytes 0-1023/4096` begins 4096 bytes; where others are next the problem `offset` says from
    where on. Once all are here they are held against the digest.
    """
    if request.headers.get("Content-Type", "") != BYTES:
        raise ProblemError(415, "media-type", f"the body must be {BYTES}, and say so")
    first, size = _range(request)
    staging, party = serving_of(request).here.records.staging, speaker_of(request).party
    staged = staging.begin(case, party, digest, size) if first == 0 else None
    if staged is None or (request.body and not staged.whole):
        staged = staging.write(case, party, digest, first, request.body)
    return HttpResponse(dumps(_shown(staged)), content_type=JSON)


@router.delete("cases/{case}/evidence/{digest}")
def evidence_forgotten(request: HttpRequest, case: str, digest: str) -> HttpResponse:
    """Let go of bytes that no deed is to use."""
    gone = serving_of(request).here.records.staging.forget(case, speaker_of(request).party, digest)
    return HttpResponse(dumps({"forgotten": gone}), content_type=JSON)


def _range(request: HttpRequest) -> tuple[int, int]:
    """From where on the body's bytes are, and of how many. Raises ProblemError."""
    found = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if found is None:
        why = "say with Content-Range which bytes these are: bytes 0-1023/4096, or bytes */0"
        raise ProblemError(400, "range", why)
    first, last, size = (int(each or 0) for each in found.groups())
    length = last - first + 1 if found[1] else 0
    if length != len(request.body):
        raise ProblemError(400, "range", "Content-Range says another length than the body has")
    return first, size


def _shown(staged: Staged) -> dict[str, object]:
    return {
        "digest": staged.digest,
        "size": staged.size,
        "received": staged.received,
        "whole": staged.whole,
    }
