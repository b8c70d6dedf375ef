"""A gateway under fire: batches of cases, and what must hold after each."""

import asyncio
import contextlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from support.gateway import (
    NATIONALITIES,
    RunningGateway,
    free_port,
    key_of,
    put,
    running_gateway,
    stub_upstream,
)
from support.gateway_fuzz.hostile import ISSUERS_KEY, PROMPT, Case, Hostile, token
from support.gateway_loop import AUDIENCE, ISSUER, Stub, jwks
from touchstone.gateway.commands import export_audit

UPSTREAM_KEY = "sk-upstream-that-nobody-may-see"
KEY_VARIABLE = "EXAMPLE_UPSTREAM_KEY"
RULES: tuple[Mapping[str, Any], ...] = (
    {"id": "home", "effect": "permit", "nationality": ["XA"], "dual": "all"},
    {
        "id": "others",
        "effect": "permit",
        "nationality": ["XC"],
        "dual": "all",
        "modes": ["instant"],
    },
)
MODES = {"ann": {"instant", "thinking"}, "bea": {"instant"}}
VARIANTS = {"example-model": "final", "its-own-name": "restricted"}
SILENCE = 0.15
"""Seconds after which a client that hears nothing leaves."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n")
_CODE = re.compile(r'"code": ?"([a-z_]+)"|"error": \{"type": "([a-z_]+)"')
"""As the gateway's own errors, OpenAI's and Anthropic's have it."""


class BrokenError(Exception):
    """An invariant that did not hold, in words."""


@dataclass
class Tally:
    """What came of a campaign."""

    cases: int = 0
    forwarded: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.answers.items()))
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.codes.items()))
        return f"{self.cases} cases, {self.forwarded} forwarded; answers {statuses}; {codes}"


@dataclass
class Target:
    """The gateway that is attacked, and the endpoint behind it."""

    gateway: RunningGateway
    stub: Stub
    decisions_port: int
    secrets: tuple[str, ...]
    workers: list[int]
    bundle: int
    tally: Tally = field(default_factory=Tally)
    seen: list[tuple[str, str]] = field(default_factory=list)
    """What was forwarded, since the beginning."""
    log_read: int = 0

    async def throw(self, cases: Sequence[Case], status: int = 200) -> None:
        """Send cases at once, and look at everything that must hold; BrokenError otherwise.

        The endpoint answers them with `status`; 0: its streams break off.
        """
        people = frozenset().union(*(case.people for case in cases))
        self.stub.requests.clear()
        self.stub.status, self.stub.breaks_after = status or 200, None if status else 1
        answers = await asyncio.gather(*(self._send(case) for case in cases))
        for case, answer in zip(cases, answers, strict=True):
            self._check_answer(case, answer)
        self._check_upstream(people)
        self.stub.status, self.stub.breaks_after = 200, None
        await asyncio.to_thread(self.check_alive)
        self.tally.cases += len(cases)

    async def _send(self, case: Case) -> bytes:
        port = self.gateway.port if case.door == "listen" else self.decisions_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        came = b""
        step = -(-len(case.data) // case.pieces)
        try:
            for at in range(0, len(case.data), step):
                writer.write(case.data[at : at + step])
                await asyncio.sleep(0)
            while some := await asyncio.wait_for(reader.read(1 << 16), SILENCE):
                came += some
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
        return came

    def _check_answer(self, case: Case, answer: bytes) -> None:
        parts = _STATUS.split(answer)
        for status, rest in zip(map(int, parts[1::2]), parts[2::2], strict=True):
            self.tally.answers[status] += 1
            text = rest.decode("utf-8", "replace")
            code = _CODE.search(text)
            if status >= 400 and "{" in text and code:
                self.tally.codes[code[1] or code[2]] += 1
            if status == 500 or (status > 500 and code is None):
                raise BrokenError(f"an answer {status} without a reason: {text[-200:]!a}")
            said = text.partition("\r\n\r\n")[2].strip()
            if 200 <= status < 300 and not case.people and said not in {"alive", "ready"}:
                raise BrokenError(f"nobody was answered {status}: {text[:200]!a}")
        self._check_quiet(answer.decode("utf-8", "replace"), "an answer")

    def _check_upstream(self, people: frozenset[str]) -> None:
        for path, headers, body in self.stub.requests:
            variant, mode = meaning(path, body)
            if not any(mode in MODES[person] for person in people):
                raise BrokenError(f"forwarded for nobody who may use {mode}: {body[:200]!a}")
            keys = [headers.get("Authorization"), headers.get("x-api-key")]
            if [each for each in keys if each] not in ([f"Bearer {UPSTREAM_KEY}"], [UPSTREAM_KEY]):
                raise BrokenError(f"the endpoint was shown another key: {[*headers]}")
            self.seen.append((variant, mode))
        self.tally.forwarded += len(self.stub.requests)

    def check_alive(self) -> None:
        """The same workers, under the same bundle, serve a good request, and logged no secret."""
        status = self.gateway.status()
        workers = [each["pid"] for each in status["workers"] if each["serves"]]
        if workers != self.workers or self.gateway.process.poll() is not None:
            raise BrokenError(f"a worker died: {self.gateway.log[-2000:]}")
        self.stub.requests.clear()
        found, said = self.gateway.post("ann")
        if found != 200 or len(self.stub.requests) != 1:
            raise BrokenError(f"a good request was answered {found}: {said[:200]}")
        self.seen.append(("final", "instant"))
        with (self.gateway.folder / "gateway.log").open("rb") as log:
            log.seek(self.log_read)
            new = log.read()
            self.log_read += len(new)
        self._check_quiet(new.decode("utf-8", "replace"), "the log")
        if "Traceback" in new.decode("utf-8", "replace"):
            raise BrokenError(f"the log has a traceback: {new.decode()[-3000:]}")

    def check_bundles(self, random: Random) -> None:
        """A bundle that is not the developer's next one moves nothing."""
        good = self.gateway.chain.bundles[-1]
        bent = bytearray(good)
        for _ in range(random.randint(1, 4)):
            bent[random.randrange(len(bent))] ^= 1 << random.randrange(8)
        data = random.choice(
            (
                bytes(bent),
                good,
                good[: random.randrange(len(good))],
                b"",
                random.randbytes(200),
                good + good,
                b"[" * 100_000,
            )
        )
        number = self.bundle + random.choice((1, 1, 2, 900_000))
        put(self.gateway.feed, number, data)
        try:
            self.check_alive()
            if self.gateway.status()["bundle"]["number"] != self.bundle:
                raise BrokenError(f"a bundle was taken that is none: {data[:200]!a}")
        finally:
            for path in self.gateway.feed.glob("*.bundle"):
                if int(path.stem) > self.bundle:
                    path.unlink()

    def check_audit(self) -> None:
        """Everything that was forwarded was granted first, in that variant and mode."""
        _, lines = export_audit(self.gateway.config)
        granted = Counter(
            (line.line.event["variant"], line.line.event["mode"])
            for line in lines
            if line.line.event.get("allowed")
        )
        more = Counter(self.seen) - granted
        if more:
            raise BrokenError(f"forwarded without a decision: {dict(more)}")
        for path in secret_files(self.gateway.folder, self.secrets):
            raise BrokenError(f"{path.name} holds a token, a prompt or a key")

    def _check_quiet(self, text: str, where: str) -> None:
        for secret in self.secrets:
            if secret in text:
                raise BrokenError(f"{where} holds {secret[:12]}...: {text[:300]!a}")


def secret_files(folder: Path, secrets: Sequence[str]) -> Iterator[Path]:
    """The files below a folder that hold a secret."""
    wanted = [secret.encode() for secret in secrets]
    for path in sorted(folder.rglob("*")):
        if path.is_file() and any(each in path.read_bytes() for each in wanted):
            yield path


def meaning(path: str, body: bytes) -> tuple[str, str]:
    """Variant and mode of what was forwarded, by a reader of its own; BrokenError where two
    readers could differ.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise BrokenError(f"a key twice was forwarded: {body[:300]!a}")
        return dict(pairs)

    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=once)
    except ValueError as error:
        raise BrokenError(f"what is no JSON was forwarded ({error}): {body[:300]!a}") from error
    folded = Counter(key.lower() for key in found)
    if folded.most_common(1)[0][1] > 1:
        raise BrokenError(f"two spellings of a key were forwarded: {body[:300]!a}")
    effort = (found.get("reasoning") or {}).get("effort") or found.get("reasoning_effort")
    thinks = (found.get("thinking") or {}).get("type") == "enabled" or effort == "high"
    if path.endswith("/messages") and effort:
        raise BrokenError(f"a field of another API was forwarded: {body[:300]!a}")
    variant = VARIANTS.get(found["model"])
    if variant is None:
        raise BrokenError(f"a model that nobody offers was forwarded: {body[:300]!a}")
    # The second model has one mode alone, whatever is asked.
    return variant, "thinking" if thinks and variant == "final" else "instant"


@contextlib.contextmanager
def target(folder: Path) -> Iterator[Target]:
    """A gateway with one worker and short limits, under `RULES`."""
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = UPSTREAM_KEY
    door = free_port()
    (folder / "jwks.json").write_text(jwks(ISSUERS_KEY))
    more = f"""api_key_env = "{KEY_VARIABLE}"
[[upstreams]]
model = "example-model"
variant = "final"
base_url = "BASE/v1"
protocol = "anthropic"
api_key_env = "{KEY_VARIABLE}"
modes = {{ default = "instant", disabled = "instant", enabled = "thinking" }}
[[upstreams]]
model = "other-name"
variant = "restricted"
base_url = "BASE/v1"
upstream_model = "its-own-name"
mode = "instant"
api_key_env = "{KEY_VARIABLE}"
[[identity.issuers]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_file = "jwks.json"
[decisions]
port = {door}
[limits]
header_seconds = 0.3
body_seconds = 0.3
idle_seconds = 1.0
body_bytes = 65536
[processes]
drain_seconds = 0.5
"""
    try:
        with (
            stub_upstream(Stub(parts=3, pause=0.0)) as stub,
            running_gateway(
                folder, stub.url, workers=1, more=more.replace("BASE", stub.url)
            ) as gateway,
        ):
            number = gateway.applied(*RULES).receipt.number
            secrets = (UPSTREAM_KEY, PROMPT, *chain.from_iterable(credentials().values()))
            yield Target(gateway, stub, door, secrets, gateway.workers, number)
    finally:
        if before is None:
            del os.environ[KEY_VARIABLE]
        else:
            os.environ[KEY_VARIABLE] = before


@cache
def credentials() -> dict[str, list[str]]:
    """The good ones of each person: a key, and a token."""
    return {
        person: [key_of(person), token(person, nationalities=[country])]
        for person, country in NATIONALITIES.items()
    }


def batches(seed: int, size: int) -> Iterator[list[Case]]:
    """Batches without an end; in each, at most one person's credentials are good."""
    random = Random(seed)
    hostile = Hostile(random, credentials())
    while True:
        person = random.choice(("ann", "bea", "bea", None))
        yield [hostile.case(person) for _ in range(size)]
