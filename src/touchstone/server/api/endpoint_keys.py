"""Keys of a lab's endpoints: what is handed in here is given out by no route."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field, SecretStr

from touchstone.records.endpointkeys import LONGEST_KEY, HandedInKey
from touchstone.server.api.answers import answer_json
from touchstone.server.api.parsing import Strict
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.cases.endpoint_keys import (
    hand_in_endpoint_key,
    handed_in_keys,
    revoke_endpoint_key,
)

router = Router(tags=["Cases"])


class KeyHandedIn(Strict):
    """An endpoint's key. Its repr shows no value."""

    value: Annotated[SecretStr, Field(json_schema_extra={"maxLength": LONGEST_KEY})]


@router.get("cases/{case}/endpoint-keys")
def endpoint_keys_shown(request: HttpRequest, case: str) -> HttpResponse:
    """Which keys the developer handed in or revoked, when and by whom: for itself alone."""
    found = handed_in_keys(serving_of(request).here, speaker_of(request).party, case)
    return answer_json({"keys": [_shown(each) for each in found]})


@router.put("cases/{case}/endpoint-keys/{name}")
def endpoint_key_set(request: HttpRequest, case: str, name: str, sent: KeyHandedIn) -> HttpResponse:
    """Hand in or replace the key of an endpoint; `name` is the submission's `api_key_env`.

    It is kept sealed until the developer revokes it or the case ends, and never shown.
    """
    handed = _by(request, case, name, sent.value.get_secret_value())
    hand_in_endpoint_key(serving_of(request).here, speaker_of(request).party, handed)
    return answer_json(_shown(handed))


@router.delete("cases/{case}/endpoint-keys/{name}")
def endpoint_key_revoked(request: HttpRequest, case: str, name: str) -> HttpResponse:
    """Revoke the key of an endpoint: no chunk of a review begins with it any more."""
    revoked = _by(request, case, name, "")
    revoke_endpoint_key(serving_of(request).here, speaker_of(request).party, revoked)
    return answer_json(_shown(revoked))


def _by(request: HttpRequest, case: str, name: str, value: str) -> HandedInKey:
    person = speaker_of(request).person
    return HandedInKey(name, case, value, by=person, at=serving_of(request).now())


def _shown(key: HandedInKey) -> dict[str, object]:
    # Field by field: whatever else a key has stays here.
    return {"name": key.name, "at": key.at, "by": key.by, "revoked": key.revoked}
