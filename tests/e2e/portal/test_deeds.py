"""Deeds in a real browser: by a key that it made, shown from the bytes, held against the past."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route

from support.portal_desk import AGENCY, LAB, Desk, Scene, portal
from support.small_case import Minutes, measure, small_case
from touchstone.client.deed_file import read_deed_file
from touchstone.deeds.cases import clock_paused, clock_resumed, signer_admitted, signer_removed
from touchstone.deeds.designation import finding_responded
from touchstone.keys import SystemRandom
from touchstone.ledger import fingerprint
from touchstone.ledger.claims import opened_claim
from touchstone.portal.deeds import forms
from touchstone.portal.deeds.forms import SIGNED_IN_BROWSERS
from touchstone.server.accounts.models import SensitiveRead
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.taking import take_deed


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("deeds")
    with small_case(folder / "server", Minutes()) as case:
        measure(case)
        conclude(case, "battery-1")
        with portal(case) as made:
            yield made


@pytest.fixture
def desk(scene: Scene) -> Iterator[Desk]:
    with scene.desk() as made:
        yield made


def make_key(desk: Desk, party: str) -> bytes:
    """A key that the browser makes, as its claim shows it to the party that admits it."""
    desk.go("/account/browser-key")
    desk.page.get_by_role("button", name="Make a key").click()
    command = desk.page.locator("[data-command]")
    command.wait_for()
    words = command.inner_text().split()
    assert words[:4] == ["touchstone", "party", "signers", "admit"]
    assert {words[i + 1] for i, word in enumerate(words) if word == "--kind"} == set(
        SIGNED_IN_BROWSERS
    )
    return bytes.fromhex(opened_claim(words[4], party))


def admitted(scene: Scene, desk: Desk, party: str = LAB) -> bytes:
    """The browser's key, once the party's own key has admitted it."""
    key = make_key(desk, party)
    label = f"browser-{key.hex()[:8]}"
    scene.case.record([signer_admitted(scene.case, party, key.hex(), SIGNED_IN_BROWSERS, label)])
    return key


def joins(scene: Scene, desk: Desk, party: str = LAB, role: str = "lead") -> None:
    desk.joins(scene.code(party, role))
    desk.reads("Ada Example")


def fill_answer(scene: Scene, desk: Desk, text: str) -> None:
    (finding, *_) = scene.case.state.findings
    desk.go(f"/cases/{scene.case.id}/deeds/finding-responded?finding={finding}")
    desk.page.get_by_label("Noted").check()
    desk.page.get_by_label("The words").fill(text)


def check_answer(scene: Scene, desk: Desk, text: str) -> None:
    fill_answer(scene, desk, text)
    desk.page.get_by_role("button", name="See what would be signed").click()


def sign(page: Page) -> None:
    page.get_by_role("button", name="Sign and send").click()
    page.get_by_text("Recorded, as entry").wait_for()


def test_an_answer_is_signed_by_a_key_of_the_browser_and_recorded(scene: Scene, desk: Desk):
    joins(scene, desk)
    key, before = admitted(scene, desk), scene.case.state.size
    check_answer(scene, desk, "We see it too.\nOn two of three days.")
    shown = desk.page.locator("[data-bytes]")
    shown.get_by_text("We see it too.").wait_for()
    desk.page.get_by_text("What binds it to this key").click()
    desk.page.locator("[data-bound]").get_by_text(fingerprint(key)).wait_for()
    assert scene.case.state.size == before
    sign(desk.page)
    entry = list(scene.case.entries_of("finding-responded"))[-1]
    assert entry.said("text") == "We see it too.\nOn two of three days."
    assert (entry.n, entry.event.actor) == (before, LAB)
    # A second one goes on from the first: of its sequence, and of what the browser saw.
    check_answer(scene, desk, "Once more.")
    sign(desk.page)
    assert scene.case.state.size == before + 2
    assert desk.loud == []


def test_the_key_is_kept_over_a_reload_and_cannot_be_taken_out(scene: Scene, desk: Desk):
    joins(scene, desk)
    key = make_key(desk, LAB)
    desk.page.reload()
    shown = desk.page.locator("[data-fingerprint]")
    shown.get_by_text(fingerprint(key)).wait_for()
    taken = desk.page.evaluate(
        """async () => {
          const base = await new Promise((done) => {
            const asked = indexedDB.open("touchstone", 1);
            asked.onsuccess = () => done(asked.result);
          });
          const store = base.transaction("kept").objectStore("kept");
          const found = await new Promise((done) => {
            const asked = store.get(`${document.body.dataset.person}/key`);
            asked.onsuccess = () => done(asked.result);
          });
          try { await crypto.subtle.exportKey("pkcs8", found.own); return "taken"; }
          catch (error) { return error.name; }
        }"""
    )
    assert taken == "InvalidAccessError"


def test_a_key_that_nobody_admitted_signs_nothing(scene: Scene, desk: Desk):
    joins(scene, desk)
    make_key(desk, LAB)
    check_answer(scene, desk, "Not yet.")
    desk.page.get_by_text("This browser's key does not sign this for your party").wait_for()
    assert desk.page.get_by_role("button", name="Sign and send").count() == 0


def test_a_key_that_was_removed_signs_nothing_more(scene: Scene, desk: Desk):
    joins(scene, desk)
    key, case = admitted(scene, desk), scene.case
    check_answer(scene, desk, "Too late.")
    button = desk.page.get_by_role("button", name="Sign and send")
    button.wait_for()
    case.record([signer_removed(case, LAB, fingerprint(key))])
    size = case.state.size
    button.click()
    desk.page.get_by_text("It was not recorded.").wait_for()
    assert case.state.size == size


def test_what_is_typed_is_not_lost_where_something_is_wrong_or_the_session_ends(
    scene: Scene, desk: Desk
):
    joins(scene, desk)
    admitted(scene, desk)
    (finding, *_) = scene.case.state.findings
    desk.go(f"/cases/{scene.case.id}/deeds/finding-responded?finding={finding}")
    desk.page.get_by_label("The words").fill("A long answer.")
    desk.page.get_by_role("button", name="See what would be signed").click()
    desk.page.get_by_text("1 field is to be looked at:").wait_for()
    assert desk.page.get_by_label("The words").input_value() == "A long answer."
    # The session ends; the form's answer leads to signing in, and back to what was typed.
    desk.page.get_by_label("Accepted").check()
    other = desk.context.new_page()
    other.goto(f"{scene.url}/account")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")
    other.close()
    desk.page.get_by_role("button", name="See what would be signed").click()
    desk.page.get_by_role("button", name="Sign in with a passkey").click()
    desk.reads("Answer a finding")
    assert desk.page.get_by_label("The words").input_value() == "A long answer."
    assert desk.page.get_by_label("Accepted").is_checked()


def answering(page: Page, change: Any) -> None:
    """Stand between page and server, as a server that says something else would answer."""

    def changed(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        route.fulfill(response=answer, body=change(answer.text()))

    page.route("**/deeds/finding-responded*", changed)


@pytest.mark.parametrize(
    ("said", "instead"),
    [("We contest it.", "We accept all of it."), ("noted", "accepted")],
)
def test_a_server_that_drafts_something_else_is_caught(
    scene: Scene, desk: Desk, monkeypatch: pytest.MonkeyPatch, said: str, instead: str
):
    joins(scene, desk)
    admitted(scene, desk)
    form = forms.FORMS["finding-responded"]

    def other(known: Any, given: Any) -> Any:
        return form.draft(
            known, {name: instead if value == said else value for name, value in given.items()}
        )

    monkeypatch.setitem(forms.FORMS, "finding-responded", replace(form, draft=other))
    size = scene.case.state.size
    check_answer(scene, desk, "We contest it.")
    desk.page.get_by_text("What the server drafted is not what you typed.").wait_for()
    assert desk.page.get_by_role("button", name="Sign and send").is_hidden()
    assert scene.case.state.size == size


def test_a_server_that_shows_another_past_is_caught(scene: Scene, desk: Desk):
    joins(scene, desk)
    admitted(scene, desk)
    check_answer(scene, desk, "First.")
    sign(desk.page)

    def cut(page: str) -> str:
        # The proof that the log only grew is another one.
        start = page.index("&#34;past&#34;:{")
        end = page.index("}", start)
        return page[:start] + "&#34;past&#34;:{" + page[end:]

    scene.case.record([clock_paused(scene.case, LAB, "So that the log grows.")])
    scene.case.record([clock_resumed(scene.case, LAB)])
    answering(desk.page, cut)
    check_answer(scene, desk, "Second.")
    desk.page.get_by_text("another past of this case than this browser saw").wait_for()
    assert desk.page.get_by_role("button", name="Sign and send").is_hidden()


def test_an_answer_that_the_installation_did_not_sign_is_not_believed(scene: Scene, desk: Desk):
    joins(scene, desk)
    admitted(scene, desk)
    check_answer(scene, desk, "Is it there?")
    button = desk.page.get_by_role("button", name="Sign and send")
    button.wait_for()

    def forged(route: Route) -> None:
        line = json.loads(route.fetch().text())
        line["answer"]["n"] = 0
        route.fulfill(body=json.dumps(line, sort_keys=True, separators=(",", ":")))

    desk.page.route("**/signed", forged)
    button.click()
    desk.page.get_by_text("The server's answer is not signed as it should be.").wait_for()
    # What was signed is kept, and its true answer is asked for when the next deed begins.
    desk.page.unroute("**/signed")
    size = scene.case.state.size
    check_answer(scene, desk, "And on.")
    sign(desk.page)
    assert scene.case.state.size == size + 1


def test_a_deed_is_sent_again_where_no_answer_came(scene: Scene, desk: Desk):
    joins(scene, desk)
    admitted(scene, desk)
    size = scene.case.state.size
    check_answer(scene, desk, "Twice sent, once there.")

    def swallowed(route: Route) -> None:
        route.fetch()
        route.abort()

    desk.page.route("**/signed", swallowed)
    desk.page.get_by_role("button", name="Sign and send").click()
    desk.page.get_by_text("What you signed is kept in this browser").wait_for()
    desk.page.unroute("**/signed")
    assert scene.case.state.size == size + 1
    check_answer(scene, desk, "The next.")
    sign(desk.page)
    assert scene.case.state.size == size + 2


def test_two_clicks_are_one_deed(scene: Scene, desk: Desk):
    joins(scene, desk)
    admitted(scene, desk)
    size = scene.case.state.size
    check_answer(scene, desk, "Once.")
    desk.page.get_by_role("button", name="Sign and send").dblclick()
    desk.page.get_by_text("Recorded, as entry").wait_for()
    assert scene.case.state.size == size + 1


def test_a_deed_that_rests_on_what_has_moved_is_refused_and_typed_once(scene: Scene, desk: Desk):
    joins(scene, desk)
    admitted(scene, desk)
    check_answer(scene, desk, "On the old state.")
    button = desk.page.get_by_role("button", name="Sign and send")
    button.wait_for()
    (finding, *_) = scene.case.state.findings
    scene.case.record([finding_responded(scene.case, LAB, finding, "noted", "Between.")])
    button.click()
    desk.page.get_by_text("topic-moved").wait_for()
    fill = f"/cases/{scene.case.id}/deeds/finding-responded"
    desk.go(fill)
    assert desk.page.get_by_label("The words").input_value() == "On the old state."


def test_what_weighs_more_is_drafted_into_a_file_for_the_partys_own_key(
    scene: Scene, desk: Desk, tmp_path: Path
):
    joins(scene, desk)
    desk.go(f"/cases/{scene.case.id}/deeds")
    desk.page.get_by_role("link", name="Halt the measuring").click()
    desk.page.get_by_label("Why, for the record").fill("We look into a leak.")
    desk.page.get_by_role("button", name="See what would be signed").click()
    desk.page.get_by_text("We look into a leak.").first.wait_for()
    assert desk.page.get_by_role("button", name="Sign and send").count() == 0
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download the deed").click()
    path = tmp_path / "halt.deed"
    download.value.save_as(path)
    drafted = read_deed_file(path)
    here = scene.case.installation
    signed = drafted.signed(here.keyring.party(LAB), SystemRandom(), here.now())
    take_deed(here, scene.case.id, signed.require_signed().submitted, asker=LAB, now=here.now())
    assert scene.case.state.halted_by == {LAB}
    desk.go(f"/cases/{scene.case.id}/deeds")
    assert desk.page.get_by_role("link", name="Halt the measuring").count() == 0
    desk.page.get_by_role("link", name="Take your party's halt back").wait_for()


def test_who_only_reads_is_offered_no_deed(scene: Scene, desk: Desk):
    joins(scene, desk, LAB, "auditor")
    desk.go(f"/cases/{scene.case.id}")
    desk.page.get_by_role("heading", name="What happened").wait_for()
    assert desk.page.get_by_role("link", name="What you can do").count() == 0
    desk.go(f"/cases/{scene.case.id}/deeds")
    desk.reads("This is not for you to see or do")


def test_of_anothers_case_no_form_is_there_and_looking_at_one_is_told(scene: Scene, desk: Desk):
    joins(scene, desk, "other-lab")
    pages = []
    for case in (scene.case.id, "case-of-nobody"):
        desk.go(f"/cases/{case}/deeds/finding-responded")
        desk.reads("There is nothing here")
        pages.append(desk.page.content())
    assert pages[0] == pages[1]


def test_forms_are_looked_at_as_any_page(scene: Scene, desk: Desk):
    joins(scene, desk, AGENCY, "official")
    SensitiveRead.objects.all().delete()
    desk.go(f"/cases/{scene.case.id}/deeds")
    desk.page.get_by_role("link", name="Concur with what is in question").click()
    desk.reads("Concur with what is in question")
    routes = set(SensitiveRead.objects.values_list("route", flat=True))
    assert "cases/<case>/deeds" in routes


@pytest.mark.parametrize(
    "beside",
    [
        {"browser-key": "xyz"},
        {"browser-key": "ab" * 31},
        {"browser-key": "ab" * 32, "browser-knows": "-1"},
        {"browser-key": "ab" * 32, "browser-knows": "9" * 40},
        {"browser-key": "ab" * 32, "browser-knows": ",".join(map(str, range(1, 12)))},
        {"else": "what no form has"},
    ],
)
def test_what_no_browser_of_ours_sends_is_refused(scene: Scene, beside: dict[str, str]):
    (finding, *_) = scene.case.state.findings
    typed = {"finding": finding, "stance": "noted", "text": "Plain words."}
    headers = {"Cookie": f"touchstone={scene.cookie(LAB, 'lead')}", "Origin": scene.url}
    with httpx.Client(base_url=scene.url, headers=headers, timeout=60) as browser:
        path = f"/cases/{scene.case.id}/deeds/finding-responded"
        assert browser.post(path, data=typed).status_code == 200
        assert browser.post(path, data=typed | beside).status_code == 422
