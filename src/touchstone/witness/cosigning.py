"""What a witness decides: whether a checkpoint extends all that it cosigned of a log before."""

import sqlite3
from collections.abc import Callable, Mapping
from hashlib import sha256

from touchstone.ledger import (
    EMPTY_ROOT,
    AlteredError,
    KeyHistory,
    MalformedError,
    SignedNote,
    Signer,
    check_signature,
    cosign,
    parse_key_line,
    verify_consistency,
)
from touchstone.ledger.notes import ED25519, NoteSignature, key_id
from touchstone.witness.errors import SubmissionRefusedError
from touchstone.witness.protocol import SIZE_TYPE, CheckpointRequest, parse_checkpoint_request
from touchstone.witness.state import CosignedHead, ForkEvidence, WitnessState

Told = Callable[[str], None]
"""Takes one line for whoever runs the witness."""


class Cosigner:
    """A witness without its HTTP: bodies in, answers out, or a SubmissionRefusedError."""

    def __init__(
        self,
        state: WitnessState,
        signer: Signer,
        name: str,
        logs: Mapping[str, bytes],
        told: Told = lambda _line: None,
    ) -> None:
        """`logs` has by origin the key (32 bytes) that is trusted; `told` hears of evidence."""
        self._state, self._signer, self._name = state, signer, name
        self._logs = dict(logs)
        self._told = told
        # By origin the note beside which a smaller one was told of: once each, or a log fills.
        self._late = dict[str, str]()

    def add_checkpoint(self, body: bytes, now: int) -> str:
        """The cosignature line for a submission, once it is durable that this was cosigned.

        `now` is in Unix seconds. Raises SubmissionRefusedError as tlog-witness 1.1 says: 400
        ill-formed, 404 a log not known, 403 not by its key, 409 another old size, 422 no extension;
        503 where the clock is behind the last cosignature, or the state cannot be written.
        """
        try:
            asked = parse_checkpoint_request(body)
        except MalformedError as error:
            raise SubmissionRefusedError(400, str(error)) from error
        origin = asked.checkpoint.origin
        # Before any signature is looked at: who asks for logs by the thousand costs no curve.
        if origin not in self._logs:
            raise SubmissionRefusedError(404, "this witness knows no such log")
        found: ForkEvidence | None = None
        try:
            # What is held and what is put there are one change: two requests at once could both
            # extend the same head, each to another tree.
            with self._state.changing():
                signed = self._signed_part(asked)
                try:
                    return self._cosigned(asked, signed, now)
                except _NotExtendedError as refused:
                    found = refused.evidence
                    raise refused.answer from None
        except sqlite3.Error as error:
            raise SubmissionRefusedError(503, f"nothing was cosigned: {UNWRITTEN}") from error
        finally:
            # After the change, which the refusal undid: evidence outlives it.
            if found is not None:
                self._keep(found, body)

    def _cosigned(self, asked: CheckpointRequest, signed: SignedNote, now: int) -> str:
        offered, origin = asked.checkpoint, asked.checkpoint.origin
        held = self._state.head(origin) or CosignedHead(0, EMPTY_ROOT, "", 0)
        self._check_extends(asked, signed, held, now)
        # Times of cosignatures only rise, or an older one could be shown as the newest.
        if now < held.time:
            raise SubmissionRefusedError(503, "this witness's clock is behind its last cosignature")
        note = cosign(str(signed), self._name, self._signer, now)
        # Remembered before it is told, in the same change: what was told binds this witness.
        self._state.put_head(origin, CosignedHead(offered.size, offered.root, note, now))
        return note[len(str(signed)) :]

    def _check_extends(
        self, asked: CheckpointRequest, signed: SignedNote, held: CosignedHead, now: int
    ) -> None:
        """Raise _NotExtendedError unless what is offered extends what is held."""
        offered = asked.checkpoint
        same_size = offered.size == held.size and offered.root != held.root

        def refuse(status: int, text: str, kind: str) -> "_NotExtendedError":
            media_type = SIZE_TYPE if status == _CONFLICT else "text/plain"
            evidence = ForkEvidence(now, offered.origin, kind, held.note, str(signed))
            answer = SubmissionRefusedError(status, text, media_type)
            return _NotExtendedError(answer, evidence if kind else None)

        # By the size that is held and not by that of the request: who asks may not know, or lie.
        if asked.old != held.size:
            kind = "fork" if same_size else _SMALLER if offered.size < held.size else ""
            raise refuse(_CONFLICT, f"{held.size}\n", kind)
        if same_size:
            raise refuse(_NO_EXTENSION, "another root for the size that was cosigned", "fork")
        try:
            verify_consistency(held.size, offered.size, asked.proof, held.root, offered.root)
        except AlteredError as error:
            raise refuse(_NO_EXTENSION, f"not proven to extend it: {error}", "unproven") from error

    def _signed_part(self, asked: CheckpointRequest) -> SignedNote:
        """The note with the signatures of trusted keys alone. Raises SubmissionRefusedError."""
        origin, note, kept = asked.checkpoint.origin, asked.note, list[NoteSignature]()
        for public_key in self._trusted(origin):
            signature = note.signature(origin, ED25519, public_key)
            if signature is not None:
                try:
                    check_signature(public_key, note.text.encode(), signature, "the checkpoint")
                except AlteredError as error:
                    raise SubmissionRefusedError(403, str(error)) from error
                # Other lines are dropped: what is cosigned says nothing of who else signed.
                kept.append(NoteSignature(origin, key_id(origin, ED25519, public_key), signature))
        if not kept:
            raise SubmissionRefusedError(403, "not signed by a key that is trusted here")
        return SignedNote(note.text, tuple(kept))

    def _trusted(self, origin: str) -> list[bytes]:
        """The key whose checkpoints count: the newest of the history, where the pin leads to it."""
        pin, lines = self._logs[origin], self._state.history(origin)
        history = KeyHistory.parse(lines.splitlines()) if lines else None
        # The pin is the operator's word and outlives any history: one that does not know it counts
        # for nothing.
        if history is None or pin not in history.public_keys:
            return [pin]
        return [history.current] if vouches(history, pin) else []

    def add_keys(self, body: bytes, now: int) -> str:
        """Follow a log's key lines (each with its line feed); says which key counts from now on.

        Raises SubmissionRefusedError: 400 ill-formed or a chain that does not hold, 404 a log not
        known, 403 the trusted key is not in it, or does not vouch past a revocation, 422 another
        history than the one that was followed.
        """
        history = self._parsed(body)
        origin, pin = history.origin, self._logs[history.origin]
        if pin not in history.public_keys:
            raise SubmissionRefusedError(403, "the key that is trusted here is not in this history")
        found: ForkEvidence | None = None
        try:
            with self._state.changing():
                before = self._state.history(origin) or b""
                followed = KeyHistory.parse(before.splitlines()).public_keys if before else ()
                # A history that does not know the trusted key was put aside by who trusts it.
                if pin in followed and not body.startswith(before) and not before.startswith(body):
                    found = ForkEvidence(now, origin, "keys", *_first_difference(before, body))
                    raise SubmissionRefusedError(422, "another history of keys than was followed")
                # A shorter history of the same beginning is an old one, and takes nothing back.
                if pin not in followed or len(body) > len(before):
                    self._state.put_history(origin, body)
                    before = body
        except sqlite3.Error as error:
            raise SubmissionRefusedError(503, UNWRITTEN) from error
        finally:
            if found is not None:
                self._keep(found, b"")
        history = KeyHistory.parse(before.splitlines())
        if not vouches(history, pin):
            raise SubmissionRefusedError(403, "a key of this log is revoked: trust a later one")
        return f"{history.lines[-1].fingerprint}\n"

    def _parsed(self, body: bytes) -> KeyHistory:
        if not body.endswith(b"\n"):
            raise SubmissionRefusedError(400, "the last key line has no line feed")
        first, *_ = lines = body[:-1].split(b"\n")
        try:
            # Before all others are checked: the name hangs on the first one.
            if KeyHistory((parse_key_line(first),)).origin not in self._logs:
                raise SubmissionRefusedError(404, "this witness knows no such log")
            return KeyHistory.parse(lines)
        except (MalformedError, AlteredError) as error:
            raise SubmissionRefusedError(400, str(error)) from error

    def newest(self, origin_digest: str) -> str:
        """The newest note that was cosigned of the log whose origin has this SHA-256 (hex)."""
        # By digest, since an origin may hold what no path can.
        for origin in self._logs:
            if sha256(origin.encode()).hexdigest() == origin_digest:
                try:
                    head = self._state.durable_head(origin)
                except sqlite3.Error as error:
                    raise SubmissionRefusedError(503, "the state cannot be read") from error
                if head is not None:
                    return head.note
        raise SubmissionRefusedError(404, "nothing of that was cosigned")

    def _keep(self, evidence: ForkEvidence, body: bytes) -> None:
        """Keep what proves or may prove something, and tell truly what became of it."""
        if evidence.kind == _SMALLER:
            if self._late.get(evidence.origin) == evidence.held:
                return
            self._late[evidence.origin] = evidence.held
            kept = "it proves nothing, and is not kept"
        else:
            try:
                kept = KEPT if self._state.keep(evidence, body) else FULL
            except sqlite3.Error as error:
                kept = f"this could not be kept as evidence: {error}"
        self._told(f"{evidence.origin}: {SAID[evidence.kind]}; {kept}")


_CONFLICT, _NO_EXTENSION, _SMALLER = 409, 422, "smaller"
UNWRITTEN = "the state cannot be written"
KEPT = "both are kept as evidence"
FULL = "the one offered is not kept: what is kept of this kind is all that there is room for"
SAID = {
    "fork": "another root was offered for the size that was cosigned: the log forked",
    "unproven": "a checkpoint was offered that is not proven to extend the one that was cosigned",
    "smaller": "a smaller checkpoint than the cosigned one was offered: late, or taken back",
    "keys": "another history of keys was offered than the one that was followed",
}
"""By kind of evidence what it is."""


class _NotExtendedError(Exception):
    """What is answered, and what is kept of it."""

    def __init__(self, answer: SubmissionRefusedError, evidence: ForkEvidence | None) -> None:
        super().__init__(str(answer))
        self.answer, self.evidence = answer, evidence


def vouches(history: KeyHistory, pin: bytes) -> bool:
    """Whether a trusted key leads to the newest one: no key at it or after it is revoked."""
    later = history.lines[history.public_keys.index(pin) :]
    return not any(line.fingerprint in history.revoked for line in later)


def _first_difference(followed: bytes, other: bytes) -> tuple[str, str]:
    """Of two histories of one beginning the last line in common with the next, and the other next.

    Line feeds included. That they were begun by one key is known: the log is named after it.
    """
    ours, theirs = (each.splitlines(keepends=True) for each in (followed, other))
    place = next(n for n, (one, two) in enumerate(zip(ours, theirs, strict=False)) if one != two)
    return b"".join(ours[max(0, place - 1) : place + 1]).decode(), theirs[place].decode()
