"""Passkeys (WebAuthn): how a person comes in with a browser, and signs in again.

Each is two steps: `begin_*` gives what the browser is asked and a *state*, which is signed and
comes back with the answer; `finish_*` checks the answer. A state is used once. The verification of
what authenticators say is Yubico's fido2 (ADR 368).
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from touchstone.handin import moment_of, utc_text
from touchstone.keys import RandomSource
from touchstone.ledger.devices import PasskeyTaking, digest_of_code_key
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.records.database import translated
from touchstone.server.accounts.errors import (
    DeviceTakenError,
    NotUsableError,
    StatementUsedError,
    UnprovenError,
)
from touchstone.server.accounts.managing import Manager, changing
from touchstone.server.accounts.models import (
    ACCOUNTS,
    Account,
    AccountInvitation,
    Passkey,
    RecoveryCode,
    UsedNonce,
)
from touchstone.server.accounts.people import checked_line
from touchstone.server.accounts.secret_codes import new_code
from touchstone.server.accounts.sessions import (
    PASSKEY,
    RECOVERY,
    SHOWN_OF_SESSION,
    begin_session,
    end_session,
    end_sessions_of,
)
from touchstone.server.principal import Principal

STATE_SECONDS = 300
"""How long a person may take to touch its key."""
RECOVERY_CODES = 8
MOST_LABEL = 100
_SALT = "touchstone.passkey"
_REQUIRED = UserVerificationRequirement.REQUIRED
Asked = Mapping[str, Any]
"""`asked`: what a browser is to ask its authenticator, as WebAuthn's JSON has it; `state`."""


@dataclass(frozen=True, slots=True)
class BrowserPlace:
    """Where a browser is: the host that a passkey is bound to, and its origin."""

    host: str
    origin: str

    @property
    def server(self) -> Fido2Server:
        """What checks authenticators here: of no other origin is an answer taken."""
        entity = PublicKeyCredentialRpEntity(name="Touchstone", id=self.host)
        return Fido2Server(entity, verify_origin=lambda origin: origin == self.origin)


@dataclass(frozen=True, slots=True)
class AuthenticatorAnswer:
    """What came back from a browser: the state as it was given, and its authenticator's answer."""

    state: str
    answer: Mapping[str, Any]
    place: BrowserPlace


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey as its person sees it."""

    name: str
    label: str
    added: str


def begin_joining(code_key: str, place: BrowserPlace, now: str) -> Asked:
    """What a browser that has an invitation's code asks its authenticator.

    Args:
        code_key: The public key that the code makes (32 bytes, hex): the code does not travel.
        place: Where the browser is.
        now: The time (UTC).

    Raises:
        NotUsableError: the code is unknown, used or expired.
    """
    with translated(ACCOUNTS):
        account = _invited(code_key, now)
        if account is None:
            raise NotUsableError
        return _begin(account, place, {"code": code_key}, now)


def finish_joining(
    answered: AuthenticatorAnswer,
    *,
    proof: str,
    label: str,
    installation: str,
    now: str,
    random: RandomSource,
) -> str:
    """Let a browser in by its new passkey and the code's own signature: its session's cookie.

    Raises:
        UnprovenError: the state, the authenticator's answer or the code's signature does not hold.
        StatementUsedError: the state was used before.
        NotUsableError: the code is unknown, used or expired.
        DeviceTakenError: the passkey is known already.
        BadAccountError: a label that cannot be taken.
    """
    held = _opened(answered.state, now)
    if "code" not in held:
        raise UnprovenError
    credential = _registered(held, answered)
    digest = sha256(credential.credential_id).hexdigest()
    challenge = _bytes(held["state"]["challenge"]).hex()
    try:
        taking = PasskeyTaking(
            aud=installation, challenge=challenge, code=held["code"], credential=digest
        )
        taking.check(proof)
    except (MalformedError, AlteredError) as error:
        raise UnprovenError from error
    with changing():
        account = _invited(held["code"], now, use=True)
        if account is None:
            raise NotUsableError
        _use(challenge, now)
        _add(account, credential, digest, label, now)
        return begin_session(account, PASSKEY, label, now=now, random=random)


def begin_adding(principal: Principal, place: BrowserPlace, now: str) -> Asked:
    """What a browser that is signed in asks for a further passkey."""
    with translated(ACCOUNTS):
        account = Account.objects.using(ACCOUNTS).get(person=principal.person)
        return _begin(account, place, {"person": principal.person}, now)


def finish_adding(
    principal: Principal,
    answered: AuthenticatorAnswer,
    label: str,
    *,
    now: str,
    random: RandomSource,
) -> str:
    """Add a passkey, and sign the browser in by it: the new session's cookie.

    Whoever came in by a recovery code has lost what it had, or another has it: its other sessions
    end. Raises as `finish_joining`.
    """
    held = _opened(answered.state, now)
    if held.get("person") != principal.person:
        raise UnprovenError
    credential = _registered(held, answered)
    with changing():
        account = _locked(principal.person)
        _use(_bytes(held["state"]["challenge"]).hex(), now)
        _add(account, credential, sha256(credential.credential_id).hexdigest(), label, now)
        if not principal.scopes:
            end_sessions_of(account, now)
        else:
            # This browser's alone: it goes on with the new one, and others are as they were.
            end_session(principal, principal.token[:SHOWN_OF_SESSION], now)
        return begin_session(account, PASSKEY, label, now=now, random=random)


def begin_signing_in(place: BrowserPlace, now: str) -> Asked:
    """What any browser asks its authenticator to sign in."""
    asked, state = place.server.authenticate_begin(user_verification=_REQUIRED)
    return _asked(asked, {"state": state}, now)


def finish_signing_in(answered: AuthenticatorAnswer, *, now: str, random: RandomSource) -> str:
    """Sign a browser in by a passkey that is known: its session's cookie.

    Raises:
        UnprovenError: whatever is amiss, with one answer.
        StatementUsedError: the state was used before.
    """
    held, answer = _opened(answered.state, now), answered.answer
    digest = sha256(_bytes(answer.get("rawId"))).hexdigest()
    with changing():
        found = Passkey.objects.using(ACCOUNTS).filter(digest=digest, revoked_at="")
        passkey = found.select_related("account").first()
        if passkey is None or not passkey.account.is_active:
            raise UnprovenError
        try:
            answered.place.server.authenticate_complete(
                held["state"], [AttestedCredentialData(bytes(passkey.credential))], answer
            )
        except Exception as error:
            raise UnprovenError from error
        account = _locked(passkey.account.person)
        _use(_bytes(held["state"]["challenge"]).hex(), now)
        return begin_session(account, PASSKEY, passkey.label, now=now, random=random)


def recover(code: str, *, now: str, random: RandomSource) -> str:
    """Sign a browser in by a recovery code, to add a passkey and no more: its session's cookie.

    Raises NotUsableError: the code is unknown or used.
    """
    with changing():
        codes = RecoveryCode.objects.using(ACCOUNTS).filter(digest=_digest(code), used_at="")
        found = codes.select_related("account").first()
        if found is None:
            raise NotUsableError
        account = _locked(found.account.person)
        if not account.is_active or not codes.update(used_at=now):
            raise NotUsableError
        own = Manager(account.person, account.institution, frozenset(account.roles))
        own.note("recovered", account, now)
        return begin_session(account, RECOVERY, "", now=now, random=random)


def new_recovery_codes(principal: Principal, *, now: str, random: RandomSource) -> tuple[str, ...]:
    """Draw recovery codes anew, which are shown here alone; those before hold no more."""
    codes = tuple(new_code(random) for _ in range(RECOVERY_CODES))
    with changing():
        account = _locked(principal.person)
        RecoveryCode.objects.using(ACCOUNTS).filter(account=account).delete()
        RecoveryCode.objects.using(ACCOUNTS).bulk_create(
            RecoveryCode(account=account, digest=_digest(code), made_at=now) for code in codes
        )
        own = Manager(account.person, account.institution, frozenset(account.roles))
        own.note("recovery-codes-drawn", account, now)
    return codes


def passkeys_of(principal: Principal) -> tuple[tuple[ShownPasskey, ...], int]:
    """The person's passkeys, oldest first, and how many recovery codes it has left."""
    with translated(ACCOUNTS):
        rows = Passkey.objects.using(ACCOUNTS).filter(
            account__person=principal.person, revoked_at=""
        )
        left = RecoveryCode.objects.using(ACCOUNTS).filter(
            account__person=principal.person, used_at=""
        )
        shown = (ShownPasskey(row.digest, row.label, row.added_at) for row in rows.order_by("pk"))
        return tuple(shown), left.count()


def end_passkey(principal: Principal, name: str, now: str) -> None:
    """End one of the person's own passkeys, and all its sessions but the one that asks.

    The last one stays: whoever ended it would be out. Of none of that name nothing changes.
    """
    with changing():
        account = _locked(principal.person)
        own = Passkey.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
        if own.count() > 1 and own.filter(digest=name).update(revoked_at=now):
            end_sessions_of(account, now, principal.token)
            by = Manager(account.person, account.institution, frozenset(account.roles))
            by.note("passkey-ended", account, now, passkey=name)


def end_browsers(by: Manager, person: str, now: str) -> None:
    """End all passkeys, recovery codes and sessions of a person: its browser was lost, say.

    It comes in again by a new code. Raises NoSuchPersonError, NotManagedError.
    """
    with changing():
        account = by.managed(person)
        Passkey.objects.using(ACCOUNTS).filter(account=account, revoked_at="").update(
            revoked_at=now
        )
        RecoveryCode.objects.using(ACCOUNTS).filter(account=account, used_at="").update(used_at=now)
        end_sessions_of(account, now)
        by.note("browsers-ended", account, now)


def _begin(account: Account, place: BrowserPlace, held: Mapping[str, Any], now: str) -> Asked:
    own = Passkey.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
    known = [AttestedCredentialData(bytes(row.credential)) for row in own]
    asked, state = place.server.register_begin(
        PublicKeyCredentialUserEntity(
            name=account.name, display_name=account.name, id=account.person.encode()
        ),
        known,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_REQUIRED,
    )
    return _asked(asked, {**held, "state": state}, now)


def _asked(asked: Any, held: Mapping[str, Any], now: str) -> Asked:
    # Its own objects are mappings that JSON knows as such only at the top.
    plain = json.loads(json.dumps(dict(asked)))
    return {"asked": plain, "state": signing.dumps({**held, "at": now}, salt=_SALT)}


def _registered(held: Mapping[str, Any], answered: AuthenticatorAnswer) -> AttestedCredentialData:
    try:
        found = answered.place.server.register_complete(held["state"], answered.answer)
    except Exception as error:
        # Whatever a stranger sent: fido2 raises ValueError, KeyError and its own.
        raise UnprovenError from error
    credential = found.credential_data
    if credential is None:
        raise UnprovenError
    return credential


def _add(
    account: Account, credential: AttestedCredentialData, digest: str, label: str, now: str
) -> None:
    row = Passkey(
        account=account,
        digest=digest,
        credential=bytes(credential),
        label=checked_line(label, "a passkey's label", MOST_LABEL),
        added_at=now,
    )
    try:
        with transaction.atomic(using=ACCOUNTS):
            row.save(using=ACCOUNTS)
    except IntegrityError as error:
        raise DeviceTakenError from error
    own = Manager(account.person, account.institution, frozenset(account.roles))
    own.note("passkey-added", account, now, passkey=digest, label=label)


def _invited(code_key: str, now: str, *, use: bool = False) -> Account | None:
    """The active account that an invitation lets in, by its code's public key; None: nobody."""
    try:
        digest = digest_of_code_key(code_key)
    except ValueError:
        return None
    usable = AccountInvitation.objects.using(ACCOUNTS).filter(
        digest=digest, used_at="", revoked_at="", expires_at__gt=now
    )
    found = usable.select_related("account").first()
    if found is None or not found.account.is_active:
        return None
    if not use:
        return found.account
    account = _locked(found.account.person)
    # Two browsers at once: after waiting for the other, the row is asked anew.
    return account if account.is_active and usable.update(used_at=now) else None


def _locked(person: str) -> Account:
    return Account.objects.using(ACCOUNTS).select_for_update().get(person=person)


def _opened(state: str, now: str) -> dict[str, Any]:
    try:
        held: dict[str, Any] = signing.loads(state, salt=_SALT)
    except signing.BadSignature as error:
        raise UnprovenError from error
    if moment_of(now) - moment_of(held["at"]) > timedelta(seconds=STATE_SECONDS):
        raise UnprovenError
    return held


def _use(challenge: str, now: str) -> None:
    until = utc_text(moment_of(now) + timedelta(seconds=2 * STATE_SECONDS))
    digest = sha256(f"passkey {challenge}".encode()).hexdigest()
    try:
        with transaction.atomic(using=ACCOUNTS):
            UsedNonce.objects.using(ACCOUNTS).create(digest=digest, until=until)
    except IntegrityError as error:
        raise StatementUsedError from error


def _digest(code: str) -> str:
    plain = "".join(each for each in code.lower() if each.isalnum())
    return sha256(f"recovery {plain}".encode()).hexdigest()


def _bytes(text: object) -> bytes:
    """Bytes as WebAuthn's JSON has them; empty where it is none."""
    if not isinstance(text, str):
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
