"""People come in at the portal with a real browser: passkeys, recovery, what each sees."""

import re
from collections.abc import Iterator

import httpx
import pytest

from support.portal_desk import LAB, Desk, Scene, portal
from support.small_case import Minutes, small_case
from touchstone.keys import SystemRandom
from touchstone.portal.views import cases
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import (
    AccountInvitation,
    BrowserSession,
    Passkey,
    SensitiveRead,
)
from touchstone.server.accounts.sessions import begin_session


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("portal")
    with small_case(folder / "server", Minutes()) as case, portal(case) as made:
        yield made


@pytest.fixture
def desk(scene: Scene) -> Iterator[Desk]:
    with scene.desk() as made:
        yield made


def test_a_person_comes_in_by_a_code_that_is_never_sent_and_signs_in_again(
    scene: Scene, desk: Desk
):
    code, bodies = scene.code(), list[str]()
    desk.page.on("request", lambda asked: bodies.append(f"{asked.url} {asked.post_data or ''}"))
    desk.joins(code)
    desk.reads("Ada Example")
    plain = code.replace("-", "")
    assert len(bodies) > 4
    assert not [each for each in bodies if plain[:10] in each.replace("-", "")]
    # Used up: by the same code nobody else comes in.
    assert AccountInvitation.objects.exclude(used_at="").exists()
    desk.go("/")
    desk.reads("What is next")
    desk.signs_out()
    desk.go("/cases")
    assert desk.page.url.endswith("/sign-in?next=%2Fcases")
    desk.page.get_by_role("button", name="Sign in with a passkey").click()
    desk.page.wait_for_url("**/cases")
    desk.reads("Cases")
    assert desk.loud == []


def test_a_code_lets_in_once_and_a_wrong_one_never(scene: Scene, desk: Desk):
    code = scene.code()
    desk.joins(code)
    desk.reads("Ada Example")
    desk.signs_out()
    for tried in (code, "abcde-fghjk-mnpqr-stvwx-yz012-34567"):
        desk.joins(tried)
        desk.page.get_by_text("This code is unknown, was used, or has expired").wait_for()
        assert desk.page.url.endswith("/join")


def test_a_party_reads_its_case_and_the_developer_is_told(scene: Scene, desk: Desk):
    SensitiveRead.objects.all().delete()
    desk.joins(scene.code())
    desk.reads("Ada Example")
    desk.go("/cases")
    desk.page.locator("ul.cases a").first.click()
    desk.page.get_by_role("heading", name="What happened").wait_for()
    assert scene.case.id in desk.page.content()
    assert SensitiveRead.objects.filter(case=scene.case.id, party=LAB).count() == 1
    desk.page.get_by_role("link", name="Read your edition").click()
    desk.page.wait_for_url("**/edition")
    assert "Edition for" in desk.page.content()
    assert SensitiveRead.objects.filter(route="cases/<case>/edition").count() == 1
    assert desk.loud == []


def test_of_anothers_case_a_party_is_told_what_it_is_of_none(scene: Scene, desk: Desk):
    desk.joins(scene.code("other-lab"))
    desk.reads("Ada Example")
    pages = []
    for case in (scene.case.id, "case-of-nobody"):
        desk.go(f"/cases/{case}")
        desk.reads("There is nothing here")
        pages.append(desk.page.content())
    assert pages[0] == pages[1]


def test_whoever_lost_every_passkey_comes_in_by_a_recovery_code_to_make_another(
    scene: Scene, desk: Desk
):
    desk.joins(scene.code(name="Lost Example"))
    desk.reads("Lost Example")
    desk.page.get_by_role("button", name="Draw new codes").click()
    codes = desk.page.locator("ul.codes li").all_inner_texts()
    assert len(codes) == len(set(codes)) == 8
    desk.signs_out()
    before = BrowserSession.objects.filter(account__name="Lost Example")
    desk.page.get_by_text("I have lost my passkeys").click()
    desk.page.get_by_label("Recovery code").fill(codes[3].upper())
    desk.page.get_by_role("button", name="Use this code").click()
    desk.page.get_by_text("You came in by a recovery code").wait_for()
    # Nothing else is open until there is a passkey.
    desk.go("/cases")
    desk.reads("This is not for you to see or do")
    desk.go("/")
    assert desk.page.url.endswith("/account")
    own = {"Cookie": f"touchstone={cookie(desk)}", "Origin": scene.url}
    (kept,) = Passkey.objects.filter(account__name="Lost Example")
    for deed in ("recovery-codes", f"passkeys/{kept.digest}/end", f"sessions/{'0' * 16}/end"):
        assert (
            httpx.post(f"{scene.url}/account/{deed}", headers=own, timeout=60).status_code == 403
        ), deed
    # Another authenticator, as on another device: the one before knows its passkey already.
    Passkey.objects.filter(account__name="Lost Example").update(revoked_at="2026-01-01T00:00:00Z")
    desk.page.reload()
    desk.page.get_by_label("A name for a further passkey").fill("New desk")
    desk.page.get_by_role("button", name="Add a passkey").click()
    desk.page.get_by_text("New desk").first.wait_for()
    assert before.filter(revoked_at="").count() == 1
    desk.go("/cases")
    desk.reads("Cases")
    # The code was for once.
    desk.signs_out()
    desk.page.get_by_text("I have lost my passkeys").click()
    desk.page.get_by_label("Recovery code").fill(codes[3])
    desk.page.get_by_role("button", name="Use this code").click()
    desk.page.get_by_text("This code is unknown, or was used.").wait_for()


def test_a_further_passkey_signs_no_other_browser_out(scene: Scene, desk: Desk):
    desk.joins(scene.code(name="Two Example"))
    desk.reads("Two Example")
    account = Passkey.objects.get(account__name="Two Example").account
    with changing():
        now, random = scene.case.installation.now(), SystemRandom()
        begin_session(account, "passkey", "Other", now=now, random=random)
    # Another authenticator, as on another device: the one before knows its passkey already.
    Passkey.objects.filter(account=account).update(revoked_at="2026-01-01T00:00:00Z")
    desk.page.reload()
    desk.page.get_by_label("A name for a further passkey").fill("New desk")
    desk.page.get_by_role("button", name="Add a passkey").click()
    desk.page.get_by_text("New desk").first.wait_for()
    held = BrowserSession.objects.filter(account=account, revoked_at="")
    assert sorted(each.label for each in held) == ["New desk", "Other"]


def cookie(desk: Desk) -> str:
    (found,) = (each for each in desk.context.cookies() if each["name"] == "touchstone")
    assert (found["httpOnly"], found["sameSite"]) == (True, "Lax")
    return str(found["value"])


def test_a_cookie_is_nobody_to_the_api_and_to_a_page_of_another_origin(scene: Scene, desk: Desk):
    desk.joins(scene.code())
    desk.reads("Ada Example")
    own = {"Cookie": f"touchstone={cookie(desk)}"}
    with httpx.Client(base_url=scene.url, headers=own, timeout=60) as browser:
        assert browser.get("/cases").status_code == 200
        assert browser.get("/v1/cases").status_code == 401
        for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert browser.post("/sign-out", headers=origin).status_code == 403
        assert browser.get("/cases").status_code == 200
        # What a header says cannot pass for a cookie.
        bare = {"Cookie": "", "Authorization": f"Bearer {cookie(desk)}"}
        assert browser.get("/cases", headers=bare).status_code == 303
        assert browser.get("/v1/cases", headers=bare).status_code == 401
        out = browser.post("/sign-out", headers={"Origin": scene.url})
        assert (out.status_code, out.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
        assert browser.get("/cases").status_code == 303


def test_where_one_is_led_on_is_of_this_server(scene: Scene, desk: Desk):
    desk.joins(scene.code())
    desk.reads("Ada Example")
    desk.signs_out()
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"):
        desk.page.goto(f"{scene.url}/sign-in?next={httpx.QueryParams({'n': away})['n']}")
        form = desk.page.locator("form[data-passkey=sign-in]")
        assert form.get_attribute("data-next") == "/"


def test_pages_run_nothing_that_is_put_into_them(scene: Scene, desk: Desk):
    """The policy is asked from a script of the page's own making, which must not run."""
    desk.joins(scene.code(name="<script>document.title='owned'</script>"))
    desk.page.wait_for_url("**/account")
    desk.reads("<script>document.title='owned'</script>")
    assert "<script>document" not in desk.page.content()
    assert desk.page.title() != "owned"
    headers = httpx.get(f"{scene.url}/", timeout=60).headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_pages_speak_french_to_whoever_asks_so(scene: Scene):
    answer = httpx.get(f"{scene.url}/", headers={"Accept-Language": "fr-CA,en;q=0.5"}, timeout=60)
    assert '<html lang="fr">' in answer.text
    assert "Se connecter" in answer.text
    assert not re.search(r">\s*Sign in\s*<", answer.text)


def test_a_long_history_is_read_by_pages_and_searched(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cases, "NEWEST", 2)
    monkeypatch.setattr(cases, "OF_HISTORY", 3)
    headers = {"Cookie": f"touchstone={scene.cookie(LAB, 'lead')}"}
    base = f"/cases/{scene.case.id}"
    with httpx.Client(base_url=scene.url, headers=headers, timeout=60) as browser:
        case = browser.get(base).text
        assert case.count('<li value="') == 2
        assert f'href="{base}/history"' in case
        first = browser.get(f"{base}/history").text
        seen, start = first.count('<li value="'), 3
        while f"from={start}" in (page := browser.get(f"{base}/history?from={start - 3}").text):
            start += 3
        assert (seen, f"from={start - 6}" in page) == (3, True)
        found = browser.get(f"{base}/history", params={"words": "joins DEVELOPER"}).text
        assert found.count('<li value="') == 1
        none = browser.get(f"{base}/history", params={"by": "Nobody <b>", "words": "<script>"}).text
        assert (none.count('<li value="'), "<script>" in none) == (0, False)
        assert browser.get(f"{base}/history?from=-1").status_code == 422
        assert browser.get(f"{base}/history?else=1").status_code == 422
