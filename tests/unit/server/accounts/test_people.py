"""Who may say who comes in, and what ends with an account."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from support.accounts import NOW, RANDOM, Device, administrator, invited, let_in
from touchstone.server.accounts import people
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.errors import (
    AccountsError,
    BadAccountError,
    LastAdministratorError,
    NoSuchPersonError,
    NotManagedError,
    NotUsableError,
    UnprovenError,
)
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import Account, AccountInvitation
from touchstone.server.accounts.people import (
    change_roles,
    first_administrator,
    invite,
    invite_again,
    list_acts,
    list_people,
    remove_person,
    revoke_device,
    shown_person,
)
from touchstone.server.accounts.roles import ADMINISTRATOR, PARTY_ROLES, may_manage
from touchstone.server.accounts.secret_codes import new_code, new_token
from touchstone.server.errors import NotAuthenticatedError

MACHINE = Manager.machine()
MINUTE_LATER = "2026-12-01T09:01:00Z"
HOSTILE = ("", " ", "a b", "Public", "public", "everyone", "tlp", "agency", "x" * 65, "../x", "é")


def manager(device: Device, institution: str, *roles: str) -> Manager:
    return Manager(device.person, institution, frozenset(roles))


def lead_of(institution: str) -> Manager:
    return manager(let_in(institution, "lead"), institution, "lead")


def test_a_code_is_shown_once_and_kept_as_a_digest():
    told = invited("example-lab", "submitter")
    row = AccountInvitation.objects.get(account__person=told.person)
    assert told.code not in str(vars(row))
    assert told.code.replace("-", "") not in str(vars(row))
    assert told.expires == "2026-12-08T09:00:00Z"


@pytest.mark.parametrize("institution", HOSTILE[1:])
def test_an_institution_is_a_partys_id(institution: str):
    with pytest.raises(BadAccountError):
        invited(institution, "submitter")


def test_a_centre_may_be_called_so():
    assert shown_person(MACHINE, invited("centre", "lead").person).institution == "centre"


@pytest.mark.parametrize(
    ("institution", "roles"),
    [
        ("example-lab", ()),
        ("example-lab", ("owner",)),
        ("example-lab", (ADMINISTRATOR,)),
        ("example-lab", ("lead", ADMINISTRATOR)),
        ("", ()),
        ("", ("lead",)),
        ("", (ADMINISTRATOR, "lead")),
    ],
)
def test_roles_are_those_of_the_table_and_an_administrator_is_nothing_else(
    institution: str, roles: tuple[str, ...]
):
    with pytest.raises(BadAccountError):
        invited(institution, *roles)


@pytest.mark.parametrize("name", ["", " ", " a", "a\nb", "a\x00b", "a\u202eb", "\udc9b", "x" * 201])
def test_a_name_is_one_line_that_all_can_see(name: str):
    with pytest.raises(BadAccountError, match="one line"):
        invited("example-lab", "lead", name=name)


@pytest.mark.parametrize("email", ["a", "a@", "a@b", "a@b.org\n", "a b@c.org", "a@b.org," * 60])
def test_an_email_address_has_the_form_of_one(email: str):
    with pytest.raises(BadAccountError, match="e-mail"):
        invite(MACHINE, "example-lab", ["lead"], "A", email, now=NOW, random=RANDOM)


def test_nobody_has_a_password():
    told = invited("example-lab", "lead")
    account = Account.objects.get(person=told.person)
    assert not account.has_usable_password()


def test_a_lead_invites_for_its_own_institution_and_no_administrators():
    lead = lead_of("example-lab")
    told = invite(lead, "example-lab", ["submitter"], "A", now=NOW, random=RANDOM)
    assert shown_person(lead, told.person).roles == ("submitter",)
    for institution, role in (("example-agency", "official"), ("", ADMINISTRATOR)):
        with pytest.raises(NotManagedError):
            invite(lead, institution, [role], "A", now=NOW, random=RANDOM)


@pytest.mark.parametrize("role", sorted(PARTY_ROLES - {"lead"}))
def test_nobody_else_says_who_comes_in(role: str):
    own = manager(let_in("example-lab", role), "example-lab", role)
    other = invited("example-lab", "submitter").person
    acts: list[Callable[[], Any]] = [
        lambda: invite(own, "example-lab", ["submitter"], "A", now=NOW, random=RANDOM),
        lambda: list_people(own),
        lambda: list_acts(own),
    ]
    for act in acts:
        with pytest.raises(NotManagedError):
            act()
    with pytest.raises(NoSuchPersonError):
        remove_person(own, other, now=NOW)


def test_whoever_is_of_another_institution_is_as_nobody():
    lead = lead_of("example-lab")
    other = let_in("example-agency", "official")
    everything: list[Callable[[str], Any]] = [
        lambda person: shown_person(lead, person),
        lambda person: invite_again(lead, person, now=NOW, random=RANDOM),
        lambda person: change_roles(lead, person, ["reviewer"], now=NOW),
        lambda person: remove_person(lead, person, now=NOW),
        lambda person: revoke_device(lead, person, other.key, now=NOW),
    ]
    nobody = ("p" + "0" * 24, "", "\x00", "\udc9b", "p" * 100)
    for act in everything:
        for person in (other.person, *nobody):
            with pytest.raises(NoSuchPersonError, match=r"^there is no such person$"):
                act(person)
    assert other.token("read").token
    assert other.person not in {each.person for each in list_people(lead).people}
    assert other.person not in {each.person for each in list_acts(lead)}


def test_a_lead_gives_nobody_more_than_it_may():
    lead = lead_of("example-lab")
    told = invite(lead, "example-lab", ["submitter"], "A", now=NOW, random=RANDOM)
    with pytest.raises(NotManagedError):
        change_roles(lead, told.person, [ADMINISTRATOR], now=NOW)
    with pytest.raises(BadAccountError):
        change_roles(MACHINE, told.person, [ADMINISTRATOR], now=NOW)
    assert shown_person(MACHINE, told.person).roles == ("submitter",)


def test_a_person_that_is_removed_is_out_at_once():
    device = let_in("example-lab", "submitter")
    header = f"Bearer {device.token('read').token}"
    again = invite_again(MACHINE, device.person, now=NOW, random=RANDOM)
    assert principal_of(header, NOW).person == device.person
    remove_person(MACHINE, device.person, now=NOW)
    with pytest.raises(NotAuthenticatedError):
        principal_of(header, NOW)
    with pytest.raises(UnprovenError):
        device.token("read")
    with pytest.raises(NotUsableError):
        Device("second").joins(again)
    with pytest.raises(BadAccountError, match="removed"):
        invite_again(MACHINE, device.person, now=NOW, random=RANDOM)
    remove_person(MACHINE, device.person, now=MINUTE_LATER)
    assert [each.act for each in acts_on(device.person)][-1:] == ["removed"]
    assert not shown_person(MACHINE, device.person).active
    codes = AccountInvitation.objects.filter(account__person=device.person, used_at="")
    assert [each.revoked_at for each in codes] == [NOW]


def test_whoever_is_of_a_party_is_no_administrator():
    """Else one row that is wrong would give out accounts for all."""
    assert may_manage("", {ADMINISTRATOR}, "example-lab", {"lead"})
    assert not may_manage("example-lab", {ADMINISTRATOR}, "example-lab", {"lead"})
    assert not may_manage("", {"lead"}, "", {ADMINISTRATOR})


def test_a_device_that_is_revoked_is_out_and_the_persons_other_one_is_not():
    first = let_in("example-lab", "submitter")
    second = Device("second").joins(invite_again(MACHINE, first.person, now=NOW, random=RANDOM))
    headers = [f"Bearer {each.token('read').token}" for each in (first, second)]
    revoke_device(MACHINE, first.person, first.key, now=NOW)
    with pytest.raises(NotAuthenticatedError):
        principal_of(headers[0], NOW)
    with pytest.raises(UnprovenError):
        first.token("read")
    assert principal_of(headers[1], NOW).person == first.person
    revoked = [each.revoked for each in shown_person(MACHINE, first.person).devices]
    assert revoked == [NOW, ""]
    for key in (second.key[:-1], "", "\x00", "0" * 64):
        with pytest.raises(NoSuchPersonError):
            revoke_device(MACHINE, first.person, key, now=NOW)


def test_a_new_code_ends_the_one_before_it():
    told = invited("example-lab", "submitter")
    again = invite_again(MACHINE, told.person, now=NOW, random=RANDOM)
    with pytest.raises(NotUsableError):
        Device("first").joins(told)
    assert Device("second").joins(again).person == told.person


def acts_on(person: str) -> list[people.ShownAct]:
    found, after = [], 0
    while page := list_acts(MACHINE, after=after):
        found += [each for each in page if each.person == person]
        after = page[-1].n
    return found


def test_every_act_is_written_down_with_whose_it_was():
    lead = lead_of("example-lab")
    told = invite(lead, "example-lab", ["submitter"], "A", now=NOW, random=RANDOM)
    device = Device("a").joins(told)
    change_roles(lead, told.person, ["reviewer"], now=MINUTE_LATER)
    revoke_device(lead, told.person, device.key, now=MINUTE_LATER)
    remove_person(lead, told.person, now=MINUTE_LATER)
    assert [(each.act, each.by, each.at) for each in acts_on(told.person)] == [
        ("invited", lead.person, NOW),
        ("device-added", told.person, NOW),
        ("roles-changed", lead.person, MINUTE_LATER),
        ("device-revoked", lead.person, MINUTE_LATER),
        ("removed", lead.person, MINUTE_LATER),
    ]
    assert told.code not in str(acts_on(told.person))


def test_people_come_page_by_page_each_once():
    lead = lead_of("example-pages")
    own = {invited("example-pages", "reviewer").person for _ in range(6)} | {lead.person}
    seen: list[str] = []
    after = ""
    while True:
        page = list_people(lead, after=after, most=3)
        seen += [each.person for each in page.people]
        after = page.after
        if not after:
            break
    assert sorted(seen) == sorted(own)
    assert list_people(lead, after="", most=10**9).people
    for bad in ("x", "p", "\x00", seen[0] + "0"):
        with pytest.raises(BadAccountError):
            list_people(lead, after=bad)


def test_a_list_takes_as_many_queries_for_many_as_for_few():
    counts = []
    for more in (1, 6):
        for _ in range(more):
            let_in("example-queries", "reviewer")
        with CaptureQueriesContext(connection) as asked:
            list_people(Manager("x", "example-queries", frozenset({"lead"})))
        counts.append(len(asked))
    assert counts[0] == counts[1] == 3


def test_there_is_one_first_administrator_and_a_last_one():
    administrator()
    with pytest.raises(BadAccountError, match="there is an administrator"):
        first_administrator("B", now=NOW, random=RANDOM)
    everyone = Account.objects.filter(institution="", is_active=True).values_list("person")
    *others, (last,) = everyone
    for (person,) in others:
        remove_person(MACHINE, person, now=NOW)
    with pytest.raises(LastAdministratorError):
        remove_person(MACHINE, last, now=NOW)
    assert shown_person(MACHINE, last).active


def test_no_error_repeats_what_was_sent():
    for kind in AccountsError.__subclasses__():
        assert kind.__doc__
    with pytest.raises(BadAccountError) as caught:
        invite(MACHINE, "example-lab", ["lead"], "A", "canary@x", now=NOW, random=RANDOM)
    assert "canary" not in str(caught.value)


def test_secrets_have_more_than_128_bits():
    """Of each draw: 30 letters of 32 are 150 bits, and a token is 32 bytes."""
    drawn = list[int]()

    class Counting:
        def draw(self, size: int) -> bytes:
            drawn.append(size)
            return RANDOM.draw(size)

    letters = new_code(Counting()).replace("-", "")
    assert (len(letters), len(new_token(Counting()).removeprefix("tst1_"))) == (30, 43)
    assert drawn == [30, 32]
    assert len({new_code(RANDOM) for _ in range(1_000)}) == 1_000
