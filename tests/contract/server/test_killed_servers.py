"""A server that is killed, has no room or loses its database in the middle of a deed.

`touchstone serve` runs as a process of its own. Whatever becomes of it: what a party's command
signed is recorded once, for the same bytes, and the party is told in one line what to do.
"""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.killed import LAB, NOTE, Place, asked, is_busy
from support.liar import lying
from support.party_homes import machines
from support.party_server import CASE
from support.served import code_for, command

LIBC = ctypes.CDLL(None)


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
            found = Place(folder, liar, pinned, len(mounted) == len(disks), stack=stack)
            found.start()
            found.join(code)
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
    place.dies(moment)


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
    checked = command(place.home, "check")
    assert checked.code == 0, checked


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
