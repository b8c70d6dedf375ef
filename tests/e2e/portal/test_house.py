"""`serve --demo`: invented people and cases, each role a click away, on one's own machine alone."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import pytest

from support.live_server import Doorkeeper, live
from support.portal_desk import LAB
from support.small_case import Minutes, small_case
from touchstone.cli.app import run
from touchstone.keys import SystemRandom
from touchstone.portal.showing.site import MARK, SHOWN
from touchstone.portal.site import PORTAL
from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import speaker
from touchstone.server.site import Site

SERVE = "from touchstone.cli import main; main(['serve', '--demo', '--no-browser', '--port', '0'])"


@dataclass
class House:
    """A house that stands, and where it lies meanwhile."""

    url: str
    folder: Path
    process: "subprocess.Popen[str]"

    def become(self, browser: httpx.Client, name: str) -> httpx.Response:
        page = browser.get("/").text
        (person,) = re.findall(rf'/demo/become/(p\w+)"><button[^>]*>{name}<', page)
        return browser.post(f"/demo/become/{person}", headers={"Origin": self.url})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    # A record of one's own that must stay as it is.
    own = {"TOUCHSTONE_HOME": str(folder / "own"), "TMPDIR": str(folder / "temporary")}
    (folder / "temporary").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], env=os.environ | own, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = next(each for each in process.stderr if "its pages" in each)
        try:
            yield House(line.split(": ", 1)[1].strip().rstrip("/"), folder, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def test_every_role_is_a_click_away_and_every_page_says_that_all_is_invented(house: House):
    for name in ("Ada", "Ben", "Cleo", "Dara", "Eli", "Fay", "Gus", "Hana"):
        with httpx.Client(base_url=house.url, timeout=60) as browser:
            assert house.become(browser, f"{name} Example").status_code == 303
            for path in ("/", "/account", "/cases"):
                answer = browser.get(path)
                assert "All people and cases here are invented" in answer.text, (name, path)


def test_a_case_went_all_the_way_and_one_is_under_way(house: House):
    with httpx.Client(base_url=house.url, timeout=60) as browser:
        house.become(browser, "Eli Example")
        home = browser.get("/").text
        assert "Decide on proposal 1." in home
        cases = re.findall(
            r'href="(/cases/[0-9a-f]+)">(Example Model \d)<', browser.get("/cases").text
        )
        assert [name for _, name in cases] == ["Example Model 3", "Example Model 2"]
        pages = {name: browser.get(path).text for path, name in cases}
        assert "released" in pages["Example Model 2"]
        edition = browser.get(f"{cases[1][0]}/edition").text
        assert "EXAMPLE" in edition.upper()


def test_it_is_on_this_machine_alone_and_nobody_is_somebody_by_another_page(house: House):
    with httpx.Client(base_url=house.url, timeout=60) as browser:
        page = browser.get("/").text
        (person, *_) = re.findall(r"/demo/become/(p\w+)", page)
        away = browser.post(f"/demo/become/{person}", headers={"Origin": "https://evil.example"})
        assert away.status_code == 403
        unknown = browser.post("/demo/become/p0", headers={"Origin": house.url})
        assert unknown.status_code >= 400


@pytest.mark.parametrize(
    "words",
    [
        ["--host", "0.0.0.0"],  # noqa: S104 - it is refused
        ["--origin", "https://review.example"],
        ["--processes", "2"],
        ["--proxy"],
    ],
)
def test_others_are_never_let_near_it(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(["serve", "--demo", "--no-browser", *words]) != 0
    assert "on this machine alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("site", "marked", "status"), [(SHOWN, True, 303), (SHOWN, False, 404), (PORTAL, True, 404)]
)
def test_nobody_is_let_in_by_a_click_where_not_all_is_invented(
    tmp_path: Path, site: Site, marked: bool, status: int
):
    with small_case(tmp_path / "server", Minutes()) as case:
        here = case.installation
        open_accounts(here.home, None)
        by, now = Manager.machine(), here.now()
        made = people.invite(by, LAB, ("lead",), "Ada Real", "", now=now, random=SystemRandom())
        if marked:
            (here.home / MARK).touch()
        with live(here, cast("Doorkeeper", speaker), site=site) as server:
            origin = server.url
            asked = httpx.post(
                f"{origin}/demo/become/{made.person}", headers={"Origin": origin}, timeout=60
            )
        assert asked.status_code == status


def test_it_is_gone_when_it_stops(house: House):
    """The last of this file: it stops the house."""
    assert [each.name for each in (house.folder / "temporary").iterdir()] != []
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(120) == 0
    assert list((house.folder / "temporary").iterdir()) == []
    assert not (house.folder / "own").exists()
