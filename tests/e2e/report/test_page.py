"""The report in a real browser: accessible, readable on a phone, nothing fetched, prints."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

from support.browser import chromium
from support.report_data import sample_report
from touchstone.report import render_html

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser")]

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(sample_report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_accessibility_violation(browser: Browser, page_file: Path, size: ViewportSize):
    page = browser.new_page(viewport=size, bypass_csp=True)  # axe itself is injected as a script
    page.goto(page_file.as_uri())
    found = Axe().run(page).response["violations"]
    page.close()
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == []


def test_axe_would_see_a_violation(browser: Browser, page_file: Path):
    """The twin: the same page with a picture that has no words."""
    page = browser.new_page(bypass_csp=True)
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('svg title, svg desc').forEach(e => e.remove())")
    found = Axe().run(page).response["violations"]
    page.close()
    assert "svg-img-alt" in {v["id"] for v in found}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_page_does_not_scroll_sideways(browser: Browser, page_file: Path, size: ViewportSize):
    page = browser.new_page(viewport=size)
    page.goto(page_file.as_uri())
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.close()
    assert overflow <= 0


def test_page_fetches_nothing_and_says_nothing_on_the_console(browser: Browser, page_file: Path):
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(page_file.as_uri())
    page.wait_for_load_state("networkidle")
    page.close()
    assert asked == [page_file.as_uri()]
    assert said == []


def test_print_has_every_section(browser: Browser, page_file: Path):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    printed = page.pdf(format="A4")
    page.close()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") >= 3
