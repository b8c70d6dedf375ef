"""What a server, or whoever stands before one, does that is not honest, between real processes.

`touchstone serve` runs as a process of its own. The lab has followed a case there by its commands,
over HTTP, and then meets each lie in turn: it is told so in one line, has a proof that it can show
to others, and sends nothing more.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from support.liar import Alters, Liar, lying
from support.live_server import EVERYTHING, live
from support.party_homes import machines
from support.party_server import CASE, Begun, OneParty, begun, halts, noted, party
from support.served import Said, Served, backed_up, code_for, command, serve_process
from support.small_case import Minutes
from touchstone.ledger import Checkpoint, KeyHistory, open_checkpoint
from touchstone.ledger.contract2 import admission
from touchstone.server.principal import Principal
from touchstone.service.installation import Installation, open_installation

LAB, CENTRE = "example-lab", "example-centre"
LINES_OF_ENTRY = 9


def anybody(authorization: str | None, _now: str) -> Principal:
    """A liar lets the lab in, whatever its token."""
    return Principal("a liar's", LAB, frozenset({"lead"}), EVERYTHING, str(authorization))


@dataclass
class Scene:
    """The server, the proxy before it, and the machines of two parties that were let in."""

    folder: Path
    pinned: str
    server: Served
    liar: Liar
    backup: Path
    """The server's home as it was before the lab's newest deed."""
    now: Path
    """The same as it was when the lab had looked last."""
    answers: list[bytes]
    """The signed answers that the lab has had."""
    lab: Path
    """The lab's machine as it was once it had followed the case further."""
    keys: KeyHistory

    def entries(self) -> list[str]:
        """What the case's entries say, as they stand at the server."""
        said = command(self.folder / "server", "review", "show", CASE, "--json")
        assert said.code == 0, said.err
        return [each["text"] for each in json.loads(said.out)["timeline"]]

    def at(self, home: Path, *words: str | Path) -> Said:
        """A command of a party's, by the server that the lab and the liar know."""
        party = CENTRE if home.name == CENTRE else LAB
        return command(home, *words, "--server", self.liar.url, "--as", party)


NOTE = ("participation", "set", CASE, "participating", "--yes", "--source")
LOOK = ("clock", "show", CASE)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One server for all tests of this file."""
    folder = tmp_path_factory.mktemp("lies")
    with machines(folder) as made:
        pinned, keys = made.pinned, made.here.keyring.history
        homes = {each: made.home(each) for each in (LAB, CENTRE)}
    server_home = folder / "server"
    codes = {each: code_for(server_home, each) for each in homes}
    with serve_process(server_home) as server, lying(server.url) as liar:
        for each, home in homes.items():
            let_in = ("server", "join", liar.url, "--fingerprint", pinned, "--as", each)
            assert command(home, *let_in, typed=codes[each] + "\n").code == 0
        answers: list[bytes] = []

        def keeps(method: str, path: str, said: bytes) -> bytes:
            answers.extend([said] * ((method, path[-6:]) == ("POST", "/deeds")))
            return said

        scene = Scene(
            folder,
            pinned,
            server,
            liar,
            folder / "backup",
            folder / "now",
            answers,
            homes[LAB],
            keys,
        )
        liar.alters = keeps
        assert scene.at(homes[LAB], *NOTE, "Before the backup.").code == 0
        backed_up(server_home, scene.backup)
        assert scene.at(homes[LAB], *NOTE, "After the backup.").code == 0
        liar.alters = None
        assert scene.at(homes[CENTRE], *NOTE, "The centre's.").code == 0
        assert scene.at(homes[LAB], *LOOK).code == 0
        backed_up(server_home, scene.now)
        # What the lab has not seen yet, so that there is something to lie about.
        for source in ("First.", "Then."):
            assert scene.at(homes[CENTRE], *NOTE, source).code == 0
        yield scene


@dataclass
class Lab:
    """The lab's machine, at the moment when the lies begin."""

    scene: Scene
    home: Path

    def does(self, *words: str) -> Said:
        return self.scene.at(self.home, *words)

    def catches(self, match: str) -> dict[str, object]:
        """It finds out by looking, says so in a line, and signs and sends nothing; the proof."""
        liar = self.scene.liar
        line = self.does(*LOOK).line()
        assert "the server is not to be trusted: " in line
        assert match in line
        path = Path(line.partition("kept in ")[2])
        assert path.is_relative_to(self.home)
        assert path.stat().st_mode & 0o077 == 0
        proof: dict[str, object] = json.loads(path.read_bytes())
        assert str(proof["what"]) in line
        liar.heard.clear()
        assert "is not to be trusted" in self.does(*NOTE, "Nobody should see this.").line()
        assert liar.deeds() == []
        assert b"Nobody should see" not in b"".join(body for _, _, body in liar.heard)
        return proof

    def is_answered(self, sent: bytes) -> None:
        """By an honest server the deed that waits gets its answer: for the same bytes, once."""
        self.scene.liar.tell_the_truth()
        (waits,) = json.loads(command(self.home, "deed", "waiting", "--as", LAB, "--json").out)
        before = self.scene.entries()
        said = self.does("deed", "send", waits["deed"], "--json")
        assert said.code == 0, said.err
        assert {*self.scene.liar.deeds()} == {sent}
        # It was recorded as it came first.
        assert self.scene.entries() == before
        assert json.loads(said.out)["entry"] == len(before) - 1
        assert "No deed waits" in command(self.home, "deed", "waiting", "--as", LAB).out

    def goes_on(self) -> None:
        """Once the server is honest again, nothing of the lie is left in what it remembers."""
        self.scene.liar.tell_the_truth()
        said = self.does(*NOTE, "The server is itself again.")
        assert said.code == 0, said.err


@pytest.fixture
def lab(scene: Scene, tmp_path: Path) -> Iterator[Lab]:
    """A machine that knows what the lab's does."""
    home = tmp_path / LAB
    shutil.copytree(scene.lab, home)
    scene.liar.tell_the_truth()
    yield Lab(scene, home)
    scene.liar.tell_the_truth()


def signed(scene: Scene, note: object) -> Checkpoint:
    """A checkpoint that the installation's key signed, whoever shows it."""
    assert isinstance(note, str)
    return open_checkpoint(note, scene.keys.origin, scene.keys.public_keys)


def shown_to_others(scene: Scene, proof: dict[str, object], now: str) -> None:
    """Two words of one key that cannot both be: what `touchstone verify` says of them."""
    before, told = proof["before"], proof["told"]
    assert isinstance(before, dict)
    assert isinstance(told, dict)
    seen = signed(scene, before["checkpoint"])
    other = signed(scene, told["checkpoint"])
    assert other.size < seen.size or other.root != seen.root
    header = {"Authorization": "Bearer whoever"}
    shown = httpx.get(f"{now}/v1/cases/{CASE}/bundle", headers=header, trust_env=False)
    bundle = scene.folder / "shown.jsonl"
    bundle.write_bytes(shown.content)
    trusted = ("verify", bundle, "--trust", scene.pinned, "--json")
    head = ("--head", f"{seen.size}:{seen.root.hex()}")
    assert json.loads(command(scene.folder, *trusted).out)["holds"]
    told_so = command(scene.folder, *trusted, *head)
    assert told_so.code == 1, told_so
    # The lab's receipt of what it did since names an entry that is not there.
    written = command(scene.lab, "deed", "receipts", CASE, "--out", scene.folder / "out", "--json")
    assert written.code == 0, written.err
    oldest, *_, newest = (Path(file) for file in json.loads(written.out)["files"])
    assert newest.read_bytes().strip() == scene.answers[-1].strip()
    codes = [command(scene.folder, *trusted, "--receipt", each).code for each in (oldest, newest)]
    assert codes == [0, 1]


def of_backup(
    scene: Scene, tmp_path: Path, stack: ExitStack, backup: Path | None = None
) -> tuple[Installation, Begun]:
    """The installation as a backup has it, which goes on by itself, with its parties' hands."""
    home = tmp_path / "elsewhere"
    shutil.copytree(backup or scene.backup, home)
    clock = Minutes()
    here = stack.enter_context(open_installation(home, apart=True))
    return here, begun(here, clock, scene.folder)


def answers_elsewhere(scene: Scene, here: Installation, stack: ExitStack) -> str:
    scene.liar.elsewhere = stack.enter_context(live(here, anybody)).url  # type: ignore[arg-type]
    return scene.liar.elsewhere


def test_a_server_that_was_put_back_from_a_backup(scene: Scene, lab: Lab, tmp_path: Path):
    with ExitStack() as stack:
        here, _ = of_backup(scene, tmp_path, stack)
        url = answers_elsewhere(scene, here, stack)
        shown_to_others(scene, lab.catches("it was rolled back"), url)
        lab.goes_on()


def test_a_server_that_went_another_way(scene: Scene, lab: Lab, tmp_path: Path):
    with ExitStack() as stack:
        here, other = of_backup(scene, tmp_path, stack)
        # More than the lab has seen of the honest one: no size tells the two apart.
        for source in ("Elsewhere.", "And again.", "And once more."):
            noted(other.centre.again(tmp_path.name), source)
        url = answers_elsewhere(scene, here, stack)
        shown_to_others(scene, lab.catches("it was forked"), url)
        lab.goes_on()


def test_a_deed_in_its_name_that_a_key_of_the_servers_signed(
    scene: Scene, lab: Lab, tmp_path: Path
):
    with ExitStack() as stack:
        here, other = of_backup(scene, tmp_path, stack, scene.now)
        forger = party(here, tmp_path, "forger", "developer")
        seen = replace(other.centre.again(tmp_path.name).client.look(CASE), party=LAB)
        sent = seen.sign(halts(LAB)(seen), forger.signer)
        with pytest.MonkeyPatch.context() as dishonest:
            dishonest.setattr(admission, "_check_signer", lambda *_: None)
            OneParty(here, LAB).send(CASE, sent)
        answers_elsewhere(scene, here, stack)
        proof = lab.catches("key")
        told = proof["told"]
        assert isinstance(told, dict)
        assert told["entry"]
        # The installation signed a log with that entry: the lab holds it to that from here on.
        scene.liar.tell_the_truth()
        assert "is not to be trusted: its log " in lab.does(*LOOK).line()


def entries(alters: Callable[[list[bytes]], list[bytes]]) -> Alters:
    """A lie about a case's entries, told in their lines."""

    def altered(_method: str, path: str, said: bytes) -> bytes:
        if not path.endswith("/entries"):
            return said
        return b"".join(line + b"\n" for line in alters(said.split(b"\n")[:-1]))

    return altered


def flipped(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"participating", b"negotiating") for line in lines]


IN_LINES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "an entry dropped": (lambda lines: lines[LINES_OF_ENTRY:], "entry"),
    "a byte altered": (flipped, "entry"),
    "two entries exchanged": (
        lambda lines: [*lines[LINES_OF_ENTRY:], *lines[:LINES_OF_ENTRY]],
        "entry",
    ),
    "an entry told twice": (lambda lines: [*lines[:LINES_OF_ENTRY], *lines], "entry"),
}


@pytest.mark.parametrize("lie", IN_LINES)
def test_entries_that_are_not_as_they_were_recorded(scene: Scene, lab: Lab, lie: str):
    alters, match = IN_LINES[lie]
    scene.liar.alters = entries(alters)
    proof = lab.catches(match)
    before = proof["before"]
    assert isinstance(before, dict)
    # What it was told beside: the head that the entries do not fit, signed by the same key.
    assert signed(scene, before["checkpoint"]).size
    lab.goes_on()


def test_an_old_greeting_told_again(scene: Scene, lab: Lab):
    def old(_method: str, path: str, said: bytes) -> bytes:
        return first if path.endswith("/installation") else said

    first = httpx.get(f"{scene.server.url}/v1/installation", trust_env=False).content
    assert lab.does(*NOTE, "Since then.").code == 0
    scene.liar.alters = old
    lab.catches("it was rolled back")
    lab.goes_on()


def test_an_old_answer_to_a_new_deed_is_none(scene: Scene, lab: Lab):
    """It proves nothing against anybody: the deed waits, and the same bytes are sent again."""

    def old(method: str, path: str, said: bytes) -> bytes:
        return scene.answers[0] if (method, path[-6:]) == ("POST", "/deeds") else said

    scene.liar.alters = old
    line = lab.does(*NOTE, "Answered with another's.").line()
    assert "waits for an answer: " in line
    assert "another deed" in line
    sent = scene.liar.deeds()
    assert len({*sent}) == 1
    # No other deed of this key goes out before that one has its answer.
    assert lab.does(*NOTE, "A second one.").code == 1
    assert {*scene.liar.deeds()} == {*sent}
    lab.is_answered(sent[0])


def test_a_deed_that_is_promised_and_not_shown_has_no_answer(scene: Scene, lab: Lab):
    """A receipt alone is a word: it counts once its entry was read under its root."""
    hides = entries(lambda _: [])

    def once_it_is_sent(method: str, path: str, said: bytes) -> bytes | None:
        return hides(method, path, said) if scene.liar.deeds() else said

    scene.liar.alters = once_it_is_sent
    line = lab.does(*NOTE, "Promised.").line()
    assert "waits for an answer: " in line
    assert "did not come" in line
    lab.is_answered(scene.liar.deeds()[0])


@pytest.mark.parametrize("shown", [0, 1, LINES_OF_ENTRY - 1])
def test_what_is_withheld_is_not_taken_for_all_there_is(scene: Scene, lab: Lab, shown: int):
    """No line is false, so there is nothing to show others; nothing is signed on it either."""
    scene.liar.alters = entries(lambda lines: lines[:shown])
    for words in (LOOK, (*NOTE, "On what is not seen.")):
        assert "did not come" in lab.does(*words).line(2)
    assert scene.liar.deeds() == []
    lab.goes_on()


def test_a_deed_that_the_server_drops_has_no_answer(scene: Scene, lab: Lab):
    """It says that it took it, by a word that nobody signed."""
    before = scene.entries()

    def drops(method: str, path: str, said: bytes) -> bytes:
        return b"{}" if (method, path[-6:]) == ("POST", "/deeds") else said

    scene.liar.alters = drops
    assert "waits for an answer: " in lab.does(*NOTE, "Dropped.").line()
    (sent,) = {*scene.liar.deeds()}
    lab.is_answered(sent)
    assert scene.entries() == [*before, before[-1]]
