"""Deeds that are forged, held back, mangled or not from here, tokens that are stolen: over the API.

What each is refused with is the record's, which has its own tests with twins (`test_taken.py`);
here is that nothing of it gets by on the way through the server, and nothing comes back.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connections
from django.test import Client

from support.accounts import Device, let_in
from support.ledger_signer import Signer
from support.party_server import CASE, FRAMEWORK, Begun, Party, begin, begun, invites, opens
from support.small_case import Minutes
from touchstone.clearance import EVERY_PARTY, tlp
from touchstone.deeds.cases import participation_noted, signer_admitted, signer_removed
from touchstone.deeds.seen_case import SeenCase
from touchstone.evaluation.digests import digest_value
from touchstone.ledger import dumps, fingerprint, loads
from touchstone.ledger.canonical import b64decode, b64encode
from touchstone.ledger.contract2 import parse_statement_envelope, sign_statement
from touchstone.ledger.entries import commit_part
from touchstone.review.errors import BadEventError
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.joining import TOKEN_SECONDS
from touchstone.server.accounts.limits import Limiter
from touchstone.server.accounts.models import RateRow
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.roles import scopes_of
from touchstone.server.api.problems import PROBLEM
from touchstone.server.serving import SERVING, Serving
from touchstone.service.installation import open_installation

LAB, AGENCY = "example-lab", "example-agency"
SECOND = "case-2"
CANARY = "canary-9b44"
Sent = dict[str, Any]


@dataclass
class Site:
    """A server with two cases, the parties' own machines, and another server's."""

    serving: Serving
    client: Client
    clock: Minutes
    there: Begun
    elsewhere: Begun
    device: Device

    def token(self, device: Device | None = None) -> str:
        """A new one of a person of the lab, or of somebody else."""
        now = self.serving.here.now()
        return (device or self.device).token(*scopes_of(["submitter"]), now=now).token

    def ask(
        self, method: str, path: str, body: bytes = b"", token: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; of no error anything that was sent comes back."""
        RateRow.objects.all().delete()
        self.serving.limiter = Limiter()
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        answer: Any = self.client.generic(
            method, f"/v1/{path}", body, "application/json", headers=headers
        )
        content = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code < 500 or answer["Content-Type"] == PROBLEM
        if answer.status_code >= 400:
            assert answer["Content-Type"] == PROBLEM
            assert CANARY not in content.decode() + str(answer.headers)
        return answer.status_code, json.loads(content) if content[:1] == b"{" else content

    def send(self, sent: Sent, case: str = CASE) -> tuple[int, Any]:
        """Send a deed; what is signed in the answer, or the problem."""
        status, said = self.ask("POST", f"cases/{case}/deeds", dumps(sent))
        return status, said["answer"] if status == 200 else said

    def size(self, case: str = CASE) -> int:
        return self.serving.here.records.case(case).size

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        before = [self.size(each) for each in (CASE, SECOND)]
        yield
        assert [self.size(each) for each in (CASE, SECOND)] == before


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    homes, others = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("elsewhere")
    clock = Minutes()
    with open_installation(others / "server", clock, apart=True) as other:
        begin(other, others)
        elsewhere = begun(other, clock, others)
        with open_installation(homes / "server", clock, apart=True) as here:
            open_accounts(here.home, None)
            serving = Serving(here, principal_of)
            begin(here, homes)
            there = begun(here, clock, homes)
            opens(there.centre, FRAMEWORK, SECOND)
            invites(there.centre, there.lab, SECOND)
            there.lab.joins(SECOND)
            client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
            cast("dict[str, object]", client.defaults)[SERVING] = serving
            device = let_in(LAB, "submitter", aud=serving.fingerprint, now=here.now())
            yield Site(serving, client, clock, there, elsewhere, device)


def says(
    by: Party,
    text: str = CANARY,
    case: str = CASE,
    *,
    on: Callable[[SeenCase], SeenCase] | None = None,
) -> Sent:
    """A deed that its party signed on the case as it is now, as it is sent."""
    seen = by.client.look(case)
    seen = on(seen) if on else seen
    deed = participation_noted(seen, by.id, "participating", text, tlp("AMBER", EVERY_PARTY))
    seen = by.client.on_topics(case, seen, deed)
    return as_sent(seen.sign(deed, by.signer).submitted)


def signed_anew(sent: Sent, by: Party, **changes: Any) -> Sent:
    """The same with another statement by the party's own key, as a client that checks nothing."""
    said = parse_statement_envelope(sent["envelope"]).statement
    return {**sent, "envelope": sign_statement(replace(said, **changes), by.signer).value}


def as_sent(submitted: Any) -> Sent:
    parts = [{"salt": part.salt.hex(), "text": part.data.decode()} for part in submitted.parts]
    return {"envelope": submitted.envelope, "parts": parts}


def payload_of(sent: Sent) -> dict[str, Any]:
    found: dict[str, Any] = loads(b64decode(sent["envelope"]["payload"]))
    return found


def with_payload(sent: Sent, **changes: Any) -> Sent:
    payload = b64encode(dumps(payload_of(sent) | changes))
    return {**sent, "envelope": {**sent["envelope"], "payload": payload}}


def with_signature(sent: Sent, sig: str) -> Sent:
    (one,) = sent["envelope"]["signatures"]
    return {**sent, "envelope": {**sent["envelope"], "signatures": [{**one, "sig": sig}]}}


def with_text(sent: Sent, part: int, text: str) -> Sent:
    parts = [each | ({"text": text} if n == part else {}) for n, each in enumerate(sent["parts"])]
    return {**sent, "parts": parts}


FORGED: dict[str, Callable[[Sent], Sent]] = {
    "another signature": lambda sent: with_signature(sent, b64encode(bytes(64))),
    "a signature cut short": lambda sent: with_signature(
        sent, b64encode(b64decode(sent["envelope"]["signatures"][0]["sig"])[:-1])
    ),
    "none": lambda sent: {**sent, "envelope": {**sent["envelope"], "signatures": []}},
    "another actor": lambda sent: with_payload(sent, actor="example-centre"),
    "another deed": lambda sent: with_payload(sent, deed="review-withdrawn"),
    "a later place of its key": lambda sent: with_payload(sent, seq=payload_of(sent)["seq"] + 1),
    "more in the payload": lambda sent: with_payload(sent, more=CANARY),
    "a payload cut short": lambda sent: {
        **sent,
        "envelope": {**sent["envelope"], "payload": sent["envelope"]["payload"][:-8]},
    },
    "a part left out": lambda sent: {**sent, "parts": sent["parts"][:-1]},
    "parts in another order": lambda sent: {**sent, "parts": sent["parts"][::-1]},
    "other words": lambda sent: with_text(sent, 1, sent["parts"][1]["text"].replace("9b", "9c")),
    "words of another length": lambda sent: with_text(sent, 1, sent["parts"][1]["text"][:-1]),
    "another salt": lambda sent: {
        **sent,
        "parts": [{**each, "salt": "0" * 64} for each in sent["parts"]],
    },
    "an unknown field beside it": lambda sent: {**sent, CANARY: 1},
    "an unknown field of a part": lambda sent: {
        **sent,
        "parts": [{**each, CANARY: 1} for each in sent["parts"]],
    },
    "an envelope that is a list": lambda sent: {**sent, "envelope": [sent["envelope"]]},
    "an envelope that is none": lambda sent: {**sent, "envelope": None},
    "parts that are text": lambda sent: {**sent, "parts": CANARY},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_deed_that_is_forged_or_cut_promises_nothing_and_is_not_spent(site: Site, name: str):
    honest = says(site.there.lab)
    with site.nothing_written():
        status, said = site.send(FORGED[name](honest))
        assert status in {400, 409, 422}, said
    assert site.send(honest)[1]["answer"] == "recorded"


@pytest.mark.parametrize("place", ["envelope", "text"])
@pytest.mark.parametrize(
    "raw", ['"\\\\ud800"', "1e400", "NaN", "[" * 5_000, '{"a":1,"a":1}'], ids=repr
)
def test_what_is_no_json_of_ours_is_refused_wherever_it_stands(site: Site, raw: str, place: str):
    with site.nothing_written():
        if place == "envelope":
            body = b'{"envelope":' + raw.encode() + b',"parts":[]}'
            status, _ = site.ask("POST", f"cases/{CASE}/deeds", body)
        else:
            status, _ = site.send(with_text(says(site.there.lab), 1, raw))
        assert status in {400, 409, 422}


@pytest.mark.parametrize(
    "text", ["\u202eevil", "a\u2066b", "\u200b", "x\x00y", "\ufeff", "\x1b[2J"]
)
def test_words_that_nobody_sees_as_they_are_are_refused(site: Site, text: str):
    lab = site.there.lab
    with pytest.raises(BadEventError, match="holds the unseen character U\\+"):
        says(lab, f"before {text} after")
    # A client of somebody's own making signs it all the same, and says so rightly in its facts.
    sent = says(lab, "plain")
    facts, words = (loads(each["text"].encode()) for each in sent["parts"])
    assert facts["source"] == digest_value(words["content"])
    words["content"] = {"text": f"before {text} after"}
    facts["source"] = digest_value(words["content"])
    salts = [bytes.fromhex(each["salt"]) for each in sent["parts"]]
    data = [dumps(facts), dumps(words)]
    parts = [
        {"salt": salt.hex(), "text": each.decode()} for salt, each in zip(salts, data, strict=True)
    ]
    commitments = tuple(map(commit_part, salts, data))
    with site.nothing_written():
        status, said = site.send(signed_anew({**sent, "parts": parts}, lab, parts=commitments))
        assert (status, said["answer"]) == (200, "refused")
        assert said["code"].startswith("layout-")
        assert said["why"].isprintable()
        assert text not in said["why"]


def test_a_replay_has_the_same_answer_and_writes_nothing(site: Site):
    sent = says(site.there.lab)
    first = site.send(sent)
    assert first[1]["answer"] == "recorded"
    with site.nothing_written():
        assert [site.send(sent) for _ in range(3)] == [first] * 3
        # Nor does another party, or an eavesdropper with a token of its own, get that answer.
        device = let_in(AGENCY, "official", aud=site.device.aud, now=site.serving.here.now())
        other = device.token("deeds", now=site.serving.here.now()).token
        status, said = site.ask("POST", f"cases/{CASE}/deeds", dumps(sent), other)
        assert status == 409
        assert "root" not in said


def test_deeds_in_another_order_wait_for_those_before_them(site: Site):
    lab = site.there.lab
    first, later = says(lab, "first"), says(lab, "second")
    before = parse_statement_envelope(first["envelope"]).statement
    later = signed_anew(later, lab, seq=before.seq + 1, before=before.digest)
    with site.nothing_written():
        assert site.send(later)[1]["code"] == "seq-ahead"
    assert site.send(first)[1]["answer"] == "recorded"
    # Its turn has come: what it was said on has moved, by the first one, and that is told for good.
    assert site.send(later)[1]["code"] == "topic-moved"


def test_a_deed_of_another_case_or_of_another_server_is_none_here(site: Site):
    with site.nothing_written():
        assert site.send(says(site.there.lab), SECOND)[1]["code"] == "another-log"
        # By the very key that is this party's here.
        other = site.elsewhere.lab
        seen = other.client.look(CASE)
        deed = participation_noted(seen, LAB, "participating", CANARY)
        signed = as_sent(seen.sign(deed, site.there.lab.signer).submitted)
        assert site.send(signed)[1]["code"] == "another-log"
        assert site.send(says(other))[1]["code"] == "another-log"
        assert site.send(says(site.there.lab), "case-of-nobody")[0] == 404


def test_a_signer_that_was_removed_signs_nothing_more(site: Site):
    lab, signer = site.there.lab, Signer("desk")
    key = signer.public_key.hex()
    lab.act(lambda seen: signer_admitted(seen, LAB, key, ["participation-noted"], "desk"))

    def signed() -> Sent:
        seen = lab.client.look(CASE)
        deed = participation_noted(seen, LAB, "participating", CANARY)
        return as_sent(seen.sign(deed, signer).submitted)

    before = signed()
    assert site.send(before)[1]["answer"] == "recorded"
    held = signed()
    lab.act(lambda seen: signer_removed(seen, LAB, fingerprint(signer.public_key)))
    with site.nothing_written():
        status, said = site.send(held)
        assert (status, said["code"]) == (409, "not-a-signer")
        # What it was answered before, it is answered still.
        assert site.send(before)[1]["answer"] == "recorded"


@pytest.mark.parametrize(
    ("off", "answer"),
    [
        (timedelta(hours=1), "refused"),
        (timedelta(days=3652), "refused"),
        (timedelta(days=-3652), "refused"),
        (timedelta(hours=-1), "recorded"),
    ],
)
def test_a_machine_whose_clock_is_off_dates_nothing(site: Site, off: timedelta, answer: str):
    """What is an hour late is recorded, at the server's time; what is ahead or over is refused."""
    clock = Minutes(site.clock.moment + off)
    sent = says(site.there.lab, on=lambda seen: replace(seen, clock=clock))
    status, said = site.send(sent)
    assert (status, said["answer"]) == (200, answer)
    if answer == "recorded":
        assert said["at"] == site.serving.here.now()
    else:
        assert said["code"] == "time"
    # Nor is a token given out to it, who is told the time instead.
    asked = site.device.asking("read", at=clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    status, said = site.ask("POST", "tokens", dumps({"envelope": asked}), "")
    assert (status, said["code"], said["now"]) == (401, "statement-late", site.serving.here.now())


def test_a_stolen_token_signs_nothing_gives_none_and_ends_with_its_device(site: Site):
    here, stolen = site.serving.here, site.token()
    thief = Signer("thief")
    forged = says(site.there.lab)
    seen = site.there.lab.client.look(CASE)
    own = as_sent(seen.sign(participation_noted(seen, LAB, "declined", CANARY), thief).submitted)
    with site.nothing_written():
        for sent in (own, FORGED["another signature"](forged)):
            status, said = site.ask("POST", f"cases/{CASE}/deeds", dumps(sent), stolen)
            assert (status, said["code"]) == (409, "not-a-signer")
    # A further one is asked for by what a device signs, and by no token.
    assert site.ask("POST", "tokens", dumps({"envelope": {}}), stolen)[0] == 401
    # Not for people: its scopes are those of its person's role.
    assert site.ask("GET", "people", token=stolen)[0] == 403
    lead = let_in(LAB, "lead", aud=site.device.aud, now=here.now())
    lead_token = lead.token("people", now=here.now()).token
    victim = let_in(LAB, "submitter", aud=site.device.aud, now=here.now())
    taken = site.token(victim)
    assert site.ask("GET", "me", token=taken)[0] == 200
    path = f"people/{victim.person}/devices/{victim.key}"
    assert site.ask("DELETE", path, token=lead_token)[0] == 204
    assert site.ask("GET", "me", token=taken)[0] == 401


def test_tokens_of_two_people_never_add_up(site: Site):
    """Not in one header, not in two, not one after the other in a session."""
    here = site.serving.here
    other = let_in(AGENCY, "official", aud=site.device.aud, now=here.now())
    one, two = site.token(), other.token("read", now=here.now()).token
    assert site.ask("GET", "me", token=f"{one}, Bearer {two}")[0] == 401
    assert site.ask("GET", "me", token=f"{one} {two}")[0] == 401
    asked = [site.ask("GET", "me", token=each)[1]["party"] for each in (one, two, one, two)]
    assert asked == [LAB, AGENCY, LAB, AGENCY]
    assert not site.client.cookies


def test_of_two_deeds_at_one_place_of_a_key_one_is_recorded(site: Site):
    """Two machines with one key at once: whichever is second forked its key, and is told so."""
    pairs = [says(site.there.lab, text) for text in ("one", "two")]
    assert {payload_of(each)["seq"] for each in pairs} == {payload_of(pairs[0])["seq"]}
    before, tokens = site.size(), [site.token(), site.token()]
    RateRow.objects.all().delete()

    def send(n: int) -> Any:
        try:
            own = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
            cast("dict[str, object]", own.defaults)[SERVING] = site.serving
            answer = own.generic(
                "POST",
                f"/v1/cases/{CASE}/deeds",
                dumps(pairs[n]),
                "application/json",
                headers={"Authorization": f"Bearer {tokens[n]}"},
            )
            return json.loads(answer.content)["answer"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(send, range(2)))
    assert sorted(each["answer"] for each in answers) == ["recorded", "refused"]
    assert next(each["code"] for each in answers if each["answer"] == "refused") == "fork"
    assert site.size() == before + 1
    # For good: whoever asks again is told the same.
    assert [site.send(each)[1]["answer"] for each in pairs] == [each["answer"] for each in answers]


def test_without_its_database_a_server_promises_nothing_and_then_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    sent, token = says(site.there.lab), site.token()
    with monkeypatch.context() as gone:
        for each in connections.all():
            each.close()
            gone.setitem(each.settings_dict, "NAME", str(tmp_path / "not-there" / "db"))
        client = site.client
        for method, path, body in (
            ("POST", f"cases/{CASE}/deeds", dumps(sent)),
            ("GET", f"cases/{CASE}/entries", b""),
            ("GET", "cases", b""),
            ("GET", "me", b""),
        ):
            answer = client.generic(
                method,
                f"/v1/{path}",
                body,
                "application/json",
                headers={"Authorization": f"Bearer {token}"},
            )
            assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM), path
            assert str(tmp_path) not in answer.content.decode()
            assert json.loads(answer.content)["code"] == "busy"
    for each in connections.all():
        each.close()
    assert site.send(sent)[1]["answer"] == "recorded"


def test_an_expired_token_is_as_none_to_the_second(site: Site):
    """Last: time goes by for all."""
    token = site.token()
    none = site.ask("GET", "me", token="")
    site.clock.moment += timedelta(seconds=TOKEN_SECONDS - 1)
    assert site.ask("GET", "me", token=token)[0] == 200
    site.clock.moment += timedelta(seconds=1)
    for path in ("me", f"cases/{CASE}/entries"):
        assert site.ask("GET", path, token=token) == none
