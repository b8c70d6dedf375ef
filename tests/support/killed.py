"""A server's process that tests kill and starve, a machine of the lab's, and what lies between."""

import json
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from support.liar import Liar
from support.party_server import CASE
from support.served import Said, Served, command, serve_process

LAB = "example-lab"
NOTE = ("participation", "set", CASE, "participating", "--yes", "--source")


@dataclass
class Place:
    """A server's home, a machine of the lab's that was let in there, and what lies between."""

    folder: Path
    liar: Liar
    pinned: str
    small: bool = False
    """Whether both homes lie on small disks of their own."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Those of the server's environment."""
    stack: ExitStack = field(default_factory=ExitStack)
    served: Served | None = None

    @property
    def home(self) -> Path:
        return self.folder / "server"

    @property
    def lab(self) -> Path:
        return self.folder / "machines" / LAB

    @property
    def fault(self) -> Path:
        return self.folder / "fault"

    def start(self) -> None:
        """Start a server where none runs."""
        if self.served is None or self.served.process.poll() is not None:
            self.served = self.stack.enter_context(
                serve_process(self.home, self.fault, self.settings)
            )
            self.liar.honest = self.served.url

    def does(self, *words: str) -> Said:
        """A command of the lab's."""
        return command(self.lab, *words, "--server", self.liar.url, "--as", LAB)

    def entries(self) -> int:
        """How many the case has, as the record says."""
        shows = ("review", "show", CASE, "--json")
        said = command(self.home, *shows, settings=self.settings)
        assert said.code == 0, said.err
        return len(json.loads(said.out)["timeline"])

    def is_answered_once(self, before: int) -> bytes:
        """The deed that waits is answered for the same bytes, and stands once: the answer."""
        answers: list[bytes] = []

        def keeps(_method: str, path: str, said: bytes) -> bytes:
            answers.extend([said] * path.endswith("/deeds"))
            return said

        (sent,) = {*self.liar.deeds()}
        (waits,) = json.loads(command(self.lab, "deed", "waiting", "--as", LAB, "--json").out)
        self.liar.tell_the_truth()
        self.liar.alters = keeps
        for _ in range(2):
            said = self.does("deed", "send", waits["deed"], "--json")
            if said.code == 0:
                assert json.loads(said.out)["entry"] == before
        assert self.entries() == before + 1
        assert self.liar.deeds()[0] == sent
        assert "No deed waits" in command(self.lab, "deed", "waiting", "--as", LAB).out
        return answers[0]

    def dies(self, moment: str) -> None:
        """The server is killed at a moment of a deed, and started again: the deed stands once."""
        before = self.entries()
        self.fault.write_text(moment)
        line = self.does(*NOTE, f"Killed {moment}.").line()
        assert "waits for an answer: " in line
        assert "send it again or cancel it" in line
        assert self.served is not None
        assert self.served.process.wait() == -signal.SIGKILL
        # Only what stood before the answer left, stands.
        assert self.entries() == before + (moment == "before the answer")
        self.fault.unlink()
        self.start()
        self.is_answered_once(before)

    def join(self, code: str) -> None:
        """Let the lab's machine in."""
        let_in = ("server", "join", self.liar.url, "--fingerprint", self.pinned, "--as", LAB)
        said = command(self.lab, *let_in, typed=f"{code}\n")
        assert said.code == 0, said.err


def asked(place: Place, path: str, sent: bytes = b"") -> httpx.Response:
    """What the server says to the lab's person, who sends something or asks."""
    tokens = next(place.lab.rglob("token*"))
    token = json.loads(tokens.read_bytes())["token"]
    assert place.served is not None
    header = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url, method = f"{place.served.url}/v1/{path}", "POST" if sent else "GET"
    with httpx.Client(trust_env=False, timeout=60) as web:
        return web.request(method, url, headers=header, content=sent)


def is_busy(answer: httpx.Response, home: Path) -> None:
    """A problem that says to come again, and nothing of what is inside."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]
    told = answer.text.casefold()
    inside = (str(home), "sqlite", "django", "traceback", "postgres", "disk", ".py")
    assert [each for each in inside if each in told] == []
