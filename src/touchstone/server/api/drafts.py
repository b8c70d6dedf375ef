"""What the server drafts for a centre to sign for: certificates of destruction, and editions."""

from dataclasses import asdict
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import AfterValidator, Field

from touchstone.errors import BadInputError
from touchstone.ledger import loads
from touchstone.review.errors import MissingPartError
from touchstone.server.api.answers import answer_json
from touchstone.server.api.parsing import Strict
from touchstone.server.errors import ProblemError
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.cases.drafting import drafted_certificate, drafted_edition
from touchstone.service.errors import CannotOrderError, DestroyedCaseError
from touchstone.service.file_io import one_line

router = Router(tags=["Deeds"])


def _line(text: str) -> str:
    # A ValueError of its own: what the reader of files raises names an option of a command.
    try:
        return one_line(text, "reason")
    except BadInputError as error:
        raise ValueError("is no line for the record") from error


Reason = Annotated[str, Field(max_length=500), AfterValidator(_line)]


class DestructionAsked(Strict):
    """Why a case is to be destroyed: one line, which is never erased."""

    reason: Reason


class EditionAsked(Strict):
    """For whom an edition is to be: a party of the case, or `public`."""

    audience: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,127}$")]


@router.post("cases/{case}/drafts/destruction")
def destruction_drafted(request: HttpRequest, case: str, asked: DestructionAsked) -> HttpResponse:
    """A certificate for the case as its log stands, for its centre to sign for; nothing is done.

    The server destroys once the deed that names its digest is recorded, with nothing in between.
    """
    serving, party = serving_of(request), speaker_of(request).party
    text = drafted_certificate(serving.here, case, party, asked.reason)
    return answer_json({"certificate": loads(text.encode()) if text else None})


@router.post("cases/{case}/drafts/report")
def report_drafted(request: HttpRequest, case: str, asked: EditionAsked) -> HttpResponse:
    """The next edition for an audience, as facts of its deed, for the centre to sign for."""
    serving, party = serving_of(request), speaker_of(request).party
    # In words of this module: the record's own would repeat what was sent.
    try:
        drafted = drafted_edition(serving.here, case, party, asked.audience)
    except CannotOrderError as error:
        raise ProblemError(409, "audience", "the case has no audience of that name") from error
    except DestroyedCaseError as error:
        raise ProblemError(409, "destroyed", "the content of the case was destroyed") from error
    except MissingPartError as error:
        raise ProblemError(409, "no-developer", "no developer has joined the case") from error
    return answer_json(asdict(drafted))
