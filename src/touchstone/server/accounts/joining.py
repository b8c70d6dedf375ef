"""A person's device is let in: once by a code, then by what it signs, for an hour at a time."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction

from touchstone.handin import moment_of, utc_text
from touchstone.keys import RandomSource
from touchstone.ledger.devices import (
    DeviceStatement,
    check_taking,
    digest_of_code_key,
    opened_joining,
    opened_token_request,
)
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.server.accounts.errors import (
    DeviceTakenError,
    NotUsableError,
    ScopeError,
    StatementLateError,
    StatementUsedError,
    UnprovenError,
)
from touchstone.server.accounts.managing import Manager, changing, note_once_it_stands
from touchstone.server.accounts.models import (
    ACCOUNTS,
    AccessToken,
    Account,
    AccountInvitation,
    DeviceKey,
    UsedNonce,
)
from touchstone.server.accounts.people import checked_line
from touchstone.server.accounts.roles import scopes_of
from touchstone.server.accounts.secret_codes import new_token, token_digest

MINUTES_APART = 5
"""How far a statement's time may be from the server's."""
TOKEN_SECONDS = 3_600
MOST_TOKENS = 8
"""Of one device at a time: several commands may run on it. An older one ends with the next."""
MOST_LABEL = 100
SHOWN_OF_TOKEN = 16
"""Hex digits of a token's digest by which the log names it."""
_KEPT_DAYS = 1
"""How long used nonces and tokens that are over are kept: a clock may be set back by hours."""


@dataclass(frozen=True, slots=True)
class JoinedDevice:
    """Whose device was let in, and what the person is."""

    person: str
    institution: str
    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    """All that a token of the person can be for."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token (a secret: it is shown here alone), until when it holds, and for what."""

    token: str
    person: str
    expires: str
    scopes: tuple[str, ...]


def redeem(proof: str, envelope: object, *, installation: str, now: str) -> JoinedDevice:
    """Let a device in by a one-time code and its own signature.

    The code never comes here: its key signs what the device signed, so that whoever passes it on
    can put no other device in its place. The same device may send the same again: an answer can be
    lost on its way.

    Args:
        proof: The signature of the code's key (hex) over the statement.
        envelope: A `JoiningStatement` as a DSSE envelope.
        installation: The fingerprint of this installation's first key.
        now: The time (UTC).

    Raises:
        UnprovenError: the device, or the code's key, did not sign that it is taken of this
            installation.
        StatementLateError: it was signed too long ago, or too far ahead.
        NotUsableError: the code is unknown, used, expired, another party's, or the person was
            removed.
        DeviceTakenError: the device is known already.
        BadAccountError: a label that cannot be taken.
    """
    try:
        said = opened_joining(envelope)
        check_taking(said, proof)
    except (MalformedError, AlteredError) as error:
        raise UnprovenError from error
    # What was signed for another installation lets nobody in here, whoever shows it.
    digest = digest_of_code_key(said.code)
    if said.aud != installation:
        raise UnprovenError
    _check_time(said, now)
    label = checked_line(said.label, "a device's label", MOST_LABEL)
    with changing():
        invitation = AccountInvitation.objects.using(ACCOUNTS).filter(digest=digest).first()
        account = _held(invitation)
        if account is None or account.institution != said.party:
            raise NotUsableError
        # Used already: by another device, or by this one, which lost the answer.
        if not _use_up(digest, now):
            return _joined_before(account, digest, said.key)
        device = DeviceKey(
            account=account, key=said.key, label=label, invitation=digest, added_at=now
        )
        try:
            with transaction.atomic(using=ACCOUNTS):
                device.save(using=ACCOUNTS)
        except IntegrityError as error:
            raise DeviceTakenError from error
        own = Manager(account.person, account.institution, frozenset(account.roles))
        own.note("device-added", account, now, key=said.key, label=label)
        return _joined(account)


def issue_token(
    envelope: object, *, installation: str, now: str, random: RandomSource
) -> IssuedToken:
    """A token for an hour, for what a device signed that it asks for.

    Args:
        envelope: A `TokenStatement` as a DSSE envelope.
        installation: The fingerprint of this installation's first key.
        now: The time (UTC).
        random: Where the token comes from.

    Raises:
        UnprovenError: no device of that person signed it for this installation, or it has ended.
        StatementLateError: it was signed too long ago, or too far ahead.
        StatementUsedError: it was used before.
        ScopeError: the person's roles do not allow all that it asks for.
    """
    try:
        said = opened_token_request(envelope)
    except (MalformedError, AlteredError) as error:
        raise UnprovenError from error
    with changing():
        devices = DeviceKey.objects.using(ACCOUNTS).filter(key=said.key)
        account = _held(devices.first())
        # Asked once the account is held: it may have been revoked meanwhile.
        device = devices.filter(revoked_at="").first()
        if account is None or device is None:
            raise UnprovenError
        if account.person != said.person or said.aud != installation:
            raise UnprovenError
        _check_time(said, now)
        if not said.scopes or not scopes_of(account.roles).issuperset(said.scopes):
            raise ScopeError(scopes_of(account.roles))
        _use_nonce(said, now)
        token, expires = new_token(random), _later(now, seconds=TOKEN_SECONDS)
        # Its digest alone: nobody gets in by what stands in the table, or in a copy of it.
        AccessToken.objects.using(ACCOUNTS).create(
            digest=token_digest(token),
            account=account,
            device=device,
            scopes=list(said.scopes),
            made_at=now,
            expires_at=expires,
        )
        _end_older(device, now)
        _forget_old(now)
        note_once_it_stands(
            "token-made",
            person=account.person,
            party=account.institution,
            device=said.fingerprint,
            token=token_digest(token)[:SHOWN_OF_TOKEN],
            scopes=" ".join(said.scopes),
            until=expires,
        )
    return IssuedToken(token, account.person, expires, said.scopes)


def revoke_token(token: str, now: str) -> None:
    """End a token, by its id (`Principal.token`). To end it twice changes nothing."""
    with changing():
        held = AccessToken.objects.using(ACCOUNTS).filter(digest=token, revoked_at="")
        if held.update(revoked_at=now):
            note_once_it_stands("token-revoked", token=token[:SHOWN_OF_TOKEN])


def _held(of: AccountInvitation | DeviceKey | None) -> Account | None:
    """The active account that an invitation or a device is of, held until the transaction ends.

    All who change one hold its account first: whoever is removed at the same time is out.
    """
    if of is None:
        return None
    held = Account.objects.using(ACCOUNTS).select_for_update()
    return held.filter(pk=of.account_id, is_active=True).first()


def _use_up(digest: str, now: str) -> bool:
    """Use the invitation of a code up; False: it lets nobody in any more."""
    # Its own columns alone: after waiting for another, PostgreSQL asks these anew, and no others.
    usable = AccountInvitation.objects.using(ACCOUNTS).filter(
        digest=digest, used_at="", revoked_at="", expires_at__gt=now
    )
    return bool(usable.update(used_at=now))


def _joined_before(account: Account, digest: str, key: str) -> JoinedDevice:
    known = DeviceKey.objects.using(ACCOUNTS).filter(
        account=account, invitation=digest, key=key, revoked_at=""
    )
    if not known.exists():
        raise NotUsableError
    return _joined(account)


def _joined(account: Account) -> JoinedDevice:
    return JoinedDevice(
        account.person,
        account.institution,
        account.name,
        tuple(account.roles),
        tuple(sorted(scopes_of(account.roles))),
    )


def _check_time(said: DeviceStatement, now: str) -> None:
    apart = abs(moment_of(said.at) - moment_of(now))
    if apart > timedelta(minutes=MINUTES_APART):
        raise StatementLateError(now, MINUTES_APART)


def _use_nonce(said: DeviceStatement, now: str) -> None:
    digest = sha256(f"{said.key} {said.nonce}".encode()).hexdigest()
    try:
        with transaction.atomic(using=ACCOUNTS):
            UsedNonce.objects.using(ACCOUNTS).create(
                digest=digest, until=_later(now, days=_KEPT_DAYS)
            )
    except IntegrityError as error:
        raise StatementUsedError from error


def _end_older(device: DeviceKey, now: str) -> None:
    """Keep the newest tokens of a device, and end the others that still hold."""
    open_ = AccessToken.objects.using(ACCOUNTS).filter(device=device, revoked_at="")
    held = open_.filter(expires_at__gt=now).order_by("-pk").values_list("pk", flat=True)
    older = list(held[MOST_TOKENS:])
    if older:
        open_.filter(pk__in=older).update(revoked_at=now)
        note_once_it_stands("token-revoked", person=device.account.person, ended=len(older))


def _forget_old(now: str) -> None:
    UsedNonce.objects.using(ACCOUNTS).filter(until__lt=now).delete()
    over = _later(now, days=-_KEPT_DAYS)
    AccessToken.objects.using(ACCOUNTS).filter(expires_at__lt=over).delete()


def _later(now: str, **by: Any) -> str:
    return utc_text(moment_of(now) + timedelta(**by))
