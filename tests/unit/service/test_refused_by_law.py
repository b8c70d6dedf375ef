"""What the law refuses reaches its signer as the law's own code, in an answer that is signed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast, get_args

import pytest

from support.every_deed import Before
from support.review_case import LAB, ROLES, Case, example_framework
from support.review_probes import PROBES
from support.scripted import script
from support.sending import deliver, signed, taken_back
from support.small_case import Minutes, small_case
from support.timed import decide
from touchstone.deeds import cases as about
from touchstone.deeds.deed import Content, Deed
from touchstone.evaluation.digests import digest_value
from touchstone.ledger.contract2 import RefusedAnswer
from touchstone.review import BadEventError, Event, Refused
from touchstone.review.events.base import Role
from touchstone.review.grounds import Ground
from touchstone.review.rule import Guard
from touchstone.review.rules import RULES
from touchstone.service import case_context, taking
from touchstone.service.commit import record
from touchstone.service.errors import RefusedDeed
from touchstone.service.installation import Installation

codes_of = script("make_events_reference").codes_of
CENTRE = "example-centre"
KEY_ACTS = ("party-", "signer-")
PROBED = [each for each in PROBES if not each[0].startswith(KEY_ACTS)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[case_context.Case, Minutes]]:
    """A case in which a party of every role has joined by its own key."""
    clock = Minutes(datetime.fromisoformat("2026-10-01T11:00:00Z"))
    with small_case(tmp_path_factory.mktemp("refused"), clock) as case:
        here = case.installation
        joining = {**ROLES, "newcomer": "agency"}
        for party, named in joining.items():
            role = cast("Role", named)
            if party not in here.state(case.id).parties:
                key = here.keyring.new_party_key(party)
                following = here.keyring.next_party_key(party).fingerprint
                case.record([about.party_invited(case, CENTRE, party, role, key.fingerprint)])
                public = key.public_key.hex()
                case.record([about.party_joined(case, party, role, public, following)])
        assert {p.role for p in here.state(case.id).parties.values()} == {*get_args(Role)}
        yield case, clock


@pytest.fixture
def case() -> Case:
    return Case(example_framework())


@pytest.mark.parametrize(("kind", "guard"), PROBED, ids=str)
def test_the_signer_reads_the_guards_own_code(
    store: tuple[case_context.Case, Minutes],
    case: Case,
    kind: str,
    guard: str,
    monkeypatch: pytest.MonkeyPatch,
):
    """Log, keys, signature and answer are real; what the law is asked on is the probe's."""
    real, clock = store
    deed = PROBES[kind, guard](case)
    with pytest.raises(Refused) as law:
        decide(case.framework, case.state, deed)
    clock.moment = datetime.fromisoformat(deed.at)
    with taken_back(real.installation) as here:
        sent = signed(here, real.id, Deed(deed))
        monkeypatch.setattr(Installation, "state_in", lambda *_: case.state)
        monkeypatch.setattr(taking, "framework_in", lambda *_: case.framework)
        answer = deliver(here, real.id, sent, deed.actor)
        answer.verify(here.keyring.history.current)
    said = answer.answer
    assert isinstance(said, RefusedAnswer)
    assert (said.code, said.why) == (f"law-{law.value.code}", law.value.reason)
    assert law.value.code in codes_of(guards_of(kind)[guard])


def guards_of(kind: str) -> dict[str, Guard]:
    (rule,) = (r for event, r in RULES.items() if event.model_fields["type"].default == kind)
    return {each.__name__: each for each in rule.guards}


def test_who_does_it_here_has_code_and_data(store: tuple[case_context.Case, Minutes]):
    """Roles and statuses are read off them, with no sentence read."""
    real, _ = store
    with pytest.raises(RefusedDeed) as refusal:
        real.record([about.clock_resumed(real, "example-agency")])
    found = refusal.value
    assert found.code == "not-your-role"
    assert found.data["role"] == "agency"
    assert found.data["roles"] == ("developer", "centre")
    assert found.data["statuses"] == ("open",)


def test_what_is_ill_formed_reaches_its_signer_by_its_code_too(
    store: tuple[case_context.Case, Minutes], monkeypatch: pytest.MonkeyPatch
):
    real, _ = store

    def plain(_f: object, _s: object, event: Event, _at: str) -> None:
        raise Ground("framework-of-another-case", id="other", digest=event.type).fault

    with taken_back(real.installation) as here:
        sent = signed(here, real.id, about.clock_resumed(real, LAB))
        monkeypatch.setattr(taking, "require_law", plain)
        said = deliver(here, real.id, sent, LAB).answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "law-framework-of-another-case"
    assert said.why == "the case is held to other clock-resumed: load that framework"


def test_what_is_kept_of_an_ill_formed_part_says_nothing_that_stood_in_it(
    deeds: Mapping[str, Before],
):
    """Answer and side log outlive the case; its signer reads the words where it signs."""
    before, canary = deeds["submission-received"], "canary-51aa"
    with before.store() as real, taken_back(real) as here:
        for deed in before.before:
            deliver(here, before.case, signed(here, before.case, deed), deed.event.actor)
        *others, whole = before.deed.attachments
        assert isinstance(whole, Content)
        spoilt = replace(whole, value={**whole.value, canary: canary})
        event = before.deed.event.model_copy(update={"submission": digest_value(spoilt.value)})
        deed = Deed(event, (*others, spoilt))
        sent = signed(here, before.case, deed)
        said = deliver(here, before.case, sent, event.actor).answer
        assert isinstance(said, RefusedAnswer)
        assert (said.code, said.why) == (
            "layout-part-ill-formed",
            "submission-received: the part submission: is not as its type asks",
        )
        assert said.why in [each.reason for each in here.records.refusals.newest()]
        assert canary not in str(here.records.refusals.newest())
        with pytest.raises(BadEventError, match=f"is not as its type asks: .*{canary}"):
            record(here, before.case, before.framework, [deed])
