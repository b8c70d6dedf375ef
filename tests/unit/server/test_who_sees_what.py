"""Every route for every role and party: what may not be asked for, or seen, is in no answer.

The table of routes makes the tests, so that a new route is tested as soon as it is declared.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from support.asked_site import (
    AGENCY,
    CASES,
    CENTRE,
    ENDPOINT_KEY,
    GONE,
    INVITED,
    LAB,
    MARKINGS,
    MEMBERS,
    NOBODY,
    OUTSIDE,
    PARTIES,
    STRANGER,
    THERE,
    UNKNOWN,
    Heard,
    Person,
    Site,
    asked_site,
)
from support.party_server import CASE
from touchstone.clearance import decide
from touchstone.ledger import dumps
from touchstone.records import FullError
from touchstone.records.deeds import Deeds
from touchstone.server.accounts.models import SensitiveRead
from touchstone.server.accounts.roles import ADMINISTRATOR, scopes_of
from touchstone.server.api.declared import ANY, DECLARED, Need
from touchstone.server.api.problems import PROBLEM

IN_PATHS = {
    "case": CASE,
    "digest": f"sha256:{'ab' * 32}",
    "person": "p" + "0" * 24,
    "key": "0" * 64,
    "name": "EXAMPLE_OTHER_KEY",
    "token": "A" * 43,
    "transcript": "3-0-1",
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "v1/cases/<case>/deeds"): {"envelope": {}, "parts": []},
    ("POST", "v1/cases/<case>/deeds/cancel"): {"envelope": {}},
    ("POST", "v1/cases/<case>/drafts/destruction"): {"reason": "The time is over."},
    ("POST", "v1/cases/<case>/drafts/report"): {"audience": "example-lab"},
    ("POST", "v1/invitations/redeem"): {"proof": "0", "envelope": {}},
    ("POST", "v1/tokens"): {"envelope": {}},
    ("PUT", "v1/cases/<case>/endpoint-keys/<name>"): {"value": "any"},
    ("PUT", "v1/people/<person>/roles"): {"roles": ["reviewer"]},
}
ONCE = {("DELETE", "v1/tokens/current")}
"""It ends the token that everything is asked with."""
EVERY = sorted(DECLARED)
OF_CASES = [each for each in EVERY if "<case>" in each[1]]
WHOLE = ("entries", "bundle", "report")
"""What shows a case's words."""
Answer = tuple[int, bytes, str]


def ask(
    site: Site, method: str, route: str, token: str, case: str = CASE, person: str = ""
) -> Answer:
    """Status, body and headers of the answer to a route."""
    path = f"/{route}"
    for name, value in IN_PATHS.items():
        given = {"case": case, "person": person or value}.get(name, value)
        path = path.replace(f"<{name}>", given)
    assert "<" not in path, "say in IN_PATHS what stands there"
    body = BODIES.get((method, route))
    return site.ask(method, path, token, b"" if body is None else dumps(body))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with asked_site(tmp_path_factory.mktemp("seen")) as made:
        yield made


@dataclass(frozen=True)
class Asked:
    """One cell of the table, and what was answered."""

    person: Person
    method: str
    route: str
    case: str
    status: int
    said: str
    """Body and headers."""

    def __str__(self) -> str:
        return f"{self.person.party} {self.person.role} {self.method} {self.route} {self.case}"

    @property
    def shows_words(self) -> bool:
        return self.route.rpartition("/")[2] in WHOLE


@dataclass(frozen=True)
class Table:
    """Every person, route, method and case, asked once; and what the server wrote meanwhile."""

    cells: tuple[Asked, ...]
    log: str


@pytest.fixture(scope="module")
def table(site: Site) -> Table:
    cells = list[Asked]()
    with Heard().listening() as heard:
        for person in site.people.values():
            for method, route in EVERY:
                if (method, route) in ONCE:
                    continue
                # Another party's person, who must not be seen; an administrator would end it.
                other = site.people[AGENCY if person.party != AGENCY else LAB, "lead"]
                named = other.device.person if person.party else ""
                for case in CASES if "<case>" in route else ("",):
                    status, body, headers = ask(site, method, route, person.token, case, named)
                    said = body.decode("utf-8", "replace") + headers
                    cells.append(Asked(person, method, route, case, status, said))
    return Table(tuple(cells), "\n".join(heard.lines))


def may(role: str, need: Need) -> bool:
    if need.scope is None:
        return True
    return role in need.roles and need.scope in {ANY, *scopes_of([role])}


def test_each_role_is_let_to_what_the_table_says_and_to_nothing_else(site: Site, table: Table):
    refused = set()
    for cell in table.cells:
        need = DECLARED[cell.method, cell.route]
        if not may(cell.person.role, need):
            assert cell.status == 403, str(cell)
            # Whether the case is there is not told by the refusal.
            refused.add(cell.said if cell.method != "HEAD" else "")
        elif cell.person.party in {LAB, NOBODY} and "<person>" not in cell.route:
            assert cell.status != 403, str(cell)
    assert len(refused) <= 2
    (auditor, counterpart) = (site.people[LAB, each].token for each in ("auditor", "counterpart"))
    assert ask(site, "GET", "v1/cases", counterpart)[0] == 403
    assert ask(site, "GET", "v1/cases", auditor)[0] == 200


def test_whoever_is_unknown_gets_the_same_bytes_everywhere(site: Site):
    same = ask(site, "GET", "v1/me", "")
    assert same[0] == 401
    for method, route in EVERY:
        if DECLARED[method, route].scope is None:
            continue
        for token in ("", f"tst1_{'A' * 43}"):
            for case in (CASE, UNKNOWN):
                status, body, headers = ask(site, method, route, token, case)
                assert status == 401, (method, route)
                assert method == "HEAD" or (status, body, headers) == same, (method, route)


def test_every_marking_and_every_state_has_its_canary(site: Site):
    """Else nothing would be shown by what is found nowhere."""
    assert {each.case for each in site.canaries} == set(CASES)
    readers = {each.readers for each in site.canaries}
    assert {frozenset(MEMBERS), frozenset({LAB, CENTRE, AGENCY}), frozenset()} <= readers
    assert len(site.canaries) >= len(CASES) * len(MARKINGS)


def test_no_answer_holds_what_its_reader_may_not_see(site: Site, table: Table):
    for cell in table.cells:
        for canary in site.canaries:
            may_be = (
                cell.person.party in canary.readers
                and cell.person.contents
                and cell.case == canary.case
                and cell.shows_words
            )
            assert may_be or canary.text not in cell.said, f"{cell}: {canary.text}"


def test_what_its_reader_may_see_is_there(site: Site, table: Table):
    """Else nothing would be shown by what is not: of each marking, in each state."""
    seen = set[tuple[str, str]]()
    for cell in table.cells:
        shown = cell.status == 200 and cell.route.rpartition("/")[2] in {"entries", "bundle"}
        if shown and cell.person.contents:
            for canary in site.canaries:
                if canary.case == cell.case and cell.person.party in canary.readers:
                    assert canary.text in cell.said, f"{cell}: {canary.text}"
                    seen.add((canary.text, cell.person.party))
    assert seen == {(each.text, party) for each in site.canaries for party in each.readers}


def test_an_auditor_sees_what_was_done_and_not_what_was_said(table: Table):
    """Each entry that the party may read, with its signature and proofs, for it to check."""
    shown = {
        (cell.person.party, cell.case, cell.route, cell.person.role): cell
        for cell in table.cells
        if cell.route.endswith("/bundle") and cell.person.role in {"lead", "auditor"}
    }
    for party in THERE:
        for case in CASES:
            lead, auditor = (
                shown[party, case, "v1/cases/<case>/bundle", role].said
                for role in ("lead", "auditor")
            )
            facts = [f'"{kind}"' for kind in ("participation-noted", "review-halted", "envelope")]
            for each in facts:
                quoted = each.replace('"', '\\"')
                assert lead.count(quoted) == auditor.count(quoted)
                assert quoted in auditor


def test_twin_a_server_that_forgets_what_a_person_sees_is_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    token, words = site.people[LAB, "auditor"].token, site.canaries[0].text.encode()
    assert words not in ask(site, "GET", "v1/cases/<case>/entries", token)[1]
    monkeypatch.setattr(decide, "_beyond_sight", lambda *_, **__: "")
    assert words in ask(site, "GET", "v1/cases/<case>/entries", token)[1]


def test_names_are_told_to_their_own_leads_and_administrators(site: Site, table: Table):
    for cell in table.cells:
        for (party, role), other in site.people.items():
            own = cell.person is other or cell.person.role == ADMINISTRATOR
            if not own and (party != cell.person.party or cell.person.role != "lead"):
                assert site.name(party, role) not in cell.said, f"{cell}: {party} {role}"


def test_no_secret_is_in_any_answer_and_no_canary_in_the_log(site: Site, table: Table):
    assert "an answer of status" in table.log
    assert "touchstone.security" in table.log
    for secret in site.secrets():
        assert secret not in table.log
        assert not [str(cell) for cell in table.cells if secret in cell.said]
    for text in (*(each.text for each in site.canaries), "canary-name", ENDPOINT_KEY):
        assert text not in table.log


def test_every_answer_that_is_none_is_a_problem_and_none_is_a_fault(table: Table):
    for cell in table.cells:
        assert cell.status < 500, str(cell)
        if cell.status >= 400:
            assert f"('Content-Type', '{PROBLEM}')" in cell.said, str(cell)


def test_for_who_is_not_of_a_case_none_is_there(site: Site, table: Table):
    """Whatever its state: the bytes are those of a case that there never was."""
    for cell in table.cells:
        if cell.person.party in OUTSIDE and cell.case:
            status, body, headers = ask(
                site, cell.method, cell.route, cell.person.token, case=UNKNOWN
            )
            assert (cell.status, cell.said) == (status, body.decode() + headers), str(cell)
            assert status >= 400 or cell.method in {"HEAD", "DELETE"}, str(cell)
        # Whoever is invited reads of its own keys, to join, and of nothing else.
        if cell.person.party == INVITED and cell.route.rpartition("/")[2] in {"bundle", "report"}:
            assert cell.status == 404, str(cell)


def test_who_has_left_stages_no_evidence_as_if_there_were_no_case(site: Site):
    """By the law's own leaving and removal; whoever takes part may."""

    def staged(party: str, case: str) -> tuple[int, bytes]:
        path, token = f"/v1/cases/{case}/evidence/{IN_PATHS['digest']}", site.people[party, "lead"]
        ranged: dict[str, Any] = {
            "Content-Range": "bytes */70000",
            "Content-Type": "application/octet-stream",
        }
        found = site.ask("PUT", path, token.token, **ranged)
        return found[:2]

    assert staged(LAB, CASE)[0] == 200
    for party in GONE:
        assert staged(party, CASE) == staged(STRANGER, UNKNOWN) != staged(LAB, CASE)


def test_to_say_no_takes_no_longer_of_a_case_that_is_there(site: Site):
    """By what the record is asked: a case that is looked into first would be told by the time."""
    token = site.people[STRANGER, "lead"].token

    def asked(method: str, route: str, case: str) -> list[str]:
        found = list[str]()

        def note(execute: Any, sql: str, *more: Any) -> Any:
            found.extend([sql] if "records_" in sql else [])
            return execute(sql, *more)

        with ExitStack() as noting:
            for each in connections.all(initialized_only=True):
                noting.enter_context(each.execute_wrapper(note))
            ask(site, method, route, token, case=case)
        return found

    for method, route in OF_CASES:
        none = asked(method, route, UNKNOWN)
        for case in CASES:
            assert asked(method, route, case) == none, (method, route, case)


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_of_anothers_case_no_log_is_looked_into(
    site: Site, monkeypatch: pytest.MonkeyPatch, method: str
):
    """In this process: what was followed of a log before is found without asking the record."""
    looked = list[str]()
    of = Deeds.log

    def noted(taking: Deeds, case: str) -> Any:
        looked.append(case)
        return of(taking, case)

    monkeypatch.setattr(Deeds, "log", noted)
    for party, found in ((STRANGER, []), (LAB, [CASE])):
        looked.clear()
        token = site.people[party, "lead"].token
        ask(site, method, "v1/cases/<case>/evidence/<digest>", token)
        assert looked[:1] == found


@pytest.mark.parametrize(
    ("route", "name", "kind"),
    [
        ("bundle", "bundle.jsonl", "application/jsonl"),
        ("report", "report.html", "text/html; charset=utf-8"),
    ],
)
def test_what_is_taken_home_has_a_name_of_ours_and_a_kind(
    site: Site, route: str, name: str, kind: str
):
    token = site.people[LAB, "lead"].token
    status, _, headers = ask(site, "GET", f"v1/cases/<case>/{route}", token)
    assert status == 200
    assert str(("Content-Disposition", f'attachment; filename="{name}"')) in headers
    assert str(("Content-Type", kind)) in headers


def test_whoever_reads_is_written_down_and_the_developer_is_told(site: Site):
    SensitiveRead.objects.all().delete()
    size = site.serving.here.records.case(CASE).size
    for party, route in ((AGENCY, "entries"), (CENTRE, "bundle"), (LAB, "report")):
        token = site.people[party, "lead"].token
        assert ask(site, "GET", f"v1/cases/<case>/{route}", token)[0] == 200
    for party in (STRANGER, NOBODY):
        ask(site, "GET", "v1/cases/<case>/entries", site.people[party, role_of(party)].token)
    # Nothing new is nothing read.
    token = site.people[AGENCY, "lead"].token
    own = {"Authorization": f"Bearer {token}"}
    assert site.client.get(f"/v1/cases/{CASE}/entries?start={size}", headers=own).status_code == 200
    status, body, _ = ask(site, "GET", "v1/cases/<case>/reads", site.people[LAB, "lead"].token)
    reads = json.loads(body)["reads"]
    told = [(each["party"], each["route"], each["first"], each["last"]) for each in reads]
    assert (status, told) == (
        200,
        [
            (AGENCY, "v1/cases/<case>/entries", 0, size - 1),
            (CENTRE, "v1/cases/<case>/bundle", 0, size - 1),
            (LAB, "v1/cases/<case>/report", 0, size - 1),
        ],
    )
    people = {party: site.people[party, "lead"].device.person for party in MEMBERS}
    assert [each["person"] for each in reads] == [people[each] for each, *_ in told]
    for party, status in ((CENTRE, 403), (AGENCY, 403), (INVITED, 404), (STRANGER, 404)):
        token = site.people[party, "lead"].token
        found, body, _ = ask(site, "GET", "v1/cases/<case>/reads", token)
        why = b"who read a case is told to the people of its developer alone"
        assert (found, why in body) == (status, status == 403)


def test_nothing_is_read_that_cannot_be_written_down(site: Site, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise FullError("no room")

    monkeypatch.setattr("touchstone.server.api.case_reads.note_read", full)
    for route in ("entries", "bundle", "report"):
        status, body, _ = ask(
            site, "GET", f"v1/cases/<case>/{route}", site.people[LAB, "lead"].token
        )
        assert status == 503
        assert not any(canary.text.encode() in body for canary in site.canaries)


def test_a_party_lists_its_own_cases_alone(site: Site):
    for party in PARTIES:
        token = site.people[party, role_of(party)].token
        status, body, _ = ask(site, "GET", "v1/cases", token)
        if party == NOBODY:
            assert status == 403
            continue
        listed = sorted(each["case"] for each in json.loads(body)["cases"])
        assert listed == (sorted(CASES) if party in MEMBERS else [])
        _, body, _ = ask(site, "GET", "v1/invitations", token)
        invited = [each["case"] for each in json.loads(body)["invitations"]]
        assert sorted(invited) == (sorted(CASES) if party == INVITED else [])


def role_of(party: str) -> str:
    return "lead" if party else ADMINISTRATOR


@pytest.mark.parametrize("party", MEMBERS)
def test_people_of_others_are_as_nobody(site: Site, party: str):
    token = site.people[party, "lead"].token
    for method, route in EVERY:
        if "<person>" not in route:
            continue
        for other in set(PARTIES) - {party}:
            device = site.people[other, role_of(other)].device
            answer = ask(site, method, route, token, person=device.person)
            assert answer == ask(site, method, route, token)
            assert answer[0] == 404


def test_nobody_was_changed_by_asking(site: Site):
    for person in site.people.values():
        assert ask(site, "GET", "v1/me", person.token)[0] == 200
