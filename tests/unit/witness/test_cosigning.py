"""What a witness cosigns: one root a size, never a smaller tree, each one the last one extended."""

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ledger_signer import Signer
from support.witnesses import NAME, LyingLog
from touchstone.ledger import Checkpoint, parse_checkpoint, parse_note, verify_cosignature
from touchstone.witness import cosigning
from touchstone.witness import state as witness_state
from touchstone.witness.cosigning import Cosigner
from touchstone.witness.errors import SubmissionRefusedError, WitnessStateError
from touchstone.witness.protocol import MAX_PROOF, request_body
from touchstone.witness.state import CosignedHead, WitnessState

KEY = Signer("witness")
NOW = 1_796_000_000


def cosigner_of(state: WitnessState, *logs: LyingLog) -> Cosigner:
    pins = {log.history.origin: log.history.current for log in logs}
    return Cosigner(state, KEY, NAME, pins)


@pytest.fixture
def log() -> LyingLog:
    made = LyingLog("a log")
    made.grow(7)
    return made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[WitnessState]:
    made = WitnessState(tmp_path / "state.sqlite")
    yield made
    made.close()


def refused(call: Callable[..., str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SubmissionRefusedError) as caught:
        call(*arguments)
    return caught.value.status, str(caught.value)


def test_a_log_is_cosigned_from_its_first_head_on(log: LyingLog, state: WitnessState):
    cosigner = cosigner_of(state, log)
    for old, size in ((0, 0), (0, 0), (0, 3), (3, 3), (3, 7)):
        note = log.note(size)
        line = cosigner.add_checkpoint(log.body(old, size), NOW + size)
        assert line.startswith(f"— {NAME} ")
        assert verify_cosignature(note + line, NAME, KEY.public_key) == NOW + size
        head = state.head(log.history.origin)
        assert head is not None
        assert (head.size, head.root, head.time) == (size, log.tree.root(size), NOW + size)
        assert head.note == note + line
    assert state.evidence() == []


def test_each_refusal_has_its_status(log: LyingLog, state: WitnessState):
    cosigner = cosigner_of(state, log)
    cosigner.add_checkpoint(log.body(0, 3), NOW)
    stranger = LyingLog("a stranger")
    stranger.grow(3)
    add = cosigner.add_checkpoint
    assert refused(add, stranger.body(0), NOW)[0] == 404
    forged = LyingLog("a log")
    forged.signers = [Signer("a thief")]
    forged.grow(7)
    assert refused(add, forged.body(3), NOW)[0] == 403
    assert refused(add, log.body(0), NOW) == (409, "3\n")
    assert refused(add, log.body(2, 2), NOW) == (409, "3\n")
    assert refused(add, log.body(5), NOW) == (409, "3\n")
    assert refused(add, request_body(5, [], log.note(3)), NOW)[0] == 400
    assert refused(add, request_body(3, [], log.note(7)), NOW)[0] == 422
    proof = [*log.tree.consistency(3, 7), bytes(32)]
    assert refused(add, request_body(3, proof, log.note(7)), NOW)[0] == 422
    fork = log.fork(2, "other")
    fork.grow(5)
    assert refused(add, fork.body(3, 3), NOW)[0] == 422
    assert refused(add, fork.body(3), NOW)[0] == 422
    assert refused(add, log.body(3), NOW - 1)[0] == 503
    assert add(log.body(3), NOW)


def test_a_signature_of_an_unknown_key_beside_is_passed_over(log: LyingLog, state: WitnessState):
    """It is neither trusted nor kept; one by the trusted key that does not hold is refused."""
    lines = log.note().partition("\n\n")[2]
    strange = LyingLog("another").note(0).partition("\n\n")[2]
    note = log.note().replace(lines, strange + lines)
    line = cosigner_of(state, log).add_checkpoint(request_body(0, [], note), NOW)
    head = state.head(log.history.origin)
    assert head is not None
    assert head.note == log.note() + line
    wrong = (
        log.note(3)
        .replace("— ", "— ")
        .replace(log.note(3).rpartition(" ")[2], log.note(7).rpartition(" ")[2])
    )
    assert (
        refused(cosigner_of(state, log).add_checkpoint, request_body(3, [], wrong), NOW)[0] == 403
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n",
        b"old -1\n\n",
        b"new 0\n\n",
        b"old 0",
        b"old 0\nAA==\n\n",
        b"old 0\nnot base64\n\n",
        b"old 99999999999999999\n\n",
        b"\xff\xfe",
        b"old 0\n" + b"A" * 43 + b"=\n",
    ],
)
def test_what_is_no_submission_is_refused(body: bytes, log: LyingLog, state: WitnessState):
    whole = body + log.note().encode() if body.endswith(b"\n\n") else body
    assert refused(cosigner_of(state, log).add_checkpoint, whole, NOW)[0] == 400
    assert state.head(log.history.origin) is None


def test_bounds_of_a_submission(log: LyingLog, state: WitnessState):
    add = cosigner_of(state, log).add_checkpoint
    assert refused(add, request_body(0, [bytes(32)] * (MAX_PROOF + 1), log.note()), NOW)[0] == 400
    extended = log.note().replace("\n\n", "\nan extension line\n\n")
    assert refused(add, request_body(0, [], extended), NOW)[0] == 400


def test_a_log_that_lies_is_caught_with_both_notes(log: LyingLog, state: WitnessState):
    told = list[str]()
    pins = {log.history.origin: log.history.current}
    cosigner = Cosigner(state, KEY, NAME, pins, told.append)
    cosigner.add_checkpoint(log.body(0, 5), NOW)
    fork = log.fork(3, "other")
    fork.grow(6)
    add = cosigner.add_checkpoint
    refused(add, fork.body(5, 5), NOW + 1)
    refused(add, fork.body(0, 5), NOW + 2)
    refused(add, fork.body(5), NOW + 3)
    refused(add, log.body(0, 2), NOW + 4)
    kept = state.evidence()
    # Whoever has an older checkpoint can send it: that proves nothing.
    assert [each.kind for each in kept] == ["fork", "unproven"]
    for each in kept:
        held, offered = (parse_note(note) for note in (each.held, each.offered))
        assert parse_checkpoint(held.text) == Checkpoint(log.history.origin, 5, log.tree.root(5))
        for note in (held, offered):
            assert note.signature(log.history.origin, 1, log.history.current)
    first = [parse_checkpoint(parse_note(note).text) for note in (kept[0].held, kept[0].offered)]
    assert first[0].size == first[1].size
    assert first[0].root != first[1].root
    assert [line.rpartition("; ")[2] for line in told] == [
        *["both are kept as evidence"] * 3,
        "it proves nothing, and is not kept",
    ]
    # The true log goes on as if nothing was.
    assert add(log.body(5), NOW + 5)


def test_replayed_checkpoints_take_no_room_and_fill_no_log(log: LyingLog, state: WitnessState):
    """Anybody has a log's older checkpoints: what they send changes nothing for a fork."""
    told = list[str]()
    pins = {log.history.origin: log.history.current}
    cosigner = Cosigner(state, KEY, NAME, pins, told.append)
    cosigner.add_checkpoint(log.body(0), NOW)
    for _ in range(3):
        for size in range(7):
            refused(cosigner.add_checkpoint, log.body(0, size), NOW)
    assert (state.evidence(), len(told)) == ([], 1)
    fork = log.fork(3, "other")
    fork.grow(4)
    refused(cosigner.add_checkpoint, fork.body(7), NOW)
    assert [each.kind for each in state.evidence()] == ["fork"]
    assert told[-1].endswith("; both are kept as evidence")


def test_evidence_is_bounded_by_its_kind(
    log: LyingLog, state: WitnessState, monkeypatch: pytest.MonkeyPatch
):
    """What fills one kind leaves the others their room; what is not kept is not said to be."""
    monkeypatch.setattr(witness_state, "MOST_KEPT", {"fork": 2, "unproven": 3, "keys": 1})
    told = list[str]()
    pins = {log.history.origin: log.history.current}
    cosigner = Cosigner(state, KEY, NAME, pins, told.append)
    cosigner.add_checkpoint(log.body(0), NOW)
    for size, most in ((6, 3), (4, 2)):
        for number in range(5):
            fork = log.fork(3, f"other {number}")
            fork.grow(size)
            refused(cosigner.add_checkpoint, fork.body(7), NOW)
            assert told[-1].endswith("as evidence" if number < most else "room for")
    assert [each.kind for each in state.evidence()] == [*["unproven"] * 3, *["fork"] * 2]
    # What is kept stays kept, and is said to be.
    again = log.fork(3, "other 0")
    again.grow(4)
    refused(cosigner.add_checkpoint, again.body(7), NOW)
    assert told[-1].endswith("as evidence")


def test_key_lines_are_kept_once_for_each_key_that_signed_two(log: LyingLog, state: WitnessState):
    """A retired key's thief can write as many successors as it likes, of any length."""
    told = list[str]()
    pins = {log.history.origin: log.history.current}
    cosigner = Cosigner(state, KEY, NAME, pins, told.append)
    first = log.fork(7, "other")
    log.rotate("second")
    second = log.fork(7, "other")
    log.rotate("third")
    cosigner.add_keys(log.keys, NOW)
    for number in range(4):
        evil = log.fork(7, "other")
        evil.signers, evil.history = first.signers, first.history
        evil.rotate(f"evil {number}", "x" * 200_000)
        evil.rotate(f"evil {number} again", "x" * 200_000)
        assert refused(cosigner.add_keys, evil.keys, NOW)[0] == 422
        assert told[-1].endswith("room for" if number else "as evidence")
    second.rotate("the thief's")
    assert refused(cosigner.add_keys, second.keys, NOW)[0] == 422
    assert told[-1].endswith("as evidence")
    lines, other = (each.keys.decode().splitlines(keepends=True) for each in (log, second))
    by_first, by_second = state.evidence()
    assert by_first.held == "".join(lines[:2])
    assert by_first.offered.count("\n") == 1
    assert (by_second.held, by_second.offered) == ("".join(lines[1:]), other[2])


def test_what_is_handed_out_is_durable(log: LyingLog, state: WitnessState):
    """While it is being made so, and after it failed, the cosignature before it is the newest."""
    cosigner = cosigner_of(state, log)
    digest = sha256(log.history.origin.encode()).hexdigest()
    cosigner.add_checkpoint(log.body(0, 3), NOW)
    newest = cosigner.newest(digest)

    def undone(full: bool) -> None:
        with state.changing():
            state.put_head(log.history.origin, CosignedHead(7, bytes(32), "not yet", NOW))
            assert cosigner.newest(digest) == newest
            if full:
                raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError):
        undone(full=True)
    assert cosigner.newest(digest) == newest
    undone(full=False)
    assert cosigner.newest(digest) == "not yet"


Step = tuple[str, int, int, bool]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["true", "b", "c"]), st.integers(0, 9), st.integers(0, 9), st.booleans()
    ),
    max_size=25,
)


def cosigned_in(steps: list[Step]) -> list[tuple[int, bytes]]:
    """What is cosigned of three branches that share two leaves, however they are submitted."""
    true = LyingLog("a log")
    true.grow(9)
    branches = {"true": true}
    for name in ("b", "c"):
        branches[name] = true.fork(2, name)
        branches[name].grow(7)
    state, found = WitnessState(Path(":memory:")), list[tuple[int, bytes]]()
    for branch, old, size, by_answer in steps:
        # Anew each time: nothing is remembered but by the state.
        cosigner, log = cosigner_of(state, true), branches[branch]
        held = state.head(true.history.origin)
        asked = held.size if held and by_answer else old
        try:
            cosigner.add_checkpoint(log.body(asked, size), NOW)
        except SubmissionRefusedError:
            continue
        found.append((size, log.tree.root(size)))
    state.close()
    return found


def holds(cosigned: list[tuple[int, bytes]]) -> bool:
    sizes = [size for size, _ in cosigned]
    return sizes == sorted(sizes) and len(dict(cosigned)) == len(set(cosigned))


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_a_witness_never_cosigns_two_roots_of_one_size_nor_a_smaller_tree(steps: list[Step]):
    assert holds(cosigned_in(steps))


def test_twin_without_the_check_it_cosigns_both(monkeypatch: pytest.MonkeyPatch):
    fork = [("true", 0, 5, True), ("b", 0, 5, True)]
    back = [("true", 0, 5, True), ("true", 0, 3, False)]
    assert len(cosigned_in([*fork])) == len(cosigned_in([*back])) == 1
    monkeypatch.setattr(Cosigner, "_check_extends", lambda *_: None)
    assert not holds(cosigned_in([*fork]))
    assert not holds(cosigned_in([*back]))


# ---------------------------------------------------------------- keys


def test_a_rotation_is_followed_by_the_key_lines(log: LyingLog, state: WitnessState):
    cosigner = cosigner_of(state, log)
    cosigner.add_checkpoint(log.body(0, 3), NOW)
    for number in range(2):
        old = log.note(5)
        log.rotate(f"successor {number}")
        assert refused(cosigner.add_checkpoint, log.body(3), NOW)[0] == 403
        assert cosigner.add_keys(log.keys, NOW) == f"{log.history.lines[-1].fingerprint}\n"
        assert cosigner.add_keys(log.keys, NOW) == f"{log.history.lines[-1].fingerprint}\n"
        # The key before it may have been replaced because it was stolen.
        assert refused(cosigner.add_checkpoint, request_body(3, [], old), NOW)[0] == 403
    assert cosigner.add_checkpoint(log.body(3), NOW)


def test_only_one_history_of_keys_is_followed(log: LyingLog, state: WitnessState):
    """Whoever has the first key can write another one: what came first stands."""
    cosigner, thief = cosigner_of(state, log), log.fork(7, "other")
    log.rotate("successor")
    thief.rotate("the thief's")
    cosigner.add_keys(log.keys, NOW)
    assert refused(cosigner.add_keys, thief.keys, NOW)[0] == 422
    (kept,) = state.evidence()
    (_, line) = thief.keys.decode().splitlines(keepends=True)
    assert (kept.kind, kept.held, kept.offered) == ("keys", log.keys.decode(), line)
    assert refused(cosigner.add_checkpoint, thief.body(0), NOW)[0] == 403
    assert cosigner.add_checkpoint(log.body(0), NOW)
    # A shorter one is no news and no harm.
    assert cosigner.add_keys(log.keys.splitlines(keepends=True)[0], NOW)
    assert cosigner.add_checkpoint(log.body(7), NOW)


def test_no_key_is_followed_over_a_revocation(log: LyingLog, state: WitnessState):
    """Whoever holds a revoked key can sign a successor in: whoever runs the witness says which."""
    cosigner, pin = cosigner_of(state, log), log.history.current
    log.rotate("second")
    cosigner.add_keys(log.keys, NOW)
    log.rotate("third", f"revoked {log.history.lines[0].fingerprint}: stolen")
    assert refused(cosigner.add_keys, log.keys, NOW)[0] == 403
    assert refused(cosigner.add_checkpoint, log.body(0), NOW)[0] == 403
    later = Cosigner(state, KEY, NAME, {log.history.origin: log.history.current})
    assert later.add_checkpoint(log.body(0), NOW)
    log.rotate("fourth")
    later.add_keys(log.keys, NOW)
    assert later.add_checkpoint(log.body(7), NOW)
    assert pin != log.history.current


def test_key_lines_of_others_are_refused(log: LyingLog, state: WitnessState):
    cosigner = cosigner_of(state, log)
    other = LyingLog("another")
    assert refused(cosigner.add_keys, other.keys, NOW)[0] == 404
    assert refused(cosigner.add_keys, log.keys[:-1], NOW)[0] == 400
    assert refused(cosigner.add_keys, b"\n", NOW)[0] == 400
    forged = log.fork(7, "other")
    forged.signers = [Signer("a thief")]
    with pytest.raises(Exception, match="signature"):
        forged.rotate("the thief's")
    line = log.keys
    log.rotate("successor")
    broken = line + log.keys.splitlines(keepends=True)[1].replace(b"yearly", b"weekly")
    assert refused(cosigner.add_keys, broken, NOW)[0] == 400
    # Pinned to a key that no history leads to.
    pinned = Cosigner(state, KEY, NAME, {log.history.origin: Signer("elsewhere").public_key})
    assert refused(pinned.add_keys, log.keys, NOW)[0] == 403


@pytest.mark.parametrize("guard", ["vouches", "followed"])
def test_twins_of_the_guards_over_keys(
    guard: str, log: LyingLog, state: WitnessState, monkeypatch: pytest.MonkeyPatch
):
    cosigner, thief = cosigner_of(state, log), log.fork(7, "other")
    log.rotate("second", f"revoked {log.history.lines[0].fingerprint}: stolen")
    thief.rotate("the thief's")
    if guard == "vouches":
        monkeypatch.setattr(cosigning, "vouches", lambda *_: True)
        cosigner.add_keys(log.keys, NOW)
        assert cosigner.add_checkpoint(log.body(0), NOW)
        return
    cosigner.add_keys(thief.keys, NOW)
    monkeypatch.setattr(state, "history", lambda _origin: None)
    # Nothing that was followed is known: the other history takes its place.
    refused(cosigner.add_keys, log.keys, NOW)
    assert state.evidence() == []


# ---------------------------------------------------------------- state


def test_state_and_key_go_together(tmp_path: Path):
    folder = tmp_path / "state"
    state, signer = WitnessState.prepare(folder)
    state.close()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    again, same = WitnessState.prepare(folder)
    again.close()
    assert same.public_key == signer.public_key
    key, file = folder / "witness.pem", folder / "witness.sqlite"
    kept = {path: path.read_bytes() for path in (key, file)}
    key.unlink()
    with pytest.raises(Exception, match="is gone"):
        WitnessState.prepare(folder)
    key.write_bytes(kept[key])
    key.chmod(0o600)
    file.unlink()
    with pytest.raises(Exception, match="never use it again"):
        WitnessState.prepare(folder)
    other, _ = WitnessState.prepare(tmp_path / "other")
    other.close()
    file.write_bytes((tmp_path / "other" / "witness.sqlite").read_bytes())
    with pytest.raises(Exception, match="is not the key"):
        WitnessState.prepare(folder)


def test_a_half_made_witness_is_completed(tmp_path: Path):
    """Ended after the file and before the key, or after the key and before they were bound."""
    folder = tmp_path / "state"
    WitnessState.prepare(folder)[0].close()
    (folder / "witness.pem").unlink()
    connection = sqlite3.connect(folder / "witness.sqlite")
    connection.execute("DELETE FROM owner")
    connection.commit()
    connection.close()
    state, signer = WitnessState.prepare(folder)
    state.close()
    assert signer.public_key


def test_what_cannot_be_written_is_not_cosigned(
    log: LyingLog, state: WitnessState, monkeypatch: pytest.MonkeyPatch
):
    """A full disk: no cosignature, and the next request finds the state as it was."""

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    cosigner = cosigner_of(state, log)
    with monkeypatch.context() as patched:
        patched.setattr(state, "put_head", full)
        assert refused(cosigner.add_checkpoint, log.body(0), NOW)[0] == 503
    assert state.head(log.history.origin) is None
    assert cosigner.add_checkpoint(log.body(0), NOW)


def test_a_state_that_is_no_database_is_told_in_a_line(tmp_path: Path):
    """Who looks at a witness whose file was damaged meets no traceback."""
    (tmp_path / witness_state.FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(WitnessStateError, match=r"witness\.sqlite: cannot be used: "):
        WitnessState.look(tmp_path)
