"""Who calls: what a token must be, what it says, and that it names no organisation."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from support import gateway_loop
from support.gateway_loop import AUDIENCE, EC_KEY, ISSUER, jwks
from touchstone.gateway.config import Identity, Issuer
from touchstone.gateway.errors import GatewayConfigError, RefusedError
from touchstone.gateway.identity import Caller, Identities, claims, identities, keysets, tokens
from touchstone.gateway.identity.countries import two_letters

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself
ED_KEY = jwk.OKPKey.generate_key("Ed25519", {"kid": "ed-1"})
RSA_KEY = jwk.RSAKey.generate_key(2048, {"kid": "rsa-1"})
STRANGER = jwk.ECKey.generate_key("P-256", {"kid": "ec-1"})
NOW = time.time()


def token(*args: Any, **claims: Any) -> str:
    """One that was issued when these tests' clock stood at its beginning."""
    return gateway_loop.token(*args, **{"iat": int(NOW), **claims})


class Clock:
    """Seconds since 1970, as set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Identities]


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Make:
    def made(
        *algorithms: str, keys: str | None = None, opaque: str | None = None, **more: Any
    ) -> Identities:
        (tmp_path / "jwks.json").write_text(keys or jwks(EC_KEY, ED_KEY, RSA_KEY))
        issuer = Issuer.model_validate(
            {
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "jwks_file": tmp_path / "jwks.json",
                "algorithms": algorithms or ("ES256", "EdDSA", "RS256"),
                **more,
            }
        )
        if opaque is not None:
            (tmp_path / "keys.toml").write_text(opaque)
        path = tmp_path / "keys.toml" if opaque is not None else None
        config = Identity(issuers=(issuer,), opaque_keys=path)
        return Identities(config, clock, 100)

    return made


async def _looked(found: Identities) -> None:
    found.look()
    if readings := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(readings)


def looked(found: Identities) -> None:
    """Look at every source, and wait until it was read."""
    asyncio.run(_looked(found))


def find(found: Identities, text: str) -> Caller:
    return asyncio.run(found.find(text))


def refusal(found: Identities, text: str) -> str:
    with pytest.raises(RefusedError) as caught:
        find(found, text)
    assert caught.value.status == 401
    assert not text or text not in str(caught.value)
    return str(caught.value)


def signed(header: dict[str, Any], content: Any, key: Any, algorithm: str = "ES256") -> str:
    """A token whose header and content are anything at all."""
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return jws.serialize_compact({"alg": algorithm, **header}, body, key, registry=registry)


def coded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def content(**more: Any) -> dict[str, Any]:
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(NOW) + 60, **more}


@pytest.mark.parametrize(
    ("key", "algorithm"), [(EC_KEY, "ES256"), (ED_KEY, "EdDSA"), (RSA_KEY, "RS256")]
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_three_algorithms_are_taken(make: Make, key: jwk.Key, algorithm: str):
    found = find(make(), signed({"kid": key.kid}, content(), key, algorithm))
    assert (found.person, found.expires) == ("ann", int(NOW) + 60)


def test_an_issuer_takes_only_its_own_algorithms(make: Make):
    text = signed({"kid": "rsa-1"}, content(), RSA_KEY, "RS256")
    assert "algorithm" in refusal(make("ES256"), text)


def test_a_public_key_is_no_secret(make: Make):
    head, body = coded({"alg": "HS256", "kid": "rsa-1"}), coded(content())
    mac = hmac.digest(RSA_KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    text = f"{head}.{body}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert "algorithm" in refusal(make(), text)


def test_nobody_vouches_without_a_signature(make: Make):
    head, body = coded({"alg": "none", "kid": "ec-1"}), coded(content())
    for text in (f"{head}.{body}.", f"{head}.{body}.{token().split('.')[2]}"):
        assert "algorithm" in refusal(make(), text)


def test_another_key_of_the_same_name_does_not_sign(make: Make):
    assert "signature" in refusal(make(), token(key=STRANGER))


def test_one_changed_character_is_found(make: Make):
    head, body, signature = token().split(".")
    other = token("eve").split(".")[1]
    assert "signature" in refusal(make(), f"{head}.{other}.{signature}")
    assert refusal(make(), f"{head}.{body}.{signature[:-4]}AAAA")


@pytest.mark.parametrize("field", ["jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"])
def test_a_header_cannot_bring_its_own_key(make: Make, field: str):
    value: Any = {
        "jwk": STRANGER.as_dict(private=False),
        "crit": ["exp"],
        "x5c": ["MII"],
        "b64": False,
    }.get(field, "https://evil.example")
    head = coded({"alg": "ES256", "kid": "ec-1", field: value})
    _, body, signature = token(key=STRANGER).split(".")
    assert "header" in refusal(make(), f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"aud": "other"}, "issuer"),
        ({"aud": []}, "issuer"),
        ({"exp": None}, "no end"),
        ({"exp": int(NOW)}, "expired"),
        ({"exp": "never"}, "no time"),
        ({"exp": True}, "no time"),
        ({"nbf": int(NOW) + 60}, "future"),
        ({"iat": int(NOW) + 60}, "future"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": "a\nb"}, "subject"),
        ({"sub": "a" * 300}, "subject"),
    ],
)
def test_claims_that_do_not_hold_are_refused(make: Make, change: dict[str, Any], why: str):
    wanted = {name: value for name, value in content(**change).items() if value is not None}
    assert why in refusal(make(), signed({"kid": "ec-1"}, wanted, EC_KEY))


@pytest.mark.parametrize(
    "body",
    [b'{"iss":"a","iss":"b"}', b'{"exp":NaN}', b"[]", b"\xff", b'{"exp":1e999}'],
)
def test_a_content_that_can_be_read_in_two_ways_is_refused(make: Make, body: bytes):
    assert "content" in refusal(make(), signed({"kid": "ec-1"}, body, EC_KEY))


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c.d", "..", "é.b.c", "a" * 9000, "e30.e30.e30", "W10.W10.x"]
)
def test_what_is_no_token_is_refused(make: Make, text: str):
    refusal(make(), text)


@given(st.text(alphabet="eyJhbGci.-_=09", max_size=60))
def test_no_text_is_mistaken_for_a_token(text: str):
    reader = tokens.TokenReader((), time.time)
    with pytest.raises(RefusedError):
        asyncio.run(reader.read(text))


def test_a_token_is_believed_until_it_ends(make: Make, clock: Clock):
    found, text = make(), token(exp=int(NOW) + 60)
    assert find(found, text) == found.remembered(text)
    clock.now = NOW + 61
    assert found.remembered(text) is None
    assert "expired" in refusal(found, text)


def test_no_organisation_comes_from_a_token(make: Make):
    text = token(organisation="example-lab", programmes=["early"], tier="government", staff=True)
    found = find(make(), text)
    assert set(Caller.__slots__) == {
        "person",
        "digest",
        "nationalities",
        "residence",
        "verified",
        "expires",
    }
    assert (found.verified, found.residence) == (False, None)


def test_an_issuer_has_its_own_people(make: Make):
    assert find(make(prefix="b:"), token("lee")).person == "b:lee"


# ---------------------------------------------------------------- facts


def verified(framework: Any = "eidas", **known: Any) -> dict[str, Any]:
    return {"verification": {"trust_framework": framework}, "claims": known}


@pytest.mark.parametrize(
    ("said", "nationalities", "residence", "is_verified"),
    [
        ({}, set(), None, False),
        ({"nationalities": ["DE", "FR"]}, {"DE", "FR"}, None, False),
        ({"nationalities": ["DEU", "XXA", "D"]}, {"DE", "stateless"}, None, False),
        ({"nationalities": ["Britain"]}, {"Britain"}, None, False),
        ({"nationalities": "DE"}, set(), None, False),
        ({"nationalities": [1]}, set(), None, False),
        ({"nationalities": ["DE"] * 20}, set(), None, False),
        ({"address": {"country_code": "DEU", "country": "Germany"}}, set(), "DE", False),
        ({"address": "Berlin"}, set(), None, False),
        ({"verified_claims": verified(nationalities=["DE"])}, {"DE"}, None, True),
        ({"verified_claims": [verified(nationalities=["DE"])]}, {"DE"}, None, True),
        ({"verified_claims": verified(None, nationalities=["DE"])}, set(), None, False),
        ({"verified_claims": {"claims": {"nationalities": ["DE"]}}}, set(), None, False),
        ({"verified_claims": "x"}, set(), None, False),
        (
            {"nationalities": ["DE"], "verified_claims": verified(nationalities=["DEU"])},
            {"DE"},
            None,
            True,
        ),
        (
            {"nationalities": ["US"], "verified_claims": verified(nationalities=["DE"])},
            set(),
            None,
            True,
        ),
        (
            {"address": {"country": "US"}, "verified_claims": verified(address={"country": "DE"})},
            set(),
            None,
            True,
        ),
    ],
)
def test_facts_are_those_of_identity_assurance(
    said: dict[str, Any], nationalities: set[str], residence: str | None, is_verified: bool
):
    assert claims.nationalities_of(said) == nationalities
    assert claims.residence_of(said) == residence
    assert claims.is_verified(said) is is_verified


def test_invented_countries_stay_as_they_are():
    assert [two_letters(code) for code in ("XA", "QZ", "GBR")] == ["XA", "QZ", "GB"]


# ---------------------------------------------------------------- keys


def test_a_key_that_is_taken_out_is_dropped(make: Make, clock: Clock, tmp_path: Path):
    found, text = make("ES256", refresh_seconds=10.0), token()
    find(found, text)
    (tmp_path / "jwks.json").write_text(jwks(ED_KEY))
    clock.now += 11
    looked(found)
    assert found.remembered(text) is None
    assert "key" in refusal(found, text)


def test_an_unknown_key_is_looked_for_at_most_every_few_seconds(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    found, text = make(), signed({"kid": "new"}, content(), EC_KEY)
    reads: list[Path] = []
    bounded = keysets.read_keyset

    def counted(path: Path) -> bytes:
        reads.append(path)
        return bounded(path)

    monkeypatch.setattr(keysets, "read_keyset", counted)
    for _ in range(3):
        refusal(found, text)
    assert len(reads) == 1
    clock.now += keysets.HURRY_SECONDS
    refusal(found, text)
    assert len(reads) == 2


def test_keys_that_cannot_be_had_for_long_are_not_believed(
    make: Make, clock: Clock, tmp_path: Path
):
    found, text = make(refresh_seconds=10.0), token(exp=int(NOW) + 9000)
    find(found, text)
    (tmp_path / "jwks.json").unlink()
    clock.now += keysets.STALE_SECONDS - 1
    find(found, text)
    clock.now += 600
    with pytest.raises(RefusedError) as caught:
        find(found, text)
    assert caught.value.status == 503


@pytest.mark.parametrize(
    "data",
    [
        "{}",
        "[]",
        '{"keys": 3}',
        '{"keys": []}',
        '{"keys": [3, {"kty": "oct", "k": "c2VjcmV0"}]}',
        '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}',
        jwks(EC_KEY, EC_KEY),
        '{"keys": [], "keys": []}',
    ],
)
def test_a_file_without_usable_keys_is_refused_at_once(make: Make, data: str):
    with pytest.raises(GatewayConfigError) as caught:
        make(keys=data)
    assert "jwks.json: " in str(caught.value)


@pytest.mark.parametrize("change", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES512"}])
def test_a_key_for_something_else_verifies_nothing(make: Make, change: dict[str, Any]):
    key = {**EC_KEY.as_dict(private=False), **change}
    with pytest.raises(GatewayConfigError):
        make("ES256", keys=json.dumps({"keys": [key]}))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_small_rsa_keys_verify_nothing(make: Make):
    small = jwk.RSAKey.generate_key(1024, {"kid": "rsa-1"})
    with pytest.raises(GatewayConfigError):
        make("RS256", keys=jwks(small))


# ---------------------------------------------------------------- opaque keys

SECRET = "ts-example-key"
ENTRY = f"""
[[keys]]
sha256 = "{sha256(SECRET.encode()).hexdigest()}"
person = "bo"
nationalities = ["DEU"]
verified = true
expires = {time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + 60))}
"""


def test_a_key_is_known_by_its_hash(make: Make, clock: Clock):
    found = make(opaque=ENTRY)
    caller = find(found, SECRET)
    assert (caller.person, caller.verified) == ("bo", True)
    assert caller.nationalities == {"DE"}
    assert "not known" in refusal(found, "ts-other")
    clock.now += 61
    assert "expired" in refusal(found, SECRET)


def test_a_key_that_is_taken_out_stops(make: Make, clock: Clock, tmp_path: Path):
    found = make(opaque=ENTRY)
    find(found, SECRET)
    (tmp_path / "keys.toml").write_text("")
    clock.now += 2
    looked(found)
    assert found.remembered(SECRET) is None
    assert "not known" in refusal(found, SECRET)


def test_a_file_that_became_unreadable_makes_nobody_known(make: Make, clock: Clock, tmp_path: Path):
    found = make(opaque=ENTRY)
    (tmp_path / "keys.toml").write_text("nonsense")
    clock.now += 2
    looked(found)
    refusal(found, SECRET)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[keys]]\nsha256 = "x"\nperson = "a"\n', "sha256"),
        (ENTRY + ENTRY, "twice"),
        (ENTRY.replace("person", "persom"), "persom"),
        (ENTRY.replace("Z\n", "\n"), "offset"),
    ],
)
def test_a_file_of_keys_is_checked(make: Make, text: str, why: str):
    with pytest.raises(GatewayConfigError) as caught:
        make(opaque=text)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- twins: each guard taken away


def _none(*_: Any) -> None:
    return None


def test_without_the_guard_a_header_brings_what_it_likes(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    text = signed({"kid": "ec-1", "jku": "https://evil.example"}, content(), EC_KEY)
    assert "header" in refusal(make(), text)
    monkeypatch.setattr(tokens, "_check_header", _none)
    assert find(make(), text).person == "ann"


def test_without_the_guard_a_token_never_ends(make: Make, monkeypatch: pytest.MonkeyPatch):
    text = token(exp=int(NOW) - 10)
    assert "expired" in refusal(make(), text)
    monkeypatch.setattr(tokens, "check_times", lambda *_: NOW + 60)
    assert find(make(), text).person == "ann"


def test_without_the_guard_anybody_signs(make: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jws, "deserialize_compact", _none)
    assert find(make(), token(key=STRANGER)).person == "ann"


def test_without_the_guard_an_algorithm_of_another_key_is_tried(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    text = signed({"kid": "ed-1"}, content(), EC_KEY)
    assert "key is not one" in refusal(make(), text)
    monkeypatch.setattr(tokens, "fits", lambda *_: True)
    assert "signature" in refusal(make(), text)


def test_without_the_guard_callers_outlive_their_keys(
    make: Make, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = make(opaque=ENTRY)
    find(found, SECRET)
    monkeypatch.setattr(identities.Identities, "changes", 0)
    found = make(opaque=ENTRY)
    find(found, SECRET)
    (tmp_path / "keys.toml").write_text("")
    clock.now += 2
    looked(found)
    assert found.remembered(SECRET) is not None


def test_without_the_guard_a_wider_word_stands(monkeypatch: pytest.MonkeyPatch):
    said = {"nationalities": ["US"], "verified_claims": verified(nationalities=["DE"])}
    monkeypatch.setattr(claims, "_verified", lambda _: [])
    assert claims.nationalities_of(said) == {"US"}
