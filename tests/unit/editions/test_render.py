import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from support.report_data import sample_report
from touchstone.editions.page import charts, clock_picture, render, render_html
from touchstone.statistics import percent


class Outline(HTMLParser):
    """Tags opened, and the texts of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(sample_report())


def test_the_page_needs_nothing_else(page: str):
    outline = Outline()
    outline.feed(page)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in outline.tags}
    references = [a.get("src") or a.get("href") or "" for _, a in outline.tags]
    assert [r for r in references if r and not r.startswith("#")] == []
    assert "url(" not in page


def test_every_link_in_the_page_has_its_target(page: str):
    outline = Outline()
    outline.feed(page)
    ids = [a["id"] for _, a in outline.tags if a.get("id")]
    wanted = {str(a["href"])[1:] for tag, a in outline.tags if tag == "a"}
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))


def test_each_picture_is_told_in_words(page: str):
    pictures = re.findall(r"<svg role=\"img\" aria-labelledby=\"(\S+) (\S+)\"", page)
    assert len(pictures) == 6, "three pictures, each for a desktop and for a phone"
    for name, description in pictures:
        assert f'id="{name}"' in page
        assert re.search(rf'<desc id="{description}">[^<]{{80,}}', page)


def test_names_from_outside_cannot_become_markup():
    hostile = '<script>alert(1)</script>"&'
    page = render_html(sample_report(hostile))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_escaping_is_what_stops_them(monkeypatch: pytest.MonkeyPatch):
    """The twin: with autoescape off the same name would be markup."""
    plain = render._environment.__wrapped__()
    plain.autoescape = False
    monkeypatch.setattr(render, "_environment", lambda: plain)
    assert "<script" in render_html(sample_report("<script>alert(1)</script>"))


def test_what_is_withheld_is_shown_as_withheld(page: str):
    assert "withheld: TLP:RED, named parties" in page
    assert "erased: asked for" in page
    assert "opens 50 and withholds 39; 1 is erased for everybody" in page


def test_a_missing_concurrence_shows_as_missing(page: str):
    assert re.search(r"<dt>Example Agency</dt><dd>missing</dd>", page)


def test_the_floor_is_said(page: str):
    assert "none solved, at the items' floor: they show no lower limit" in html.unescape(page)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1, "100%"), (0.123, "12%")],
)
def test_percent_never_rounds_to_certainty(rate: float, text: str):
    assert percent(rate) == text


def test_a_criterion_without_a_number_has_a_measurement_and_no_verdict():
    data = sample_report()
    rule = "Thresholds undisclosed: measured, nothing concluded."
    row = replace(data.results[0], threshold=None, zone=0, rule=rule, verdict="no-threshold")
    page = render_html(replace(data, results=(row,)))
    assert rule in page
    assert "Upright line" not in page
    assert "No threshold" in page
    assert "threshold 50%" not in page


def test_what_was_declared_is_never_said_to_be_above(page: str):
    declared = page.partition("Effects on work")[2].partition("</tr>")[0]
    assert "Declared met" in declared
    assert "Above" not in declared


def test_kinds_of_outcomes_are_counted_in_words(page: str):
    assert "1 lost to the endpoint" in page
    assert "lost-endpoint" not in page


def test_a_section_with_nothing_to_show_is_named_where_something_is_withheld():
    data = replace(sample_report(), results=(), findings=())
    page = render_html(data)
    assert 'id="results"' not in page
    assert "<li>Results</li>" in page


def test_a_section_with_nothing_to_show_says_so_where_nothing_is_withheld():
    page = render_html(replace(sample_report(), results=(), whole=True))
    assert "Nothing has been measured so far." in page
    assert "<li>Results</li>" not in page


def test_the_clock_is_told_in_words():
    clock = sample_report().clock
    assert clock
    said = clock_picture.describe(clock)
    assert "Asked to share by: 6 Dec 2026" in said
    assert "Window ends, planned release: 5 Jan 2027" in said
    assert "Paused from 10 Dec 2026 to 14 Dec 2026" in said


@pytest.mark.parametrize("narrow", [False, True])
def test_no_label_of_the_clock_leaves_the_picture(narrow: bool):
    clock = sample_report().clock
    assert clock
    drawn = clock_picture.draw(clock, narrow=narrow)
    width = clock_picture.NARROW if narrow else clock_picture.WIDE
    for place, anchor, text in re.findall(
        r'<text x="([\d.]+)" y="\d+" text-anchor="(\w+)">([^<]+)', drawn
    ):
        length = len(text) * clock_picture.LETTER
        begin = float(place) - (length if anchor == "end" else 0)
        assert begin >= 0
        assert begin + length <= width + 1


def test_long_titles_are_wrapped_and_not_cut():
    data = sample_report()
    title = "Finds and uses injection flaws in unfamiliar web applications of a bank"
    rows = tuple(replace(row, title=title, criterion="one") for row in data.results[:2])
    picture = charts.rates(rows, narrow=True)
    assert "…" not in picture
    assert "of a bank" in picture.partition("</desc>")[2]
