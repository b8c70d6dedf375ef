"""Transcripts on pages: for whom they are, with oversight's marks, and each look written down."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from support.portal_desk import AGENCY, LAB, Scene, portal
from support.small_case import Minutes, small_case
from support.transcripts_case import CANARY, record_transcripts
from touchstone.portal.site import COOKIE
from touchstone.server.accounts.models import SensitiveRead

CENTRE = "example-centre"


@pytest.fixture(scope="module")
def name() -> list[str]:
    return []


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, name: list[str]) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("transcript-pages")
    with small_case(folder / "server", Minutes()) as case:
        name.append(record_transcripts(case))
        with portal(case) as made:
            yield made


@contextmanager
def browser_of(scene: Scene, party: str, role: str = "lead") -> Iterator[httpx.Client]:
    headers = {"Cookie": f"{COOKIE}={scene.cookie(party, role)}", "Accept": "text/html"}
    with httpx.Client(base_url=scene.url, headers=headers, timeout=60) as browser:
        yield browser


def test_whom_they_are_for_reads_them_with_marks_and_the_developer_is_told(
    scene: Scene, name: list[str]
):
    SensitiveRead.objects.all().delete()
    base = f"/cases/{scene.case.id}/transcripts"
    with browser_of(scene, CENTRE) as centre:
        listed = centre.get(base).text
        assert f'href="{base}/{name[0]}"' in listed
        assert "Flagged by tampering" in listed
        page = centre.get(f"{base}/{name[0]}").text
    message = page.partition('id="m2"')[2].partition("</li>")[0]
    assert "it speaks of the grader" in message
    assert CANARY in message
    assert "it was compacted" in page
    routes = list(SensitiveRead.objects.order_by("pk").values_list("route", flat=True))
    assert [each.rpartition("/")[2] for each in routes] == ["transcripts", name[0]]


def test_what_a_model_wrote_is_shown_and_does_nothing(scene: Scene, name: list[str]):
    with browser_of(scene, LAB) as lab:
        page = lab.get(f"/cases/{scene.case.id}/transcripts/{name[0]}")
    # An escape, a change of direction, half a character: each as its code.
    for code in ("&lt;U+001B&gt;", "&lt;U+202E&gt;"):
        assert code in page.text
    for bad in ("\x1b", "\u202e", "\ud800"):
        assert bad not in page.text
    assert "/log" not in page.text


def test_a_list_is_filtered_and_a_long_transcript_is_read_by_pages(scene: Scene, name: list[str]):
    base = f"/cases/{scene.case.id}/transcripts"
    with browser_of(scene, LAB) as lab:
        assert name[0] in lab.get(f"{base}?flagged=tampering").text
        assert name[0] in lab.get(f"{base}?flagged=any&mode=&result=solved").text
        assert name[0] not in lab.get(f"{base}?flagged=canary").text
        assert name[0] not in lab.get(f"{base}?mode=nowhere").text
        first = lab.get(f"{base}/{name[0]}").text
        assert f'href="{base}/{name[0]}?from=40"' in first
        last = lab.get(f"{base}/{name[0]}?from=40").text
        assert 'id="m41"' in last
        assert f'href="{base}/{name[0]}?from=0"' in last
        for bad in ("x", "-1", "9" * 30, "\u0663"):
            assert lab.get(f"{base}/{name[0]}", params={"from": bad}).status_code == 422


def test_whoever_may_not_look_is_told_what_is_told_of_none(scene: Scene, name: list[str]):
    base = f"/cases/{scene.case.id}/transcripts"
    for party, role in ((AGENCY, "official"), (LAB, "auditor"), (CENTRE, "auditor")):
        with browser_of(scene, party, role) as other:
            listed = other.get(base)
            assert "There is none that you may look at" in listed.text
            pages = [other.get(f"{base}/{each}") for each in (name[0], "1-1-1")]
            assert {each.status_code for each in pages} == {404}, (party, role)
            assert pages[0].text == pages[1].text
            assert CANARY not in listed.text + pages[0].text
    with browser_of(scene, "other-lab") as stranger:
        pages = [stranger.get(path) for path in (base, "/cases/nobodys/transcripts")]
        assert {each.status_code for each in pages} == {404}
        assert pages[0].text == pages[1].text
