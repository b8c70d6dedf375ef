"""What a party learns by asking the server: no more than its entries tell it."""

import dataclasses
import inspect
from pathlib import Path

import pytest

from support.party_server import CASE, Begun, Party, halts, noted, party
from touchstone.clearance import tlp
from touchstone.deeds.cases import participation_noted, party_invited
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.ledger import loads
from touchstone.ledger.contract2 import (
    SubmittedDeed,
    parse_statement_envelope,
    sign_statement,
)
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import Members

OTHER = "other-agency"
BARE = ("halt", "status", "agreement", "terms", "designation", "release")


def invited(case: Begun, tmp_path: Path) -> Party:
    """An agency that is invited, on a machine of its own."""
    other = party(case.here, tmp_path, OTHER, "agency")
    case.centre.act(lambda seen: party_invited(seen, case.centre.id, OTHER, "agency"))
    return other


def kept_to_itself(case: Begun) -> int:
    """The entry that the lab alone may read, by which it speaks of itself."""

    def draft(seen: SeenCase) -> Deed:
        deed = participation_noted(seen, case.lab.id, "negotiating", "x")
        red = tlp("RED", case.lab.id)
        parts = tuple(dataclasses.replace(each, marking=red) for each in deed.attachments)
        return Deed(deed.event.model_copy(update={"marking": red}), parts)

    return case.lab.act(draft)


def refusal(case: Begun, draft: Deed, **on: int | None) -> tuple[str, str]:
    """The code and the words with which a deed of the agency is refused that is on these, too."""
    sent = case.agency.client.look(CASE).sign(draft, case.agency.signer)
    statement = parse_statement_envelope(sent.submitted.envelope).statement
    statement = dataclasses.replace(statement, on={**statement.on, **on})
    envelope = sign_statement(statement, case.agency.signer).value
    sent = dataclasses.replace(sent, submitted=SubmittedDeed(envelope, sent.submitted.parts))
    answer = loads(case.agency.server.send(CASE, sent))["answer"]
    return answer["code"], answer["why"]


def test_a_list_tells_a_party_what_every_member_may_know_and_takes_no_other_filter(
    case: Begun, tmp_path: Path
):
    other = invited(case, tmp_path)
    n = other.joins()
    kept_to_itself(case)
    (own,) = case.here.records.members.visible_to(OTHER).cases
    assert dataclasses.asdict(own) == {
        "case": CASE,
        "role": "agency",
        "n": n,
        "framework": "example",
        "updated": case.here.records.cases()[0].summary.updated,
    }
    lists = (Members.visible_to, Members.count)
    asked = {name for each in lists for name in inspect.signature(each).parameters}
    assert asked == {"self", "party", "after", "most", "framework"}


def test_who_is_only_invited_is_told_of_its_own_keys_and_of_nothing_else(
    case: Begun, tmp_path: Path
):
    halt = case.lab.act(halts(case.lab.id))
    other = invited(case, tmp_path)
    newest = other.server.newest(CASE, [*BARE, f"keys:{OTHER}", f"keys:{case.lab.id}"])
    assert newest == (*(None for _ in BARE), halt + 1, None)
    other.joins()
    assert other.server.newest(CASE, ["halt"]) == (halt,)


def test_a_party_asks_for_as_many_topics_as_a_deed_may_be_on(case: Begun):
    server = case.lab.server
    assert len(server.newest(CASE, ["halt"] * 32)) == 32
    with pytest.raises(UnpromisedError, match="33 topics are asked for: a deed is on at most 32"):
        server.newest(CASE, ["halt"] * 33)


@pytest.mark.parametrize("topic", ["\ud800", "a\x00", "a" * 10**6, "", "A", "halt "])
def test_what_is_no_topic_was_touched_by_nothing(case: Begun, topic: str):
    assert case.lab.server.newest(CASE, [topic]) == (None,)


@pytest.mark.parametrize("at", [None, 0, 5])
@pytest.mark.parametrize("there", [True, False])
def test_a_deed_on_topics_that_its_type_does_not_name_tells_nothing_of_them(
    case: Begun, at: int | None, there: bool
):
    hidden = kept_to_itself(case)
    topic = f"participation:{case.lab.id if there else 'nobody'}"
    own = participation_noted(case.agency.client.look(CASE), case.agency.id, "participating", "x")
    code, why = refusal(case, own, **{topic: hidden if at == 0 else at})
    assert (code, why) == ("topics", f"a deed of type participation-noted is not on {topic}")


@pytest.mark.parametrize(("n", "since"), [(None, "it was seen"), (0, "entry 0")])
def test_a_refusal_does_not_say_where_a_topic_is(case: Begun, n: int | None, since: str):
    noted(case.agency)
    again = participation_noted(case.agency.client.look(CASE), case.agency.id, "declined", "x")
    topic = f"participation:{case.agency.id}"
    code, why = refusal(case, again, **{topic: n})
    assert (code, why) == ("topic-moved", f"topic {topic} has moved since {since}")
