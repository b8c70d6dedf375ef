"""A deed in a file, for a machine that reaches no server: what it needs to check and to sign it.

One machine drafts, on the case as it sees it; another one, which has the key, shows what binds and
signs; any machine of the party's sends. The file is lines of JSON, and holds no key. Who signs need
not believe it: a deed on a head that never was is refused, and what it says is shown before.

    write_deed_file(path, DraftedDeed(...))
    signed = read_deed_file(path).signed(signer, random, now)
    write_deed_file(path, signed)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.clearance import parse_marking
from touchstone.client.errors import DeedFileError
from touchstone.client.preview import Preview
from touchstone.deeds.deed import Attachment, Content, Deed, Evidence, SentEvidence, attached
from touchstone.deeds.seen_case import Foresight
from touchstone.deeds.signing import Outgoing, SeenLog, prepare_deed
from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.keys import RandomSource
from touchstone.keys.files import write_file
from touchstone.ledger import MalformedError, dumps, fingerprint, loads
from touchstone.ledger.contract2 import LastDeed, SentPart, SubmittedDeed
from touchstone.ledger.signing import Signer
from touchstone.review import parse_event, topics_of
from touchstone.review.events.base import Count, Hex32, Role, Time

FORM = "touchstone-deed/1"
MOST = 256 << 20
"""Bytes of a file: evidence is in it."""
_PIECE = 400_000
"""Bytes of evidence on one line, in hex."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Last(_Said):
    n: Count
    seq: Count
    digest: Hex32
    seen: Count


class LogInFile(_Said):
    """The head of a case's log as whoever drafted saw it; meets `SeenLog`."""

    log: Hex32 | None
    size: Count
    recorded_at: Time | None
    root_seen: Hex32
    """Its root at its size, in hex."""
    topics: dict[str, int | None]
    """The newest entry of each topic that the deed must name."""
    last: dict[str, _Last]
    """By the fingerprint of each key that may sign it, its newest deed."""

    def root(self, size: int) -> bytes:
        """The root (32 bytes) at its size. Raises DeedFileError at any other."""
        # Of no other size is a root known here, and a wrong one would be signed.
        if size != self.size:
            raise DeedFileError(f"the file has the head of {self.size} entries, and no other")
        return bytes.fromhex(self.root_seen)

    def newest(self, topic: str) -> int | None:
        """The newest entry that touches a topic."""
        return self.topics[topic]

    def last_deed(self, key: str) -> LastDeed | None:
        """The newest deed of a key (fingerprint)."""
        last = self.last.get(key)
        return None if last is None else LastDeed(last.n, last.seq, last.digest, last.seen)


class _Header(_Said):
    form: str
    case: str
    event: dict[str, Any]
    log: LogInFile
    keys: dict[str, str]
    roles: dict[str, str]
    refused: str
    hidden: int
    unseen_topics: list[str]
    then: str
    bare: bool


@dataclass(frozen=True)
class DraftedDeed:
    """A deed of a case, with what its signer must know; signed, once `envelope` is there."""

    case: str
    deed: Deed
    log: LogInFile
    keys: Mapping[str, str]
    """The fingerprints of the keys that may sign it, each with what it is called."""
    roles: Mapping[str, str]
    """Who takes part, as whoever drafted saw it."""
    foreseen: Foresight
    then: str
    """Where the case then stands, in a few words; empty: that cannot be told."""
    bare: bool = False
    """Whether the facts go alone: the case was destroyed."""
    envelope: object | None = None
    salts: tuple[bytes, ...] = ()

    @property
    def preview(self) -> Preview:
        """What binds, and what the machine that drafted could tell of the answer."""
        return Preview(self.case, self.deed, self.roles, self.foreseen, self.then)

    def lines(self) -> Iterator[str]:
        """What binds, a line each; and of which log, since no signature is of a case's name."""
        log = self.log.log
        yield from self.preview.lines()
        if log is None:
            yield sentence("preview.begins")
        else:
            yield sentence("preview.by-its-log", log=log, size=self.log.size)

    def require_unsigned(self) -> None:
        """Refuse to sign twice. Raises DeedFileError."""
        if self.envelope is not None:
            raise DeedFileError("the deed is signed already: send it with touchstone deed send")

    def require_signed(self) -> Outgoing:
        """What is sent. Raises DeedFileError: nobody has signed."""
        if self.envelope is None:
            raise DeedFileError("the deed is not signed: sign it with touchstone deed sign")
        values = [attached(each) for each in self._going]
        texts = [dumps(self.deed.event.facts()), *(dumps(each.value) for each in values)]
        parts = tuple(map(SentPart, self.salts, texts))
        evidence = tuple(each.data for each in values if each.data is not None)
        return Outgoing(SubmittedDeed(self.envelope, parts), evidence)

    def signed(self, signer: Signer, random: RandomSource, now: str) -> "DraftedDeed":
        """The same under a key of its party; `now` is the signer's time (UTC).

        Raises:
            DeedFileError: it is signed already, or that key signs nothing of this for the party.
        """
        self.require_unsigned()
        # Before it is signed: a signature by a key that may not would be refused, and use up a seq.
        own = fingerprint(signer.public_key)
        if own not in self.keys:
            able = ", ".join(self.keys) or "none"
            raise DeedFileError(f"{own}: may not sign this for {self.deed.event.actor}: {able} may")
        going = replace(self.deed, attachments=self._going)
        sent = prepare_deed(going, self.log, signer, random, now).submitted
        salts = tuple(part.salt for part in sent.parts)
        return replace(self, envelope=sent.envelope, salts=salts)

    @property
    def _going(self) -> tuple[Attachment, ...]:
        return () if self.bare else self.deed.attachments


def log_for(deed: Deed, log: SeenLog, keys: Sequence[str]) -> LogInFile:
    """What a signer needs of a log, for one deed and these keys (fingerprints)."""
    last = {key: found for key in keys if (found := log.last_deed(key)) is not None}
    return LogInFile(
        log=log.log,
        size=log.size,
        recorded_at=log.recorded_at,
        root_seen=log.root(log.size).hex(),
        topics={topic: log.newest(topic) for topic in sorted(topics_of(deed.event).must_name)},
        last={
            key: _Last(n=each.n, seq=each.seq, digest=each.digest, seen=each.seen)
            for key, each in last.items()
        },
    )


def write_deed_file(path: Path, drafted: DraftedDeed, *, replacing: bool = False) -> None:
    """Write a deed to a file (0600), whole or not at all.

    Raises DeedFileError: there is a file already, and it is not to be replaced; or the deed is too
    large for one.
    """
    try:
        write_file(path, [deed_file_bytes(drafted, str(path))], replace=replacing)
    except FileExistsError as error:
        raise DeedFileError(f"{path}: exists; name a new file") from error


def deed_file_bytes(drafted: DraftedDeed, called: str = "the file") -> bytes:
    """What stands in the file of a deed. Raises DeedFileError: it is too large for one."""
    data = b"".join(_lines(drafted))
    if len(data) > MOST:
        raise DeedFileError(f"{called}: the deed is larger than {MOST} bytes, the most for a file")
    return data


def read_deed_file(path: Path) -> DraftedDeed:
    """The deed in a file. Raises DeedFileError."""
    try:
        with path.open("rb") as file:
            # One more than there may be, by which a larger file is seen without being read.
            data = file.read(MOST + 1)
    except OSError as error:
        raise DeedFileError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MOST:
        raise DeedFileError(f"{path}: larger than {MOST} bytes")
    try:
        return _read([loads(line) for line in data.splitlines()])
    except DeedFileError:
        raise
    except (TouchstoneError, ValidationError, LookupError, TypeError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        raise DeedFileError(f"{path}: holds no deed that can be used: {what}") from error


def _lines(drafted: DraftedDeed) -> Iterator[bytes]:
    header = _Header(
        form=FORM,
        case=drafted.case,
        event=drafted.deed.event.facts(),
        log=drafted.log,
        keys=dict(drafted.keys),
        roles=dict(drafted.roles),
        refused=drafted.foreseen.refused,
        hidden=drafted.foreseen.hidden,
        unseen_topics=list(drafted.foreseen.unseen_topics),
        then=drafted.then,
        bare=drafted.bare,
    )
    values = [header.model_dump(mode="json")]
    if drafted.envelope is not None:
        salts = [salt.hex() for salt in drafted.salts]
        values.append({"kind": "signed", "envelope": drafted.envelope, "salts": salts})
    parts = chain.from_iterable(map(_written, drafted.deed.attachments))
    return (dumps(value) + b"\n" for value in chain(values, parts))


def _written(part: Attachment) -> Iterator[dict[str, Any]]:
    marking = part.marking.as_dict()
    if isinstance(part, Content):
        yield {"kind": "content", "marking": marking, "value": part.value}
        return
    if isinstance(part, SentEvidence):
        raise DeedFileError("what is sent before its deed goes into no file: use --server")
    facts = {"media_type": part.media_type, "name": part.name, "size": len(part.data)}
    yield {"kind": "evidence", "marking": marking, **facts}
    for start in range(0, len(part.data), _PIECE):
        yield {"kind": "bytes", "hex": part.data[start : start + _PIECE].hex()}


def _read(values: list[Any]) -> DraftedDeed:
    if not values or not isinstance(values[0], dict) or values[0].get("form") != FORM:
        raise MalformedError(f"it does not begin with {FORM}")
    header, lines = _Header.model_validate(values[0]), values[1:]
    signed = [line for line in lines if isinstance(line, dict) and line.get("kind") == "signed"]
    if not set(header.roles.values()) <= set(get_args(Role)) or len(signed) > 1:
        raise MalformedError("a role that is none, or several signatures")
    parts = _parts([line for line in lines if line not in signed])
    deed = Deed(parse_event(header.event), parts)
    if set(header.log.topics) != set(topics_of(deed.event).must_name):
        raise MalformedError("other topics than a deed of its type must name")
    foreseen = Foresight(header.refused, header.hidden, tuple(header.unseen_topics))
    drafted = DraftedDeed(
        header.case,
        deed,
        header.log,
        header.keys,
        header.roles,
        foreseen,
        header.then,
        header.bare,
    )
    for line in signed:
        salts = tuple(map(bytes.fromhex, line["salts"]))
        drafted = replace(drafted, envelope=line["envelope"], salts=salts)
    return drafted


def _parts(lines: list[Any]) -> tuple[Attachment, ...]:
    """What goes with the deed, from the lines after its head. Raises MalformedError."""
    parts, pieces = list[Attachment](), list[bytes]()
    # From behind, since a piece of evidence is told of before its bytes.
    for line in reversed(lines):
        match line:
            case {"kind": "bytes", "hex": str(piece), **rest} if not rest:
                pieces.append(bytes.fromhex(piece))
            case {
                "kind": "evidence",
                "media_type": str(kind),
                "name": str(name),
                "size": int(size),
                "marking": marking,
                **rest,
            } if not rest:
                data, pieces = b"".join(reversed(pieces)), []
                if len(data) != size:
                    raise MalformedError(f"{name} has {len(data)} bytes, and {size} are told")
                parts.append(Evidence(data, kind, name, parse_marking(marking)))
            case {"kind": "content", "marking": marking, "value": said, **rest} if not rest:
                parts.append(Content(said, parse_marking(marking)))
            case _:
                raise MalformedError("a line that is none of a deed's")
    if pieces:
        raise MalformedError("bytes of no evidence")
    return tuple(reversed(parts))
