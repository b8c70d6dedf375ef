"""The gateway's surroundings, invented: terms, a directive, an issuer of tokens, a feed, a state.

Half of the users hold the home country's nationality, the others a foreign one.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwk, jwt

from touchstone.keys import FileSigner
from touchstone.terms import (
    Directive,
    Organisation,
    Pin,
    Position,
    Registry,
    Terms,
    accept_bundle,
    build_bundle,
    parse_directive,
    parse_terms,
    position,
)

STREAM = "subject/bench"
GATEWAY = "bench"
ISSUER, AUDIENCE = "https://issuer.example", "gateway"
_TOKEN_SECONDS = 86_400
_TERMS = """\
format = "touchstone/terms/1"
id = "bench"
title = "Terms to measure with"
version = "1"
developer = "example-lab"
home = ["XA"]
of_concern = ["XC"]
dual = "home"
grace_hours = 72
variants = ["final", "restricted"]
modes = ["instant", "thinking"]
purposes = ["find-weaknesses"]
organisations = ["example-lab", "partner"]
lists = ["restored"]

[[rules]]
id = "staff"
effect = "permit"
staff = true

[[rules]]
id = "partners"
effect = "permit"
tiers = ["trusted-partner"]
variants = ["restricted"]

[[rules]]
id = "instant"
effect = "permit"
variants = ["final"]
modes = ["instant"]

[[rules]]
id = "thinking"
effect = "permit"
variants = ["final"]
modes = ["thinking"]
tiers = ["verified"]

[[rules]]
id = "of-concern"
effect = "forbid"
nationality = ["of-concern"]
dual = "any"

[[rules]]
id = "military"
effect = "forbid"
end_users = ["military", "intelligence"]
organisations = ["partner"]
"""
_DIRECTIVE = """\
format = "touchstone/directive/1"
id = "foreign-nationals"
title = "Foreign nationals"
reason = "to measure how fast it takes effect"
expires = "2099-01-01T00:00:00Z"

[[rules]]
id = "all"
effect = "forbid"
nationality = ["foreign"]

[[rules.except]]
staff = true
"""
_CONFIG = """\
format = "touchstone/gateway/1"
id = "{gateway}"

[listen]
port = {port}
workers = {workers}

[admin]
port = {admin}

[decisions]
port = {decisions}

[pin]
key = "{key}"
stream = "{stream}"

[feed]
folder = "feed"

[[identity.issuers]]
issuer = "{issuer}"
audience = "{audience}"
jwks_file = "issuer.json"

[[upstreams]]
model = "subject"
variant = "final"
base_url = "http://127.0.0.1:{upstream}/v1"
modes = {{ default = "instant", high = "thinking" }}
"""


@dataclass(frozen=True)
class Ports:
    """Where the gateway listens, all on this machine."""

    listen: int
    admin: int
    decisions: int


def nationality(number: int) -> str:
    """Of the user with this number: home for even ones."""
    return "XB" if number % 2 else "XA"


class Scene:
    """Files in a folder, which a gateway can be started on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._developer = FileSigner.create(folder / "developer.pem")
        self._issuer = jwk.ECKey.generate_key("P-256", {"kid": "bench", "use": "sig"})
        keys = {"keys": [self._issuer.as_dict(private=False)]}
        (folder / "issuer.json").write_text(json.dumps(keys))
        (folder / "feed").mkdir()
        self._terms: Terms = parse_terms(_TERMS, "terms.toml")
        self._directive = parse_directive(_DIRECTIVE, "directive.toml", self._terms)
        organisations = {
            "example-lab": Organisation("example-lab", "named-list", "civil"),
            "partner": Organisation("partner", "trusted-partner", "civil"),
        }
        lists = {"restored": frozenset[str]()}
        self._registry = Registry("example-lab", organisations, {}, lists)
        self.at: Position | None = None
        """Of the newest bundle in the feed."""

    def config(self, ports: Ports, upstream: int, workers: int) -> Path:
        """Write gateway.toml for an upstream's port."""
        path = self.folder / "gateway.toml"
        path.write_text(
            _CONFIG.format(
                gateway=GATEWAY,
                port=ports.listen,
                admin=ports.admin,
                decisions=ports.decisions,
                workers=workers,
                key=self._developer.public_key.hex(),
                stream=STREAM,
                issuer=ISSUER,
                audience=AUDIENCE,
                upstream=upstream,
            )
        )
        return path

    def token(self, number: int) -> str:
        """A signed token of the user with this number; good for a day."""
        now = int(time.time())
        country = nationality(number)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"u{number}",
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
            "nationalities": [country],
            "address": {"country": country},
        }
        return jwt.encode({"alg": "ES256", "kid": "bench"}, claims, self._issuer)

    def prepare(self, *, barring: bool) -> "PreparedBundle":
        """Sign the next bundle, with the directive in force or without it; it is not yet put."""
        directives: list[Directive] = [self._directive] if barring else []
        data = build_bundle(
            stream=STREAM,
            issued=int(time.time()),
            terms=self._terms,
            registry=self._registry,
            signer=self._developer,
            directives=directives,
            after=self.at,
        )
        pin = Pin(self._developer.public_key, STREAM)
        # Checked as a gateway would, so that a fault of the bench shows before anything is timed.
        self.at = position(accept_bundle(data, pin, self.at))
        path = self.folder / "feed" / f"{self.at.number:06d}.bundle"
        path.with_suffix(".new").write_bytes(data)
        return PreparedBundle(
            path, self.folder / "state" / "receipts" / f"{self.at.number:06d}.json"
        )


@dataclass(frozen=True)
class PreparedBundle:
    """A bundle that lies beside the feed, signed."""

    path: Path
    receipt: Path
    """Where its receipt will lie."""

    def put(self) -> None:
        """Put it in the feed: one rename."""
        os.rename(self.path.with_suffix(".new"), self.path)  # noqa: PTH104 - nothing between two clocks
