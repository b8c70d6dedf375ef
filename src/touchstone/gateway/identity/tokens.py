"""Bearer tokens: JWS compact, of configured issuers, with their algorithms and keys alone.

The algorithm is chosen by the issuer's entry in gateway.toml and the kind of its key, never by the
token's header; the header is read only to find the key and to refuse what could bring its own.
"""

import asyncio
import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from joserfc import jws

from touchstone.gateway.adapters.strict_json import parse_object
from touchstone.gateway.config import Issuer
from touchstone.gateway.errors import RefusedError
from touchstone.gateway.identity.callers import Caller, unknown_caller
from touchstone.gateway.identity.claims import (
    check_times,
    is_verified,
    nationalities_of,
    person_of,
    residence_of,
)
from touchstone.gateway.identity.jwks import fits
from touchstone.gateway.identity.keysets import KeySet

MAX_TOKEN = 8192
"""Characters."""
# None that brings a key (jwk, jku, x5c) or another way to read (crit, b64): RFC 7515 section 4.1.
_HEADER = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
_KINDS = {"JWT", "AT+JWT"}


class TokenReader:
    """Who somebody is, by token."""

    def __init__(self, issuers: tuple[Issuer, ...], clock: Callable[[], float]) -> None:
        self._issuers = [(issuer, KeySet(issuer, clock)) for issuer in issuers]
        self._clock = clock

    @property
    def any(self) -> bool:
        """Whether tokens are taken at all."""
        return bool(self._issuers)

    @property
    def changes(self) -> int:
        """How often keys became others."""
        return sum(keys.changes for _, keys in self._issuers)

    async def start(self, seconds: float) -> None:
        """Look at every issuer's keys, and wait for them at most so long."""
        looks = [asyncio.ensure_future(keys.refresh()) for _, keys in self._issuers]
        if looks:
            await asyncio.wait(looks, timeout=seconds)

    def look(self) -> None:
        """Begin to look at the keys of issuers whose time has come; wait for nothing."""
        for _, keys in self._issuers:
            keys.look()

    async def close(self) -> None:
        """Close every connection to an issuer."""
        for _, keys in self._issuers:
            await keys.close()

    async def read(self, token: str) -> Caller:
        """The caller whom a token vouches for; RefusedError otherwise.

        A key that is not here is looked for first.
        """
        signed = self._taken_apart(token)
        # For the look alone: what is believed is checked with the keys that are then here.
        await signed.keys.key(signed.key_id)
        return self._believed(signed)

    def read_now(self, token: str) -> Caller:
        """The same by the keys that are here: it waits for nothing."""
        return self._believed(self._taken_apart(token))

    def _taken_apart(self, token: str) -> "_Signed":
        # Before any parsing: a stranger chooses its length.
        if len(token) > MAX_TOKEN or not token.isascii():
            raise unknown_caller(f"the token has more than {MAX_TOKEN} characters, or odd ones")
        parts = token.split(".")
        if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
            raise unknown_caller("the token is no signed JWT")
        # Unchecked as yet: they say whose keys to look for, and nothing else.
        header, claims = _object(parts[0], "header"), _object(parts[1], "content")
        _check_header(header)
        issuer, keys = self._issuer(claims)
        return _Signed(token, header["alg"], header.get("kid", ""), claims, issuer, keys)

    def _believed(self, signed: "_Signed") -> Caller:
        claims, issuer = signed.claims, signed.issuer
        self._verify(signed)
        # After the signature: whoever has none learns nothing of what the clock here says.
        expires = check_times(claims, self._clock(), issuer.leeway_seconds)
        return Caller(
            # With the issuer's own prefix, so that no issuer can sign another's member.
            issuer.prefix + person_of(claims),
            sha256(signed.token.encode()).digest(),
            nationalities_of(claims),
            residence_of(claims),
            is_verified(claims),
            expires,
        )

    def _issuer(self, claims: Mapping[str, Any]) -> tuple[Issuer, KeySet]:
        named, audience = claims.get("iss"), claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        for issuer, keys in self._issuers:
            if issuer.issuer == named and issuer.audience in audiences:
                return issuer, keys
        raise unknown_caller("the token is not from a known issuer for this gateway")

    def _verify(self, signed: "_Signed") -> None:
        algorithm = signed.algorithm
        # Before a key is looked at: "none" and HS256 under a public key fail here.
        if algorithm not in signed.issuer.algorithms:
            raise unknown_caller("the token's algorithm is not one of its issuer's")
        key = signed.keys.known(signed.key_id)
        if key is None or not fits(key, algorithm):
            raise unknown_caller("the token's key is not one of its issuer's")
        try:
            jws.deserialize_compact(
                signed.token, key, [algorithm], _Checked(algorithms=[algorithm])
            )
        except Exception as error:  # a stranger's bytes: whatever goes wrong, it does not hold
            raise unknown_caller("the token's signature does not hold") from error


@dataclass(frozen=True, slots=True)
class _Signed:
    """A token taken apart; nothing of it is believed yet."""

    token: str
    algorithm: str
    key_id: str
    claims: Mapping[str, Any]
    issuer: Issuer
    keys: KeySet


class _Checked(jws.JWSRegistry):
    """The header was checked by this module, which knows thumbprints too."""

    max_header_length = MAX_TOKEN

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Done by `_check_header`, before any key was looked for."""

    def get_alg(self, name: str) -> Any:
        """The one that the issuer's entry allows; without a word about which is recommended."""
        return self.algorithms[name]


def _check_header(header: Mapping[str, Any]) -> None:
    """Refuse a header that brings a key, an address, or an extension that must be understood."""
    if not header.keys() <= _HEADER:
        raise unknown_caller("the token's header has a field that is not taken")
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        raise unknown_caller("the token's header names no algorithm or no key")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper().removeprefix("APPLICATION/") not in _KINDS:
        raise unknown_caller("the token is of another type")


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        return parse_object(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError) as error:
        raise unknown_caller(f"the token's {what} cannot be read") from error
    except RefusedError as error:
        raise unknown_caller(f"the token's {what} cannot be read") from error
