"""The short form of `make fuzz`, and that it would see what it looks for."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway import key_of
from support.gateway_fuzz import __main__ as program
from support.gateway_fuzz import campaign
from support.gateway_fuzz.campaign import BrokenError, Target, batches, meaning, target
from support.gateway_fuzz.hostile import Case

SECONDS = 3.0
SEED = 20_261_125
"""Its first batch has callers who are served."""
GOOD = b'{"model":"example-model","messages":[]}'


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(tmp_path_factory.mktemp("fuzz")) as found:
        yield found


def request(person: str, body: bytes = GOOD) -> Case:
    """A request with a person's key."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key_of(person)}"
        f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Case(head.encode() + body, frozenset({person}))


def test_a_campaign_and_nothing_secret_is_left_behind(fired: Target, tmp_path: Path):
    """Attacks of every kind; then every file of the gateway is searched for what it was shown."""
    assert program.campaign(fired, SEED, SECONDS, tmp_path / "found.json") == 0
    assert not (tmp_path / "found.json").exists()
    assert fired.tally.cases >= program.BATCH
    assert {200, 400} <= {*fired.tally.answers}


def test_a_seed_gives_the_same_cases_again():
    one, two = (next(batches(7, 8)) for _ in range(2))
    assert [(case.people, case.door, len(case.data)) for case in one] == [
        (case.people, case.door, len(case.data)) for case in two
    ]


def test_a_case_comes_back_from_its_file(fired: Target, tmp_path: Path):
    path, case = tmp_path / "found.json", request("ann")
    path.write_text(json.dumps({"cases": [case.as_json()], "endpoint": 200}))
    assert Case.from_json(json.loads(path.read_text())["cases"][0]) == case
    assert program.replay(fired, path) == 0


@pytest.mark.parametrize(
    ("case", "why"),
    [
        # As if these credentials were nobody's: what the gateway then does looks like a breach.
        (Case(request("ann").data, frozenset()), "nobody was answered 200"),
        (
            Case(
                request("ann", GOOD[:-1] + b',"reasoning_effort":"high"}').data, frozenset({"bea"})
            ),
            "forwarded for nobody who may use thinking",
        ),
    ],
)
def test_twin_a_breach_is_seen(fired: Target, case: Case, why: str):
    with pytest.raises(BrokenError, match=why):
        asyncio.run(fired.throw([case]))


def test_twin_a_breach_is_kept_for_replay(
    fired: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bad, out = Case(request("ann").data, frozenset()), tmp_path / "found.json"
    monkeypatch.setattr(program, "batches", lambda *_: iter([[bad, request("bea")]]))
    assert program.campaign(fired, 1, 1.0, out) == 1
    assert [Case.from_json(each) for each in json.loads(out.read_text())["cases"]] == [bad]
    assert program.replay(fired, out) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"model":"example-model","model":"x"}', "twice"),
        (b'{"model":"example-model","Model":"x"}', "two spellings"),
        (b'{"model":"example-model"', "no JSON"),
        (b'{"model":"\xff"}', "no JSON"),
        (b'{"model":"x"}', "nobody offers"),
    ],
)
def test_twin_a_body_with_two_readings_is_seen(body: bytes, why: str):
    with pytest.raises(BrokenError, match=why):
        meaning("/v1/chat/completions", body)


def test_twin_a_secret_in_a_file_or_an_answer_is_seen(fired: Target, tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_text(f"x {fired.secrets[0]} y")
    assert [*campaign.secret_files(tmp_path, fired.secrets)] == [tmp_path / "deep" / "log"]
    with pytest.raises(BrokenError, match="holds"):
        fired._check_quiet(f"x{fired.secrets[1]}", "an answer")


def test_twin_what_nobody_decided_is_seen(fired: Target, monkeypatch: pytest.MonkeyPatch):
    fired.check_audit()
    monkeypatch.setattr(fired, "seen", [*fired.seen, ("restricted", "thinking")])
    with pytest.raises(BrokenError, match="without a decision"):
        fired.check_audit()
