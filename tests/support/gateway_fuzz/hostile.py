"""What is thrown at the gateway: requests that are served as they are, and what was done to them.

Everything comes from the random numbers that it is handed, so a seed gives the same bytes again.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk

from support.gateway_loop import token as signed


def _key(number: int) -> jwk.ECKey:
    """A key that is the same in every run, so that a saved case can be replayed."""
    pem = ec.derive_private_key(number, ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return jwk.ECKey.import_key(pem, {"kid": "ec-1", "use": "sig"})


ISSUERS_KEY, STRANGERS_KEY = _key(0x70C5), _key(0xBAD)
FAR = 4_102_444_800
"""The year 2100: a case that is replayed is as good or as bad as it was."""
PROMPT = "a-prompt-that-nobody-may-log"
CHAT_PATH = "/v1/chat/completions"
BODIES: Mapping[str, Mapping[str, Any]] = {
    CHAT_PATH: {"messages": [{"role": "user", "content": PROMPT}]},
    "/v1/responses": {"input": PROMPT},
    "/v1/completions": {"prompt": PROMPT},
    "/v1/embeddings": {"input": PROMPT},
    "/v1/messages": {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 9},
}
MODELS = ("example-model", "other-name", "nothing")
EFFORT = {"reasoning": {"effort": "high"}}
FITTING: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    CHAT_PATH: ({"reasoning_effort": "high"}, {"reasoning_effort": "none"}, EFFORT),
    "/v1/responses": (EFFORT, {"reasoning": {"effort": "none"}}),
    "/v1/messages": (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"thinking": {"type": "disabled"}},
    ),
}
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {"reasoning_effort": "high"},
    EFFORT,
    {"thinking": {"type": "enabled"}},
    {"chat_template_kwargs": {"enable_thinking": True}},
)
"""For any path, whether or not it has them."""
WORDS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b" ",
    b"\t",
    b"\x0b",
    b":",
    b"\r\n\r\n",
    b"\r\n ",
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding:\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: Authorization\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: h2c\r\n",
    b"X-HTTP-Method-Override: PUT\r\n",
    b"anthropic-beta: x\r\n",
    b"anthropic-version: 2023-06-01\r\n",
    b"Touchstone-Purpose: research\r\n",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"GET ",
    b"POST ",
    b"?reasoning_effort=high",
    b'"model":"example-model"',
    b'"reasoning_effort":"high"',
    b'"Model":"example-model"',
    b'"m\\u006fdel":"example-model"',
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc0\x80",
    b"NaN",
    b"1e999",
    b"-0",
    b"{" * 70,
    b"[" * 3000,
    b"\\ud800",
    b"null",
    b",",
    b"}",
    b"%0d%0a",
    b"/../",
    b"//",
    b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
    b"-1",
    b"+1",
    b"0x10",
    b"9" * 50,
    b"a" * 20_000,
)


def token(person: str, key: jwk.Key = ISSUERS_KEY, **claims: Any) -> str:
    """A token of the issuer that the gateway trusts."""
    return signed(person, key=key, **{"exp": FAR, "iat": 1, **claims})


@dataclass(frozen=True)
class Case:
    """What one connection sends, and whose credentials can be in it."""

    data: bytes
    people: frozenset[str]
    """`ann` may use every mode, `bea` one, and nobody none."""
    door: str = "listen"
    """`listen` or `decisions`."""
    pieces: int = 1

    def as_json(self) -> dict[str, Any]:
        """As a file holds it."""
        return {
            "data": self.data.decode("latin-1"),
            "people": sorted(self.people),
            "door": self.door,
            "pieces": self.pieces,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Case":
        """As it was written."""
        data = found["data"].encode("latin-1")
        return cls(data, frozenset(found["people"]), found["door"], found["pieces"])


@dataclass
class Hostile:
    """Makes cases. `credentials` are the good ones, several a person."""

    random: Random
    credentials: Mapping[str, list[str]]

    def case(self, person: str | None) -> Case:
        """A case with this person's credentials at most."""
        random = self.random
        door = "decisions" if random.random() < 0.15 else "listen"
        data = self.request(person, door)
        for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3))):
            data = random.choice(self._changes())(data, person, door)
        pieces = random.choice((1, 1, 1, 2, 7))
        return Case(data, frozenset({person} if person else ()), door, pieces)

    def _changes(self) -> list[Callable[[bytes, str | None, str], bytes]]:
        return [
            self._cut,
            self._again,
            self._insert,
            self._insert,
            self._flip,
            self._pipeline,
            self._headers_twice,
            self._fold,
            self._lines,
            self._splice,
            self._overwrite,
        ]

    # ------------------------------------------------------------ requests
    def request(self, person: str | None, door: str) -> bytes:
        """One request, with a body that is good or hostile, of a length or in chunks."""
        random = self.random
        path = random.choice(list(BODIES))
        body = self.body(path)
        target = f"/read{path}" if door == "decisions" else path
        if door == "decisions" and random.random() < 0.3:
            target = random.choice(("/for/final/thinking", "/for/final/instant", "/for/x/../y"))
        line = f"{'GET' if random.random() < 0.03 else 'POST'} {target} HTTP/1.1"
        if random.random() < 0.05:
            line = f"GET {random.choice(('/v1/models', '/v1/models/example-model'))} HTTP/1.1"
            body = b""
        credential = self.credential(person)
        name = random.choice(("Authorization: Bearer ", "Authorization: Bearer ", "x-api-key: "))
        kind = "application/json"
        head = [line, "Host: x", f"{name}{credential}", f"Content-Type: {kind}"]
        if body and random.random() < 0.3:
            head.append("Transfer-Encoding: chunked")
            body = self.chunks(body)
        elif body:
            head.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape") + body

    def chunks(self, body: bytes) -> bytes:
        """A body in chunks, which may lie about their sizes."""
        random, found, at = self.random, b"", 0
        while at < len(body):
            part = body[at : at + random.randint(1, 80)]
            size = len(part) + (random.choice((-1, 1, 7)) if random.random() < 0.02 else 0)
            extension = random.choice((*[b""] * 60, b";a=b", b";" + b"x" * 300, b" "))
            found += b"%x%s\r\n%s\r\n" % (max(size, 0), extension, part)
            at += len(part)
        trailer = random.choice((b"", b"", b"X-A: b\r\n", b"Content-Length: 5\r\n"))
        return found + random.choice((b"0", b"0", b"000", b"0;x")) + b"\r\n" + trailer + b"\r\n"

    def body(self, path: str) -> bytes:
        """JSON as a client would write it, or as one who hides a mode would."""
        random = self.random
        content = {
            "model": random.choice(MODELS[:2] if random.random() < 0.9 else MODELS),
            **BODIES[path],
        }
        if random.random() < 0.5:
            content |= random.choice(FITTING.get(path, ({},)))
        if random.random() < 0.1:
            content |= random.choice(SETTINGS)
        if random.random() < 0.2:
            content["stream"] = True
        pairs = [(json.dumps(key), json.dumps(value)) for key, value in content.items()]
        for _ in range(random.choice((0, 0, 0, 0, 1, 2))):
            pairs.insert(random.randrange(len(pairs) + 1), self.pair())
        random.shuffle(pairs)
        space = random.choice(("", "", " ", "\n\t"))
        text = "{" + ",".join(f"{space}{key}{space}:{value}" for key, value in pairs) + "}"
        if random.random() < 0.03:
            return text.encode(random.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")))
        return text.encode("utf-8", "surrogatepass")

    def pair(self) -> tuple[str, str]:
        """A field that another reader could take for something else."""
        keys = (
            "model",
            "Model",
            "model ",
            "reasoning_effort",
            "Reasoning_Effort",
            "reasoning",
            "thinking",
            "stream",
            "tools",
            "chat_template_kwargs",
            "extra_body",
            "user",
            "seed",
            "temperature",
            "background",
            "previous_response_id",
            "metadata",
            "messages",
            "n",
        )
        values = (
            '"high"',
            '"none"',
            '"example-model"',
            '"other-name"',
            "null",
            "true",
            "1",
            "1.0",
            "NaN",
            "Infinity",
            "1e999",
            "9" * 60,
            '"\\ud800"',
            '{"effort":"high"}',
            "[]",
            "{}",
            '{"effort":"high","effort":"none"}',
            '{"enable_thinking":true}',
            '[{"model":"x"}]',
            "[" * 80 + "]" * 80,
            '{"type":"enabled","budget_tokens":1}',
            '"\\u0000"',
            "-0",
            "",
        )
        key = json.dumps(self.random.choice(keys))
        if self.random.random() < 0.2 and len(key) > 3:
            at = self.random.randrange(1, len(key) - 1)
            key = f"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"
        return key, self.random.choice(values)

    # ------------------------------------------------------------ credentials
    def credential(self, person: str | None) -> str:
        """A good one of this person, or a forged one of anybody."""
        if person is not None and self.random.random() < 0.95:
            return self.random.choice(self.credentials[person])
        return self.random.choice(self._forgeries())()

    def _forgeries(self) -> list[Callable[[], str]]:
        return [
            lambda: "",
            lambda: "x",
            lambda: "..",
            lambda: "a.b.c",
            lambda: "é" * 9,
            lambda: "x" * 9000,
            lambda: token("ann", exp=1),
            lambda: token("ann", exp=str(FAR)),
            lambda: token("ann", iat=FAR),
            lambda: token("ann", nbf=FAR),
            lambda: token("ann", iss="https://evil.example"),
            lambda: token("ann", aud="other"),
            lambda: token("ann", exp=None),
            lambda: token("ann", key=STRANGERS_KEY),
            lambda: token("a" * 400),
            lambda: token("ann", exp=True),
            lambda: self._unsigned({"alg": "none"}),
            lambda: self._unsigned({"alg": "HS256"}),
            lambda: self._unsigned({"alg": "ES256", "jku": "http://evil.example"}),
            lambda: self._unsigned({"alg": "ES256", "kid": "../ec-1"}),
            lambda: self._unsigned({"alg": ["ES256"], "kid": "ec-1"}),
            self._bent,
        ]

    def _unsigned(self, header: Mapping[str, Any]) -> str:
        _, content, signature = token("ann").split(".")
        head = urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        return f"{head}.{content}.{self.random.choice(('', signature))}"

    def _bent(self) -> str:
        """A good token of which one character of the content or signature is another."""
        text = token("ann")
        at = self.random.randrange(text.index(".") + 1, len(text) - 1)
        other = "A" if text[at] != "A" else "B"
        return text[:at] + (other if text[at] != "." else "_") + text[at + 1 :]

    # ------------------------------------------------------------ changes to bytes
    def _cut(self, data: bytes, _: str | None, __: str) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _again(self, data: bytes, _: str | None, __: str) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:]

    def _insert(self, data: bytes, _: str | None, __: str) -> bytes:
        at = self._place(data)
        return data[:at] + self.random.choice(WORDS) + data[at:]

    def _overwrite(self, data: bytes, _: str | None, __: str) -> bytes:
        at, word = self._place(data), self.random.choice(WORDS)
        return data[:at] + word + data[at + len(word) :]

    def _flip(self, data: bytes, _: str | None, __: str) -> bytes:
        found = bytearray(data)
        for _each in range(self.random.randint(1, 4)):
            found[self.random.randrange(len(found))] ^= 1 << self.random.randrange(8)
        return bytes(found)

    def _pipeline(self, data: bytes, person: str | None, door: str) -> bytes:
        return data + self.request(person, door)

    def _splice(self, data: bytes, person: str | None, door: str) -> bytes:
        other = self.request(person, door)
        return data[: self._place(data)] + other[self._place(other) :]

    def _headers_twice(self, data: bytes, _: str | None, __: str) -> bytes:
        head, end, body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        line = self.random.choice(lines)
        line = self.random.choice((line, line.upper(), line.lower(), line.replace(b":", b" :")))
        lines.insert(self.random.randrange(len(lines) + 1), line)
        return b"\r\n".join(lines) + end + body

    def _fold(self, data: bytes, _: str | None, __: str) -> bytes:
        head, end, body = data.partition(b"\r\n\r\n")
        blank = self.random.choice((b"\r\n ", b"\r\n\t", b"\n ", b"\r "))
        return head.replace(b": ", b":" + blank, self.random.randint(1, 3)) + end + body

    def _lines(self, data: bytes, _: str | None, __: str) -> bytes:
        return data.replace(b"\r\n", self.random.choice((b"\n", b"\r", b"\r\r\n")))

    def _place(self, data: bytes) -> int:
        """Anywhere, and often where a line ends."""
        if self.random.random() < 0.4 and b"\r\n" in data:
            ends = [at for at in range(len(data)) if data[at : at + 2] == b"\r\n"]
            return self.random.choice(ends) + self.random.choice((0, 2))
        return self.random.randrange(len(data) + 1)

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + self.random.choice((1, 2, 8, 64)))
