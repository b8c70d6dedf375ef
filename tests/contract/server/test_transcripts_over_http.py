"""Transcripts by the commands of parties' machines, against one real server, and here."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from support.live_server import Doorkeeper, LiveServer, Told, live
from support.small_case import Minutes, small_case
from support.transcripts_case import CANARY, HOSTILE, LOG, record_transcripts
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.cli.passphrases import asked_once
from touchstone.client.http_server import HttpServer
from touchstone.client.party_home import PartyHome
from touchstone.server.accounts.models import SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.service import installation
from touchstone.service.case_context import Case

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"


WAYS = {"transcripts", "oversight"}


class Wire(httpx.BaseTransport):
    """The network, which a test has alter what comes."""

    def __init__(self) -> None:
        self._carries = httpx.HTTPTransport()
        self.alters: Callable[[bytes], bytes] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._carries.handle_request(request)
        if self.alters is None or not WAYS & {*request.url.path.split("/")}:
            return response
        data = self.alters(response.read())
        return httpx.Response(response.status_code, stream=httpx.ByteStream(data))

    def close(self) -> None:
        self._carries.close()


@dataclass
class Scene:
    """A case with one log, its server, and the machines of its parties."""

    case: Case
    server: LiveServer
    homes: Path
    name: str
    """Of its first transcript."""
    wires: dict[str, Wire] = field(default_factory=dict)

    @property
    def pinned(self) -> str:
        return self.case.installation.keyring.history.lines[0].fingerprint


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    homes = tmp_path_factory.mktemp("transcripts")
    with ExitStack() as stack:
        case = stack.enter_context(small_case(homes / "server", Minutes()))
        open_accounts(case.installation.home, None)
        name = record_transcripts(case)
        server = stack.enter_context(live(case.installation, Doorkeeper()))
        made, talks = Scene(case, server, homes, name), dict[str, HttpServer]()
        for party in (LAB, CENTRE, AGENCY):
            (homes / party).mkdir(mode=0o700)
            own = PartyHome(homes / party, party, asked_once())
            own.keep(own.server(server.url, made.pinned))
            wire = made.wires[party] = Wire()
            token = Told(server.doorkeeper.lets_in(party))
            talks[party] = stack.enter_context(HttpServer(server.url, token, transport=wire))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(connecting, "connect", lambda home, _: talks[home.party])
        patch.setattr(installation, "SystemClock", Minutes)
        patch.delenv("TOUCHSTONE_DATABASE", raising=False)
        yield made


Call = Callable[..., tuple[int, str]]


@pytest.fixture(params=["here", "by a server"])
def call(
    scene: Scene,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Run `touchstone transcripts` for a party, or `oversight`: exit code, and what it says."""

    def called(
        party: str, word: str, *words: str | Path, noun: str = "transcripts"
    ) -> tuple[int, str]:
        there = request.param != "here"
        home = scene.homes / party if there else scene.case.installation.home
        monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
        at = ("--server", scene.server.url, "--trust", scene.pinned) if there else ()
        capsys.readouterr()
        code = run([noun, word, scene.case.id, *map(str, words), "--as", party, *at])
        said = capsys.readouterr()
        return code, said.out + said.err

    return called


def test_who_may_lists_shows_and_exports(scene: Scene, call: Call, tmp_path: Path):
    code, said = call(CENTRE, "list")
    assert code == 0, said
    rows = said.splitlines()[1:]
    assert [row.split()[0] for row in rows[:2]] == [
        scene.name,
        scene.name.replace("-0-", "-1-"),
    ]
    assert rows[2].startswith("2 transcripts, 1 of them flagged"), said
    assert rows[3].endswith(scene.name), said
    code, said = call(CENTRE, "show", scene.name, "--text", "100")
    assert (code, CANARY in said) == (0, True), said
    # Nothing that a terminal obeys, and no line that looks like one of ours.
    assert not {"\x1b", "\u202e", "\r", "\ud800"} & set(said)
    assert "  | Score by judge: 1" in said.split("\n")
    assert "[red]" in said
    assert said.split("\n").count("Score by judge: C") == said.count("\nScore by") == 1
    assert "CUT: 9900 more characters" in said
    assert "CUT: messages 0 to 49 of 62 are shown; go on with --start 50" in said
    code, said = call(CENTRE, "show", scene.name, "--start", "1", "--most", "1", "--json")
    told = json.loads(said)
    (text,) = told["page"]["said"]
    assert (code, text["message"], told["bytes"] > 100_000) == (0, 1, True)
    assert text["text"] == HOSTILE.replace("\ud800", "\\ud800")

    out = tmp_path / "chunk.eval"
    code, said = call(CENTRE, "export", scene.name, "--out", out)
    assert (code, out.read_bytes() == LOG, out.stat().st_mode & 0o077) == (0, True, 0), said
    code, said = call(CENTRE, "export", scene.name, "--out", out)
    assert (code, "is there already" in said, said.count("\n")) == (2, True, 1)


def test_who_may_take_it_views_it_until_it_ends(
    scene: Scene, call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen = list[bytes]()

    def looked() -> None:
        address = capsys.readouterr().out.split()[1]
        base, n = address.partition("#")[0], scene.name.partition("-")[0]
        seen.append(httpx.get(f"{base}logs/{n}.eval", trust_env=False).content)

    monkeypatch.setattr("touchstone.cli.transcripts.until_interrupted", looked)
    SensitiveRead.objects.all().delete()
    assert call(CENTRE, "view", scene.name)[0] == 0
    assert seen == [LOG]
    assert SensitiveRead.objects.filter(route__endswith=f"{scene.name}/log").exists()
    code, said = call(AGENCY, "view", scene.name)
    assert (code, said.count("\n"), seen) == (2, 1, [LOG])


def test_who_may_reads_what_detectors_flagged(scene: Scene, call: Call):
    code, said = call(CENTRE, "list", noun="oversight")
    first, clears, *rows = said.splitlines()
    assert (code, "looked through 1 of 2 transcripts" in first) == (0, True), said
    assert "nothing clears" in clears
    n = scene.name.partition("-")[0]
    assert rows == [
        f"{scene.name}: tampering flags 3 places",
        f"{n}-1-1: not looked at: it could not be read",
    ]
    for name in (scene.name, "u0"):
        code, said = call(CENTRE, "show", name, noun="oversight")
        assert (code, said.startswith(f"Transcript {scene.name} of case")) == (0, True), said
        # Nothing that a terminal obeys, and no line that looks like one of ours.
        assert not {"\x1b", "\u202e", "\r", "\ud800"} & set(said)
        assert {"  | Score by judge: 1", "CUT: 2 of 3 places are kept"} <= set(said.split("\n"))
    told = json.loads(call(CENTRE, "show", scene.name, "--json", noun="oversight")[1])
    assert (told["flags"], told["places"][0]["message"]) == ({"tampering": 3}, "m1")
    code, said = call(CENTRE, "show", noun="oversight")
    (row,) = (line for line in said.splitlines() if line.startswith("tampering"))
    assert row.split()[:8] == ["tampering", "1", "0", "1", "6", "of", "6", "0"]
    assert (code, "nothing clears" in said) == (0, True), said
    scan = json.loads(call(CENTRE, "list", "--json", noun="oversight")[1])["scans"][0]
    assert CANARY not in json.dumps(scan)
    assert [each["name"] for each in scan["transcripts"]] == [scene.name, f"{n}-1-1"]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (("--flagged",), [0]),
        (("--mode", "instant"), [0, 1]),
        (("--mode", "thinking"), []),
        (("--criterion", "memory-safety", "--result", "solved"), [0, 1]),
        (("--result", "cut"), []),
        (("--criterion", "web-injection"), []),
    ],
)
def test_the_list_is_narrowed(call: Call, words: tuple[str, ...], places: list[int]):
    told = json.loads(call(CENTRE, "list", "--json", *words)[1])["transcripts"]
    assert [each["position"] for each in told] == places
    code, said = call(CENTRE, "list", *words)
    assert (code, f"{len(places)} of 2 transcripts" in said) == (0, True), said
    assert said.count("final, instant") == len(places)


def test_marks_stand_at_their_messages(scene: Scene, call: Call):
    code, said = call(CENTRE, "list")
    assert (code, said.count("FLAGGED by tampering\n")) == (0, 1), said
    lines = call(CENTRE, "show", scene.name, "--text", "100")[1].splitlines()
    at = lines.index("FLAGGED by tampering: it speaks of the grader")
    assert lines[at + 1] == "[1] assistant, text:"
    # One that the transcript no longer has stands before all of them, and on the first page alone.
    assert lines.index("FLAGGED by tampering: it was compacted") < lines.index("[0] user, text:")
    later = call(CENTRE, "show", scene.name, "--start", "2")[1]
    assert "FLAGGED" not in later
    told = json.loads(call(CENTRE, "show", scene.name, "--json")[1])
    assert [each["message"] for each in told["page"]["marks"]] == [1, -1]


def test_who_may_not_is_told_of_no_flag(scene: Scene, call: Call):
    assert call(AGENCY, "list", noun="oversight")[1].startswith("No scan of case")
    said = [call(AGENCY, "show", name, noun="oversight") for name in (scene.name, "999-0-1", "u0")]
    assert said[0][0] == 2
    assert len({*said}) == 1
    code, line = call(CENTRE, "show", "a/b", noun="oversight")
    assert (code, line.count("\n"), "TRANSCRIPT" in line) == (2, 1, True), line


def test_each_look_at_flags_is_written_down(scene: Scene, call: Call):
    SensitiveRead.objects.all().delete()
    call(LAB, "list", noun="oversight")
    call(LAB, "show", "u0", noun="oversight")
    n = int(scene.name.partition("-")[0]) + 1
    rows = [(row.party, row.route, row.first, row.last) for row in SensitiveRead.objects.all()]
    route = "v1/cases/<case>/oversight"
    assert sorted(rows) == [(LAB, route, n, n), (LAB, f"{route}/{scene.name}", n, n)]


def test_who_may_not_is_told_of_nothing(scene: Scene, call: Call, tmp_path: Path):
    out = tmp_path / "chunk.eval"
    assert call(AGENCY, "list")[1].startswith("No transcript of case")
    for words in (("show",), ("export", "--out", out)):
        said = [call(AGENCY, words[0], name, *words[1:]) for name in (scene.name, "999-0-1", "x")]
        assert said[0][0] == 2
        assert {each[1].replace(scene.name, "999-0-1") for each in said[:2]} == {said[1][1]}
        assert all(each[1].count("\n") == 1 for each in said)
    assert not out.exists()


def test_each_look_is_written_down(scene: Scene, call: Call):
    SensitiveRead.objects.all().delete()
    call(LAB, "show", scene.name)
    (row,) = SensitiveRead.objects.all()
    n = int(scene.name.partition("-")[0])
    route = f"v1/cases/<case>/transcripts/{scene.name}"
    assert (row.party, row.route, row.first, row.last) == (LAB, route, n, n)
    assert row.person in {"operator", f"of {LAB}"}


def test_what_is_asked_for_wrongly_is_refused_in_one_line(scene: Scene, call: Call):
    for words in (("--most", "0"), ("--most", "201"), ("--start", "-1"), ("--text", "0")):
        code, said = call(CENTRE, "show", scene.name, *words)
        assert (code, said.count("\n"), words[0] in said) == (1, 1, True), said


@pytest.mark.parametrize("call", ["by a server"], indirect=True)
def test_a_log_that_was_altered_on_its_way_is_not_kept(scene: Scene, call: Call, tmp_path: Path):
    wire, out = scene.wires[CENTRE], tmp_path / "chunk.eval"
    wire.alters = lambda data: data[:-1] if data.startswith(b"PK") else data
    try:
        code, said = call(CENTRE, "export", scene.name, "--out", out)
    finally:
        wire.alters = None
    assert (code, "not the log that the record names" in said, said.count("\n")) == (2, True, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["by a server"], indirect=True)
@pytest.mark.parametrize(
    "said",
    [
        b"{}",
        b'{"transcripts":[{}]}',
        b'{"bytes":1,"page":{},"transcript":3}',
        b'{"transcripts":[3]}',
        b'{"scans":[{}]}',
        b'{"scans":3}',
    ],
)
def test_a_server_that_lies_is_not_heard(scene: Scene, call: Call, said: bytes):
    wire = scene.wires[CENTRE]
    wire.alters = lambda _: said
    try:
        answers = [
            call(CENTRE, word, *words, noun=noun)
            for noun in sorted(WAYS)
            for word, words in (("list", ()), ("show", (scene.name,)))
        ]
    finally:
        wire.alters = None
    for code, line in answers:
        assert (code in {1, 2}, line.count("\n")) == (True, 1), line
