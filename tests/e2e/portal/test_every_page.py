"""Every page that a person can reach, as each role: what axe finds, and what must not be there.

A crawler follows each link and looks at each form. Words that only some may read are planted in the
case, and are looked for on every page of whoever may not.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import resolve
from playwright.sync_api import BrowserContext

from support.portal_desk import AGENCY, LAB, Scene, portal
from support.small_case import Minutes, measure, small_case
from touchstone.clearance import tlp
from touchstone.deeds.cases import participation_noted
from touchstone.deeds.designation import finding_responded, finding_signed
from touchstone.portal.site import COOKIE, NEEDS
from touchstone.server.accounts.roles import PARTY_ROLES
from touchstone.service.measurement.record_verdicts import conclude

OF_ALL = "canary-of-every-party"
OF_PAIR = "canary-of-developer-and-centre"
OF_CENTRE = "States that it is negotiating"
"""Words of the timeline, for something that the centre noted for itself alone."""
CENTRE, STRANGER = "example-centre", "other-lab"
TRANSCRIPT = "cases/<case>/transcripts/<transcript>"
"""There is none in this case: pages of those have tests of their own."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MOST_PAGES = 120


def findings(scene: Scene) -> None:
    """One for every party, and one for developer and centre; and a word of the centre to itself."""
    case = scene.case
    own = tlp("RED", CENTRE)
    case.record([participation_noted(case, CENTRE, "negotiating", "A letter.", own)])
    readers = {OF_ALL: None, OF_PAIR: case.marks.pair}
    for number, (canary, marking) in enumerate(readers.items()):
        said = {"title": f"{canary} title", "text": f"{canary} text"}
        about = (f"planted-{number}", "cyber", None)
        case.record([finding_signed(case, CENTRE, *about, said, marking)])
    case.record([finding_responded(case, LAB, "planted-0", "noted", f"{OF_ALL} answer")])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("every-page")
    with small_case(folder / "server", Minutes()) as case:
        measure(case)
        conclude(case, "battery-1")
        with portal(case) as made:
            findings(made)
            yield made


@dataclass
class Visit:
    """A page as it came."""

    path: str
    route: str
    status: int
    text: str


def routes(path: str) -> str:
    return str(resolve(urlsplit(path).path, "touchstone.portal.urls").route)


def crawl(scene: Scene, cookie: str) -> dict[str, Visit]:
    """By path and query every page that links lead to from the first one."""
    found, ahead = dict[str, Visit](), ["/"]
    with httpx.Client(
        base_url=scene.url, headers={"Cookie": f"{COOKIE}={cookie}"}, timeout=60
    ) as browser:
        while ahead:
            path = ahead.pop()
            if path in found:
                continue
            answer = browser.get(path)
            found[path] = Visit(path, routes(path), answer.status_code, answer.text)
            for link in re.findall(r'href="([^"#]+)"', answer.text):
                whole = urljoin(f"{scene.url}{path}", unescape(link))
                assert whole.startswith(scene.url), (path, link)
                if "/static/" not in whole:
                    ahead.append(whole.removeprefix(scene.url))
            assert len(found) < MOST_PAGES
    return found


MAY_READ: Mapping[tuple[str, str], frozenset[str]] = {
    **{(LAB, role): frozenset({OF_ALL, OF_PAIR}) for role in PARTY_ROLES},
    **{(CENTRE, role): frozenset({OF_ALL, OF_PAIR, OF_CENTRE}) for role in PARTY_ROLES},
    **{(AGENCY, role): frozenset({OF_ALL}) for role in PARTY_ROLES},
    **{(STRANGER, role): frozenset() for role in PARTY_ROLES},
    **{(party, "auditor"): frozenset() for party in (LAB, AGENCY)},
    # Whether the process was kept can be told by facts: this one it may read, and no words.
    (CENTRE, "auditor"): frozenset({OF_CENTRE}),
    **{(party, "counterpart"): frozenset() for party in (LAB, CENTRE, AGENCY)},
}
"""Which words each party's people may read, by role."""


@pytest.mark.parametrize("role", sorted(PARTY_ROLES))
@pytest.mark.parametrize("party", [LAB, CENTRE, AGENCY, STRANGER])
def test_nobody_reads_more_than_it_may_on_any_page(scene: Scene, party: str, role: str):
    pages = crawl(scene, scene.cookie(party, role))
    read = {
        canary
        for canary in (OF_ALL, OF_PAIR, OF_CENTRE)
        if any(canary in each.text for each in pages.values())
    }
    assert read == MAY_READ[party, role]
    # A link leads somewhere, whoever follows it.
    assert [each.path for each in pages.values() if each.status != 200] == []


def test_the_crawler_comes_to_every_page_and_each_form_leads_to_a_route_of_ours(scene: Scene):
    met, posted = set[str](), set[str]()
    for party, role in ((LAB, "lead"), (CENTRE, "lead"), (AGENCY, "official")):
        for visit in crawl(scene, scene.cookie(party, role)).values():
            met.add(visit.route)
            for action in re.findall(r'<form method="post" action="([^"]+)"', visit.text):
                posted.add(routes(action))
    asked = {route for method, route in NEEDS if method == "GET"}
    # Files, and pages of whoever is not signed in.
    assert asked - met == {"static/<digest>/<name>", "join", "sign-in", TRANSCRIPT}
    assert posted <= {route for method, route in NEEDS if method == "POST"}


@contextmanager
def signed_in(scene: Scene, cookie: str, **options: object) -> Iterator[BrowserContext]:
    # axe itself is injected as a script.
    context = scene.browser.new_context(bypass_csp=True, **options)  # type: ignore[arg-type]
    try:
        context.add_cookies([{"name": COOKIE, "value": cookie, "url": scene.url}])
        yield context
    finally:
        context.close()


LOOKS = {
    "desk-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark"},
}


def one_of_each(pages: Mapping[str, Visit]) -> list[str]:
    """A path of each route, and of deeds one of each kind of field."""
    kept = dict[str, str]()
    for visit in pages.values():
        # An edition is the report's own page, which has tests of its own.
        if visit.route.endswith("edition"):
            continue
        shape = "".join(sorted(set(re.findall(r"<(textarea|select|fieldset|input)", visit.text))))
        kept.setdefault(f"{visit.route} {shape}", visit.path)
    return [*kept.values(), "/join", "/sign-in"]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_and_nothing_is_wider_than_its_screen(scene: Scene, look: str):
    cookie = scene.cookie(LAB, "lead")
    paths = one_of_each(crawl(scene, cookie))
    wrong = list[str]()
    with signed_in(scene, cookie, **LOOKS[look]) as context:
        page = context.new_page()
        for path in paths:
            page.goto(f"{scene.url}{path}")
            found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
            wrong += [f"{path}: {each['id']}" for each in found.response["violations"]]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{path}: wider than its screen")
    assert wrong == []


def test_axe_would_see_a_field_without_a_label(scene: Scene):
    cookie = scene.cookie(LAB, "lead")
    with signed_in(scene, cookie, **LOOKS["desk-light"]) as context:
        page = context.new_page()
        page.goto(f"{scene.url}/account")
        page.evaluate("document.querySelector('label').remove()")
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert "label" in {each["id"] for each in found.response["violations"]}


def test_no_page_is_heavy_and_all_read_without_a_script(scene: Scene):
    cookie = scene.cookie(LAB, "lead")
    pages = crawl(scene, cookie)
    heavy = [each.path for each in pages.values() if len(each.text.encode()) > 200_000]
    # Editions carry their pictures.
    assert [path for path in heavy if not path.endswith("/edition")] == []
    with signed_in(scene, cookie, java_script_enabled=False) as context:
        page = context.new_page()
        for path in one_of_each(pages):
            page.goto(f"{scene.url}{path}")
            assert page.locator("h1").count() == 1, path
            assert page.locator("main").inner_text().strip() != "", path


def test_the_keyboard_alone_reaches_every_link_and_button(scene: Scene):
    cookie = scene.cookie(LAB, "lead")
    with signed_in(scene, cookie, **LOOKS["desk-light"]) as context:
        page = context.new_page()
        page.goto(f"{scene.url}/cases/{scene.case.id}/deeds")
        all_of_them = "[...document.querySelectorAll('a[href], button')]"
        wanted = page.evaluate(f"{all_of_them}.filter((each) => each.checkVisibility()).length")
        reached = set[str]()
        for _ in range(wanted + 5):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate(
                    "[...document.querySelectorAll('*')].indexOf(document.activeElement).toString()"
                )
            )
        assert len(reached) >= wanted
