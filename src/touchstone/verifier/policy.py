"""Which witnesses must have cosigned: a C2SP tlog-policy file, read strictly.

Source: c2sp.org/tlog-policy. Of witnesses' keys this verifier checks Ed25519 cosignatures (type
0x04) alone: a witness of another type is known by name, and never counts as having cosigned.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from .errors import VerifierInputError
from .proofs import is_small_order
from .strict import shown, unbase64

LOG_TYPE, WITNESS_TYPE, NONE = 0x01, 0x04, b"none"
MAX_FILE = 2**16
# Other control characters than tab and line feed are refused; the rest is opaque.
_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*").fullmatch
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_HEX = re.compile(r"([^\s+]+)=([0-9a-f]{64})")


class _UnfitError(Exception):
    """What is wrong with a line or a key, in the middle of a sentence."""


@dataclass(frozen=True)
class Witness:
    """A witness by the name that the asker has for it, its key's name and its key.

    The key is None where it is of a type that is not checked here.
    """

    label: str
    name: str
    key: bytes | None


@dataclass
class WitnessPolicy:
    """Logs (name and key), witnesses by their label, and groups (how many of which) in order."""

    logs: list[tuple[str, bytes]] = field(default_factory=list)
    witnesses: dict[bytes, Witness] = field(default_factory=dict)
    groups: dict[bytes, tuple[int, list[bytes]]] = field(default_factory=dict)
    quorum: bytes | None = None

    def met(self, cosigned: Collection[Witness]) -> bool:
        """Whether these witnesses are a quorum."""
        held = {name for name, one in self.witnesses.items() if one in cosigned}
        for name, (least, members) in self.groups.items():
            if sum(member in held for member in members) >= least:
                held.add(name)
        return self.quorum == NONE or self.quorum in held

    def defined(self, name: bytes) -> bool:
        """Whether a witness or a group has this name."""
        return name in self.witnesses or name in self.groups


def read_policy(path: Path) -> WitnessPolicy:
    """The policy in a file. VerifierInputError, with the line, where it is not one."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise VerifierInputError(f"{shown(str(path))}: {error.strerror}") from None
    policy, number = WitnessPolicy(), 0
    try:
        _require(len(data) <= MAX_FILE, f"is longer than {MAX_FILE} bytes")
        _require(data.endswith(b"\n"), "is no policy: its last line has no line feed")
        for number, line in enumerate(data[:-1].split(b"\n"), start=1):  # noqa: B007 - said below
            _require(_ALLOWED(line) is not None, "has a control character")
            words = re.findall(rb"[^ \t]+", line)
            if words and not words[0].startswith(b"#"):
                _LINES.get(words[0], _unknown)(policy, words[1:])
        number = 0
        _require(policy.quorum is not None, "has no quorum line")
    except _UnfitError as error:
        place = f", line {number}" if number else ""
        raise VerifierInputError(f"{shown(str(path))}{place}: {error}") from None
    return policy


def given_witness(text: str) -> Witness:
    """The witness that is meant by `NAME=HEXKEY` or by a vkey."""
    plain = _HEX.fullmatch(text)
    if plain and plain[1].isprintable():
        return Witness(shown(plain[1]), plain[1], bytes.fromhex(plain[2]))
    try:
        # An argument that is not UTF-8 comes with its bytes in place of letters.
        name, kind, key = _vkey(text.encode("utf-8", "surrogatepass"))
        return Witness(shown(name), name, _witness_key(kind, key))
    except _UnfitError as error:
        form = "NAME=<64 hex digits> or a witness's vkey"
        raise VerifierInputError(f"{shown(text)} is not of the form {form}: {error}") from None


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise _UnfitError(otherwise)


def _vkey(word: bytes) -> tuple[str, int, bytes]:
    """Name, type and key of a vkey (C2SP signed-note)."""
    match = _VKEY.fullmatch(word.decode("utf-8", "surrogateescape"))
    data = unbase64(match[3]) if match else b""
    if match is None or len(data) < 2 or not match[1].isprintable():  # noqa: PLR2004 - type and key
        raise _UnfitError("has no vkey: <name>+<8 hex digits>+<base64>")
    identity = sha256(match[1].encode() + b"\n" + data).hexdigest()[:8]
    _require(identity == match[2], "has a vkey whose key id is of another name or key")
    return match[1], data[0], data[1:]


def _checked(key: bytes) -> bytes:
    _require(len(key) == len(b"." * 32), "has an Ed25519 key that is not of 32 bytes")
    _require(not is_small_order(key), "has a key of small order: anyone can sign for it")
    return key


def _witness_key(kind: int, key: bytes) -> bytes | None:
    _require(kind != LOG_TYPE, "has a log's key (type 0x01) where a witness's is due (0x04)")
    return _checked(key) if kind == WITNESS_TYPE else None


def _log(policy: WitnessPolicy, words: list[bytes]) -> None:
    _require(len(words) in (1, 2), "is not of the form: log <vkey> [<url>]")
    name, kind, key = _vkey(words[0])
    _require(kind == LOG_TYPE, "has another key than a log's (type 0x01)")
    known = [each for _, each in policy.logs]
    _require(_checked(key) not in known, "has a log's key twice")
    policy.logs.append((name, key))


def _new_name(policy: WitnessPolicy, name: bytes) -> bytes:
    taken = name == NONE or policy.defined(name)
    _require(not taken, f"has a name that is taken: {_label(name)}")
    return name


def _witness(policy: WitnessPolicy, words: list[bytes]) -> None:
    _require(len(words) in (2, 3), "is not of the form: witness <name> <vkey> [<url>]")
    label, (name, kind, key) = _new_name(policy, words[0]), _vkey(words[1])
    fit = _witness_key(kind, key)
    same = fit is not None and any(one.key == fit for one in policy.witnesses.values())
    _require(not same, "has a witness's key twice")
    policy.witnesses[label] = Witness(_label(label), name, fit)


def _group(policy: WitnessPolicy, words: list[bytes]) -> None:
    _require(len(words) > 2, "is not of the form: group <name> all|any|<k> <name>...")  # noqa: PLR2004
    name, count, members = _new_name(policy, words[0]), words[1], words[2:]
    used = [one for _, group in policy.groups.values() for one in group] + members
    for one in members:
        _require(policy.defined(one), f"names what no line before it defines: {_label(one)}")
        _require(used.count(one) == 1, f"names a member for the second time: {_label(one)}")
    number = {b"any": b"1", b"all": b"%d" % len(members)}.get(count, count)
    fits = re.fullmatch(b"[1-9][0-9]{0,4}", number) and int(number) <= len(members)
    _require(bool(fits), f"asks for more or fewer than its {len(members)} members can give")
    policy.groups[name] = (int(number), members)


def _quorum(policy: WitnessPolicy, words: list[bytes]) -> None:
    _require(len(words) == 1, "is not of the form: quorum <name>|none")
    _require(policy.quorum is None, "is a second quorum line")
    known = words[0] == NONE or policy.defined(words[0])
    _require(known, f"names what no line before it defines: {_label(words[0])}")
    policy.quorum = words[0]


def _unknown(_policy: WitnessPolicy, _words: list[bytes]) -> None:
    raise _UnfitError("begins with no word of a policy: log, witness, group, quorum")


def _label(name: bytes) -> str:
    return shown(name.decode("utf-8", "backslashreplace"))


_LINES: dict[bytes, Callable[[WitnessPolicy, list[bytes]], None]] = {
    b"log": _log,
    b"witness": _witness,
    b"group": _group,
    b"quorum": _quorum,
}
