"""The gateway's configuration file, gateway.toml: checked whole before anything starts.

A secret is never in the file: it is named by an environment variable or lies in a 0600 file.
"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from touchstone.gateway.endpoints import Upstream
from touchstone.gateway.errors import GatewayConfigError
from touchstone.gateway.values import (
    EnvName,
    Id,
    Port,
    PublicKey,
    SafeUrl,
    Seconds,
    is_loopback,
    secret,
)
from touchstone.keys.named_files import open_named
from touchstone.terms import Pin
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.errors import TermsFileError

FORMAT = "touchstone/gateway/1"
MAX_BYTES = 1 << 20
M = TypeVar("M", bound=BaseModel)


class Tls(Text):
    """The listener's certificate, as PEM files. The key's file is 0600."""

    cert: Path
    key: Path


class Listener(Text):
    """Where somebody comes in. Loopback, or TLS, or `insecure = true` in so many words."""

    table: ClassVar[str]
    host: str = "127.0.0.1"
    port: Port
    tls: Tls | None = None
    insecure: bool = False
    """They come over a network without TLS, because something before it gives it."""

    @model_validator(mode="after")
    def _in_the_clear(self) -> Self:
        # Tokens come in here: whoever listens on the way could use them until they end.
        if self.tls is None and not self.insecure and not is_loopback(self.host):
            raise ValueError(
                f'host "{self.host}" is reached from a network without TLS: add [{self.table}.tls]'
                " with cert and key, or write insecure = true"
            )
        return self


class Listen(Listener):
    """Where clients come in."""

    table = "listen"
    port: Port = 8443
    workers: Annotated[int, Field(ge=1, le=64)] = 2


class DecisionListener(Listener):
    """Where proxies ask for decisions. Their questions carry callers' tokens."""

    table = "decisions"
    port: Port = 8445


class Admin(Text):
    """Where the supervisor answers: /metrics, /healthz, /readyz, /status. This machine only."""

    host: str = "127.0.0.1"
    port: Port = 8444

    @model_validator(mode="after")
    def _near(self) -> Self:
        # /status names directives and workers, and asks nobody who they are.
        if not is_loopback(self.host):
            raise ValueError(f'host "{self.host}" is not this machine: write 127.0.0.1')
        return self


class PinText(Text):
    """Whose bundles are obeyed, and for which deployment."""

    key: PublicKey
    """The developer's Ed25519 public key, 64 hex digits."""
    stream: Annotated[str, Field(min_length=1, max_length=200)]


class Feed(Text):
    """Where bundles come from: a folder of NNNNNN.bundle files, a URL that serves such, or both."""

    folder: Path | None = None
    url: SafeUrl | None = None
    """URL/newest says the newest number; URL/NNNNNN.bundle is a bundle."""
    interval_seconds: Seconds = 5.0
    """Between two looks at the URL, with a fifth of jitter. The folder is watched at 2 ms."""
    timeout_seconds: Seconds = 10.0

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.folder is None and self.url is None:
            raise ValueError("name a folder, a url, or both")
        return self


class Issuer(Text):
    """Who may say who somebody is, by JWT."""

    issuer: Annotated[str, Field(min_length=1, max_length=500)]
    audience: Annotated[str, Field(min_length=1, max_length=500)]
    algorithms: Annotated[tuple[Literal["ES256", "EdDSA", "RS256"], ...], Field(min_length=1)] = (
        "ES256",
    )
    jwks_file: Path | None = None
    jwks_url: SafeUrl | None = None
    refresh_seconds: Seconds = 300.0
    prefix: Annotated[str, Field(max_length=64)] = ""
    """Put before a token's `sub`, to make the id that the registry knows."""
    leeway_seconds: Annotated[int, Field(ge=0, le=300)] = 30

    @model_validator(mode="after")
    def _keys(self) -> Self:
        if bool(self.jwks_file) == bool(self.jwks_url):
            raise ValueError("write jwks_file or jwks_url, and not both")
        return self


class Identity(Text):
    """Who callers are."""

    issuers: tuple[Issuer, ...] = ()
    opaque_keys: Path | None = None
    """A file of hashed keys, as `touchstone gateway hash-key` prints them."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.issuers and self.opaque_keys is None:
            raise ValueError("nobody could call: add [[identity.issuers]] or opaque_keys")
        names = [(each.issuer, each.audience) for each in self.issuers]
        if len(names) != len(set(names)):
            raise ValueError("two issuers have the same issuer and audience: take one out")
        # One issuer could otherwise name another's members.
        # In order, a prefix stands right before what begins with it: neighbours are enough.
        prefixes = sorted({(each.prefix, each.issuer) for each in self.issuers})
        if any(after.startswith(before) for (before, _), (after, _) in pairwise(prefixes)):
            raise ValueError(
                "people of two issuers could have the same id: give each issuer a prefix that no"
                " other's begins with"
            )
        return self


class Limits(Text):
    """How much one caller, one request and one worker may take."""

    body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 4 << 20
    header_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 16 << 10
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Of clients, in one worker."""
    per_caller: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Requests of one caller at once, in one worker."""
    header_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    idle_seconds: Seconds = 75.0
    """Until a connection without a request is closed."""
    connect_seconds: Seconds = 5.0
    """Until an upstream must have taken a connection."""
    answer_seconds: Seconds = 600.0
    """Until an upstream must have sent something more."""
    stall_seconds: Seconds = 60.0
    """Until a client that does not read its answer is let go."""
    unseen_tokens: Annotated[int, Field(ge=1, le=1 << 40)] = 262_144
    """What an exchange counts towards a budget until its usage is seen: at least the context window
    of the largest model."""
    tokens_a_second: Annotated[int, Field(ge=1, le=1 << 30)] = 1000
    """How fast a model writes at most, also what is not shown: for streams that broke off."""
    cached_decisions: Annotated[int, Field(ge=0, le=10_000_000)] = 65_536


class Processes(Text):
    """How the supervisor treats its workers."""

    apply_seconds: Seconds = 0.2
    """After so long a worker must have applied a bundle, or something must speak for it."""
    patience_seconds: Annotated[float, Field(ge=0, le=60)] = 5.0
    """So much longer one is waited for that is at it, or has no processor; then it is killed."""
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    """What is in flight at SIGTERM may go on so long."""


class Audit(Text):
    """The audit's files, below the state folder."""

    rotate_bytes: Annotated[int, Field(ge=4096, le=1 << 34)] = 256 << 20
    """A file that has grown so large is followed by a new one, which goes on with its chain."""


class Fleet(Text):
    """Several gateways of one developer: PostgreSQL as the ordered log of bundles."""

    dsn_env: EnvName | None = None
    dsn_file: Path | None = None
    lease_seconds: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    """Without word from the log for so long, a gateway serves nothing."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.dsn_env) == bool(self.dsn_file):
            raise ValueError("write dsn_env or dsn_file, and not both")
        return self

    def dsn(self) -> str:
        """The connection string. Raises GatewayConfigError."""
        return secret(self.dsn_env, self.dsn_file, "dsn") or ""


class GatewayConfig(Text):
    """gateway.toml. Paths are whole: relative ones were taken from the file's folder."""

    format: Literal["touchstone/gateway/1"]
    id: Id
    """The gateway's name in receipts and in the fleet."""
    state: Path = Path("state")
    """Position, receipts, audit and the gateway's own key; 0700."""
    key: Path | None = None
    """The gateway's own key; default: gateway.pem in the state folder."""
    pin: PinText
    feed: Feed
    identity: Identity
    upstreams: Annotated[tuple[Upstream, ...], Field(min_length=1)]
    listen: Listen = Listen()
    admin: Admin = Admin()
    limits: Limits = Limits()
    processes: Processes = Processes()
    audit: Audit = Audit()
    fleet: Fleet | None = None
    decisions: DecisionListener | None = None
    """None: no proxy is answered."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        # By protocol too: an OpenAI and an Anthropic client may each write the same model name.
        names = [(each.protocol, each.model) for each in self.upstreams]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f'two upstreams have the model "{twice[1]}": take one out')
        # A path is looked up before the body is read, and so before it is known which model is
        # meant.
        likes = {(path, like) for each in self.upstreams for path, like in each.paths.items()}
        if len(likes) != len({path for path, _ in likes}):
            raise ValueError("one path leads to bodies of two kinds: give it one everywhere")
        return self

    @property
    def bundle_pin(self) -> Pin:
        """What `accept_bundle` takes."""
        return Pin(bytes.fromhex(self.pin.key), self.pin.stream)

    @property
    def key_file(self) -> Path:
        """Where the gateway's own key lies."""
        return self.key or self.state / "keys" / "gateway.pem"


_TABLES: dict[str, type[BaseModel]] = {
    "admin": Admin,
    "audit": Audit,
    "decisions": DecisionListener,
    "feed": Feed,
    "fleet": Fleet,
    "identity": Identity,
    "issuers": Issuer,
    "limits": Limits,
    "listen": Listen,
    "pin": PinText,
    "processes": Processes,
    "tls": Tls,
    "upstreams": Upstream,
}


def load_config(path: Path) -> GatewayConfig:
    """The checked configuration in a file.

    Raises GatewayConfigError: one line that names the file, the key and the fix. Secrets are read
    where they are used.
    """
    try:
        with open_named(path) as file:
            # One byte more than is allowed tells a file that is too long from one that just fits.
            data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise GatewayConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GatewayConfigError(f"{path}: is not UTF-8 text: save it as UTF-8") from error
    if len(data) > MAX_BYTES:
        raise GatewayConfigError(f"{path}: is larger than {MAX_BYTES} bytes: that is no gateway")
    return parse_config(text, str(path), path.absolute().parent)


def parse_config(text: str, source: str, folder: Path) -> GatewayConfig:
    """The configuration that a text holds; relative paths are taken from `folder`."""
    try:
        # By the reader of terms, whose errors name the line and the key for all files that people
        # write.
        config = read_toml(text, source, GatewayConfig, _TABLES)
    except TermsFileError as error:
        raise GatewayConfigError(str(error)) from error
    return _placed(config, folder)


def _placed(model: M, folder: Path) -> M:
    """The same with whole paths."""

    def placed(value: Any) -> Any:
        if isinstance(value, Path):
            return folder / value
        if isinstance(value, BaseModel):
            return _placed(value, folder)
        return tuple(map(placed, value)) if isinstance(value, tuple) else value

    fields = type(model).model_fields
    return model.model_copy(update={name: placed(getattr(model, name)) for name in fields})
