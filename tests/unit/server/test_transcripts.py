"""Transcripts: looked at by who may read them, taken by who is handed copies, and no one else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client

from support.eval_logs import eval_log, sample
from support.small_case import Minutes, record_chunk, small_case
from touchstone.clearance import EVERY_PARTY, SIGHTS, Decision, Marking, decide, tlp
from touchstone.deeds.cases import agreement_signed
from touchstone.deeds.deed import Evidence
from touchstone.records import FullError
from touchstone.review import audience_view
from touchstone.server.accounts.models import RateRow, SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal
from touchstone.server.serving import SERVING, Serving
from touchstone.server.settings import set_up_server
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import reopen, seal

LAB, CENTRE, AGENCY, TREASURY, STRANGER = (
    "example-lab",
    "example-centre",
    "example-agency",
    "example-treasury",
    "example-stranger",
)
PARTIES = (LAB, CENTRE, AGENCY, TREASURY, STRANGER)
ROLES = ("lead", "evaluator", "outside-evaluator", "official", "reviewer", "auditor", "counterpart")
MARKINGS = (
    tlp("RED", CENTRE),
    tlp("RED", AGENCY),
    tlp("AMBER+STRICT", LAB, CENTRE),
    tlp("AMBER+STRICT", LAB, CENTRE, AGENCY),
    tlp("AMBER", EVERY_PARTY),
    tlp("AMBER"),
    tlp("GREEN"),
    Marking(scheme="OTHER:1", label="CLEAR"),
)
TOLD = {
    "result": "solved",
    "usage": {"input": 1, "output": 1, "reasoning": 0},
    "seconds": "1.0",
}
SPOILT = "canary-of-no-log"


def canary(place: int) -> str:
    return f"canary-{place}-of-what-was-said"


def readers(place: int) -> set[str]:
    """By the laws of clearance, said once more and otherwise than there."""
    marking, there = MARKINGS[place], {LAB, CENTRE, AGENCY, TREASURY}
    if marking.scheme != "TLP:2.0":
        return set()
    if EVERY_PARTY in marking.parties or marking.label == "GREEN":
        return there
    # The centre's deed it is, whoever is named beside it.
    return {*marking.parties, CENTRE} & there


def known(authorization: str | None, _now: str) -> Principal:
    party, _, role = (authorization or "").removeprefix("Bearer ").partition(" ")
    if party not in PARTIES:
        raise NotAuthenticatedError("no token")
    return Principal(f"p-{party}-{role}", party, frozenset({role}), frozenset({"read"}), role)


@dataclass
class Scene:
    """A case whose chunks are each marked otherwise, and its server."""

    case: Case
    client: Client
    names: dict[int, str] = field(default_factory=dict)
    """Of the transcripts, by the place of their marking."""

    def ask(self, party: str, path: str = "", role: str = "lead", case: str = "") -> Any:
        RateRow.objects.all().delete()
        url = f"/v1/cases/{case or self.case.id}/transcripts{path}"
        answer = self.client.get(url, headers={"Authorization": f"Bearer {party} {role}"})
        streamed = getattr(answer, "streaming_content", None)
        return answer.status_code, b"".join(streamed) if streamed else answer.content

    def listed(self, party: str, role: str = "lead") -> list[dict[str, Any]]:
        status, said = self.ask(party, role=role)
        assert status == 200, said
        found: list[dict[str, Any]] = json.loads(said)["transcripts"]
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    set_up_server()
    with small_case(tmp_path_factory.mktemp("transcripts"), Minutes()) as case:
        open_accounts(case.installation.home, None)
        seal(case, len(MARKINGS) + 1, "confined", accepted=True)
        prepared = reopen(case)
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        made = Scene(case, client)
        for place, marking in enumerate(MARKINGS):
            data = eval_log({place: sample(canary(place), f"so says {canary(place)}")})
            log = Evidence(data, "application/zip", "chunk.eval", marking)
            told = [{**TOLD, "index": place, "said": canary(place)}]
            record_chunk(case, prepared, prepared.runs[0], [place], lambda _: True, told, log=log)
            n = case.installation.records.case(case.id).size - 1
            made.names[place] = f"{n}-{place}-1"
        last = len(MARKINGS)
        log = Evidence(SPOILT.encode(), "application/zip", "chunk.eval", tlp("RED", CENTRE))
        record_chunk(case, prepared, prepared.runs[0], [last], lambda _: False, log=log)
        record_chunk(case, prepared, prepared.runs[1], [0], lambda _: False)
        cast("dict[str, object]", client.defaults)[SERVING] = Serving(case.installation, known)
        yield made


def agree(case: Case, *lookers: str) -> None:
    """Another text of the agreement, which makes answers view only for these."""
    (opened,) = case.entries_of("case-opened")
    # One that never held before: else it would not again.
    days = 20 + case.installation.records.case(case.id).size
    text = {
        **opened.content("agreement"),
        "view_only": list(lookers),
        "retention_days": days,
    }
    for each in (LAB, CENTRE):
        case.record([agreement_signed(case, each, text, text_recorded=False)])


@pytest.fixture(params=[(), (CENTRE, AGENCY)], ids=["taken", "looked-at"])
def lookers(request: pytest.FixtureRequest, scene: Scene) -> set[str]:
    """Whom the agreement that holds lets look alone."""
    agree(scene.case, *request.param)
    return set(request.param)


def test_each_cell_of_role_and_marking_and_agreement(scene: Scene, lookers: set[str]):
    """Who looks, who takes, and that nothing of a transcript is in any other answer."""
    looked, taken = set[tuple[str, int]](), set[tuple[str, int]]()
    for party in PARTIES:
        # All roles of one party: what a role shows does not depend on whose it is.
        for role in ROLES if party == AGENCY else ("lead", "auditor"):
            contents = SIGHTS[role] == "contents"
            answers = [scene.ask(party, role=role)]
            for place, name in scene.names.items():
                may = contents and party in readers(place)
                shown, log = (
                    scene.ask(party, f"/{name}", role),
                    scene.ask(party, f"/{name}/log", role),
                )
                answers += [shown, log]
                cell = (party, role, MARKINGS[place])
                assert (shown[0] == 200, canary(place).encode() in shown[1]) == (may, may), cell
                assert (log[0] == 200) is (may and party not in lookers), cell
                if may:
                    looked.add((party, place))
                if log[0] == 200:
                    taken.add((party, place))
                    assert log[1].startswith(b"PK")
            for place in scene.names:
                if not contents or party not in readers(place):
                    held = b"".join(said for _, said in answers)
                    assert canary(place).encode() not in held
    # Else nothing would be shown by what nobody may.
    assert looked == {(party, place) for place in scene.names for party in readers(place)}
    assert taken == {(party, place) for party, place in looked if party not in lookers}


def test_a_list_names_those_that_its_reader_may_look_at(scene: Scene):
    for party in (LAB, CENTRE, AGENCY, TREASURY):
        listed = {each["name"] for each in scene.listed(party)}
        named = {name for place, name in scene.names.items() if party in readers(place)}
        assert listed >= named
        assert not listed & (set(scene.names.values()) - named), party
    assert scene.listed(CENTRE, "auditor") == []


def test_denied_is_the_same_as_absent(scene: Scene):
    denied = scene.names[0]
    for path in ("/{}", "/{}/log"):
        for role in ("lead", "official", "auditor"):
            absent = scene.ask(AGENCY, path.format("9999-0-1"), role)
            assert scene.ask(AGENCY, path.format(denied), role) == absent
        # Of a position that no chunk ran, and of what is no name.
        for name in (f"{denied[:-1]}2", "1-1", "..", "%2e%2e"):
            assert scene.ask(AGENCY, path.format(name))[0] in {404, 409}
    none = scene.ask(STRANGER, case="case-of-nobody")
    assert scene.ask(STRANGER) == none
    assert scene.ask(STRANGER, f"/{denied}") == none


def test_twin_without_sight_or_marking_it_would_be_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    name, words = scene.names[2], canary(2).encode()
    assert words not in scene.ask(LAB, f"/{name}", "auditor")[1]
    monkeypatch.setattr(decide, "_beyond_sight", lambda *_, **__: "")
    assert words in scene.ask(LAB, f"/{name}", "auditor")[1]
    assert words not in scene.ask(AGENCY, f"/{name}")[1]
    monkeypatch.setattr(audience_view, "may_read", lambda *_, **__: Decision(True, ""))  # noqa: FBT003
    assert words in scene.ask(AGENCY, f"/{name}")[1]


def test_who_may_look_alone_is_told_why_it_takes_nothing(scene: Scene):
    agree(scene.case, AGENCY)
    name = scene.names[3]
    assert canary(3).encode() in scene.ask(AGENCY, f"/{name}")[1]
    status, said = scene.ask(AGENCY, f"/{name}/log")
    assert (status, json.loads(said)["code"]) == (409, "view-only")
    agree(scene.case)
    assert scene.ask(AGENCY, f"/{name}/log")[0] == 200


def test_what_cannot_be_looked_at_is_said(scene: Scene):
    rows = {(each["mode"], each["position"]): each for each in scene.listed(CENTRE)}
    spoilt, without = rows["instant", len(MARKINGS)], rows["thinking", 0]
    assert (spoilt["readable"], without["readable"]) == ("yes", "no log of its chunk was kept")
    for row, why in ((spoilt, "not one that Inspect wrote"), (without, "no log")):
        status, said = scene.ask(CENTRE, f"/{row['name']}")
        assert (status, why in json.loads(said)["detail"]) == (409, True)
    assert scene.ask(CENTRE, f"/{without['name']}/log")[0] == 409


def test_a_log_that_is_too_large_is_not_opened(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("touchstone.service.access.transcripts.MOST_OF_LOG", 10)
    # Not even read from the disk.
    monkeypatch.setattr("touchstone.records.reader.CaseReader.evidence_pieces", None)
    status, said = scene.ask(CENTRE, f"/{scene.names[0]}")
    assert (status, "too large, not looked at" in json.loads(said)["detail"]) == (409, True)


def test_each_look_is_written_down_before_it_is_answered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    agree(scene.case)
    SensitiveRead.objects.all().delete()
    name = scene.names[3]
    scene.ask(AGENCY)
    scene.ask(AGENCY, f"/{name}", "official")
    scene.ask(LAB, f"/{name}/log")
    scene.ask(TREASURY, f"/{name}")
    scene.ask(STRANGER, f"/{name}")
    route, n = "v1/cases/<case>/transcripts", int(name.partition("-")[0])
    found = [(row.person, row.route, row.first, row.last) for row in SensitiveRead.objects.all()]
    first = min(int(each["name"].partition("-")[0]) for each in scene.listed(AGENCY))
    assert found[1:] == [
        (f"p-{AGENCY}-official", f"{route}/{name}", n, n),
        (f"p-{LAB}-lead", f"{route}/{name}/log", n, n),
    ]
    assert found[0][:3] == (f"p-{AGENCY}-lead", route, first)

    def full(*_: object, **__: object) -> None:
        raise FullError("no room")

    monkeypatch.setattr("touchstone.server.accounts.transcript_reads.note_read", full)
    for path in ("", f"/{name}", f"/{name}/log"):
        status, said = scene.ask(AGENCY, path)
        assert (status, canary(3).encode() in said) == (503, False)


def test_pages_are_asked_for_within_bounds(scene: Scene):
    name = scene.names[1]
    status, said = scene.ask(AGENCY, f"/{name}?start=1&most=1&text=6")
    page = json.loads(said)["page"]
    (text,) = page["said"]
    assert (status, text["text"], text["message"], page["next"]) == (200, "so say", 1, None)
    assert text["left_out"] == len(f"so says {canary(1)}") - 6
    for query in ("start=-1", "most=0", "most=201", "text=0", "text=100001", "other=1"):
        assert scene.ask(AGENCY, f"/{name}?{query}")[0] == 422, query


def test_it_lies_there_sealed_and_is_opened_in_memory_alone(scene: Scene):
    before = set(_files(scene.case.installation.home))
    assert canary(3).encode() in scene.ask(AGENCY, f"/{scene.names[3]}")[1]
    held = _files(scene.case.installation.home)
    assert {path for path in held if path.stat().st_size} - before == set()
    assert not [path for path in held if b"samples/3_epoch_1.json" in path.read_bytes()]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
