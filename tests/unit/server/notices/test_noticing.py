"""Who is told what, how often, and what becomes of it where something ends in between."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections

from support import shared
from support.small_case import Minutes, measure, settle, small_case
from touchstone.deeds import designation as judged
from touchstone.handin import moment_of, utc_text
from touchstone.keys import SystemRandom
from touchstone.records import FullError
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import (
    ACCOUNTS,
    Account,
    NoticeRow,
    NoticeSender,
    ToldDeeds,
)
from touchstone.server.accounts.people import change_roles, invite, remove_person
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.notices import examining, noticing, sending, telling
from touchstone.server.notices.channels import add_webhook, end_channel, may_be_told
from touchstone.server.notices.examining import examine_notices
from touchstone.server.notices.mailing import as_message
from touchstone.server.notices.noticing import Waiting, note_what_waits, what_waits
from touchstone.server.notices.sending import NoticeSent, SendingDone, UndeliveredError, send_due
from touchstone.server.notices.telling import Teller, database_time
from touchstone.server.notices.webhooks import notice_body
from touchstone.server.principal import Principal
from touchstone.service.cases.case_admin import open_found
from touchstone.service.configuration import CONFIGURATION, NoticesText
from touchstone.service.installation import Installation, open_installation

TREASURY, LAB = "example-treasury", "example-lab"
CHOSEN = NoticesText(link="https://reviews.example/", sender="reviews@example.org")
HOOK = "https://hooks.example/touchstone"


def _settled(folder: Path) -> None:
    with small_case(folder) as case:
        measure(case)
        settle(case)


@dataclass
class Place:
    """An installation with people, and what was sent."""

    here: Installation
    clock: Minutes
    people: dict[str, str] = field(default_factory=dict)
    sent: list[NoticeSent] = field(default_factory=list)
    fails: list[UndeliveredError] = field(default_factory=list)

    def deliver(self, notice: NoticeSent) -> None:
        self.sent.append(notice)
        if self.fails:
            raise self.fails.pop(0)

    def note(self) -> int:
        return note_what_waits(self.here, mail=True)

    def send(self) -> SendingDone:
        ways = {"email": self.deliver, "webhook": self.deliver}
        return send_due(ways, self.here.now)

    def states(self) -> list[str]:
        rows = NoticeRow.objects.using(ACCOUNTS).order_by("pk")
        return [row.state for row in rows]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared.made_once("settled", _settled, tmp_path_factory.mktemp("settled"))


@pytest.fixture
def place(settled: Path, tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(settled, tmp_path, dirs_exist_ok=True)
    clock, home = Minutes(), tmp_path / "home"
    with open_installation(home, clock, apart=True) as here:
        open_accounts(home, None)
        made = Place(here, clock)
        for name, party, role in (
            ("Ada", TREASURY, "official"),
            ("Bob", TREASURY, "reviewer"),
            ("Cleo", LAB, "lead"),
        ):
            made.people[name] = invite(
                Manager.machine(),
                party,
                [role],
                name,
                f"{name.lower()}@example.org" if name != "Bob" else "",
                now=here.now(),
                random=SystemRandom(),
            ).person
        yield made
    connections["default"].close()


def as_principal(place: Place, name: str) -> Principal:
    return Principal(
        place.people[name], TREASURY, frozenset({"official"}), frozenset({"read"}), "1"
    )


def test_each_person_is_told_once_that_something_waits(place: Place):
    found = what_waits(place.here, TREASURY)
    assert (found.waiting, found.possible) == (1, 0)
    assert place.note() == 2
    assert place.send() == SendingDone(sent=2)
    assert [(each.target, each.party, each.waiting) for each in place.sent] == [
        ("ada@example.org", TREASURY, 1),
        ("cleo@example.org", LAB, 0),
    ]
    assert place.note() == 0
    assert place.send() == SendingDone()


def test_what_is_new_is_told_again_and_what_is_done_is_not(place: Place):
    place.note()
    place.send()
    (listed,) = place.here.records.cases()
    case = open_found(place.here, listed.case)
    case.record([judged.designation_concurred(case, TREASURY, 1, "covered")])
    assert place.note() == 0
    case.record([judged.designation_revised(case, "example-agency", 1, "undetermined", "New.")])
    assert place.note() == 1
    assert place.send() == SendingDone(sent=1)
    assert place.sent[-1].target == "ada@example.org"


def test_a_webhook_is_a_way_of_its_own(place: Place):
    add_webhook(as_principal(place, "Bob"), HOOK, now=place.here.now(), random=SystemRandom())
    assert place.note() == 3
    place.send()
    assert HOOK in [each.target for each in place.sent]


def test_who_may_read_nothing_is_told_nothing(place: Place):
    remove_person(Manager.machine(), place.people["Cleo"], now=place.here.now())
    assert place.note() == 1
    account = Account.objects.using(ACCOUNTS).get(person=place.people["Ada"])
    account.roles = []
    assert not may_be_told(account)
    account.save(using=ACCOUNTS)
    assert place.send() == SendingDone()
    assert place.states() == ["replaced"]


def test_what_did_not_arrive_is_tried_again_later_and_later(place: Place):
    remove_person(Manager.machine(), place.people["Cleo"], now=place.here.now())
    place.note()
    place.fails = [UndeliveredError("no", certain=True)] * sending.MOST_ATTEMPTS
    assert place.send() == SendingDone(waiting=1)
    assert place.send() == SendingDone()
    place.clock.pass_by(1)
    assert place.send() == SendingDone(waiting=1)
    place.clock.pass_by(1)
    assert place.send() == SendingDone()
    for _ in range(sending.MOST_ATTEMPTS - 3):
        place.clock.pass_by(6 * 60)
        assert place.send() == SendingDone(waiting=1)
    place.clock.pass_by(6 * 60)
    assert place.send() == SendingDone(failed=1)
    place.clock.pass_by(6 * 60)
    assert place.send() == SendingDone()
    assert not any(each.repeats for each in place.sent)
    assert len({each.name for each in place.sent}) == 1


def test_what_may_have_arrived_says_so(place: Place):
    remove_person(Manager.machine(), place.people["Cleo"], now=place.here.now())
    place.note()
    place.fails = [UndeliveredError("lost", certain=False)]
    place.send()
    place.clock.pass_by(1)
    assert place.send() == SendingDone(sent=1)
    first, second = place.sent
    assert (first.repeats, second.repeats) == (False, True)
    assert first.name == second.name


def test_a_crash_between_sending_and_mark_is_told_of(place: Place, monkeypatch: pytest.MonkeyPatch):
    remove_person(Manager.machine(), place.people["Cleo"], now=place.here.now())
    place.note()

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_mark", crash)
        with pytest.raises(KeyboardInterrupt):
            place.send()
    assert place.states() == ["sending"]
    # While whoever sends may still be at it, nobody else sends it.
    place.clock.pass_by(9)
    assert place.send() == SendingDone()
    place.clock.pass_by(1)
    assert place.send() == SendingDone(sent=1)
    assert [each.repeats for each in place.sent] == [False, True]
    assert place.states() == ["sent"]


def test_two_that_send_at_once_send_one(place: Place):
    remove_person(Manager.machine(), place.people["Cleo"], now=place.here.now())
    place.note()
    now = place.here.now()
    (row,) = NoticeRow.objects.using(ACCOUNTS).all()
    assert sending.claim_notice(row.pk, now, now)
    # What it read is no more so when it writes.
    held = NoticeRow.objects.using(ACCOUNTS).filter(pk=row.pk, state="due", attempts=0)
    assert held.update(state="sending") == 0
    assert sending.claim_notice(row.pk, now, now) is None


def test_who_was_not_reached_is_told_what_is_so_now(place: Place):
    place.note()
    ToldDeeds.objects.using(ACCOUNTS).update(deeds=[])
    assert place.note() == 2
    assert place.states() == ["replaced", "replaced", "due", "due"]
    assert place.send() == SendingDone(sent=2)


def test_what_is_sent_names_no_case(place: Place):
    (listed,) = place.here.records.cases()
    notice = NoticeSent("n1", TREASURY, "ada@example.org", 2, 1, place.here.now(), repeats=True)
    message = as_message(CHOSEN, notice)
    assert message.subject == "example-treasury: 2 deeds wait for you"
    assert "This may have reached you before" in str(message.body)
    assert "https://reviews.example/" in str(message.body)
    assert message.message()["Message-ID"] == "<n1@example.org>"
    body = notice_body(CHOSEN, place.here.keyring.installation, notice)
    for text in (message.message().as_string(), body.decode()):
        for told in (listed.case, "Example Model 3", "proposal", "concur", "covered", LAB):
            assert told not in text


def test_roles_that_read_nothing_are_no_readers(place: Place):
    ada = Account.objects.using(ACCOUNTS).get(person=place.people["Ada"])
    assert may_be_told(ada)
    change_roles(Manager.machine(), place.people["Ada"], ["reviewer"], now=place.here.now())
    ada = Account.objects.using(ACCOUNTS).get(pk=ada.pk)
    assert may_be_told(ada)
    # Who has a token to read and sees nothing of cases is not told that one waits.
    ada.roles = ["counterpart"]
    assert not may_be_told(ada)
    ada.roles = ["auditor"]
    assert may_be_told(ada)
    ada.institution = ""
    assert not may_be_told(ada)


def test_a_place_that_does_not_answer_is_asked_once_a_round(place: Place):
    place.note()
    place.fails = [UndeliveredError("away", certain=True)]
    assert place.send() == SendingDone(waiting=1)
    assert [each.target for each in place.sent] == ["ada@example.org"]
    # The next round begins with whom nobody tried to tell.
    place.clock.pass_by(1)
    place.fails = [UndeliveredError("550", certain=True, reached=True)]
    assert place.send() == SendingDone(waiting=1, sent=1)
    told = [(each.target, each.repeats) for each in place.sent[1:]]
    assert told == [("cleo@example.org", False), ("ada@example.org", False)]
    (row,) = NoticeRow.objects.using(ACCOUNTS).filter(state="due")
    assert (row.account.name, row.fault) == ("Cleo", "550")


def test_a_place_that_is_slow_holds_up_nobody_elses(place: Place):
    """The slow place answers once the other notice has arrived, and not before."""
    for name in ("slow", "quick"):
        bob, address = as_principal(place, "Bob"), f"https://{name}.example/"
        add_webhook(bob, address, now=place.here.now(), random=SystemRandom())
    place.note()
    arrived, sent = threading.Event(), list[str]()

    def deliver(notice: NoticeSent) -> None:
        if "slow" in notice.target:
            assert arrived.wait(60)
        sent.append(notice.target)
        arrived.set()

    assert send_due({"webhook": deliver}, place.here.now) == SendingDone(sent=2)
    assert sent == ["https://quick.example/", "https://slow.example/"]


def test_a_webhook_that_was_ended_is_told_nothing_more(place: Place):
    bob = as_principal(place, "Bob")
    _, ended = [
        add_webhook(bob, f"https://{name}.example/", now=place.here.now(), random=SystemRandom())
        for name in ("kept", "ended")
    ]
    place.note()
    end_channel(bob, ended.name, now=place.here.now())
    sent = list[str]()

    def deliver(notice: NoticeSent) -> None:
        sent.append(notice.target)

    assert send_due({"webhook": deliver}, place.here.now) == SendingDone(sent=1)
    assert sent == ["https://kept.example/"]


def test_to_one_host_goes_one_after_the_other(place: Place):
    for path in ("a", "b", "c"):
        bob, address = as_principal(place, "Bob"), f"https://one.example/{path}"
        add_webhook(bob, address, now=place.here.now(), random=SystemRandom())
    place.note()
    under_way, most = threading.Semaphore(1), list[bool]()

    def deliver(_: NoticeSent) -> None:
        most.append(under_way.acquire(blocking=False))
        under_way.release()

    assert send_due({"webhook": deliver}, place.here.now) == SendingDone(sent=3)
    assert most == [True] * 3


def test_a_server_that_stops_begins_nothing_more(place: Place):
    place.note()
    ways = {"email": place.deliver}
    assert send_due(ways, place.here.now, lambda: bool(place.sent)) == SendingDone(sent=1)
    assert place.states() == ["sent", "due"]


def configured(place: Place, **changes: object) -> None:
    told = {"link": "https://reviews.example/"} | changes
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    (place.here.home / CONFIGURATION).write_text("\n".join(["[notices]", *lines]))


def test_one_of_several_processes_goes_round(place: Place):
    configured(place)
    first, second = Teller(place.here), Teller(place.here)
    assert (first.go_round(), second.go_round()) == (SendingDone(), None)
    # It goes on with its turn, and the other gets it once the first has not been heard of.
    assert (first.go_round(), second.go_round()) == (SendingDone(), None)
    sender = NoticeSender.objects.using(ACCOUNTS)
    assert sender.get().holder == first.name
    sender.update(until=database_time())
    assert (second.go_round(), first.go_round()) == (SendingDone(), None)


@pytest.mark.parametrize("setting", ["no word of notices", "not by the server"])
def test_nobody_is_told_by_a_server_that_is_not_to(place: Place, setting: str):
    if setting == "not by the server":
        configured(place, by_server=False)
    add_webhook(as_principal(place, "Bob"), HOOK, now=place.here.now(), random=SystemRandom())
    assert Teller(place.here).go_round() is None
    assert place.states() == []
    assert not NoticeSender.objects.using(ACCOUNTS).exists()


def test_a_round_looks_at_whose_cases_moved_and_at_all_now_and_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    asked = list[str]()

    def looked(_here: Installation, institution: str) -> Waiting:
        asked.append(institution)
        return Waiting((), 0, 0)

    monkeypatch.setattr(noticing, "what_waits", looked)
    configured(place)
    place.clock.pass_by(30)
    teller = Teller(place.here)
    teller.go_round()
    assert asked == [TREASURY, LAB]
    teller.go_round()
    assert asked == [TREASURY, LAB]
    (listed,) = place.here.records.cases()
    case = open_found(place.here, listed.case)
    case.record([judged.designation_concurred(case, TREASURY, 1, "covered")])
    teller.go_round()
    assert asked == [TREASURY, LAB] * 2
    # Once more, since a deed may come into the record later than it says; then no more.
    for times in (3, 3):
        place.clock.pass_by(2)
        teller.go_round()
        assert asked == [TREASURY, LAB] * times
    place.clock.pass_by(15)
    teller.go_round()
    assert asked == [TREASURY, LAB] * 4


def test_doctor_says_when_notices_are_stuck(place: Place, monkeypatch: pytest.MonkeyPatch):
    home = place.here.home

    def told() -> list[str]:
        return [f"{row.found}; {row.fix}" for row in examine_notices(home) if not row.ok]

    (off,) = examine_notices(home)
    assert off.found == "off: touchstone.toml says nothing of them"
    configured(place)
    assert told() == []
    place.note()
    rows = NoticeRow.objects.using(ACCOUNTS).order_by("pk")
    now = moment_of(place.here.now())
    monkeypatch.setattr(examining, "database_time", lambda: utc_text(now + timedelta(minutes=20)))
    assert told() == []
    monkeypatch.setattr(examining, "database_time", lambda: utc_text(now + timedelta(minutes=21)))
    (late,) = told()
    assert late.startswith("2 wait since")
    assert "keep `touchstone serve` running" in late
    rows.update(state="sent")
    rows.filter(pk=rows[0].pk).update(state="failed", fault="ConnectionRefusedError")
    (lost,) = told()
    assert lost.startswith("1 by email do not arrive: ConnectionRefusedError; look at smtp_host")
    rows.update(state="sent")
    NoticeSender.objects.using(ACCOUNTS).update_or_create(pk=1, defaults={"fault": "no room"})
    assert [each.partition(" (")[0] for each in told()] == ["the server's last round failed"]
    NoticeSender.objects.using(ACCOUNTS).update(fault="")
    configured(place, sender="a@example.org", smtp_user="a", smtp_password_env="EXAMPLE_UNSET")
    assert [each.partition(";")[0] for each in told()] == ["no mail can be sent"]
    configured(place, sender=7)
    assert [each.partition(";")[0] for each in told()] == ["cannot be configured"]


def test_a_round_that_fails_is_told_of_and_the_next_is_gone_all_the_same(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    configured(place)
    rounds = list[str]()
    teller = Teller(place.here)

    def go_round(*_: object) -> SendingDone:
        rounds.append(NoticeSender.objects.using(ACCOUNTS).get().fault)
        if len(rounds) == 3:
            teller.stop(0)
        if len(rounds) == 2:
            raise ValueError("some fault of ours")
        raise FullError("no room")

    monkeypatch.setattr(telling, "ROUND_SECONDS", 0.0)
    monkeypatch.setattr(telling, "go_round", go_round)
    teller.keep()
    assert rounds == ["", "no room", "ValueError"]
    assert caplog.text.count("notices: no room") == 2
    sender = NoticeSender.objects.using(ACCOUNTS).get()
    assert (sender.fault, sender.until) == ("no room", "")
