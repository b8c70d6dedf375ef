"""A device is let in by a code and its own signature, and has tokens for an hour."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from support.accounts import (
    AUD,
    NOW,
    RANDOM,
    Device,
    administrator,
    invited,
    let_in,
    proof,
)
from touchstone.ledger import dumps, fingerprint
from touchstone.ledger.deeds import pre_authentication_encoding
from touchstone.ledger.devices import (
    SCOPES,
    JoiningStatement,
    TokenStatement,
    key_of_code,
    signed_by_device,
)
from touchstone.server.accounts import joining
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.errors import (
    BadAccountError,
    DeviceTakenError,
    NotUsableError,
    ScopeError,
    StatementLateError,
    StatementUsedError,
    UnprovenError,
)
from touchstone.server.accounts.joining import issue_token, redeem, revoke_token
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import (
    AccessToken,
    Account,
    AccountInvitation,
    DeviceKey,
    UsedNonce,
)
from touchstone.server.accounts.people import change_roles
from touchstone.server.accounts.roles import SCOPES_OF, scopes_of
from touchstone.server.errors import NotAuthenticatedError

OTHER = f"SHA256:{'cd' * 32}"


def taken(code: str, envelope: object, now: str = NOW) -> Any:
    return redeem(proof(code, envelope), envelope, installation=AUD, now=now)


def issued(envelope: object, now: str = NOW) -> Any:
    return issue_token(envelope, installation=AUD, now=now, random=RANDOM)


def test_a_code_lets_one_device_in_once():
    told, device = invited("example-lab", "submitter"), Device("a")
    envelope = device.joining(told.code)
    joined = taken(told.code, envelope)
    assert (joined.person, joined.institution, joined.roles) == (
        told.person,
        "example-lab",
        ("submitter",),
    )
    # The answer may have been lost: the same device is told the same.
    assert taken(told.code, envelope) == joined
    with pytest.raises(NotUsableError):
        Device("b").joins(told)


@pytest.mark.parametrize(
    "typed", [str.upper, lambda code: code.replace("-", " "), lambda c: c + " "]
)
def test_a_code_may_be_typed_as_people_type(typed: Callable[[str], str]):
    told, device = invited("example-lab", "submitter"), Device("a")
    assert taken(typed(told.code), device.joining(told.code)).person == told.person


@pytest.mark.parametrize(
    ("now", "holds"), [("2026-12-08T08:59:59Z", True), ("2026-12-08T09:00:00Z", False)]
)
def test_a_code_expires(now: str, holds: bool):
    told, device = invited("example-lab", "submitter"), Device("a")
    envelope = device.joining(told.code, at=now)
    if holds:
        assert taken(told.code, envelope, now).person == told.person
    else:
        with pytest.raises(NotUsableError):
            taken(told.code, envelope, now)


def test_codes_that_let_nobody_in_are_told_apart_by_nothing():
    told = invited("example-lab", "submitter")
    Device("first").joins(told)
    expired = invited("example-lab", "submitter")
    unknown = "00000-00000-00000-00000-00000"
    said = set()
    elsewhere = invited("example-agency", "official")
    for code, now in (
        (told.code, NOW),
        (unknown, NOW),
        (expired.code, "2027-01-01T00:00:00Z"),
        (elsewhere.code, NOW),
    ):
        with pytest.raises(NotUsableError) as caught:
            taken(code, Device("x").joining(code, at=now), now)
        said.add((caught.value.status, caught.value.code, caught.value.why))
    assert len(said) == 1


def test_who_has_the_code_and_not_the_statement_gets_nothing():
    told, device = invited("example-lab", "submitter"), Device("a")
    good = device.joining(told.code)
    other = invited("example-lab", "submitter").code
    for code, envelope in (
        (other, good),
        ("", good),
        ("x" * 200, good),
        (told.code, device.joining(other)),
        (told.code, device.joining(told.code, aud=OTHER)),
        (told.code, device.asking("read", person="p" + "0" * 24)),
        (
            told.code,
            good | {"signatures": [good["signatures"][0] | {"sig": b64encode(bytes(64)).decode()}]},
        ),
        (told.code, good | {"signatures": [good["signatures"][0] | {"keyid": OTHER}]}),
        (told.code, good | {"signatures": []}),
        (told.code, good | {"signatures": good["signatures"] * 2}),
        (told.code, good | {"payloadType": TokenStatement.PAYLOAD_TYPE}),
        (told.code, good | {"payload": b64encode(b"[" * 10_000).decode()}),
    ):
        with pytest.raises(UnprovenError):
            taken(code, envelope)
    # None of it used the code up.
    assert taken(told.code, good).person == told.person


def test_whoever_passes_it_on_puts_no_other_device_in_its_place():
    """A relay sees all that is sent, and has the code of none of it (ADR 325)."""
    told, own, relay = invited("example-lab", "submitter"), Device("own"), Device("relay")
    sent = own.joining(told.code)
    seen = proof(told.code, sent)
    of_the_relay = relay.joining(told.code)
    for passed_on, envelope in (
        (seen, of_the_relay),
        # What it saw of the code, the public key, makes no signature either.
        (proof(key_of_code(told.code), of_the_relay), of_the_relay),
        (proof("00000-00000-00000-00000-00000", of_the_relay), of_the_relay),
        (seen[:-2], sent),
        (seen + "00", sent),
        ("zz" * 64, sent),
        ("", sent),
    ):
        with pytest.raises(UnprovenError):
            redeem(passed_on, envelope, installation=AUD, now=NOW)
    # Passed on as it was it lets its own device in, and no other afterwards.
    assert redeem(seen, sent, installation=AUD, now=NOW).person == told.person
    assert [each.key for each in DeviceKey.objects.filter(account__person=told.person)] == [own.key]


def test_twin_without_the_codes_signature_the_relay_comes_in(monkeypatch: pytest.MonkeyPatch):
    told, own, relay = invited("example-lab", "submitter"), Device("own"), Device("relay")
    seen = proof(told.code, own.joining(told.code))
    monkeypatch.setattr(joining, "check_taking", lambda *_: None)
    redeem(seen, relay.joining(told.code), installation=AUD, now=NOW)
    assert [each.key for each in DeviceKey.objects.filter(account__person=told.person)] == [
        relay.key
    ]


def test_who_reads_the_database_has_no_code():
    told = invited("example-lab", "submitter")
    kept = AccountInvitation.objects.get(account__person=told.person).digest
    assert kept != key_of_code(told.code)
    envelope = Device("thief").joining(told.code)
    with pytest.raises(UnprovenError):
        redeem(proof(kept, envelope), envelope, installation=AUD, now=NOW)


def test_a_device_is_of_one_person():
    device = let_in("example-lab", "submitter")
    told = invited("example-lab", "reviewer")
    with pytest.raises(DeviceTakenError):
        taken(told.code, device.joining(told.code))
    # Refused, it has not used the code up.
    assert Device("new").joins(told).person == told.person


@pytest.mark.parametrize("label", [" ", "a\x1b[2Jb", "x" * 101, "a\nb"])
def test_a_devices_label_is_one_line_that_all_can_see(label: str):
    told = invited("example-lab", "submitter")
    with pytest.raises(BadAccountError, match="label"):
        taken(told.code, Device("a").joining(told.code, label=label))


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-12-01T08:55:00Z", True),
        ("2026-12-01T08:54:59Z", False),
        ("2026-12-01T09:05:00Z", True),
        ("2026-12-01T09:05:01Z", False),
        ("2036-12-01T09:00:00Z", False),
    ],
)
def test_a_statement_holds_for_minutes(at: str, holds: bool):
    device, told = let_in("example-lab", "submitter"), invited("example-lab", "reviewer")
    joining, asking = Device("b").joining(told.code, at=at), device.asking("read", at=at)
    if holds:
        assert taken(told.code, joining)
        assert issued(asking)
        return
    for send in (lambda: taken(told.code, joining), lambda: issued(asking)):
        with pytest.raises(StatementLateError, match="set the clock right") as caught:
            send()
        assert caught.value.beside == {"now": NOW}


def test_a_token_is_for_its_person_and_scopes():
    device = let_in("example-lab", "submitter")
    token = device.token("read", "deeds")
    found = principal_of(f"Bearer {token.token}", NOW)
    assert (found.person, found.party) == (device.person, "example-lab")
    assert found.scopes == {"read", "deeds"}
    assert found.roles == {"submitter"}
    assert token.expires == "2026-12-01T10:00:00Z"
    assert token.token not in str([vars(row) for row in AccessToken.objects.all()])


def test_a_statement_is_used_once():
    device = let_in("example-lab", "submitter")
    envelope = device.asking("read", nonce="11" * 32)
    assert issued(envelope)
    for again in (envelope, device.asking("deeds", "read", nonce="11" * 32)):
        with pytest.raises(StatementUsedError):
            issued(again)
    # Another device's nonce is another.
    assert issued(let_in("example-lab", "submitter").asking("read", nonce="11" * 32))


def test_a_device_has_so_many_tokens_and_an_older_one_ends_with_the_next():
    device, other = let_in("example-lab", "submitter"), let_in("example-lab", "submitter")
    kept = other.token("read").token
    tokens = [device.token("read").token for _ in range(joining.MOST_TOKENS + 1)]
    with pytest.raises(NotAuthenticatedError):
        principal_of(f"Bearer {tokens[0]}", NOW)
    for token in (*tokens[1:], kept):
        assert principal_of(f"Bearer {token}", NOW).scopes == {"read"}
    # What has ended takes no place.
    for token in tokens[1:]:
        revoke_token(principal_of(f"Bearer {token}", NOW).token, NOW)
    newer = [device.token("read").token for _ in range(joining.MOST_TOKENS)]
    assert principal_of(f"Bearer {newer[0]}", NOW).person == device.person


def test_twin_without_the_bound_the_first_goes_on(monkeypatch: pytest.MonkeyPatch):
    device = let_in("example-lab", "submitter")
    monkeypatch.setattr(joining, "_end_older", lambda *_: None)
    tokens = [device.token("read").token for _ in range(joining.MOST_TOKENS + 1)]
    assert principal_of(f"Bearer {tokens[0]}", NOW).person == device.person


def test_used_nonces_are_kept_longer_than_statements_hold():
    device = let_in("example-lab", "submitter")
    envelope = device.asking("read")
    issued(envelope)
    kept = UsedNonce.objects.order_by("pk").last()
    assert kept is not None
    assert kept.until == "2026-12-02T09:00:00Z"
    device.token("read", now="2026-12-02T09:00:01Z")
    assert not UsedNonce.objects.filter(pk=kept.pk).exists()


def test_only_ones_own_device_asks_for_ones_token():
    device, other = let_in("example-lab", "submitter"), let_in("example-lab", "lead")
    stranger = Device("stranger")
    stranger.person = device.person
    for envelope in (
        device.asking("read", person=other.person),
        device.asking("read", aud=OTHER),
        stranger.asking("read"),
        device.joining("00000-00000-00000-00000-00000"),
    ):
        with pytest.raises(UnprovenError):
            issued(envelope)


@pytest.mark.parametrize("role", sorted(SCOPES_OF))
@pytest.mark.parametrize("scope", [*SCOPES, "admin"])
def test_a_token_is_for_what_the_table_says(role: str, scope: str):
    device = administrator() if role == "administrator" else let_in("example-lab", role)
    if scope in SCOPES_OF[role]:
        assert principal_of(f"Bearer {device.token(scope).token}", NOW).scopes == {scope}
    else:
        with pytest.raises(ScopeError):
            device.token(scope)


def test_a_token_for_nothing_is_none():
    with pytest.raises(ScopeError):
        let_in("example-lab", "submitter").token()


def test_an_administrator_sees_no_contents():
    assert scopes_of({"administrator"}) == {"people"}
    assert scopes_of({"unheard-of"}) == set()


def test_fewer_roles_count_at_once():
    device = let_in("example-lab", "submitter")
    header = f"Bearer {device.token('read', 'deeds').token}"
    change_roles(Manager.machine(), device.person, ["reviewer"], now=NOW)
    assert principal_of(header, NOW).scopes == {"read"}
    change_roles(Manager.machine(), device.person, ["lead"], now=NOW)
    # What was not asked for is not given.
    assert principal_of(header, NOW).scopes == {"read", "deeds"}


def refusals(headers: dict[str, str | None], now: str = NOW) -> set[str]:
    said = set()
    for header in headers.values():
        with pytest.raises(NotAuthenticatedError) as caught:
            principal_of(header, now)
        said.add(str(caught.value))
    return said


def test_whatever_is_amiss_with_a_token_the_answer_is_the_same():
    device = let_in("example-lab", "submitter")
    token = device.token("read").token
    revoked = device.token("read").token
    revoke_token(principal_of(f"Bearer {revoked}", NOW).token, NOW)
    revoke_token("\x00", NOW)
    other = let_in("example-agency", "official").token("read").token
    headers = {
        "none": None,
        "empty": "",
        "no token": "Bearer ",
        "unknown": f"Bearer tst1_{'A' * 43}",
        "cut": f"Bearer {token[:-1]}",
        "longer": f"Bearer {token}A",
        "revoked": f"Bearer {revoked}",
        "two people's": f"Bearer {token}, Bearer {other}",
        "two in one": f"Bearer {token} {other}",
        "twice": f"Bearer {token},Bearer {token}",
        "another scheme": f"Basic {token}",
        "no scheme": token,
        "surrogates": "Bearer \udc9b",
        "NUL": "Bearer \x00",
        "long": "Bearer " + "a" * 100_000,
        "line feed": f"Bearer {token}\n",
        "digest": f"Bearer {principal_of(f'Bearer {token}', NOW).token}",
    }
    assert len(refusals(headers)) == 1
    found = principal_of(f"Bearer {token}", "2026-12-01T09:59:59Z")
    assert found.person == device.person
    expired = refusals({"expired": f"Bearer {token}"}, "2026-12-01T10:00:00Z")
    assert expired == refusals({"unknown": headers["unknown"]})


@pytest.mark.parametrize(
    "change",
    [
        lambda own: own.update(revoked_at=NOW),
        lambda own: DeviceKey.objects.filter(tokens__in=own).update(revoked_at=NOW),
        lambda own: Account.objects.filter(tokens__in=own).update(is_active=False),
        lambda own: own.update(expires_at=NOW),
    ],
    ids=["token", "device", "person", "time"],
)
def test_each_of_these_ends_a_token_by_itself(change: Callable[[Any], Any]):
    header = f"Bearer {let_in('example-lab', 'submitter').token('read').token}"
    own = AccessToken.objects.filter(digest=principal_of(header, NOW).token)
    assert change(own) == 1
    with pytest.raises(NotAuthenticatedError):
        principal_of(header, NOW)


def test_each_of_these_keeps_a_device_out_by_itself():
    told, device = invited("example-lab", "submitter"), let_in("example-lab", "submitter")
    accounts = Account.objects.filter(person__in=[told.person, device.person])
    accounts.update(is_active=False)
    with pytest.raises(NotUsableError):
        Device("new").joins(told)
    with pytest.raises(UnprovenError):
        device.token("read")
    accounts.update(is_active=True)
    codes = AccountInvitation.objects.filter(account__person=told.person)
    for column in ("revoked_at", "used_at"):
        codes.update(**{column: NOW})
        with pytest.raises(NotUsableError):
            Device("new").joins(told)
        codes.update(**{column: ""})
    assert Device("new").joins(told).token("read").token
    DeviceKey.objects.filter(key=device.key).update(revoked_at=NOW)
    with pytest.raises(UnprovenError):
        device.token("read")


def test_a_device_that_has_ended_does_not_come_in_again_by_its_old_code():
    told, device = invited("example-lab", "submitter"), Device("a")
    envelope = device.joining(told.code)
    taken(told.code, envelope)
    DeviceKey.objects.filter(key=device.key).update(revoked_at=NOW)
    with pytest.raises(NotUsableError):
        taken(told.code, envelope)


def test_a_key_of_small_order_is_no_devices():
    """With such a key anybody could have signed: it proves that nobody has it."""
    told, device = invited("example-lab", "submitter"), Device("a")
    envelope = device.joining(told.code)
    said = json.loads(b64decode(envelope["payload"])) | {"key": "01" + "00" * 31}
    keyid = fingerprint(bytes.fromhex(said["key"]))
    # This signature holds for each message under that key.
    signature = b64encode(bytes.fromhex("01" + "00" * 63)).decode()
    forged = envelope | {
        "payload": b64encode(dumps(said)).decode(),
        "signatures": [{"keyid": keyid, "sig": signature}],
    }
    with pytest.raises(UnprovenError):
        taken(told.code, forged)


def test_as_many_questions_are_asked_for_any_token():
    """What is not asked of the database for a malformed token would tell it from an unknown one."""
    counts = set()
    for header in (None, "Bearer x", f"Bearer tst1_{'A' * 43}"):
        with CaptureQueriesContext(connection) as asked, pytest.raises(NotAuthenticatedError):
            principal_of(header, NOW)
        counts.add(len(asked))
    assert counts == {1}


def test_when_a_token_was_used_is_kept_to_the_minute():
    header = f"Bearer {let_in('example-lab', 'submitter').token('read').token}"
    digest = principal_of(header, "2026-12-01T09:00:10Z").token
    with CaptureQueriesContext(connection) as asked:
        principal_of(header, "2026-12-01T09:00:59Z")
    assert len(asked) == 1
    principal_of(header, "2026-12-01T09:01:00Z")
    assert AccessToken.objects.get(digest=digest).used_at == "2026-12-01T09:01"


def test_tokens_that_are_over_are_forgotten():
    device = let_in("example-lab", "submitter")
    digest = principal_of(f"Bearer {device.token('read').token}", NOW).token
    device.token("read", now="2026-12-02T09:59:00Z")
    assert AccessToken.objects.filter(digest=digest).exists()
    device.token("read", now="2026-12-02T10:00:01Z")
    assert not AccessToken.objects.filter(digest=digest).exists()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(ANY, st.sampled_from(["payload", "payloadType", "signatures", None]))
def test_whatever_stands_in_an_envelope_it_is_refused(value: object, field: str | None):
    device = Device("a")
    device.person = "p" + "0" * 24
    for envelope, send in (
        (device.asking("read"), issued),
        (device.joining("0" * 25), lambda each: taken("0" * 25, each)),
    ):
        with pytest.raises((UnprovenError, NotUsableError)):
            send(value if field is None else envelope | {field: value})


@given(
    ANY, st.sampled_from(["aud", "key", "at", "nonce", "person", "scopes", "v", "domain", "new"])
)
def test_whatever_stands_in_a_statement_it_is_refused(value: Any, field: str):
    device = let_in_once()
    said = json.loads(b64decode(device.asking("read")["payload"])) | {field: value}
    try:
        payload = dumps(said)
    except Exception:  # noqa: BLE001 - what cannot be written cannot be sent either
        return
    envelope = _signed(device, payload)
    with pytest.raises((UnprovenError, ScopeError)):
        issued(envelope)


ONCE: list[Device] = []


def let_in_once() -> Device:
    if not ONCE:
        ONCE.append(let_in("example-lab", "submitter"))
    return ONCE[0]


def _signed(device: Device, payload: bytes) -> dict[str, Any]:
    envelope = device.asking("read")
    message = pre_authentication_encoding(payload, TokenStatement.PAYLOAD_TYPE)
    signature = {"sig": b64encode(device.signer.sign(message)).decode()}
    return envelope | {
        "payload": b64encode(payload).decode(),
        "signatures": [envelope["signatures"][0] | signature],
    }


def test_a_statement_of_one_kind_is_never_one_of_the_other():
    """Each kind has its own payload type, which is signed, and its own domain."""
    device = let_in_once()
    joining = JoiningStatement(
        aud=AUD,
        key=device.key,
        at=NOW,
        nonce="11" * 32,
        code="22" * 32,
        party="example-lab",
        label="a",
    )
    envelope = signed_by_device(joining, device.signer)
    assert envelope["payloadType"] != TokenStatement.PAYLOAD_TYPE
    assert JoiningStatement.DOMAIN != TokenStatement.DOMAIN
    with pytest.raises(UnprovenError):
        taken("0" * 25, _signed(device, joining.payload))
