"""Who may come in is said on pages: by administrators for all, by leads for their own party."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from support.portal_desk import AGENCY, LAB, Scene, portal
from support.small_case import Minutes, small_case
from touchstone.portal.site import COOKIE
from touchstone.server.accounts.models import (
    Account,
    AccountAct,
    BrowserSession,
    Passkey,
    RecoveryCode,
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("people-pages")
    with small_case(folder / "server", Minutes()) as case, portal(case) as made:
        yield made


@contextmanager
def browser_of(scene: Scene, cookie: str) -> Iterator[httpx.Client]:
    headers = {"Cookie": f"{COOKIE}={cookie}", "Origin": scene.url, "Accept": "text/html"}
    with httpx.Client(base_url=scene.url, headers=headers, timeout=60) as browser:
        yield browser


def person_called(name: str) -> Account:
    return Account.objects.get(name=name)


def test_a_lead_invites_for_its_own_party_and_the_code_lets_a_browser_in(scene: Scene):
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead:
        asked = {"name": "Ina Example", "roles": ["submitter"], "party": AGENCY}
        answer = lead.post("/people", data=asked)
        assert answer.status_code == 200
        (code,) = re.findall(r'<p class="mono code">([^<]+)</p>', answer.text)
        made = person_called("Ina Example")
        # Whatever a form says, it is of the lead's own party.
        assert (made.institution, made.roles) == (LAB, ["submitter"])
        # It is shown this once.
        assert code not in lead.get(f"/people/{made.person}").text
    with scene.desk() as desk:
        desk.joins(code)
        desk.reads("Ina Example")


def test_nobody_else_says_who_may_come_in(scene: Scene):
    for party, role in ((LAB, "submitter"), (AGENCY, "official"), (LAB, "auditor")):
        with browser_of(scene, scene.cookie(party, role)) as other:
            assert other.get("/people").status_code == 403
            assert other.post("/people", data={"name": "X", "roles": "lead"}).status_code == 403
            assert "/people" not in other.get("/").text


def test_of_anothers_people_a_lead_is_told_nothing_and_changes_nothing(scene: Scene):
    scene.cookie(AGENCY, "official", "Kim Example")
    kim = person_called("Kim Example")
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead:
        assert "Kim Example" not in lead.get("/people").text
        pages = [lead.get(f"/people/{each}") for each in (kim.person, f"p{'0' * 24}")]
        assert {each.status_code for each in pages} == {404}
        assert pages[0].text == pages[1].text
        for deed in ("roles", "code", "browsers/end", "remove"):
            assert (
                lead.post(f"/people/{kim.person}/{deed}", data={"roles": "lead"}).status_code == 404
            )
    kim.refresh_from_db()
    assert (kim.roles, kim.is_active) == (["official"], True)
    assert BrowserSession.objects.filter(account=kim, revoked_at="").count() == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "", "roles": ["reviewer"]},
        {"name": "Lee Example", "roles": []},
        {"name": "Lee Example", "roles": ["administrator"]},
        {"name": "Lee Example", "roles": ["king"]},
        {"name": "Lee Example", "roles": ["reviewer"], "email": "nowhere"},
        {"name": "Lee\u202e Example", "roles": ["reviewer"]},
    ],
)
def test_what_cannot_be_taken_is_said_and_stays_typed(scene: Scene, asked: dict[str, list[str]]):
    before = Account.objects.count() + 1
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead:
        answer = lead.post("/people", data=asked)
    assert answer.status_code in {403, 422}
    assert Account.objects.count() == before
    if answer.status_code == 422:
        assert 'role="alert"' in answer.text
        assert ("Lee" in answer.text) == ("Lee" in asked["name"])


def test_an_administrator_invites_for_every_party_and_reads_no_case(scene: Scene):
    with browser_of(scene, scene.cookie("", "administrator")) as admin:
        asked = {"name": "Mo Example", "roles": ["official"], "party": AGENCY}
        assert admin.post("/people", data=asked).status_code == 200
        assert person_called("Mo Example").institution == AGENCY
        assert admin.get("/cases").status_code == 403
        assert admin.get(f"/cases/{scene.case.id}").status_code == 403
        assert scene.case.id not in admin.get("/people").text


def test_other_roles_count_at_once(scene: Scene):
    cookie = scene.cookie(LAB, "reviewer", "Nan Example")
    nan = person_called("Nan Example")
    deeds = f"/cases/{scene.case.id}/deeds"
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead, browser_of(scene, cookie) as own:
        assert own.get(deeds).status_code == 403
        answer = lead.post(f"/people/{nan.person}/roles", data={"roles": ["submitter"]})
        assert answer.status_code == 303
        assert own.get(deeds).status_code == 200


def test_who_lost_a_browser_is_signed_out_everywhere_and_comes_in_anew(scene: Scene):
    with scene.desk() as desk:
        desk.joins(scene.code(LAB, "submitter", name="Ola Example"))
        desk.reads("Ola Example")
        desk.page.get_by_role("button", name="Draw new codes").click()
        desk.page.locator("ul.codes").wait_for()
        ola = person_called("Ola Example")
        assert Passkey.objects.filter(account=ola, revoked_at="").count() == 1
        with browser_of(scene, scene.cookie(LAB, "lead")) as lead:
            assert lead.post(f"/people/{ola.person}/browsers/end").status_code == 303
            again = lead.post(f"/people/{ola.person}/code")
        desk.go("/cases")
        assert "/sign-in" in desk.page.url
        # Neither the passkey nor a code that was kept lets in any more.
        assert not Passkey.objects.filter(account=ola, revoked_at="").exists()
        assert not RecoveryCode.objects.filter(account=ola, used_at="").exists()
        assert AccountAct.objects.filter(person=ola.person, act="browsers-ended").count() == 1
        (code,) = re.findall(r'<p class="mono code">([^<]+)</p>', again.text)
    with scene.desk() as other:
        other.joins(code)
        other.reads("Ola Example")


def test_who_is_removed_comes_in_no_more(scene: Scene):
    cookie = scene.cookie(LAB, "submitter", "Pia Example")
    pia = person_called("Pia Example")
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead, browser_of(scene, cookie) as own:
        assert own.get("/cases").status_code == 200
        assert lead.post(f"/people/{pia.person}/remove").status_code == 303
        assert own.get("/cases").status_code == 303
        assert "comes in no more" in lead.get(f"/people/{pia.person}").text


def test_a_session_of_an_hour_ago_changes_nobody(scene: Scene):
    cookie = scene.cookie(LAB, "lead", "Quin Example")
    BrowserSession.objects.filter(account=person_called("Quin Example")).update(
        made_at="2026-11-21T09:30:00Z"
    )
    with browser_of(scene, cookie) as lead:
        page = lead.get("/people")
        assert page.status_code == 200
        asked = {"name": "Ray Example", "roles": ["reviewer"]}
        answer = lead.post("/people", data=asked, headers={"Referer": f"{scene.url}/people"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fpeople")
        # Of another origin nobody is led to anywhere.
        away = lead.post(
            f"/people/{person_called('Quin Example').person}/remove",
            headers={"Referer": "https://evil.example/people"},
        )
        assert away.headers["Location"] == "/sign-in?next=%2Faccount"
    assert not Account.objects.filter(name="Ray Example").exists()


def test_a_page_of_another_origin_invites_nobody(scene: Scene):
    with browser_of(scene, scene.cookie(LAB, "lead")) as lead:
        asked = {"name": "Sue Example", "roles": ["reviewer"]}
        answer = lead.post("/people", data=asked, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert not Account.objects.filter(name="Sue Example").exists()
