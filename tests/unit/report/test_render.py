import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from support.report_data import sample_report
from touchstone.report import render, render_html
from touchstone.report.render import percent


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
    assert len(pictures) == 2
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
    plain = render._environment()
    plain.autoescape = False
    monkeypatch.setattr(render, "_environment", lambda: plain)
    assert "<script" in render_html(sample_report("<script>alert(1)</script>"))


def test_what_is_withheld_is_shown_as_withheld(page: str):
    assert "Withheld from this edition" in page
    assert "finding f2, text" in page


def test_a_missing_concurrence_shows_as_missing(page: str):
    assert re.search(r"<dt>Example Agency</dt><dd>missing</dd>", page)


def test_the_floor_is_said(page: str):
    assert "none solved: the battery is at its floor" in page


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1, "100%"), (0.123, "12%")],
)
def test_percent_never_rounds_to_certainty(rate: float, text: str):
    assert percent(rate) == text


def test_a_criterion_without_a_number_has_a_measurement_and_no_verdict():
    data = sample_report()
    row = replace(data.results[0], threshold=None, verdict="no-threshold")
    page = render_html(replace(data, results=(row,)))
    assert "none stated" in page
    assert "No threshold" in page
    assert "threshold 50%" not in page
