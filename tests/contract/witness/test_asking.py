"""What the installation makes of a witness's answers: real servers, scripted and hostile."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from support.ledger_signer import Signer
from support.witnesses import LyingLog
from touchstone.ledger import VerifierKey, cosign, parse_note, verify_cosignature
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.witness.asking import AskedWitness, Offer, WitnessAnswer, ask_witnesses
from touchstone.witness.protocol import CheckpointRequest, parse_checkpoint_request

KEY, NAME, TIME = Signer("scripted"), "witness.example/scripted", 1_796_000_000
Answer = tuple[int, bytes]
Script = Callable[[str, bytes], Answer]


@contextmanager
def scripted(script: Script) -> Iterator[str]:
    """A server that answers a call and a body as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = script(self.path.rpartition("/")[2], body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/prefix/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def log() -> LyingLog:
    made = LyingLog("asks")
    made.grow(7)
    return made


def asked(log: LyingLog, url: str, known: int = 0, seconds: float = 10.0) -> WitnessAnswer:
    witness = AskedWitness("w", url, VerifierKey(NAME, COSIGNATURE_V1, KEY.public_key), known)
    offer = Offer(log.note(), lambda old: log.tree.consistency(old, 7), log.keys, log.vkey)
    (answer,) = asyncio.run(ask_witnesses([witness], offer, seconds))
    return answer


def line_for(note: str, signer: Signer = KEY, name: str = NAME, at: int = TIME) -> bytes:
    return cosign(note, name, signer, at)[len(note) :].encode()


def cosigns(body: bytes, **changes: Any) -> Answer:
    return 200, line_for(str(parse_checkpoint_request(body).note), **changes)


def test_lines_of_the_known_key_are_taken_and_no_others(log: LyingLog):
    other = Signer("other")

    def many(_call: str, body: bytes) -> Answer:
        note = str(parse_checkpoint_request(body).note)
        strange = line_for(note, other), line_for(note, other, name="elsewhere.example")
        same_key = line_for(note, KEY, name="elsewhere.example/2")
        return 200, b"".join([*strange, same_key, line_for(note)])

    with scripted(many) as url:
        answer = asked(log, url)
    assert (answer.word, answer.time, answer.lines.count("\n")) == ("cosigned", TIME, 1)
    assert verify_cosignature(log.note() + answer.lines, NAME, KEY.public_key) == TIME


def test_it_proves_from_the_size_that_a_witness_names(log: LyingLog):
    seen = list[CheckpointRequest]()

    def at_four(_call: str, body: bytes) -> Answer:
        seen.append(parse_checkpoint_request(body))
        return cosigns(body) if seen[-1].old == 4 else (409, b"4\n")

    with scripted(at_four) as url:
        assert asked(log, url, known=2).word == "cosigned"
    assert [each.old for each in seen] == [2, 4]
    assert list(seen[1].proof) == log.tree.consistency(4, 7)
    assert parse_note(log.note()) == seen[1].note


def test_a_witness_that_forgot_is_told_and_not_led_on(log: LyingLog):
    """It would cosign another history as readily: what it says now is worth nothing."""

    def at_three(_call: str, body: bytes) -> Answer:
        return cosigns(body) if parse_checkpoint_request(body).old == 3 else (409, b"3\n")

    with scripted(at_three) as url:
        answer = asked(log, url, known=5)
        assert (answer.word, "has cosigned 5 before" in answer.says) == ("forgot", True)
        assert asked(log, url, known=3).word == "cosigned"


def test_what_it_cosigned_itself_is_no_fork(log: LyingLog):
    """409 with our own size, asked from another: asked from there it cosigns."""

    def at_seven(_call: str, body: bytes) -> Answer:
        return cosigns(body) if parse_checkpoint_request(body).old == 7 else (409, b"7\n")

    with scripted(at_seven) as url:
        assert asked(log, url).word == "cosigned"


@pytest.mark.parametrize(
    ("script", "word", "told"),
    [
        # tlog-witness 1.0 said a fork of equal size so; whoever tries again loops for ever.
        (lambda _c, _b: (409, b"7\n"), "fork", "another history"),
        (lambda _c, b: (409, b"7\n") if b"old 7" not in b else (422, b"no"), "fork", "It says: no"),
        (lambda _c, _b: (422, b"no"), "fork", "another history"),
        (lambda _c, _b: (409, b"9\n"), "ahead", "cosigned 9 heads of this log, and here are 7"),
        (lambda _c, _b: (409, b"many\n"), "refused", "409"),
        (lambda _c, _b: (409, b"\n"), "refused", "409"),
        (lambda _c, _b: (404, b""), "unknown-log", "give it "),
        (
            lambda c, _b: (404 if c == "add-keys" else 403, b""),
            "unknown-key",
            "give it ",
        ),
        (lambda _c, _b: (403, b"not this"), "unknown-key", "takes none of our keys: not this"),
        (lambda c, _b: (200, b"x") if c == "add-keys" else (403, b""), "unknown-key", "not trust"),
        (lambda c, _b: (422 if c == "add-keys" else 403, b"fork"), "fork", "history of keys"),
        (lambda _c, _b: (500, b"\x1b[2J\nsorry"), "refused", "refused (500): <U+001B>[2J sorry"),
        (lambda _c, _b: (302, b""), "refused", "refused (302)"),
        (lambda _c, _b: (200, b""), "refused", "without a cosignature that holds"),
        (lambda _c, _b: (200, b"\xff" * 100), "refused", "without a cosignature that holds"),
        (lambda _c, _b: (200, b"x" * 100_000), "refused", "more than"),
        (lambda _c, b: cosigns(b, at=253_402_300_800), "refused", "after the year 9999"),
        (lambda _c, b: cosigns(b, at=2**53 - 1), "refused", "after the year 9999"),
        (lambda _c, b: cosigns(b, signer=Signer("other")), "refused", "not cosigned by"),
        (lambda _c, b: cosigns(b, name="elsewhere.example"), "refused", "not cosigned by"),
    ],
)
def test_each_answer_has_its_word_and_one_line(log: LyingLog, script: Script, word: str, told: str):
    with scripted(script) as url:
        answer = asked(log, url)
    assert (answer.word, answer.lines, answer.time) == (word, "", None), answer
    assert told in answer.says
    assert answer.says.isprintable()


def test_a_cosignature_of_another_checkpoint_is_none(log: LyingLog):
    with scripted(lambda _c, _b: (200, line_for(log.note(3)))) as url:
        answer = asked(log, url)
    assert (answer.word, "does not hold" in answer.says) == ("refused", True)


def test_one_that_names_sizes_for_ever_is_left(log: LyingLog):
    sizes = iter(range(1, 1000))

    with scripted(lambda _c, _b: (409, b"%d\n" % (next(sizes) % 6 + 1))) as url:
        answer = asked(log, url)
    assert (answer.word, "other sizes" in answer.says) == ("refused", True)
    assert next(sizes) < 10


def test_key_lines_are_sent_once_where_the_key_is_unknown(log: LyingLog):
    log.rotate("successor")
    calls = list[str]()

    def follows(call: str, body: bytes) -> Answer:
        calls.append(call)
        if call == "add-keys":
            assert body == log.keys
            return 200, b"SHA256:..."
        return cosigns(body) if "add-keys" in calls else (403, b"")

    with scripted(follows) as url:
        assert asked(log, url).word == "cosigned"
    assert calls == ["add-checkpoint", "add-keys", "add-checkpoint"]


def test_one_that_does_not_answer_keeps_nobody_waiting(log: LyingLog):
    """Asked at the same time, each within its own seconds; one is not there at all."""
    released = threading.Event()

    def never(_call: str, _body: bytes) -> Answer:
        released.wait(30)
        return 500, b""

    key = VerifierKey(NAME, COSIGNATURE_V1, KEY.public_key)
    with scripted(never) as slow, scripted(lambda _c, body: cosigns(body)) as quick:
        with scripted(never) as gone:
            pass
        urls = (slow, gone, quick)
        witnesses = [AskedWitness(str(n), url, key, 0) for n, url in enumerate(urls)]
        offer = Offer(log.note(), lambda old: log.tree.consistency(old, 7), log.keys, log.vkey)
        began = time.monotonic()
        answers = asyncio.run(ask_witnesses(witnesses, offer, 1.0))
        released.set()
    assert [each.word for each in answers] == ["unreachable", "unreachable", "cosigned"]
    assert "within 1 s" in answers[0].says
    assert "cannot be reached" in answers[1].says
    assert time.monotonic() - began < 20
