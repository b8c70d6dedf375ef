"""No sentence of a report escapes the catalogue.

Every sentence of the catalogue is put in brackets, and every value in it in others. Of a page that
is made so, whatever stands outside the sentences must be data: a name, an id, a number, somebody's
own words. A sentence that code puts together stands outside, and so does half of one in a value.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from support.report_data import early_report, sample_report
from support.small_case import facts_for, measure, settle, small_case
from touchstone.clearance import PUBLIC, party_audience
from touchstone.editions.gathering import AudienceCase
from touchstone.editions.impact_text import impact_lines
from touchstone.editions.page import ReportData, charts, evidence_charts, render_html
from touchstone.editions.page.impact_page import render_impact
from touchstone.editions.page.plan_page import PlanPage, SamplesCurve, WordsCurve, render_plan
from touchstone.editions.questionnaires import shipped_questionnaire
from touchstone.editions.sentences import Catalogue, english, sentence, using
from touchstone.evaluation.families.registry import family_names, get_family
from touchstone.review.audience_view import read_entries
from touchstone.service.measurement.review_result import ReviewResult
from touchstone.service.reporting.edition_files import Edition
from touchstone.terms.directives.impact import AffectedGroup, Impact, Sample
from touchstone.verdicts.modes_compared import Alike
from touchstone.verdicts.run_progress import RunProgress

READ_ALOUD = {"data-label", "aria-label", "alt"}
NUMBERS = re.compile(
    r"[\d\s.,:;%\u2013—+<>()/=…-]*"
    r"(UTC|[A-Z]\w+/[A-Z]\w+|(sha256:)?[0-9a-f]{64}|\d+-fold)?"
)
"""Numbers, times and digests."""
PUNCTUATION = " \n.,:;()“”…—\u2013·"
# Data that no entry of the record holds.
ELSEWHERE = {
    "TLP:AMBER": "a marking",
    "TLP:RED": "a marking",
    "TLP:CLEAR": "a marking",
    "SHA256:" + "ef" * 32: "a fingerprint",
    "bundle.jsonl": "a file's name",
    "public": "an audience's id",
}


class Bracketed(Catalogue):
    """Sentences in ⟦⟧, their values in ⟨⟩."""

    def whole(self, text: str) -> str:
        return f"⟦{text}⟧"

    def value(self, text: str) -> str:
        return f"⟨{text}⟩"


class Visible(HTMLParser):
    """What is read of a page: its texts and what is read aloud, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._styled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._styled = tag == "style"
        self.pieces += [text or "" for name, text in attrs if name in READ_ALOUD]

    def handle_data(self, data: str) -> None:
        if not self._styled:
            self.pieces.append(data)


def unsaid(pieces: list[str]) -> Iterator[str]:
    """What stands in no sentence, or as a value in one."""
    within: list[str] = []
    for piece in pieces:
        for part in re.split(r"([⟦⟧⟨⟩])", piece):
            if part in {"⟦", "⟨"}:
                within.append(part)
            elif part in {"⟧", "⟩"}:
                within.pop()
            elif not within or within[-1] == "⟨":
                yield part
    assert not within


def strings(value: Any) -> Iterator[str]:
    """Every text in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from (str(name), *strings(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)


def plain(text: str) -> str:
    """A text without what an id loses when people read it."""
    return " ".join(re.sub(r"[-_]", " ", text).split()).strip(PUNCTUATION).lower()


def escaped(page: str, data: set[str]) -> set[str]:
    """The pieces of a page that are neither said by the catalogue nor data."""
    visible = Visible()
    visible.feed(page)
    known = {plain(each) for each in data}
    return {
        piece.strip()
        for piece in unsaid(visible.pieces)
        if not NUMBERS.fullmatch(piece.strip()) and plain(piece) not in known
    }


def drawn(spec: str) -> str:
    """Instead of a picture, the words that are written in it."""
    texts = [
        text
        for name, value in walked(json.loads(spec))
        if name in {"title", "text", "labelExpr"}
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, str)
        for text in (quoted(each) if name == "labelExpr" else [each])
    ]
    return "<svg class='x'>" + "".join(f"<text>{html.escape(t)}</text>" for t in texts) + "</svg>"


def quoted(formula: str) -> list[str]:
    """The texts in a formula of Vega."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', formula)
    return [json.loads(each) if each[0] == '"' else each[1:-1] for each in found]


def walked(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, each
            yield from walked(each)
    elif isinstance(value, list):
        for each in value:
            yield from walked(each)


@pytest.fixture(autouse=True)
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "_svg", drawn)
    for module in (charts, evidence_charts):
        monkeypatch.setattr(module, "wrapped", lambda title, _: [title])


@pytest.mark.parametrize("report", [sample_report, early_report])
def test_no_sentence_of_a_page_escapes_the_catalogue(report: Callable[[], ReportData]):
    data = report()
    with using(Bracketed("en", english().messages)):
        page = render_html(data)
    assert data.clock
    known = {*strings(asdict(data)), *ELSEWHERE, f"{data.clock.window} {data.clock.came}"}
    assert escaped(page, known) == set()


def test_no_sentence_of_a_real_case_escapes_the_catalogue(tmp_path_factory: pytest.TempPathFactory):
    cheats = {get_family(name).cheat for name in family_names()}
    with small_case(tmp_path_factory.mktemp("case")) as case:
        measure(case)
        settle(case)
        for audience in (party_audience(case.participants.centre), PUBLIC):
            entries = tuple(read_entries(case.installation.records.case(case.id), audience))
            shown = AudienceCase(case.id, entries, audience)
            known = {text for entry in entries for text in recorded(entry)}
            known |= {case.id[:12], *shown.names.values(), *shown.titles.values(), *cheats}
            known |= {each.text for each in shipped_questionnaire("loss-of-control").questions}
            with using(Bracketed("en", english().messages)):
                data = facts_for(case, audience)
                page = render_html(data)
            if data.designation:
                known |= {each.reason for each in data.designation.reasons}
            assert escaped(page, known | set(ELSEWHERE)) == set()


def test_no_sentence_of_a_plans_page_escapes_the_catalogue():
    curve = SamplesCurve("payment, instant", 20, 0.5, ((0.1, 4.0, 6.0), (0.5, 9.0, 20.0)))
    words = WordsCurve("payment, instant", 0.5, ((0.1, 0.0, 1.0, 0.0), (0.5, 0.1, 0.1, 0.8)))
    told = ("a plan", "a byline", "a headline", "a reason", "a note", "what it means")
    title, byline, headline, reason, note, meaning = told
    page = PlanPage(
        title=title,
        byline=byline,
        headline=headline,
        cannot=(reason,),
        columns=("criterion",),
        meaning=meaning,
        rows=(("payment, instant",),),
        notes=(note,),
        samples=(curve,),
        said_columns=("criterion",),
        said_meaning=meaning,
        said=(("payment, instant",),),
        words=(words,),
    )
    with using(Bracketed("en", english().messages)):
        drawn_page = render_plan(page)
    assert escaped(drawn_page, {*told, "criterion", "payment, instant"}) == set()


def test_no_sentence_of_an_impacts_page_escapes_the_catalogue():
    group = AffectedGroup("a group", 10, 1, 2, 3, 4)
    abroad = replace(group, name="own-staff-foreign")
    given = ("a person", "facts", "final", "instant", "research", "what is said")
    sample = Sample("kept", *given)
    samples = (sample, replace(sample, purpose=None))
    impact = Impact(10, 1, 2, 3, 4, 1, 0, 5, (abroad,), (group,), (group,), samples, ())
    with using(Bracketed("en", english().messages)):
        page = render_impact("a title", ["a line"], impact)
        lines = impact_lines(impact)
    assert escaped(page, {"a title", "a line", "a group", *given}) == set()
    unmarked = "".join(re.sub("⟦[^⟦⟧]*⟧|a group", "", line) for line in lines)
    assert not re.search("[A-Za-z]", unmarked)


def test_no_sentence_of_a_run_on_the_terminal_escapes_the_catalogue():
    rows = [
        RunProgress(
            "pay", "fast", 48, 16, 7, 0, verdict="above", used=8, claim="0.4", may_stop=True
        ),
        RunProgress("pay", "slow", 48, 8, 8, 0, may_stop=True, lost={"cut": 2}, repeated=1),
        RunProgress("pay", "slow", 9, 9, 0, 0, verdict="not-measured", used=9, reasoning="alike"),
        RunProgress("pay", "slow", 9, 3, 0, 0, reference=True),
    ]
    edition = Edition("lab", Path("report.html"), Path("bundle.jsonl"))
    reason = "undetermined, because not measured: pay"
    alike = (Alike("final", ("fast", "slow"), 9),)
    result = ReviewResult(
        "case-1", "undetermined", reason, "it broke", ("pay",), tuple(rows), 1, (edition,), "key-1"
    )
    result = replace(result, alike=alike, checks=("pay",))
    with using(Bracketed("en", english().messages)):
        lines = result.lines()
    known = {"pay", "fast", "slow", "case-1", "key-1", "it broke", "lab", "report.html"}
    page = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    assert escaped(page, {*known, "bundle.jsonl", "not measured: pay"}) == set()


def recorded(entry: Any) -> Iterator[str]:
    """Every text that an entry's reader may read."""
    yield from strings(entry.event.facts())
    for part in entry.parts:
        yield part.label
        if part.allowed and part.value:
            yield from strings(part.value)


def test_twin_an_assembled_sentence_is_seen():
    with using(Bracketed("en", english().messages)):
        half = sentence("timeline.withheld", label=f"{3} samples were lost")
        whole = sentence("timeline.withheld", label="x")
    assert escaped(f"<p>{half}</p>", {"x"}) == {"3 samples were lost"}
    assert escaped(f"<p>{whole}. And more</p>", {"x"}) == {". And more"}
    assert escaped(f"<p>{whole}</p>", {"x"}) == set()
