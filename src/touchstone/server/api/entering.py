"""How a person's device comes in: by a code, and then by tokens that it asks for."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from touchstone.server.accounts.joining import issue_token, redeem, revoke_token
from touchstone.server.accounts.people import own_account, revoke_other_tokens, revoke_own_device
from touchstone.server.api.answers import answer_json
from touchstone.server.api.parsing import Strict
from touchstone.server.serving import serving_of, speaker_of

router = Router()


class Redeemed(Strict):
    """What a device signed to take a code, and its signature by the code's key (hex)."""

    proof: str
    envelope: dict[str, Any]


class TokenRequest(Strict):
    """What a device signed to ask for a token."""

    envelope: dict[str, Any]


@router.post("invitations/redeem")
def redeem_invitation(request: HttpRequest, sent: Redeemed) -> HttpResponse:
    """Let a device in by a one-time code: who the person is."""
    serving = serving_of(request)
    joined = redeem(
        sent.proof, sent.envelope, installation=serving.fingerprint, now=serving.here.now()
    )
    return answer_json(asdict(joined), 201)


@router.post("tokens")
def ask_for_token(request: HttpRequest, sent: TokenRequest) -> HttpResponse:
    """A token for an hour, and until when it holds."""
    serving = serving_of(request)
    issued = issue_token(
        sent.envelope,
        installation=serving.fingerprint,
        now=serving.here.now(),
        random=serving.here.random,
    )
    return answer_json(asdict(issued), 201)


@router.delete("tokens/current")
def end_token(request: HttpRequest) -> HttpResponse:
    """End the token that this is asked with."""
    revoke_token(speaker_of(request).token, serving_of(request).here.now())
    return HttpResponse(status=204)


@router.get("me")
def me(request: HttpRequest) -> HttpResponse:
    """Who asks, what its token is for, and its devices with how many tokens of each hold."""
    principal = speaker_of(request)
    return answer_json(own_account(principal, serving_of(request).here.now()))


@router.delete("me/devices/{key}")
def end_own_device(request: HttpRequest, key: str) -> HttpResponse:
    """End one of one's own devices, also that which asks, with its tokens; and all channels."""
    revoke_own_device(speaker_of(request), key, now=serving_of(request).here.now())
    return HttpResponse(status=204)


@router.delete("me/tokens")
def end_other_tokens(request: HttpRequest) -> HttpResponse:
    """End all of one's own tokens but the one that this is asked with, browsers, and channels."""
    revoke_other_tokens(speaker_of(request), serving_of(request).here.now())
    return HttpResponse(status=204)
