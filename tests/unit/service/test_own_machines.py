"""A party's own machine drafts and signs its deeds with no record at hand, and a server takes them.

It holds its key, what a bundle for it shows, and what its party was told of who takes part.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.every_deed import Before
from support.sending import recorded
from support.small_case import Minutes
from support.worlds import ONE, participants_of
from touchstone.clearance import party_audience
from touchstone.deeds.cases import (
    clock_paused,
    clock_resumed,
    participation_noted,
    party_invited,
    party_joined,
)
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.designation import designation_concurred
from touchstone.deeds.known_case import Participants
from touchstone.deeds.seen_case import Foresight, SeenCase, foresee, see_case
from touchstone.deeds.signing import Outgoing, SeenLog, key_of
from touchstone.keys import SystemRandom
from touchstone.ledger import AlteredError, OlderCheckpoint, Opened
from touchstone.ledger.contract2 import (
    CaseLog,
    HiddenPart,
    PaddedEntry,
    RefusedAnswer,
    read_deed_bundle,
    write_deed_bundle,
)
from touchstone.ledger.signing import Signer
from touchstone.review import Event, State, topics_of
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import EventWithTexts, Role
from touchstone.review.events.opening import CaseOpened
from touchstone.review.rules import RULES
from touchstone.service import commit
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_to_act
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.installation import Installation
from touchstone.service.reporting.edition_files import bundle_lines
from touchstone.service.taking import take_deed

FIRST = "case-opened"
EARLIER = {"party-admitted", "reads-digested"}
"""Deeds of records of contract 1 alone, and of the installation, which is no party."""
EVENTS: tuple[type[Event], ...] = (CaseOpened, *RULES)
KINDS = sorted({str(kind.model_fields["type"].default) for kind in EVENTS} - EARLIER)
Parties = tuple[tuple[str, Role], ...]
AGREED: Parties = participants_of(ONE).roles
"""Who is to take part, as centre and developer say before there is a record."""


@dataclass(frozen=True)
class Machine:
    """What a party has at home before it does a deed: nothing of it reaches the server's record."""

    party: str
    signer: Signer
    pinned: str
    bundle: bytes
    """Of the case as it is; empty while there is none."""
    told: Parties
    """Who takes part, as whoever invites tells it."""
    moment: datetime
    newest: Mapping[str, int | None]
    """What the server says of the topics that its deed must name: the newest entry of each."""

    def sees(self, told: Parties | None = None) -> SeenCase:
        """The case as it is seen here."""
        clock, random = Minutes(self.moment), SystemRandom()
        known = self.told if told is None else told
        if not self.bundle:
            return SeenCase(self.party, CaseLog(), State(), (), clock, random, known)
        chunks = [self.bundle]
        return see_case(
            chunks, self.party, pinned=self.pinned, clock=clock, random=random, told=known
        )


def machine(here: Installation, before: Before) -> Machine:
    """The machine of the party that does a deed next."""
    event, begins = before.deed.event, isinstance(before.deed.event, CaseOpened)
    state = State() if begins else here.state(before.case)
    parties = tuple((name, each.role) for name, each in state.parties.items())
    return Machine(
        event.actor,
        here.keyring.party(event.actor, key_of(state, event)),
        here.keyring.history.lines[0].fingerprint,
        b"" if begins else bundle(here, before, event.actor),
        AGREED if len(parties) < len(AGREED) else parties,
        before.moment,
        {each: here.records.deeds.log(before.case).newest(each) for each in named(event, begins)},
    )


def named(event: Event, begins: bool) -> Iterable[str]:
    """The topics that a deed must name; nobody is asked of a case that is to begin."""
    return () if begins else topics_of(event).must_name


class ToldLog:
    """A log as it is seen, and what the server says of its topics."""

    def __init__(self, seen: SeenLog, told: Mapping[str, int | None]) -> None:
        self.log, self.size, self.recorded_at = seen.log, seen.size, seen.recorded_at
        self.root, self.last_deed = seen.root, seen.last_deed
        self._told = told

    def newest(self, topic: str) -> int | None:
        """As it was told."""
        return self._told[topic]


def bundle(here: Installation, before: Before, party: str) -> bytes:
    """What a party gets of the case as it stands."""
    here.records.installation.publish()
    proof = here.records.installation.prove(before.case)
    case = Case(here, before.case, before.framework, None, Participants("any", "any"))
    return b"".join(bundle_lines(case, party_audience(party, "GREEN"), proof, here.now()))


def copied(before: Before, home: Path) -> Before:
    """The store in a place of its own, with what comes first in the deed's transaction."""
    mine = before.copied(home)
    with mine.store() as here:
        if mine.before:
            commit.record(here, mine.case, mine.framework, mine.before)
        if mine.certificate is not None:
            here.records.destructions.keep_draft(mine.case, mine.certificate)
    return mine


def take(before: Before, sent: Outgoing) -> Mapping[str, Any]:
    """The event as the server has recorded it."""
    with before.store() as here:
        by, now = before.deed.event.actor, here.now()
        answer = recorded(
            take_deed(here, before.case, sent.submitted, asker=by, now=now, evidence=sent.evidence)
        )
        assert here.state(before.case) == here.folded_state(before.case)
        reader = here.records.case(before.case)
        return reader.events(answer.n)[0]


def refusal(before: Before, sent: Outgoing) -> RefusedAnswer:
    """The server's refusal for good."""
    with before.store() as here:
        by, now = before.deed.event.actor, here.now()
        answer = take_deed(
            here, before.case, sent.submitted, asker=by, now=now, evidence=sent.evidence
        ).answer
        assert isinstance(answer, RefusedAnswer)
        return answer


SALTED = {"questions-answered": "answers", "outside-evidence-imported": "statement"}
"""The fact of an event that is a digest over a salt that was drawn."""


def said(deed: Deed) -> tuple[dict[str, Any], list[Any]]:
    """What a deed says, without what it draws and the digests that follow from that."""
    event = deed.event
    words = event.TEXTS if isinstance(event, EventWithTexts) else ()
    drawn = {*words, "nonce", "contribution", SALTED.get(event.type, "")}
    facts = {name: value for name, value in event.facts().items() if name not in drawn}
    return facts, [_unsalted(each) for each in deed.attachments]


def _unsalted(attachment: Any) -> Any:
    if not isinstance(attachment, Content):
        return attachment
    drawn = {"salt", "contribution"}
    words = {name: value for name, value in attachment.value.items() if name not in drawn}
    return replace(attachment, value=words)


UNTOLD = {"case-opened": "nobody has joined yet"}
"""Deeds whose party must be told who takes part: in these stores the record does not show it."""


UNSEEN = {
    "party-joined": ("keys:example-lab",),
    "recovery-objected": ("keys:example-evaluator",),
}
"""Topics of which the newest entry may not be open to the deed's party, so that the server is
asked: whoever is only invited reads nothing of the case, its own invitation included, and to an
evaluator more has happened since its keys moved than it may read."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_deed_is_done_from_its_partys_own_machine(
    kind: str, deeds: Mapping[str, Before], tmp_path: Path
):
    before = copied(deeds[kind], tmp_path / "server")
    with before.store() as here:
        own, state = machine(here, before), here.state(before.case) if kind != FIRST else State()
    assert before.call is not None
    # From here on no store is open.
    seen = own.sees() if kind in UNTOLD else own.sees(told=())
    deed = before.call.again(seen)
    assert said(deed) == said(before.deed)
    told = foresee(seen, before.framework, deed, seen.now())
    assert told == Foresight("", len(seen.hidden), UNSEEN.get(kind, ()))
    assert told.certain == (seen.state == state)
    if told.unseen_topics:
        assert kind in UNSEEN
        seen = replace(seen, log=ToldLog(seen.log, own.newest))
    sent = seen.sign(deed, own.signer)
    assert take(before, sent) == deed.event.facts()
    if kind in UNTOLD:
        with pytest.raises(MissingPartError, match="no developer has joined"):
            before.call.again(own.sees(told=()))


def test_what_the_law_refuses_is_foreseen(deeds: Mapping[str, Before], tmp_path: Path):
    before = copied(deeds["clock-paused"], tmp_path / "server")
    with before.store() as here:
        own = machine(here, before)
    seen = own.sees()
    resumed = clock_resumed(seen, own.party)
    told = foresee(seen, before.framework, resumed, seen.now())
    assert told.certain
    answer = refusal(before, seen.sign(resumed, own.signer))
    assert (answer.code.partition("-")[0], answer.why) == ("law", told.refused)
    # Nor is content taken that is not what the facts say.
    paused = clock_paused(seen, own.party, "to look")
    bare = replace(paused, attachments=())
    layout = foresee(seen, before.framework, bare, seen.now())
    answer = refusal(before, seen.sign(bare, own.signer))
    assert (answer.code, answer.why) == ("layout-part-missing", layout.refused)


def test_of_a_destroyed_case_the_facts_go_alone(deeds: Mapping[str, Before], tmp_path: Path):
    before = copied(deeds["case-destroyed"], tmp_path / "server")
    with before.store() as here:
        case = open_to_act(here, before.case)
        lab = case.participants.developer
        destroy_case(here, before.case)
        noted = replace(before, deed=Deed(before.deed.event.model_copy(update={"actor": lab})))
        own = machine(here, noted)
    seen = own.sees()
    assert seen.state.status == "destroyed"
    deed = participation_noted(seen, lab, "declined", "in a letter")
    assert deed.attachments
    assert foresee(seen, before.framework, deed, seen.now()).refused == ""
    # Twin: with its words it is refused for good.
    fresh = replace(seen, state=replace(seen.state, status="closed"))
    answer = refusal(noted, fresh.sign(deed, own.signer))
    assert answer.code == "layout-case-takes-no-parts"
    assert "takes no content any more" in answer.why
    assert take(noted, seen.sign(deed, own.signer)) == deed.event.facts()


def test_who_joins_late_is_told_which_topics_it_cannot_see(
    deeds: Mapping[str, Before], tmp_path: Path
):
    """A proposal that was made before an agency joined is not open to it: the server may know of
    newer ones, and takes no answer that names another."""
    before = copied(deeds["designation-concurred"], tmp_path / "server")
    late = "late-agency"
    with before.store() as here:
        case, keyring = open_to_act(here, before.case), here.keyring
        key = keyring.new_party_key(late)
        following = keyring.next_party_key(late).fingerprint
        case.record([party_invited(case, case.participants.centre, late, "agency")])
        case.record([party_joined(case, late, "agency", key.public_key.hex(), following)])
        theirs = replace(before, deed=Deed(before.deed.event.model_copy(update={"actor": late})))
        own = machine(here, theirs)
    seen = own.sees()
    deed = designation_concurred(seen, late, 1, "undetermined")
    told = foresee(seen, before.framework, deed, seen.now())
    assert not told.certain
    assert told.unseen_topics == ("concurrence:late-agency", "designation")
    assert refusal(theirs, seen.sign(deed, own.signer)).code == "topic-moved"


def test_what_an_evaluator_sees_is_keys_and_what_names_it(deeds: Mapping[str, Before]):
    before = deeds["finding-rerun"]
    with before.store() as here:
        own, state = machine(here, before), here.state(before.case)
    seen = own.sees(told=()).state
    shared = ("size", "opened", "parties", "invitations", "seen_keys", "status", "participations")
    for fact in shared:
        assert (fact, getattr(seen, fact)) == (fact, getattr(state, fact))
    assert seen.findings == {"outside": state.findings["outside"]}
    lacking = ("submission", "agreements", "clock", "batteries", "verdicts", "designating")
    for fact in lacking:
        assert getattr(state, fact) != getattr(State(), fact) == getattr(seen, fact)


# ------------------------------------------------------------------ what is not shown


def hiding(shown: bytes, hidden: Iterable[int], signer: Signer) -> bytes:
    """The same bundle with some entries not shown."""
    *items, summary = read_deed_bundle([shown])
    by: dict[type, list[Any]] = defaultdict(list)
    for each in items:
        by[type(each)].append(each)
    parts = sorted([*by[Opened], *by[HiddenPart]], key=lambda part: (part.n, part.i))
    left = set(hidden)
    lines = write_deed_bundle(
        signer,
        audience=summary.header.audience,
        at=summary.header.at,
        keys=summary.keys,
        entries=by[PaddedEntry],
        parts=[HiddenPart(part.n, part.i) if part.n in left else part for part in parts],
        published=summary.published,
        older=by[OlderCheckpoint],
    )
    return b"".join(lines)


@pytest.fixture(scope="module")
def full(
    deeds: Mapping[str, Before], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Machine, Signer, State]:
    """The developer's machine at the end of a case, whose bundles anybody may now make anew."""
    before = copied(deeds["review-withdrawn"], tmp_path_factory.mktemp("full") / "server")
    with before.store() as here:
        return machine(here, before), here.keyring.installation, here.state(before.case)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_not_shown_the_rest_is_seen(full: tuple[Machine, Signer, State], seed: int):
    own, signer, state = full
    random = Random(seed)
    hidden = {n for n in range(state.size) if random.random() < (seed + 1) / 13}
    seen = replace(own, bundle=hiding(own.bundle, hidden, signer)).sees()
    assert seen.hidden == tuple(sorted(hidden))
    assert (seen.state.size, seen.log.size) == (state.size, state.size)
    size = len(hidden)
    assert seen.log.root(size) == own.sees().log.root(size)


def test_twin_a_deed_speaks_to_what_is_not_shown(
    full: tuple[Machine, Signer, State], monkeypatch: pytest.MonkeyPatch
):
    own, signer, state = full
    found = next(iter(state.findings))
    n = own.sees().log.newest(f"finding:{found}")
    shown = own.sees().state
    assert n is not None
    begun = {m for m in range(n) if m != 0}
    less = replace(own, bundle=hiding(own.bundle, begun, signer))
    assert found not in less.sees().state.findings
    assert found in shown.findings
    # By its name among the modules: the room has a function of that name.
    evolving = sys.modules["touchstone.review.evolve"]
    monkeypatch.setattr(evolving, "KeyError", AssertionError, raising=False)
    with pytest.raises(KeyError):
        less.sees()


def test_a_bundle_of_another_installation_is_not_believed(full: tuple[Machine, Signer, State]):
    own = replace(full[0], pinned="SHA256:" + "ab" * 32)
    with pytest.raises(AlteredError, match="not by SHA256:abab"):
        own.sees()


def test_a_bundle_that_was_changed_is_not_believed(full: tuple[Machine, Signer, State]):
    own = full[0]
    changed = own.bundle.replace(b"final", b"finaI", 1)
    assert changed != own.bundle
    with pytest.raises(AlteredError):
        replace(own, bundle=changed).sees()
