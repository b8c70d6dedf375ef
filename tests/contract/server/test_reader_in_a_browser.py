"""A party's reader opens one transcript in a browser of its machine, and is refused another's.

The whole way: its command, a real server that checks who may, Inspect's viewer, a real browser.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from support.browser import chromium
from support.live_server import Doorkeeper, LiveServer, Told, live
from support.small_case import Minutes, record_chunk, small_case
from support.viewed_logs import viewed_log
from touchstone.clearance import tlp
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.cli.passphrases import asked_once
from touchstone.client.http_server import HttpServer
from touchstone.client.party_home import PartyHome
from touchstone.deeds.deed import Evidence
from touchstone.server.accounts.models import SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import reopen, seal

pytestmark = pytest.mark.needs_browser
LAB, CENTRE, READER = "example-lab", "example-centre", "example-agency"
OPEN, OTHERS = "canary-that-is-open", "canary-of-another"


@dataclass(frozen=True)
class Scene:
    """A case with two logs, of which the reader may open one."""

    case: Case
    server: LiveServer
    opens: int
    """The entry of the log that is open to the reader."""
    others: int
    """The entry of the log that is not."""


def place(n: int, at: int) -> str:
    """The name of the one transcript of a log."""
    return f"{n}-{at}-1"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    homes = tmp_path_factory.mktemp("reader")
    with ExitStack() as stack:
        case = stack.enter_context(small_case(homes / "server", Minutes()))
        open_accounts(case.installation.home, None)
        seal(case, 6, "confined", accepted=True)
        prepared, entries = reopen(case), list[int]()
        readers = ((LAB, CENTRE, READER), (LAB, CENTRE))
        for at, (canary, parties) in enumerate(zip((OPEN, OTHERS), readers, strict=True)):
            data = viewed_log(homes / f"{at}.eval", at, f"so says {canary}")
            marking = tlp("AMBER+STRICT", *parties)
            log = Evidence(data, "application/zip", "chunk.eval", marking)
            record_chunk(case, prepared, prepared.runs[0], [at], lambda _: True, log=log)
            entries.append(case.installation.records.case(case.id).size - 1)
        server = stack.enter_context(live(case.installation, Doorkeeper()))
        (homes / READER).mkdir(mode=0o700)
        own = PartyHome(homes / READER, READER, asked_once())
        pinned = case.installation.keyring.history.lines[0].fingerprint
        own.keep(own.server(server.url, pinned))
        token = Told(server.doorkeeper.lets_in(READER))
        talk = stack.enter_context(HttpServer(server.url, token))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(connecting, "connect", lambda *_: talk)
        patch.setenv("TOUCHSTONE_HOME", str(homes / READER))
        patch.delenv("TOUCHSTONE_DATABASE", raising=False)
        yield Scene(case, server, *entries)


def view(scene: Scene, transcript: str) -> int:
    pinned = scene.case.installation.keyring.history.lines[0].fingerprint
    at = ("--server", scene.server.url, "--trust", pinned, "--as", READER)
    return run(["transcripts", "view", scene.case.id, transcript, *at])


def test_a_reader_opens_one_transcript_in_a_browser_and_is_refused_anothers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    seen = list[str]()

    def looked() -> None:
        address = capsys.readouterr().out.split()[1]
        base = address.partition("#")[0]
        with chromium() as browser:
            page, asked = browser.new_page(), list[str]()
            page.on("request", lambda request: asked.append(request.url))
            page.goto(address)
            page.get_by_text(OPEN).first.wait_for()
            page.goto(f"{base}#/logs/{scene.others}.eval")
            with page.expect_response(lambda answer: f"{scene.others}.eval" in answer.url) as other:
                page.reload()
            seen.append(page.inner_text("body"))
            assert other.value.status == 404
            # From a browser of that machine the server hands it out no more than by the command.
            taken = page.request.get(f"{scene.server.url}/v1/cases/{scene.case.id}/transcripts")
            assert taken.status == 401
            # Nothing leaves the machine.
            assert all(url.startswith((base, "blob:", "data:")) for url in asked)

    monkeypatch.setattr("touchstone.cli.transcripts.until_interrupted", looked)
    SensitiveRead.objects.all().delete()
    assert view(scene, place(scene.opens, 0)) == 0
    assert len(seen) == 1
    assert OTHERS not in seen[0]
    capsys.readouterr()
    refused = [view(scene, name) for name in (place(scene.others, 1), place(999, 1))]
    said = capsys.readouterr().err.splitlines()
    assert (refused, len(said), len(seen)) == ([2, 2], 2, 1)
    assert said[0].replace(place(scene.others, 1), place(999, 1)) == said[1]
    routes = {row.route for row in SensitiveRead.objects.all()}
    assert any(route.endswith(f"{place(scene.opens, 0)}/log") for route in routes)
    assert not any(f"/{scene.others}-" in route for route in routes)
