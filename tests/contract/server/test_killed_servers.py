"""A server that is killed, has no room or loses its database in the middle of a deed.

`touchstone serve` runs as a process of its own. Whatever becomes of it: what a party's command
signed is recorded once, for the same bytes, and the party is told in one line what to do.
"""

import ctypes
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from support.liar import Liar, lying
from support.party_homes import machines
from support.party_server import CASE
from support.served import Said, Served, code_for, command, serve_process

LAB = "example-lab"
NOTE = ("participation", "set", CASE, "participating", "--yes", "--source")
LIBC = ctypes.CDLL(None)


@dataclass
class Place:
    """A server's home, a machine of the lab's that was let in there, and what lies between."""

    folder: Path
    liar: Liar
    small: bool
    """Whether both homes lie on small disks of their own."""
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
            self.served = self.stack.enter_context(serve_process(self.home, self.fault))
            self.liar.honest = self.served.url

    def does(self, *words: str) -> Said:
        """A command of the lab's."""
        return command(self.lab, *words, "--server", self.liar.url, "--as", LAB)

    def entries(self) -> int:
        """How many the case has, as the record says."""
        said = command(self.home, "review", "show", CASE, "--json")
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One place for all tests of this file; its server is started again where it was killed."""
    folder = tmp_path_factory.mktemp("killed")
    disks = [folder / "server", folder / "machines" / LAB]
    for disk in disks:
        disk.mkdir(parents=True, mode=0o700)
    (folder / "machines").chmod(0o700)
    mounted = [
        os.fsencode(disk)
        for disk in disks
        if LIBC.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", 0, b"size=12m,mode=700") == 0
    ]
    try:
        with machines(folder) as made:
            pinned = made.pinned
        code = code_for(folder / "server", LAB)
        with lying("") as liar, ExitStack() as stack:
            found = Place(folder, liar, len(mounted) == len(disks), stack)
            found.start()
            let_in = ("server", "join", liar.url, "--fingerprint", pinned, "--as", LAB)
            assert command(found.lab, *let_in, typed=f"{code}\n").code == 0
            yield found
    finally:
        for each in mounted:
            LIBC.umount2(each, 2)


@pytest.fixture(autouse=True)
def runs(place: Place) -> Iterator[None]:
    """Each test begins with a server that runs and an honest way to it."""
    place.start()
    place.liar.tell_the_truth()
    yield
    place.fault.unlink(missing_ok=True)
    place.liar.tell_the_truth()


MOMENTS = ("before the append", "within the transaction", "before the answer")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_that_is_killed_in_the_middle_of_a_deed(place: Place, moment: str):
    before = place.entries()
    place.fault.write_text(moment)
    line = place.does(*NOTE, f"Killed {moment}.").line()
    assert "waits for an answer: " in line
    assert "send it again or cancel it" in line
    assert place.served is not None
    assert place.served.process.wait() == -9
    # Only what stood before the answer left, stands.
    assert place.entries() == before + (moment == "before the answer")
    place.fault.unlink()
    place.start()
    place.is_answered_once(before)


def test_an_answer_that_was_lost_with_its_server_comes_again_byte_for_byte(place: Place):
    lost: list[bytes] = []

    def swallows(_method: str, path: str, said: bytes) -> bytes | None:
        if not path.endswith("/deeds"):
            return said
        lost.append(said)
        assert place.served is not None
        place.served.kill()
        return None

    before = place.entries()
    place.liar.alters = swallows
    assert "waits for an answer: " in place.does(*NOTE, "The answer was lost.").line()
    place.start()
    assert place.is_answered_once(before) == lost[0]


def filled(filler: Path) -> None:
    """A file takes all the room that its small disk has."""
    with filler.open("ab") as file:
        file.write(b"x" * shutil.disk_usage(filler.parent).free)


NEEDS_ROOM = "not run: a small disk of its own needs the right to mount"


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


def test_a_server_without_room_takes_the_deed_once_there_is_some(place: Place):
    if not place.small:
        pytest.skip(NEEDS_ROOM)
    before, filler = place.entries(), place.home / "filler"

    def fills(method: str, path: str) -> None:
        if (method, path[-6:]) == ("POST", "/deeds"):
            filled(filler)

    place.liar.meets = fills
    try:
        line = place.does(*NOTE, "x" * 400).line()
        assert "waits for an answer: " in line
        assert "send it again" in line
        (sent,) = {*place.liar.deeds()}
        is_busy(asked(place, f"cases/{CASE}/deeds", sent), place.home)
    finally:
        filler.unlink()
    assert place.entries() == before
    place.is_answered_once(before)


def test_a_machine_without_room_signs_nothing_that_it_cannot_keep(place: Place):
    if not place.small:
        pytest.skip(NEEDS_ROOM)
    before = place.entries()
    assert place.does("clock", "show", CASE).code == 0
    filler = place.lab / "filler"
    filled(filler)
    try:
        line = place.does(*NOTE, "y" * 400).line(2)
        assert "nothing can be kept of what is signed" in line
        assert "make room on its disk" in line
        # Kept first, sent then: what could not be kept went nowhere.
        assert place.liar.deeds() == []
    finally:
        filler.unlink()
    assert place.entries() == before
    assert place.does(*NOTE, "y" * 400).code == 0
    assert place.entries() == before + 1


@pytest.mark.parametrize("instead", ["nothing", "a backup"])
def test_a_server_whose_database_is_gone_promises_nothing_until_it_is_back(
    place: Place, instead: str
):
    """It has it open and could go on writing: into a file that nobody will ever look for."""
    before, elsewhere = place.entries(), place.home / f"elsewhere-{len(instead)}"
    elsewhere.mkdir()
    file = place.home / "record.sqlite3"
    for path in place.home.glob("record.sqlite3*"):
        shutil.move(path, elsewhere)
    if instead != "nothing":
        shutil.copy(elsewhere / file.name, file)
    try:
        is_busy(asked(place, f"cases/{CASE}/head"), place.home)
        assert "nothing was promised" in place.does(*NOTE, "While it was gone.").line(2)
        assert place.liar.deeds() == []
        assert file.exists() == (instead != "nothing")
    finally:
        for path in elsewhere.iterdir():
            path.replace(place.home / path.name)
    assert place.does(*NOTE, "It is back.").code == 0
    assert place.entries() == before + 1


def test_a_database_that_goes_in_the_middle_of_a_deed_takes_it_when_it_is_back(place: Place):
    before, elsewhere = place.entries(), place.home / "in-the-middle"
    elsewhere.mkdir()

    def goes(method: str, path: str) -> None:
        if (method, path[-6:]) == ("POST", "/deeds"):
            for each in place.home.glob("record.sqlite3*"):
                shutil.move(each, elsewhere)

    place.liar.meets = goes
    try:
        assert "waits for an answer: " in place.does(*NOTE, "In the middle.").line()
    finally:
        for path in elsewhere.iterdir():
            path.replace(place.home / path.name)
    assert place.entries() == before
    place.is_answered_once(before)
