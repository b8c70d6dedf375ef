"""A deed as it comes in, held against the log: the server's checks 1 to 8, in their order.

Two ways to say no, never to be mixed up. `UnpromisedError` is a plain answer that promises nothing:
the same bytes may be recorded later. `RefusedDeedError` is to be signed, stored and final. What
anybody could bring about who merely holds a payload is of the first kind; otherwise a stranger
could have another's deed refused for ever.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from touchstone.ledger.canonical import dumps
from touchstone.ledger.contract2.answers import MAX_WHY, RecordedAnswer, RefusedAnswer, SignedAnswer
from touchstone.ledger.contract2.checks import (
    PastLog,
    check_chain,
    check_dates,
    check_exact,
    check_log_id,
    check_recorded_time,
    check_seen,
    check_topics,
)
from touchstone.ledger.contract2.keyacts import (
    BringsPartyKey,
    KeyAct,
    key_topics,
    parse_key_act,
)
from touchstone.ledger.contract2.own_deeds import INSTALLATION, own_key
from touchstone.ledger.contract2.parts import (
    PARTS,
    PaddedEntry,
    parse_deed_facts,
    parse_signed_part,
)
from touchstone.ledger.contract2.statements import (
    DeedEnvelope,
    DeedStatement,
    parse_statement_envelope,
)
from touchstone.ledger.entries import commit_part
from touchstone.ledger.errors import (
    AlteredError,
    MalformedError,
    RefusedDeedError,
    UnpromisedError,
)
from touchstone.ledger.signing import fingerprint

FORK = "fork"
"""The code of a second deed at a `seq` of its key at which another stands."""


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part as its signer sends it: the salt (32 bytes) that it drew, and the bytes."""

    salt: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class SubmittedDeed:
    """What a client sends: the envelope as a JSON value, and all the signer's parts."""

    envelope: object
    parts: tuple[SentPart, ...]


@dataclass(frozen=True, slots=True)
class DeedTopics:
    """What a type of deed asks of its topics, given its facts.

    `touches` is exactly what it must say that it touches, `must_name` what it must be on; `exact`
    that it must ask for its exact place, `ends` that it must have an `until`. Topics of keys are
    added by this room.
    """

    touches: frozenset[str] = frozenset()
    must_name: frozenset[str] = frozenset()
    exact: bool = False
    ends: bool = False

    def with_keys(self, actor: str, act: KeyAct | None) -> "DeedTopics":
        """The same of a deed that may be an act on keys: those are touched and named, too."""
        touched, named = key_topics(actor, act)
        if touched <= self.touches and named <= self.must_name:
            return self
        return replace(self, touches=self.touches | touched, must_name=self.must_name | named)


class AnsweredLog(PastLog, Protocol):
    """A log that also knows the answers that it gave."""

    def recorded_digest(self, key: str, seq: int) -> str | None:
        """The digest (hex) of the key's deed that was recorded with this `seq`."""

    def answer(self, digest: str) -> SignedAnswer | None:
        """The stored answer to a deed, by its digest (hex)."""


@dataclass(frozen=True, slots=True)
class AdmittedDeed:
    """A deed that may stand at entry `n`, as far as this room can tell.

    `at` (UTC) is the time of recording: the server's, or the newest entry's where that is later.
    What is left: its layout and evidence (9) and the law of the review (10).
    """

    envelope: DeedEnvelope
    parts: tuple[SentPart, ...]
    facts: Mapping[str, Any]
    act: KeyAct | None
    n: int
    at: str
    values: tuple[dict[str, Any], ...] = ()
    """What its parts say after part 0, as they were read: content, or evidence by digest."""

    @property
    def statement(self) -> DeedStatement:
        """What was signed."""
        return self.envelope.statement


def admit_deed(
    submitted: SubmittedDeed,
    past: AnsweredLog,
    *,
    asker: str,
    now: str,
    topics: Callable[[Mapping[str, Any]], DeedTopics],
    installation: bytes | None = None,
) -> AdmittedDeed | SignedAnswer:
    """The deed, fit to be recorded, or the answer that it was given before.

    Call it in the case's lock. `asker` is the party that sends, `now` the server's time (UTC).
    `installation` is its key as it is now (32 bytes), which signs its own deeds; None: none comes.
    Raises UnpromisedError or RefusedDeedError, with nothing to be written but the refusal itself.
    """
    envelope = read_own_deed(submitted.envelope, asker)
    statement = envelope.statement
    _check_known(asker, past)
    # Before the answers are looked up: those of this log say nothing of another's deeds.
    with _unpromised("another-log"):
        check_log_id(statement, past)
    if (answered := _answered(envelope, past)) is not None:
        return answered
    # Before the signature: an act on keys in part 0 may bring the very key that signed.
    with _unpromised("parts"):
        facts, act = _read_facts(submitted.parts, past.size)
    with _unpromised("not-a-signer"):
        _check_signer(envelope, act, past, installation)
    _check_next(statement, past)
    # Not final: anybody who holds a payload can send other parts with it.
    with _unpromised("parts"):
        values = _check_parts(statement, submitted.parts, facts)
    # Signed and whole: what fails from here on fails by the signer's own bytes, for good.
    with _refused("seen"):
        check_seen(statement, past)
    # A clock that was set back is no fault of the deed's.
    at = max(now, past.recorded_at or now)
    with _refused("time"):
        check_recorded_time(statement, at, past.recorded_at)
        check_dates(statement, str(facts["at"]), at)
    _check_place(statement, act, topics(facts), past)
    # Also of who joins or rotates: what could explain it later moves `keys:<party>` (ADR 286).
    with _refused("keys"):
        first, dated = past.size == 0, str(facts["at"])
        past.keys.after(statement.actor, act, statement.key, first=first, dated=dated)
    return AdmittedDeed(envelope, submitted.parts, facts, act, past.size, at, values)


def cancel_deed(envelope: object, past: AnsweredLog, *, asker: str) -> SignedAnswer:
    """The answer that a deed was given before, to its own party.

    `envelope` is the deed's, as a JSON value; its parts need not be at hand. Raises
    RefusedDeedError `cancelled` where there is no answer yet: the deed is never recorded then.
    Raises UnpromisedError where it is not the asker's, or not by a key that signs for it now.
    """
    found = read_own_deed(envelope, asker)
    statement = found.statement
    _check_known(asker, past)
    with _unpromised("another-log"):
        check_log_id(statement, past)
    if (known := past.answer(statement.digest)) is not None:
        return known
    # Its parts are not at hand, so no act is known: joining and rotating cannot be taken back.
    with _unpromised("not-a-signer"):
        _check_signer(found, None, past)
    raise RefusedDeedError("cancelled", "its party took it back before it was recorded")


def read_own_deed(envelope: object, asker: str) -> DeedEnvelope:
    """Step 1: the envelope (a JSON value), from its own party alone; asks nothing of any log.

    Whoever else holds a deed neither learns its answer nor chooses the moment at which it is
    judged. Raises UnpromisedError.
    """
    with _unpromised("malformed"):
        found = parse_statement_envelope(envelope)
    if asker != found.statement.actor:
        raise UnpromisedError("not-yours", "a deed is taken from its own party alone")
    return found


def unknown_case() -> UnpromisedError:
    """What whoever is no party of a case is told of it, whether or not there is one."""
    return UnpromisedError(
        "unknown",
        "there is no case of that name that takes deeds of yours; fix: give its whole id until you"
        " have joined it, and ask its centre whether it invites you",
    )


def _check_known(asker: str, past: AnsweredLog) -> None:
    """Before anything else is said of a log: its parties and who is invited know that it is."""
    if past.size and asker != INSTALLATION and not past.keys.knows(asker):
        raise unknown_case()


def _answered(envelope: DeedEnvelope, past: AnsweredLog) -> SignedAnswer | None:
    """Step 2: the answer that it was given before; a second deed at one `seq` is a fork."""
    statement = envelope.statement
    known = past.answer(statement.digest)
    if known is not None or past.recorded_digest(statement.key, statement.seq) is None:
        return known
    # A payload that nobody signed must not fill the store with refusals.
    with _unpromised("not-a-signer"):
        signer = past.keys.known.get(statement.key)
        # The installation's own key is not among them.
        if signer is None:
            raise AlteredError("the deed's key is not known here")
        envelope.verify(signer.public_key)
    raise RefusedDeedError(FORK, f"another deed stands at seq {statement.seq} of its key")


def _read_facts(parts: Sequence[SentPart], n: int) -> tuple[dict[str, Any], KeyAct | None]:
    if not parts:
        raise MalformedError("a deed comes with its parts")
    facts = parse_deed_facts(parts[0].data, n)
    return facts, parse_key_act(facts)


def _check_signer(
    envelope: DeedEnvelope,
    act: KeyAct | None,
    past: AnsweredLog,
    installation: bytes | None = None,
) -> None:
    """Step 3: the key is a signer of the actor now, for this type, and it signed.

    Who joins or rotates signs with the key that this deed brings: whether it may is for step 8.
    """
    statement = envelope.statement
    if statement.actor == INSTALLATION:
        keys = () if installation is None else (installation,)
        envelope.verify(own_key(statement, act, keys).public_key)
        return
    if isinstance(act, BringsPartyKey):
        if fingerprint(act.key) != statement.key:
            raise AlteredError("a key joins or replaces another by its own signature alone")
        envelope.verify(act.key)
        return
    known = past.keys.check_signer(statement.actor, statement.deed, statement.key, act)
    if known is None:
        raise AlteredError("the deed's key is not known here")
    envelope.verify(known.public_key)


def _check_next(statement: DeedStatement, past: AnsweredLog) -> None:
    """Step 4: the `seq` that is next, after the deed that was recorded last."""
    last = past.last_deed(statement.key)
    due = last.seq + 1 if last else 0
    # Those in between may still be on their way; the same bytes fit once they are there.
    if statement.seq > due:
        raise UnpromisedError("seq-ahead", f"seq {due} of this key is next")
    with _refused("before"):
        check_chain(statement, past)


def _check_parts(
    statement: DeedStatement, parts: Sequence[SentPart], facts: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """Step 5: the commitments open to the parts sent, and part 0 is about the same deed."""
    if tuple(commit_part(part.salt, part.data) for part in parts) != statement.parts:
        raise AlteredError("the parts sent are not those that the deed commits to")
    if (facts["type"], facts["actor"]) != (statement.deed, statement.actor):
        raise AlteredError("part 0 is of another type or actor than the deed")
    return tuple(parse_signed_part(part.data) for part in parts[1:])


def _check_place(
    statement: DeedStatement, act: KeyAct | None, asked: DeedTopics, past: AnsweredLog
) -> None:
    """Step 8: what its type asks for, the exact place, and the topics as they stand."""
    with _refused("time"):
        if asked.ends and statement.until is None:
            raise AlteredError(f"a deed of type {statement.deed} says until when it holds")
    with _refused("exact"):
        check_exact(statement, past)
        if asked.exact and not statement.exact:
            raise AlteredError(f"a deed of type {statement.deed} is exact")
    asked = asked.with_keys(statement.actor, act)
    # Before any topic is looked at: the answer would tell whether a thing of that name moved.
    with _refused("topics"):
        _check_named(statement, asked.must_name)
    with _refused("topic-moved"):
        check_topics(statement, past)
    with _refused("topics"):
        # Nor more: each topic that moves without need makes deeds of others stale.
        if frozenset(statement.touches) != asked.touches:
            raise AlteredError(f"a deed of type {statement.deed} touches other topics than it says")


def _check_named(statement: DeedStatement, must_name: frozenset[str]) -> None:
    """The deed is on the topics that its type asks it to name, and on no others."""
    if missing := sorted(must_name - statement.on.keys()):
        raise AlteredError(f"a deed of type {statement.deed} must be on {missing[0]}")
    if other := sorted(statement.on.keys() - must_name):
        raise AlteredError(f"a deed of type {statement.deed} is not on {other[0]}")


@dataclass(frozen=True, slots=True)
class RecordedDeed:
    """An entry to be appended, and what opens each of its parts that is no padding."""

    admitted: AdmittedDeed
    entry: PaddedEntry
    parts: tuple[SentPart, ...]

    def receipt(self, root: bytes) -> RecordedAnswer:
        """The answer, once the entry is appended; `root` (32 bytes) is the log's with it."""
        n = self.entry.n
        log = self.entry.log or self.entry.leaf.hex()
        digest = self.admitted.statement.digest
        return RecordedAnswer(log, digest, n, n + 1, root.hex(), self.admitted.at)


def record_deed(
    admitted: AdmittedDeed, salts: tuple[bytes, bytes], padding: Sequence[bytes]
) -> RecordedDeed:
    """The entry of an admitted deed.

    `salts` (32 fresh random bytes each) are for the deed part and the recorded part; `padding` has
    at least PARTS - 3 fresh random 32 bytes, commitments to nothing: as many as are due are used.
    """
    # One marking for all three: an edition shows event, signature and time, or none (ADR 226).
    marking = admitted.facts["marking"]
    made = (
        {"kind": "deed", "marking": marking, "envelope": admitted.envelope.value},
        {"kind": "recorded", "marking": marking, "at": admitted.at},
    )
    added = [SentPart(salt, dumps(one)) for salt, one in zip(salts, made, strict=True)]
    parts = (*admitted.parts, *added)
    commitments = [commit_part(part.salt, part.data) for part in parts]
    commitments += [pad.hex() for pad in padding[: PARTS - len(commitments)]]
    entry = PaddedEntry(admitted.statement.log, admitted.n, tuple(commitments))
    return RecordedDeed(admitted, entry, parts)


def refuse_deed(
    statement: DeedStatement,
    error: RefusedDeedError,
    past: PastLog,
    now: str,
    size: int | None = None,
) -> RefusedAnswer:
    """The final answer to a deed that failed, under the head at which it did: the newest, or one.

    `now` is when (UTC).
    """
    size = past.size if size is None else size
    return RefusedAnswer(
        # Not the deed's: with a deed that begins a log and is taken back, its log never was.
        past.log,
        statement.digest,
        error.code,
        # It may quote the deed; an answer that is too long could not be given at all.
        error.why[:MAX_WHY],
        size,
        past.root(size).hex(),
        now,
    )


@contextmanager
def _unpromised(code: str) -> Iterator[None]:
    try:
        yield
    except (AlteredError, MalformedError) as error:
        raise UnpromisedError(code, str(error)) from error


@contextmanager
def _refused(code: str) -> Iterator[None]:
    try:
        yield
    except (AlteredError, MalformedError) as error:
        raise RefusedDeedError(code, str(error)) from error
