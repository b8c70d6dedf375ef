"""No edition holds what its audience may not read, and none hides that something is withheld."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from support.small_case import AGENCIES, Minutes, measure, settle, small_case
from support.unchecked import unchecked
from touchstone.clearance import EVERY_PARTY, Decision, Marking, tlp
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.drafting import worded
from touchstone.evaluation.digests import digest_value
from touchstone.ledger import loads
from touchstone.review import addressing, audience_view
from touchstone.review.events import judging, measuring, opening
from touchstone.service.case_context import Case
from touchstone.service.reporting.edition_files import audiences, bundle_lines, render_edition

# One worker makes what all of these look at.

LAB, CENTRE = "example-lab", "example-centre"
AGENCY, TREASURY = AGENCIES
EVERYONE = (LAB, CENTRE, AGENCY, TREASURY)
MARKINGS = (
    tlp("RED", CENTRE),
    tlp("RED", AGENCY),
    tlp("AMBER+STRICT", LAB, CENTRE),
    tlp("AMBER", *EVERYONE),
    tlp("AMBER", EVERY_PARTY),
    tlp("AMBER"),
    tlp("GREEN"),
    tlp("CLEAR"),
    Marking(scheme="OTHER:1", label="CLEAR"),
)


@dataclass(frozen=True)
class Planted:
    """A text that occurs nowhere else, and the audiences that may read it."""

    text: str
    readers: frozenset[str]


@dataclass(frozen=True)
class Written:
    """What one audience is given."""

    audience: str
    page: str
    bundle: str


def readers(marking: Marking, author: str) -> frozenset[str]:
    """By the laws of clearance, said once more and otherwise than there."""
    if marking.scheme != "TLP:2.0":
        return frozenset()
    if marking.label == "CLEAR" and not marking.parties:
        return frozenset({*EVERYONE, "public"})
    if marking.label == "GREEN" and not marking.parties:
        # The parties of a case are of the community.
        return frozenset(EVERYONE)
    if EVERY_PARTY in marking.parties:
        return frozenset(EVERYONE)
    return frozenset({*marking.parties, author})


def plant(case: Case) -> list[Planted]:
    """Mark facts, content and evidence of every marking, and of every kind that a section shows."""
    planted: list[Planted] = []

    def text(where: str, marking: Marking, author: str) -> str:
        word = f"planted-{len(planted):03d}-{where}"
        planted.append(Planted(word, readers(marking, author)))
        return word

    for facts in MARKINGS:
        for inside in MARKINGS:
            noted = worded(
                case,
                opening.ParticipationNoted,
                CENTRE,
                facts,
                status="participating",
                texts={"source": text("facts", facts, CENTRE)},
            )
            case.record(
                [
                    Deed(
                        noted.event,
                        (
                            *noted.attachments,
                            Content({"text": text("content", inside, CENTRE)}, inside),
                            Evidence(b"sealed", "text/plain", text("name", inside, CENTRE), inside),
                        ),
                    )
                ]
            )
    for number, marking in enumerate(MARKINGS):
        case.record(_findings(case, number, marking, text))
    red = tlp("RED", AGENCY)
    case.record(
        [
            worded(
                case,
                judging.DesignationRevised,
                AGENCY,
                red,
                proposal=1,
                designation="undetermined",
                texts={"reasons": text("revised", red, AGENCY)},
            ),
            worded(
                case,
                judging.DesignationDissented,
                TREASURY,
                red,
                proposal=1,
                designation="undetermined",
                texts={"reason": text("dissent", red, TREASURY)},
            ),
            worded(
                case,
                measuring.ClockExtended,
                LAB,
                red,
                days=77,
                texts={"reason": text("extended", red, LAB)},
            ),
        ]
    )
    return planted


def _findings(
    case: Case, number: int, marking: Marking, text: Callable[[str, Marking, str], str]
) -> list[Deed]:
    """A finding whose facts all read, whose text and answers carry the marking."""
    body = {"title": text("title", marking, CENTRE), "text": text("text", marking, CENTRE)}
    answer = {"text": text("answer", marking, LAB)}
    name = f"planted-finding-{number}"
    digest = digest_value(body)
    return [
        Deed(
            judging.FindingSigned(
                actor=CENTRE,
                at=case.now(),
                marking=case.marks.case,
                finding=name,
                domain="cyber",
                statement=digest,
            ),
            (Content(body, marking),),
        ),
        Deed(
            judging.FindingResponded(
                actor=LAB,
                at=case.now(),
                marking=case.marks.case,
                finding=name,
                stance="noted",
                response=digest,
            ),
            (Content(answer, marking),),
        ),
        worded(
            case,
            judging.FindingDisputed,
            LAB,
            marking,
            finding=name,
            rerun_wanted=True,
            texts={"grounds": text("grounds", marking, LAB)},
        ),
    ]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with small_case(tmp_path_factory.mktemp("planted"), Minutes()) as opened:
        measure(opened)
        settle(opened)
        yield opened


@pytest.fixture(scope="module")
def planted(case: Case) -> list[Planted]:
    with pytest.MonkeyPatch.context() as patch, unchecked():
        # Editions keep to the markings as they are, those that no deed could get now included.
        patch.setattr(addressing, "ADDRESSED", {})
        return plant(case)


def written(case: Case) -> list[Written]:
    proof = case.installation.records.installation.prove(case.id)
    return [
        Written(
            audience.name,
            render_edition(case, audience, proof.head.size, case.now()).decode(),
            b"".join(bundle_lines(case, audience, proof, case.now())).decode(),
        )
        for audience in audiences(case.participants)
    ]


@pytest.fixture(scope="module")
def given_out(case: Case, planted: list[Planted]) -> list[Written]:
    """What each audience is given of the case with all that was planted."""
    assert planted
    return written(case)


def leaks(given: list[Written], planted: list[Planted]) -> list[tuple[str, str]]:
    """(audience, text) of everything that is there and should not be."""
    return [
        (each.audience, plant.text)
        for each in given
        for plant in planted
        if each.audience not in plant.readers and plant.text in each.page + each.bundle
    ]


def test_no_edition_holds_what_its_audience_may_not_read(
    given_out: list[Written], planted: list[Planted]
):
    assert leaks(given_out, planted) == []


def test_a_broken_guard_would_be_seen(
    case: Case, planted: list[Planted], monkeypatch: pytest.MonkeyPatch
):
    """The twin: with clearance that allows everything, every withheld text leaks."""
    monkeypatch.setattr(
        audience_view, "may_read", lambda *_, **__: Decision(allowed=True, reason="broken")
    )
    found = {text for _, text in leaks(written(case), planted)}
    withheld = {p.text for p in planted if len(p.readers) < len(EVERYONE) + 1}
    assert found == withheld


def test_every_bundle_opens_what_its_audience_may_read(
    given_out: list[Written], planted: list[Planted]
):
    for given in given_out:
        missing = [
            p.text for p in planted if given.audience in p.readers and p.text not in given.bundle
        ]
        assert missing == []


def test_what_is_withheld_is_counted_and_never_absent(case: Case, given_out: list[Written]):
    parts = list(case.installation.records.case(case.id).parts())
    for given in given_out:
        lines = [loads(line.encode()) for line in given.bundle.splitlines()]
        told = {(e["n"], e["i"]): e["line"] for e in lines if e.get("line") in {"part", "withheld"}}
        assert list(told) == [(part.n, part.i) for part in parts]
        # What never was a part counts as withheld, but where the event is shown.
        counted = {
            (part.n, part.i): told[part.n, part.i]
            for part in parts
            if not part.padding or told[part.n, 0] == "withheld"
        }
        opened = list(counted.values()).count("part")
        assert f"entries of {len(counted):,} parts" in given.page
        if opened < len(counted):
            assert f"opens {opened:,} and withholds {len(counted) - opened:,}" in given.page


def test_a_dissent_that_is_withheld_is_not_said_to_be_missing(given_out: list[Written]):
    pages = {given.audience: given.page for given in given_out}
    assert "dissented: planted" in pages[AGENCY]
    assert "no answer that this audience may read" in pages[LAB]
    assert "silence is never consent" not in pages[LAB]


def test_days_given_in_a_withheld_entry_do_not_move_the_window(given_out: list[Written]):
    pages = {given.audience: given.page for given in given_out}
    assert "The developer gave 77 more days" in pages[AGENCY]
    assert "The developer gave" not in pages[TREASURY]
    assert "23 Mar 2027" in pages[AGENCY]
    assert "23 Mar 2027" not in pages[TREASURY]
