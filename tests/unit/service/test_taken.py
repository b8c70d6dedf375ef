"""The server's half: a party's signed deed comes in as bytes, and each check that it fails says no.

Nothing of a deed that fails is written but, where the answer is final, the signed refusal.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from support.small_case import Minutes, copied_case, small_case
from touchstone.deeds.cases import review_halted, review_resumed
from touchstone.deeds.deed import Deed
from touchstone.deeds.designation import evidence_declared
from touchstone.deeds.signing import prepare_deed
from touchstone.evaluation.digests import digest_bytes
from touchstone.handin import utc_text
from touchstone.ledger import dumps, loads
from touchstone.ledger.contract2 import (
    DeedStatement,
    RecordedAnswer,
    RefusedAnswer,
    SeenHead,
    SentPart,
    SignedAnswer,
    SubmittedDeed,
    admission,
    parse_statement_envelope,
    sign_statement,
)
from touchstone.ledger.entries import commit_part
from touchstone.ledger.errors import UnpromisedError
from touchstone.review import checking
from touchstone.service import taking
from touchstone.service.case_context import Case
from touchstone.service.taking import take_deed

LAB, CENTRE = "example-lab", "example-centre"
Facts = dict[str, Any]


@dataclass
class Post:
    """A deed on its way, as its signer made it, and what a test changes of it before it is sent."""

    case: Case
    statement: DeedStatement
    parts: list[SentPart]
    signer: str = LAB
    asker: str = LAB
    evidence: tuple[bytes, ...] = ()
    spoil: Callable[[Facts], Facts] = field(default=lambda envelope: envelope)

    def sign(self, **changed: Any) -> None:
        """State something else, and mean it: signed anew."""
        self.statement = replace(self.statement, **changed)

    def say(self, part: int, change: Callable[[Facts], Facts]) -> None:
        """Say something else in a part, and commit to it."""
        said = change(loads(self.parts[part].data))
        self.parts[part] = SentPart(self.parts[part].salt, dumps(said))
        self.sign(parts=tuple(commit_part(each.salt, each.data) for each in self.parts))

    @property
    def data(self) -> bytes:
        """What goes over the wire."""
        signer = self.case.installation.keyring.party(self.signer)
        envelope = self.spoil(sign_statement(self.statement, signer).value)
        parts = [[each.salt.hex(), each.data.hex()] for each in self.parts]
        return json.dumps({"envelope": envelope, "parts": parts}).encode()

    def send(self) -> SignedAnswer:
        """Sent as bytes, read as bytes, taken."""
        read = json.loads(self.data)
        parts = tuple(SentPart(bytes.fromhex(a), bytes.fromhex(b)) for a, b in read["parts"])
        here = self.case.installation
        return take_deed(
            here,
            self.case.id,
            SubmittedDeed(read["envelope"], parts),
            asker=self.asker,
            now=here.now(),
            evidence=self.evidence,
        )


def post(case: Case, deed: Deed) -> Post:
    """The deed as its party prepares it, on the log as it is now."""
    here = case.installation
    by = deed.event.actor
    sent = prepare_deed(
        deed, here.records.deeds.log(case.id), here.keyring.party(by), here.random, here.now()
    )
    statement = parse_statement_envelope(sent.submitted.envelope).statement
    return Post(case, statement, [*sent.submitted.parts], by, by, sent.evidence)


def halt(case: Case) -> Post:
    return post(case, review_halted(case, LAB, "We look into a leak."))


@pytest.fixture(scope="module")
def opened_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opened")
    with small_case(folder):
        return folder


@pytest.fixture
def case(opened_home: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(opened_home, tmp_path) as copied:
        yield copied


def size(case: Case) -> int:
    return case.installation.records.case(case.id).size


def unchanged(case: Case, before: int) -> bool:
    """Nothing is written to the case, and what is known of it is what its entries say."""
    here = case.installation
    return size(case) == before and here.state(case.id) == here.folded_state(case.id)


def later(case: Case, minutes: int) -> str:
    moment = case.installation.clock
    assert isinstance(moment, Minutes)
    passing = Minutes(moment.moment)
    passing.pass_by(minutes)
    return utc_text(passing.now())


# ------------------------------------------------------------------ what promises nothing


def envelope_of_others(it: Post) -> None:
    it.spoil = lambda _: {"payload": "e30="}


def envelope_with_more(it: Post) -> None:
    it.spoil = lambda envelope: {**envelope, "more": 1}


def another_log(it: Post) -> None:
    it.sign(log="ab" * 32)


def anothers_key(it: Post) -> None:
    """The centre's own key, at its own next place, in the developer's name."""
    own = post(it.case, review_halted(it.case, CENTRE, "to look")).statement
    it.signer = CENTRE
    it.sign(key=own.key, seq=own.seq, before=own.before)


def signature_spoilt(it: Post) -> None:
    def spoilt(envelope: Facts) -> Facts:
        (one,) = envelope["signatures"]
        other = "A" if one["sig"][0] != "A" else "B"
        return {**envelope, "signatures": [{**one, "sig": other + one["sig"][1:]}]}

    it.spoil = spoilt


def seq_ahead(it: Post) -> None:
    it.sign(seq=it.statement.seq + 1)


def part_missing(it: Post) -> None:
    it.parts.pop()


def part_changed(it: Post) -> None:
    last = it.parts[-1]
    said = loads(last.data)
    said["content"]["text"] += "!"
    it.parts[-1] = SentPart(last.salt, dumps(said))


def salt_changed(it: Post) -> None:
    it.parts[0] = SentPart(bytes(32), it.parts[0].data)


def another_actor(it: Post) -> None:
    it.say(0, lambda facts: {**facts, "actor": CENTRE})


UNPROMISED: dict[str, tuple[Callable[[Post], None], str]] = {
    "an envelope of another kind": (envelope_of_others, "malformed"),
    "an envelope with more in it": (envelope_with_more, "malformed"),
    "a deed for another log": (another_log, "another-log"),
    "a key that does not sign for its actor": (anothers_key, "not-a-signer"),
    "a signature that is none": (signature_spoilt, "not-a-signer"),
    "a seq that is not due yet": (seq_ahead, "seq-ahead"),
    "a part that is missing": (part_missing, "parts"),
    "a part that is another": (part_changed, "parts"),
    "a salt that is another": (salt_changed, "parts"),
    "facts of another actor": (another_actor, "parts"),
}


@pytest.mark.parametrize("name", UNPROMISED)
def test_what_anybody_could_bring_about_promises_nothing(case: Case, name: str):
    change, code = UNPROMISED[name]
    before, honest, it = size(case), halt(case), halt(case)
    change(it)
    with pytest.raises(UnpromisedError) as told:
        it.send()
    assert told.value.code == code
    assert unchanged(case, before)
    # Nor is the deed itself spent: its party sends it, and it is recorded.
    assert isinstance(honest.send().answer, RecordedAnswer)


# ------------------------------------------------------------------ what is refused for good


def before_wrong(it: Post) -> None:
    it.sign(before="cd" * 32)


def root_wrong(it: Post) -> None:
    it.sign(seen=SeenHead(it.statement.seen.size, "ef" * 32))


def seen_ahead(it: Post) -> None:
    it.sign(seen=SeenHead(it.statement.seen.size + 1, it.statement.seen.root))


def until_over(it: Post) -> None:
    it.sign(until=later(it.case, -1))


def until_too_late(it: Post) -> None:
    it.sign(until=later(it.case, 8 * 24 * 60))


def from_the_future(it: Post) -> None:
    it.say(0, lambda facts: {**facts, "at": later(it.case, 6)})


def exact_and_late(it: Post) -> None:
    it.sign(exact=True)
    it.case.record([review_halted(it.case, CENTRE, "to look")])


def touches_less(it: Post) -> None:
    it.sign(touches=("people",))


def of_no_type(it: Post) -> None:
    it.say(0, lambda facts: {**facts, "type": "weights-escrowed"})
    it.sign(deed="weights-escrowed")


def fact_of_no_form(it: Post) -> None:
    it.say(0, lambda facts: {**facts, "reason": "in clear"})


def content_of_another_digest(it: Post) -> None:
    it.say(1, lambda part: {**part, "content": {**part["content"], "text": "otherwise"}})


def halted_twice(it: Post) -> None:
    it.case.record([review_halted(it.case, LAB, "first")])
    again = halt(it.case)
    it.statement, it.parts = again.statement, again.parts


REFUSED: dict[str, tuple[Callable[[Post], None], str, tuple[object, str] | None]] = {
    "the deed before it is another": (before_wrong, "before", (admission, "check_chain")),
    "no past of this log": (root_wrong, "seen", (admission, "check_seen")),
    "more than there is": (seen_ahead, "seen", None),
    "past its until": (until_over, "time", (admission, "check_recorded_time")),
    "valid for too long": (until_too_late, "time", (admission, "check_dates")),
    "of a later time": (from_the_future, "time", None),
    "exact, and something came between": (exact_and_late, "exact", (admission, "check_exact")),
    "other topics than its type's": (touches_less, "topics", (admission, "_check_place")),
    "of no type that is known": (of_no_type, "event-ill-formed", None),
    "a fact of no form": (fact_of_no_form, "event-ill-formed", None),
    "content of another digest": (
        content_of_another_digest,
        "layout-digest-misstated",
        (taking, "check_deed"),
    ),
    "against the law": (halted_twice, "law-halted-already", (taking, "require_law")),
}
"""By what is wrong: what makes it so, the code, and the check that alone sees it, if one does."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_its_signer_did_is_refused_for_good(case: Case, name: str):
    change, code, _ = REFUSED[name]
    it = halt(case)
    change(it)
    before = size(case)
    said = it.send()
    assert isinstance(said.answer, RefusedAnswer)
    assert (said.answer.code, said.answer.size) == (code, before)
    said.verify(case.installation.keyring.history.current)
    assert unchanged(case, before)
    # The same bytes have the same answer, to its own party alone.
    assert it.send().line == said.line
    it.asker = CENTRE
    with pytest.raises(UnpromisedError, match="its own party alone"):
        it.send()
    assert unchanged(case, before)


@pytest.mark.parametrize("name", [each for each, (_, _, alone) in REFUSED.items() if alone])
def test_twin_without_the_check_it_is_recorded(
    case: Case, name: str, monkeypatch: pytest.MonkeyPatch
):
    change, _, check = REFUSED[name]
    assert check is not None
    it = halt(case)
    change(it)
    before = size(case)
    monkeypatch.setattr(*check, lambda *_: None)
    assert isinstance(it.send().answer, RecordedAnswer)
    assert size(case) == before + 1


def test_a_deed_that_was_held_back_is_refused_once_its_topic_moved(case: Case):
    """A lifting of one halt is held back, and handed on once there is a graver one."""
    halt(case).send()
    held = post(case, review_resumed(case, LAB, "It was none."))
    case.record([review_resumed(case, LAB, "It was none.")])
    case.record([review_halted(case, LAB, "It was one.")])
    # Its key's next place was used: made anew there, on what its signer had seen.
    newest = post(case, review_resumed(case, LAB, "It was none."))
    held.sign(seq=newest.statement.seq, before=newest.statement.before, seen=newest.statement.seen)
    before = size(case)
    said = held.send().answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "topic-moved"
    assert unchanged(case, before)
    assert case.state.halted_by == {LAB}


def test_what_names_no_topic_that_it_must_is_refused(case: Case):
    halt(case).send()
    it = post(case, review_resumed(case, LAB, "It was none."))
    it.sign(on={})
    said = it.send().answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "topics"
    assert case.state.halted_by == {LAB}


def test_a_repeat_has_the_same_receipt_and_nothing_is_written_twice(case: Case):
    it, before = halt(case), size(case)
    first = it.send()
    assert isinstance(first.answer, RecordedAnswer)
    assert (first.answer.n, size(case)) == (before, before + 1)
    assert it.send().line == first.line
    assert unchanged(case, before + 1)
    it.asker = CENTRE
    with pytest.raises(UnpromisedError) as told:
        it.send()
    assert told.value.code == "not-yours"


def test_a_second_deed_at_one_place_of_its_key_is_a_fork(case: Case):
    one, other = halt(case), post(case, review_halted(case, LAB, "Another."))
    one.send()
    before = size(case)
    said = other.send().answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "fork"
    assert unchanged(case, before)


def test_evidence_that_is_not_here_yet_promises_nothing_and_may_come_later(case: Case):
    criterion = next(each.id for each in case.framework.criteria if each.kind == "declared")
    shown = b"what shows it", "text/plain", "evidence.txt"
    it = post(case, evidence_declared(case, LAB, criterion, "not-met", *shown))
    bytes_of_it, it.evidence, before = it.evidence, (), size(case)
    for brought in ((), (b"something else",)):
        it.evidence = brought
        with pytest.raises(UnpromisedError) as told:
            it.send()
        assert told.value.code == "evidence"
        assert unchanged(case, before)
    it.evidence = bytes_of_it
    assert isinstance(it.send().answer, RecordedAnswer)
    assert criterion in case.state.declared


def declared(case: Case, shown: bytes) -> Post:
    """A criterion that the lab declares, whose evidence does not come with the deed."""
    criterion = next(each.id for each in case.framework.criteria if each.kind == "declared")
    it = post(
        case, evidence_declared(case, LAB, criterion, "not-met", shown, "text/plain", "it.txt")
    )
    it.evidence = ()
    return it


def stage(case: Case, party: str, data: bytes) -> str:
    digest = digest_bytes(data)
    area = case.installation.staging
    area.begin(case.id, party, digest, len(data))
    assert area.write(case.id, party, digest, 0, data).whole
    return digest


def test_evidence_that_its_party_sent_before_goes_with_its_deed(case: Case):
    it, before = declared(case, b"what shows it"), size(case)
    stage(case, CENTRE, b"what shows it")
    with pytest.raises(UnpromisedError) as told:
        it.send()
    assert told.value.code == "evidence"
    assert unchanged(case, before)
    digest = stage(case, LAB, b"what shows it")
    receipt = it.send()
    assert isinstance(receipt.answer, RecordedAnswer)
    assert case.installation.records.case(case.id).evidence(digest) == b"what shows it"
    # Sent again it has its receipt, though nothing waits any more.
    assert [each.received for each in case.installation.staging.of(LAB)] == []
    assert it.send().line == receipt.line


def test_evidence_sent_before_is_of_the_size_that_is_told_and_the_twin(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    it, before = declared(case, b"what shows it"), size(case)
    stage(case, LAB, b"what shows it")
    it.say(1, lambda part: {**part, "size": 3})
    said = it.send().answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "layout-evidence-misstated"
    assert unchanged(case, before)
    honest = declared(case, b"what shows it")
    honest.say(1, lambda part: {**part, "size": 4})
    monkeypatch.setattr(checking, "_check_evidence", lambda *_: None)
    assert isinstance(honest.send().answer, RecordedAnswer)


def test_a_case_that_is_not_there_takes_none(case: Case):
    it = halt(case)
    it.case = replace(case, id="no-such-case")
    with pytest.raises(UnpromisedError) as told:
        it.send()
    assert told.value.code == "unknown"
