"""How a route answers: canonical JSON, kept by nobody on the way; once, where it is asked once."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from touchstone.handin import utc_text
from touchstone.ledger import dumps
from touchstone.server.accounts.kept_answers import Answer, AskedOnce, answered_once
from touchstone.server.api.parsing import JSON
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of

IDEMPOTENCY = "Idempotency-Key"


def answer_json(value: Any, status: int = 200) -> HttpResponse:
    """A value as an answer."""
    return _response(Answer(status, dumps(value), JSON))


def answer_once(
    request: HttpRequest, principal: Principal, do: Callable[[], Any], status: int = 201
) -> HttpResponse:
    """What `do` gives, as an answer. Under an `Idempotency-Key` it is done once.

    `do` changes the accounts alone, or may be done twice: see `accounts.kept_answers`. Raises
    KeyReusedError, BadAccountError.
    """
    key = request.headers.get(IDEMPOTENCY)
    if key is None:
        return answer_json(do(), status)
    here = serving_of(request).here
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    answer = answered_once(
        AskedOnce(principal.person, key, asked),
        here.keyring.master,
        utc_text(here.clock.now()),
        lambda: Answer(status, dumps(do()), JSON),
    )
    return _response(answer)


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.media_type)
    # Codes and tokens stand in some of them, and what a party may read in the rest.
    response["Cache-Control"] = "no-store"
    return response
