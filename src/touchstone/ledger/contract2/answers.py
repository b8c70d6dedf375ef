"""The installation's signed word on a deed: recorded, with its place, or refused for good.

An answer is stored as it was first given, so that who asks again gets the same bytes. A deed that
was refused is never recorded; what is no answer (busy, a timeout, a 5xx) promises nothing.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from touchstone.ledger import forms
from touchstone.ledger.canonical import dumps, loads
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import Signer, check_signature, fingerprint

MAX_WHY = 500
"""Characters of a refusal's reason, at most."""
_DOMAIN = b"touchstone/answer/1\x00"
_SHARED = ("v", "log", "deed", "answer", "size", "root", "at")
_FORMS = {"recorded": (*_SHARED, "n"), "refused": (*_SHARED, "code", "why")}


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """The deed with digest `deed` (hex) is entry `n` of the log.

    `size` and `root` (hex) are a head of the log that holds it; `at` (UTC) is the time in the
    entry's recorded part.
    """

    log: str
    deed: str
    n: int
    size: int
    root: str
    at: str

    def __post_init__(self) -> None:
        forms.hex32(self.log, "an answer's log")
        _check_shared(self)
        if forms.integer(self.n, "an answer's n") >= self.size:
            raise MalformedError("an answer's head does not hold the entry that it names")

    @property
    def value(self) -> dict[str, Any]:
        """The answer as a JSON value."""
        return _shared(self, "recorded") | {"n": self.n}


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """The deed with digest `deed` (hex) is not in the log and never will be.

    `log` is None where it was to begin one. `code` is for programs, `why` for people; `size` and
    `root` (hex) are the head at the time, `at` (UTC).
    """

    log: str | None
    deed: str
    code: str
    why: str
    size: int
    root: str
    at: str

    def __post_init__(self) -> None:
        if self.log is not None:
            forms.hex32(self.log, "an answer's log")
        _check_shared(self)
        forms.kebab(self.code, "an answer's code")
        if len(forms.text(self.why, "an answer's why")) > MAX_WHY:
            raise MalformedError(f"an answer's why is longer than {MAX_WHY} characters")

    @property
    def value(self) -> dict[str, Any]:
        """The answer as a JSON value."""
        return _shared(self, "refused") | {"code": self.code, "why": self.why}


DeedAnswer: TypeAlias = RecordedAnswer | RefusedAnswer


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """An answer, the fingerprint of the installation key that signed it, and its 64 bytes."""

    answer: DeedAnswer
    key: str
    signature: bytes

    @property
    def line(self) -> bytes:
        """The canonical line that is stored, sent and kept; without a line feed."""
        return dumps(
            {
                "line": "answer",
                "answer": self.answer.value,
                "key": self.key,
                "signature": self.signature.hex(),
            }
        )

    def verify(self, public_key: bytes) -> None:
        """Raise AlteredError unless `public_key` (32 bytes) is the key named and it signed."""
        if fingerprint(public_key) != self.key:
            raise AlteredError("the answer names another key than the installation's")
        check_signature(public_key, _message(self.answer), self.signature, "the answer")


def sign_answer(answer: DeedAnswer, signer: Signer) -> SignedAnswer:
    """The answer under the installation's newest key."""
    return SignedAnswer(answer, fingerprint(signer.public_key), signer.sign(_message(answer)))


def parse_answer(line: bytes) -> SignedAnswer:
    """The signed answer that a line is, its signature unchecked; MalformedError if it is none."""
    found = forms.fields(loads(line), ("line", "answer", "key", "signature"), "an answer line")
    if found["line"] != "answer":
        raise MalformedError("not an answer line")
    said = found["answer"]
    kind = said.get("answer") if isinstance(said, dict) else None
    if not isinstance(kind, str) or kind not in _FORMS:
        raise MalformedError("an answer is neither recorded nor refused")
    values = forms.fields(said, _FORMS[kind], "an answer")
    # True equals 1, and `true` is no version.
    if type(values["v"]) is not int or values["v"] != 1:
        raise MalformedError("an answer says v 1")
    given = {name: one for name, one in values.items() if name not in ("v", "answer")}
    answer: DeedAnswer = RecordedAnswer(**given) if kind == "recorded" else RefusedAnswer(**given)
    key = forms.fingerprint_text(found["key"], "an answer's key")
    signature = forms.hex64(found["signature"], "an answer's signature")
    return SignedAnswer(answer, key, bytes.fromhex(signature))


def _message(answer: DeedAnswer) -> bytes:
    """What is signed: "touchstone/answer/1" 0x00 and the canonical answer."""
    return _DOMAIN + dumps(answer.value)


def _shared(answer: DeedAnswer, kind: str) -> dict[str, Any]:
    return {
        "v": 1,
        "log": answer.log,
        "deed": answer.deed,
        "answer": kind,
        "size": answer.size,
        "root": answer.root,
        "at": answer.at,
    }


def _check_shared(answer: DeedAnswer) -> None:
    forms.hex32(answer.deed, "an answer's deed")
    forms.integer(answer.size, "an answer's size")
    forms.hex32(answer.root, "an answer's root")
    forms.time(answer.at, "an answer's at")
