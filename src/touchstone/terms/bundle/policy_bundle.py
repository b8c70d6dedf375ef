"""Policy bundles: agreed terms and directives in force, numbered and signed by the developer's key.

Canonical JSON lines. The first is the header, the last the signature over all before it; between
them the policy, the directives and the registry. Nothing else moves a gateway.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Any

from touchstone.ledger import (
    AlteredError,
    MalformedError,
    Signer,
    check_signature,
    digest_bytes,
    dumps,
    fingerprint,
    loads,
)
from touchstone.terms.bundle.bounds import MAX_BYTES
from touchstone.terms.document.directive_file import Directive, in_force
from touchstone.terms.document.terms_file import Terms
from touchstone.terms.errors import PolicyBundleError
from touchstone.terms.policy.caller_attributes import END_USERS, TIERS, Organisation, Registry
from touchstone.terms.policy.compile import compile_policy
from touchstone.terms.policy.decider import Policy, parse_policy

FORMAT = "touchstone/policy-bundle/1"
_CHUNK = 1000
"""So many names in one line, so that a line stays within the canonical form's limit."""
_SIGNED = b"touchstone/policy-bundle/1\x00"
_HEADER = {
    "format",
    "stream",
    "developer",
    "number",
    "previous",
    "issued",
    "grace_hours",
    "terms",
}


@dataclass(frozen=True, slots=True)
class Pin:
    """What a gateway is configured with: whose bundles it obeys, and for what."""

    key: bytes
    """The developer's public key, 32 bytes."""
    stream: str
    """The deployment that the bundles are for; one key may sign for several."""


@dataclass(frozen=True, slots=True)
class DirectiveNote:
    """A directive in force, as a bundle carries it: its rules are in the policy."""

    id: str
    title: str
    reason: str
    expires: int
    rules: tuple[str, ...]


@dataclass(frozen=True)
class PolicyBundle:
    """A bundle, read. It is to be obeyed only as `accept_bundle` returns it."""

    stream: str
    developer: str
    number: int
    previous: str | None
    """The digest of the bundle before; None for number 1."""
    issued: int
    """Seconds since 1970, UTC, as the developer says. Numbers order bundles, times do not."""
    grace_hours: int
    """How long a gateway whose feed is lost may go on with it."""
    terms: str
    """The digest of the agreed terms."""
    policy: Policy
    directives: tuple[DirectiveNote, ...]
    registry: Registry
    digest: str
    """`sha256:` of the signed lines: what the next bundle names, and a receipt."""

    @property
    def grace_seconds(self) -> int:
        """How many seconds without word from the feed it stays in force."""
        return self.grace_hours * 3600


@dataclass(frozen=True, slots=True)
class Position:
    """Where a gateway stands: the number and the digest of the bundle in force."""

    number: int
    digest: str


def build_bundle(
    *,
    stream: str,
    issued: int,
    terms: Terms,
    registry: Registry,
    signer: Signer,
    directives: Sequence[Directive] = (),
    after: Position | None = None,
) -> bytes:
    """The next bundle after `after`, signed.

    Raises:
        MalformedError: a part is larger than the canonical form allows.
    """
    header = {
        "format": FORMAT,
        "stream": stream,
        "developer": registry.developer,
        "number": after.number + 1 if after else 1,
        "previous": after.digest if after else None,
        "issued": issued,
        "grace_hours": terms.text.grace_hours,
        "terms": terms.digest,
    }
    # Compiled at the developer's, and not at the gateway: what is signed is what decides, and no
    # other version can read it otherwise.
    policy = compile_policy(in_force(terms, directives))
    lines = [dumps(header), dumps({"policy": policy.as_dict()})]
    lines += [dumps({"directive": _directive_dict(each)}) for each in directives]
    lines += [dumps(each) for each in _registry_lines(registry)]
    return _signed(b"".join(line + b"\n" for line in lines), signer)


def reissue_bundle(data: bytes, *, issued: int, signer: Signer, after: Position) -> bytes:
    """The next bundle after `after`, with the state of an older one: how one goes back.

    Numbers only go up, so nobody can replay the older one itself. Whose it is, and that it was
    published, is for the caller to know: see `bundle_digest`.

    Raises:
        MalformedError: it is no policy bundle.
    """
    body = _body(data)
    # What cannot be read is not signed again.
    parse_body(body)
    # Bytes and not meaning: all but the header is what the parties saw, to the last character.
    first, rest = body.split(b"\n", 1)
    header = loads(first)
    header |= {"number": after.number + 1, "previous": after.digest, "issued": issued}
    return _signed(dumps(header) + b"\n" + rest, signer)


def bundle_digest(data: bytes) -> str:
    """What the next bundle names, and a receipt: `sha256:` of all lines but the signature's."""
    return digest_bytes(_body(data))


def accept_bundle(data: bytes, pin: Pin, current: Position | None) -> PolicyBundle:
    """The bundle that may now be put in force after `current` (None: none was in force yet).

    Raises:
        PolicyBundleError: it is forged, foreign, replayed or out of order; `reason` says which.
        MalformedError: it is signed as it should be, and still cannot be read.
    """
    # Nothing but the last line is parsed before the signature holds (ADR 93).
    body, signature = _split(data, pin)
    _check_signed(body, signature, pin)
    bundle = parse_body(body)
    _check_stream(bundle, pin)
    # A new gateway knows no bundle before it, and takes any that its pin allows (ADR 93).
    if current is not None:
        _check_new(bundle, current)
        _check_next(bundle, current)
    return bundle


def position(bundle: PolicyBundle) -> Position:
    """Where a gateway stands once it obeys this bundle."""
    return Position(bundle.number, bundle.digest)


def _check_signed(body: bytes, signature: bytes, pin: Pin) -> None:
    try:
        check_signature(pin.key, _message(body), signature, "the policy bundle")
    except AlteredError as error:
        raise PolicyBundleError("forged", str(error)) from error


def _check_stream(bundle: PolicyBundle, pin: Pin) -> None:
    if bundle.stream != pin.stream:
        raise PolicyBundleError(
            "foreign", f"the policy bundle is for {bundle.stream!a}, not for {pin.stream!a}"
        )


def _check_new(bundle: PolicyBundle, current: Position) -> None:
    # Told apart from a gap: an old bundle may be an attack, a missing one is only to be fetched.
    if bundle.number <= current.number:
        raise PolicyBundleError(
            "replayed",
            f"the policy bundle has number {bundle.number}, and {current.number} is in force",
        )


def _check_next(bundle: PolicyBundle, current: Position) -> None:
    if bundle.number != current.number + 1 or bundle.previous != current.digest:
        raise PolicyBundleError(
            "out-of-order",
            f"the policy bundle has number {bundle.number} after {bundle.previous}, and in force "
            f"is {current.number}, {current.digest}: fetch those between",
        )


def _signed(body: bytes, signer: Signer) -> bytes:
    signature = signer.sign(_message(body))
    last = {"key": fingerprint(signer.public_key), "signature": signature.hex()}
    return body + dumps(last) + b"\n"


def _body(data: bytes) -> bytes:
    """All lines but the last."""
    # The last byte is the line feed of the signature's own line.
    return data[: data.rfind(b"\n", 0, -1) + 1]


def _message(body: bytes) -> bytes:
    # Its own prefix, so that no signature by this key over anything else can pass as one over a
    # bundle.
    return _SIGNED + sha256(body).digest()


def _split(data: bytes, pin: Pin) -> tuple[bytes, bytes]:
    """The signed lines, and the signature of the last line."""
    if len(data) > MAX_BYTES or not data.endswith(b"\n"):
        raise PolicyBundleError("forged", "the policy bundle is cut off or too long")
    body = _body(data)
    try:
        last = _exactly(loads(data[len(body) : -1]), {"key", "signature"}, "the last line")
        key, written = _text(last["key"], "the key"), _text(last["signature"], "the signature")
        signature = bytes.fromhex(written)
    except (MalformedError, ValueError) as error:
        raise PolicyBundleError("forged", "the policy bundle carries no signature") from error
    # One spelling only: upper case, blanks or another key's name would be flips that nobody sees.
    if signature.hex() != written or key != fingerprint(pin.key):
        raise PolicyBundleError(
            "forged", f"the policy bundle is not signed by {fingerprint(pin.key)}"
        )
    return body, signature


def parse_body(body: bytes) -> PolicyBundle:
    """The bundle that the signed lines hold, whoever signed them; MalformedError if none."""
    values = [loads(line) for line in body.split(b"\n")[:-1]]
    if len(values) < 2:  # noqa: PLR2004 - the header and the policy
        raise MalformedError("a policy bundle has a header and a policy")
    header = _exactly(values[0], _HEADER, "a policy bundle's header")
    if header["format"] != FORMAT:
        raise MalformedError(f"a policy bundle's format is not {FORMAT}")
    number = _count(header["number"], "a policy bundle's number")
    previous = header["previous"]
    # Without this a chain could begin anew at any number, and a gateway that starts there would
    # know no better.
    if (previous is None) != (number == 1):
        raise MalformedError("a policy bundle names the one before it, unless it is the first")
    parts = _Parts(_text(header["developer"], "the developer"))
    policy = parse_policy(_exactly(values[1], {"policy"}, "the second line")["policy"])
    for value in values[2:]:
        parts.take(value)
    return PolicyBundle(
        _text(header["stream"], "the stream"),
        parts.registry.developer,
        number,
        None if previous is None else _text(previous, "the previous bundle"),
        _count(header["issued"], "the time of issue"),
        _count(header["grace_hours"], "the grace"),
        _text(header["terms"], "the terms"),
        policy,
        tuple(parts.directives),
        parts.registry,
        digest_bytes(body),
    )


class _Parts:
    """What the lines after the policy add up to."""

    def __init__(self, developer: str) -> None:
        self.directives: list[DirectiveNote] = []
        self._organisations: dict[str, Organisation] = {}
        self._members: dict[str, str] = {}
        self._lists: dict[str, frozenset[str]] = {}
        self._empty = Registry(developer)
        self._takers: Mapping[str, Callable[[Any], None]] = {
            "directive": self._directive,
            "organisation": self._organisation,
            "members": self._some_members,
            "list": self._list,
        }

    @property
    def registry(self) -> Registry:
        return replace(
            self._empty,
            organisations=self._organisations,
            members=self._members,
            lists=self._lists,
        )

    def take(self, value: object) -> None:
        if (
            not isinstance(value, dict)
            or len(value) != 1
            or not value.keys() <= self._takers.keys()
        ):
            raise MalformedError(f"a policy bundle's line holds none of {', '.join(self._takers)}")
        ((kind, content),) = value.items()
        self._takers[kind](content)

    def _directive(self, value: object) -> None:
        names = {"id", "title", "reason", "expires", "rules"}
        found = _exactly(value, names, "a directive")
        texts = [_text(found[key], f"a directive's {key}") for key in ("id", "title", "reason")]
        expires = _count(found["expires"], "a directive's end")
        rules = _texts(found["rules"], "a directive's rules")
        self.directives.append(DirectiveNote(texts[0], texts[1], texts[2], expires, rules))

    def _organisation(self, value: object) -> None:
        found = _exactly(value, {"id", "tier", "end_user", "programmes"}, "an organisation")
        if found["tier"] not in TIERS or found["end_user"] not in (None, *END_USERS):
            raise MalformedError("an organisation has no tier or end user that there is")
        name = _text(found["id"], "an organisation's id")
        if name in self._organisations:
            # Which of the two counted would depend on the order of lines.
            raise MalformedError("an organisation is in the policy bundle twice")
        programmes = frozenset(_texts(found["programmes"], "programmes"))
        self._organisations[name] = Organisation(name, found["tier"], found["end_user"], programmes)

    def _some_members(self, value: object) -> None:
        found = _exactly(value, {"organisation", "people"}, "members")
        name = _text(found["organisation"], "a members' organisation")
        if name not in self._organisations:
            raise MalformedError("members of an organisation that is not in the policy bundle")
        for person in _texts(found["people"], "members"):
            # As above.
            if self._members.setdefault(person, name) != name:
                raise MalformedError("somebody is a member of two organisations")

    def _list(self, value: object) -> None:
        found = _exactly(value, {"id", "entries"}, "a named list")
        name = _text(found["id"], "a named list's id")
        entries = frozenset(_texts(found["entries"], "a named list's entries"))
        self._lists[name] = self._lists.get(name, frozenset()) | entries


def _directive_dict(directive: Directive) -> dict[str, object]:
    return {
        "id": directive.id,
        "title": directive.title,
        "reason": directive.reason,
        "expires": directive.expires,
        "rules": [rule.id for rule in directive.rules],
    }


def _registry_lines(registry: Registry) -> Iterator[dict[str, object]]:
    people: dict[str, list[str]] = {}
    for person, organisation in sorted(registry.members.items()):
        people.setdefault(organisation, []).append(person)
    for name, each in sorted(registry.organisations.items()):
        yield {
            "organisation": {
                "id": each.id,
                "tier": each.tier,
                "end_user": each.end_user,
                "programmes": sorted(each.programmes),
            }
        }
        for some in _chunks(people.get(name, [])):
            yield {"members": {"organisation": name, "people": some}}
    for name, entries in sorted(registry.lists.items()):
        # A list with nobody on it is there all the same: rules may name it.
        for some in _chunks(sorted(entries)) if entries else [[]]:
            yield {"list": {"id": name, "entries": some}}


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _CHUNK)):
        yield some


def _exactly(value: object, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise MalformedError(f"{what} of a policy bundle has exactly {', '.join(sorted(names))}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{what} of a policy bundle is not a text")
    return value


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise MalformedError(f"{what} of a policy bundle are not a list")
    return tuple(_text(each, what) for each in value)


def _count(value: object, what: str) -> int:
    # `type`, since True is an int in Python and would be number 1.
    if type(value) is not int or value < 0:
        raise MalformedError(f"{what} of a policy bundle is not a whole number of at least 0")
    return value
