"""The report in a real browser: accessible, readable on a phone, nothing fetched, prints."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from support.browser import chromium
from support.report_data import crowded_report, early_report
from support.small_case import measure, settle, small_case
from touchstone.clearance import party_audience
from touchstone.editions.page import render_html
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.reporting.edition_files import audiences, issue_editions

pytestmark = [pytest.mark.needs_browser]

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(early_report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def crowded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs that may stop early."""
    path = tmp_path_factory.mktemp("crowded") / "report.html"
    path.write_text(render_html(crowded_report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def real_pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every edition of a small case, as the service gathers it, and one without thresholds."""
    stated, undisclosed = tmp_path_factory.mktemp("stated"), tmp_path_factory.mktemp("undisclosed")
    # In a thread of its own: Playwright keeps an event loop in this one, where Django refuses.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_issue, stated, undisclosed).result()


def _issue(stated: Path, undisclosed: Path) -> list[Path]:
    with small_case(stated) as case:
        measure(case)
        settle(case)
        pages = [
            edition.report for edition in issue_editions(case, stated, audiences(case.participants))
        ]
    with small_case(undisclosed, framework="us-2026-06") as case:
        measure(case)
        conclude(case, "battery-1")
        centre = party_audience(case.participants.centre)
        return [*pages, *(e.report for e in issue_editions(case, undisclosed, [centre]))]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


NEW_STYLES = """seen => {
    const own = element => [...element.childNodes]
        .some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const style = element => {
        const {color, fill, fontSize, fontWeight} = getComputedStyle(element), behind = [];
        for (let each = element; each; each = each.parentElement) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(each);
            behind.push([backgroundColor, backgroundImage, opacity].join());
        }
        const layers = behind.filter((each, n) => each !== behind[n - 1]);
        return [color, fill, fontSize, fontWeight, ...layers].join(' ');
    };
    for (const each of document.querySelectorAll('[data-new-style]'))
        each.removeAttribute('data-new-style');
    const known = new Set(seen), added = [];
    for (const element of document.querySelectorAll('body *')) {
        if (!own(element) || !element.getClientRects().length) continue;
        const found = style(element);
        if (known.has(found)) continue;
        known.add(found);
        added.push(found);
        element.setAttribute('data-new-style', '');
    }
    return added;
}"""
"""Marks one text of each style that is not among those seen: its colours and what is behind it."""


def violations(page: Page, seen: set[str] | None = None) -> list[dict[str, Any]]:
    """What axe finds against the rules; what it finds in order costs most of its time to tell.

    Most of the rest goes into contrast, for each text of a page. Given the styles `seen` on other
    pages, that is looked at for one text of each further style, which is then among them.
    """
    if seen is None:
        return _found(page)
    return _found(page, rules={"color-contrast": {"enabled": False}}) + unreadable(page, seen)


def unreadable(page: Page, seen: set[str]) -> list[dict[str, Any]]:
    """What axe finds against contrast among the styles that are not `seen`, which then are."""
    if not (new := page.evaluate(NEW_STYLES, sorted(seen))):
        return []
    seen.update(new)
    return _found(page, "[data-new-style]", runOnly=["color-contrast"])


def _found(page: Page, within: str | None = None, **options: Any) -> list[dict[str, Any]]:
    ran = Axe().run(page, within, {"resultTypes": ["violations"], **options})
    found: list[dict[str, Any]] = ran.response["violations"]
    return found


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """The styles of text whose contrast was looked at on any page."""
    return set()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_accessibility_violation(browser: Browser, page_file: Path, size: ViewportSize):
    page = browser.new_page(viewport=size, bypass_csp=True)  # axe itself is injected as a script
    page.goto(page_file.as_uri())
    found = violations(page)
    page.close()
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_edition_of_a_real_case_is_accessible_and_fits(
    browser: Browser, real_pages: list[Path], seen: set[str], size: ViewportSize
):
    assert len(real_pages) == 6
    by_size = sorted(real_pages, key=lambda path: path.stat().st_size)
    ends = (by_size[0], by_size[-1])
    for path in real_pages:
        page = browser.new_page(viewport=size, bypass_csp=True)
        page.goto(path.as_uri())
        # What a phone adds is looked for on the longest and the shortest.
        looked_at = size is DESKTOP or path in ends
        found = violations(page, seen) if looked_at else []
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        page.close()
        assert [(path.name, v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == []
        assert overflow <= 0, path.name


def test_a_long_id_in_any_cell_makes_no_page_wider_than_a_phone(
    browser: Browser, real_pages: list[Path], page_file: Path
):
    for path in (real_pages[0], page_file):
        page = browser.new_page(viewport=PHONE)
        page.goto(path.as_uri())
        over = page.evaluate(
            """() => {
                for (const cell of document.querySelectorAll('table.stack td span'))
                    cell.textContent = 'finding-' + 'f'.repeat(60);
                const page = document.documentElement;
                return page.scrollWidth - page.clientWidth;
            }"""
        )
        page.close()
        assert over <= 0, path.name


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_text_of_a_picture_can_be_read(
    browser: Browser, real_pages: list[Path], crowded_file: Path, size: ViewportSize
):
    """None is cut, and none is smaller than print may be; on a page of many pictures too."""
    for path in (real_pages[0], crowded_file):
        page = browser.new_page(viewport=size)
        page.goto(path.as_uri())
        shown, bad = page.evaluate(
            """() => {
                const texts = [...document.querySelectorAll('figure svg text')]
                    .map(text => [text.textContent, text.getBoundingClientRect()])
                    .filter(([said, box]) => said && box.width);
                const edge = document.documentElement.clientWidth;
                return [texts.length, texts.filter(([said, box]) =>
                    box.left < 0 || box.right > edge || box.height < 11)];
            }"""
        )
        page.close()
        assert shown > 0
        assert bad == [], path


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_texts_within_a_picture_of_evidence_do_not_cover_one_another(
    browser: Browser, page_file: Path, crowded_file: Path, size: ViewportSize
):
    for path in (page_file, crowded_file):
        page = browser.new_page(viewport=size)
        page.goto(path.as_uri())
        pictures, covered = page.evaluate(
            """() => {
                const shown = [...document.querySelectorAll('[aria-labelledby=evidence] svg')]
                    .filter(svg => svg.querySelector('text')?.getBoundingClientRect().width);
                return [shown.length, shown.flatMap(svg => {
                    const texts = [...svg.querySelectorAll('text')]
                        .filter(text => text.textContent)
                        .map(text => [text.textContent, text.getBoundingClientRect()])
                        .filter(([, box]) => box.width);
                    return texts.flatMap(([one, a], n) => texts.slice(n + 1)
                        .filter(([, b]) => a.left < b.right - 2 && b.left < a.right - 2
                            && a.top < b.bottom - 4 && b.top < a.bottom - 4)
                        .map(([other]) => [one, other]));
                })];
            }"""
        )
        page.close()
        assert pictures >= 2
        assert covered == [], path


def test_axe_would_see_a_violation(browser: Browser, page_file: Path):
    """The twin: the same page with a picture that has no words."""
    page = browser.new_page(bypass_csp=True)
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('svg title, svg desc').forEach(e => e.remove())")
    found = _found(page, runOnly=["svg-img-alt"])
    page.close()
    assert "svg-img-alt" in {v["id"] for v in found}


PALE = """cell => cell.style.color = '#d8d8d8'"""
DARK = """cell => cell.closest('tr').style.background = '#333'"""


def test_one_text_that_cannot_be_read_is_seen_among_styles_that_were(
    browser: Browser, real_pages: list[Path]
):
    """The twin of looking at each style once: a page that was looked at, but for one row."""
    page = browser.new_page(bypass_csp=True)
    page.goto(min(real_pages, key=lambda path: path.stat().st_size).as_uri())
    seen: set[str] = set()
    assert unreadable(page, seen) == []
    assert len(seen) > 3
    for place, spoilt in enumerate((PALE, DARK)):
        assert unreadable(page, seen) == []
        cell = page.locator("tr:visible").nth(place).locator("td, th").first
        cell.evaluate(spoilt)
        assert [each["id"] for each in unreadable(page, seen)] == ["color-contrast"]
        cell.evaluate("cell => cell.closest('tr').remove()")
    page.close()


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
