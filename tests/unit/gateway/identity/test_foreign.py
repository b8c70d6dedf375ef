"""What others wrote (keys, tokens) can hold anything: the odd is left out, the rest stays."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwk, jws

from support.gateway_loop import AUDIENCE, EC_KEY, ISSUER
from touchstone.gateway.config import Identity, Issuer
from touchstone.gateway.errors import GatewayConfigError, RefusedError
from touchstone.gateway.identity import Identities, claims, jwks

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself
NOW = 1_800_000_000.0
ALGORITHMS = ("ES256", "EdDSA", "RS256")
GOOD = jwk.ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
ODD = EC_KEY.as_dict(private=False)
FIELDS = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops", "x5c", "anything"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**400),
    st.text(),
    st.text(st.characters(codec=None, categories=["Cs"]), min_size=1, max_size=3),
    st.sampled_from(["verify", "sig", "ES256", "EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB", ""]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(*entries: Any, **more: Any) -> bytes:
    """A JWKS, with half characters as escapes and numbers as long as they are."""
    return json.dumps({"keys": [*entries], **more}).encode()


@settings(max_examples=120, deadline=None)
@given(field=st.sampled_from(FIELDS), value=VALUES, kty=st.sampled_from(["EC", "RSA", "OKP"]))
@example(field="key_ops", value=None, kty="EC")
@example(field="alg", value=[], kty="EC")
@example(field="kty", value=[], kty="EC")
@example(field="kid", value={}, kty="EC")
@example(field="x", value=10**400, kty="EC")
@example(field="use", value="\ud800", kty="EC")
def test_an_odd_value_costs_that_key_and_no_other(field: str, value: Any, kty: str):
    odd = {**ODD, "kty": kty, field: value}
    found = jwks.parse_keys(written(odd, GOOD), ALGORITHMS)
    assert found.keys() - {"ec-1"} == {"good"} or (field == "kid" and "good" in found)


@settings(max_examples=80, deadline=None)
@given(entries=st.lists(VALUES, max_size=4), more=st.dictionaries(st.text(), VALUES, max_size=3))
def test_odd_entries_cost_no_other(entries: list[Any], more: Mapping[str, Any]):
    more = {name: value for name, value in more.items() if name != "keys"}
    assert "good" in jwks.parse_keys(written(*entries, GOOD, **more), ALGORITHMS)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(), VALUES.map(lambda value: json.dumps(value).encode())))
def test_what_is_no_jwks_is_refused_and_nothing_else_happens(data: bytes):
    try:
        jwks.parse_keys(data, ALGORITHMS)
    except RefusedError as error:
        assert error.code == "no_keys"  # noqa: PT017 - either is right, and nothing else


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "entry",
    [
        f'{{"kty":"EC","x":{nested(100_000)}}}',
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"kty":"EC","kty":"EC"}',
        '{"kid":"\\ud800"}',
        '{"x":9' + "9" * 10_000 + "}",
        '{"x":NaN,"y":-Infinity,"z":1e999}',
        nested(100_000),
        '"' + "[" * 1000 + '"',
    ],
    ids=["deep list", "deep object", "twice", "half", "long number", "no number", "bare", "text"],
)
def test_what_some_readers_choke_on_costs_no_other_key(entry: str):
    data = f'{{"keys":[{entry},{json.dumps(GOOD)}]}}'.encode()
    assert jwks.parse_keys(data, ALGORITHMS).keys() == {"good"}


def test_of_two_keys_with_one_id_neither_is_meant_and_others_stay():
    found = jwks.parse_keys(written(ODD, {**GOOD, "kid": "ec-1"}, GOOD), ALGORITHMS)
    assert found.keys() == {"good"}
    assert jwks.parse_keys(written(*[{"kid": str(n)} for n in range(500)], GOOD), ALGORITHMS)


def test_twin_without_the_look_at_lists_one_odd_value_takes_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        jwks, "_verifies", lambda entry: "verify" in entry.get("key_ops", ["verify"])
    )
    with pytest.raises(TypeError):
        jwks.parse_keys(written({**ODD, "key_ops": None}, GOOD), ALGORITHMS)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_bytes(written(ODD))
    issuer = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks_file=path)
    found = Identities(Identity(issuers=(issuer,)), lambda: NOW, 0)
    asyncio.run(found.start())
    return found


CLAIMS = [
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "nationalities",
    "address",
    "verified_claims",
    "anything",
]


def signed(header: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(
        {"alg": "ES256", **header}, json.dumps(content).encode(), EC_KEY, registry=registry
    )


@settings(max_examples=120, deadline=None)
@given(claim=st.sampled_from(CLAIMS), value=VALUES, kid=VALUES)
@example(claim="exp", value=10**30, kid="ec-1")
@example(claim="exp", value=1e300, kid="ec-1")
@example(claim="verified_claims", value=[None, {"claims": [], "verification": []}], kid="ec-1")
def test_a_signed_token_says_somebody_or_is_refused(
    known: Identities, claim: str, value: Any, kid: Any
):
    content = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(NOW) + 60, claim: value}
    for header in ({"kid": "ec-1"}, {"kid": kid if isinstance(kid, str) else "ec-1", "typ": "JWT"}):
        try:
            caller = known.find_now(signed(header, content))
        except RefusedError as error:
            assert error.status == 401  # noqa: PT017 - either is right, and nothing else
        else:
            assert caller.person
            assert caller.expires is not None
            assert NOW < caller.expires <= claims._CALENDAR[1]


def ends_beyond(known: Identities, exp: Any) -> bool:
    content = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": exp}
    try:
        known.find_now(signed({"kid": "ec-1"}, content))
    except RefusedError as error:
        return "beyond the calendar" in str(error)
    return False


@pytest.mark.parametrize("exp", [253_402_300_800, 10**18, 10**39, 1e300])
def test_an_end_beyond_the_calendar_is_refused(known: Identities, exp: Any):
    assert ends_beyond(known, exp)


def test_twin_without_the_calendar_a_token_ends_in_no_year(
    known: Identities, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(claims, "_CALENDAR", (float("-inf"), float("inf")))
    assert not ends_beyond(known, 10**18)


def test_a_pipe_in_the_place_of_keys_hangs_nobody(tmp_path: Path):
    os.mkfifo(tmp_path / "jwks.json")
    issuer = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks_file=tmp_path / "jwks.json")
    with pytest.raises(GatewayConfigError, match="jwks"):
        Identities(Identity(issuers=(issuer,)), lambda: NOW, 0)
