"""Bearer tokens: JWS compact, of configured issuers, with their algorithms and keys alone.

The algorithm is chosen by the issuer's entry in gateway.toml and the kind of its key, never by the
token's header; the header is read only to find the key and to refuse what could bring its own.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

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
from touchstone.gateway.identity.keysets import KeySet, fits

MAX_TOKEN = 8192
"""Characters."""
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

    async def refresh(self) -> None:
        """Look at every issuer's keys."""
        for _, keys in self._issuers:
            await keys.refresh()

    async def look(self) -> None:
        """Look at the keys of issuers whose time has come."""
        for _, keys in self._issuers:
            await keys.look()

    async def close(self) -> None:
        """Close every connection to an issuer."""
        for _, keys in self._issuers:
            await keys.close()

    async def read(self, token: str) -> Caller:
        """The caller whom a token vouches for; RefusedError otherwise."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise unknown_caller(f"the token has more than {MAX_TOKEN} characters, or odd ones")
        parts = token.split(".")
        if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
            raise unknown_caller("the token is no signed JWT")
        header, claims = _object(parts[0], "header"), _object(parts[1], "content")
        _check_header(header)
        issuer, keys = self._issuer(claims)
        await self._verify(token, header, issuer, keys)
        expires = check_times(claims, self._clock(), issuer.leeway_seconds)
        return Caller(
            issuer.prefix + person_of(claims),
            sha256(token.encode()).digest(),
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

    async def _verify(
        self, token: str, header: Mapping[str, Any], issuer: Issuer, keys: KeySet
    ) -> None:
        algorithm = header["alg"]
        if algorithm not in issuer.algorithms:
            raise unknown_caller("the token's algorithm is not one of its issuer's")
        key = await keys.key(header.get("kid", ""))
        if key is None or not fits(key, algorithm):
            raise unknown_caller("the token's key is not one of its issuer's")
        try:
            jws.deserialize_compact(token, key, [algorithm], _Checked(algorithms=[algorithm]))
        except (JoseError, ValueError) as error:
            raise unknown_caller("the token's signature does not hold") from error


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
