"""What holds in every state that anyone's deeds can bring about, under every real framework."""

from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.review_case import (
    CENTRE,
    LAB,
    ROLES,
    Case,
    make,
    shipped_framework,
)
from support.review_deeds import draw_deed
from support.review_probes import measured, opened, ready, with_guest
from support.timed import decide, evolve, fold
from touchstone.ledger import dumps, loads
from touchstone.review import Refused, State, concurrences, parse_event
from touchstone.review.addressing import addressees
from touchstone.review.events import Event, judging, opening, parting, settling
from touchstone.review.grounds import Ground
from touchstone.review.next_deeds import deeds_of_all
from touchstone.review.packing import pack_state, unpack_state
from touchstone.review.rule import ALWAYS, OVER
from touchstone.review.rules import RULES

EVERYBODY = [*ROLES, "newcomer", "a-stranger"]
WITHOUT_NUMBERS = ("us-2026-06", "us-2026-05-draft")
LEAVING = {
    "release-announced": {"size", "recorded_at", "releases"},
    "review-withdrawn": {"size", "recorded_at", "status", "withdrawal"},
}
"""All that a release and a withdrawal change."""


def released(actor: str) -> Event:
    facts: dict[str, Any] = {"scope": "public", "variants": ("final",), "same_model": "not-said"}
    return make(settling.ReleaseAnnounced, actor, **facts)


def withdrawn(actor: str) -> Event:
    return make(settling.ReviewWithdrawn, actor)


def changes(before: State, after: State) -> set[str]:
    named = (field.name for field in fields(State))
    return {name for name in named if getattr(before, name) != getattr(after, name)}


class Consents:
    """Who said yes to what, kept apart from State: only what was said to exactly this counts."""

    def __init__(self) -> None:
        self.concurring: dict[str, tuple[str, str]] = {}
        self.table: str | None = None
        self.agreeing: set[str] = set()
        self.signed: dict[tuple[str, str], dict[str, Any]] = {}
        self.concluded: list[dict[str, Any]] = []

    def hear(self, event: Event) -> None:
        facts = event.facts()
        if isinstance(event, judging.DesignationProposed):
            self.concurring = {}
        elif isinstance(event, judging.DesignationConcurred | judging.DesignationDissented):
            word = "concurred" if "concurred" in event.type else "dissented"
            self.concurring[event.actor] = (facts["designation"], word)
        elif isinstance(event, settling.TermsOffered | settling.TermsCountered):
            self.table, self.agreeing = facts["terms"], {event.actor}
        elif isinstance(event, settling.TermsAgreed):
            self.agreeing.add(event.actor)
        elif isinstance(event, settling.TermsDeclined):
            self.agreeing.discard(event.actor)
        elif isinstance(event, opening.AgreementSigned):
            rights = ("agreement", "access", "reasoning", "retention_days", "publication")
            same = {name: facts[name] for name in rights}
            text = facts["agreement"]
            self.signed[text, event.actor] = same
            if all(self.signed.get((text, party)) == same for party in (LAB, CENTRE)):
                self.concluded += [same] if same not in self.concluded else []


class Laws(RuleBasedStateMachine):
    """Anyone tries anything in any order; the laws hold after every deed."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case(shipped_framework("example"))
        self.said = Consents()
        self.tries = 0
        self.furthest = 0

    @initialize(
        name=st.sampled_from(["example", "example", *WITHOUT_NUMBERS]),
        depth=st.sampled_from([opened, ready, measured, measured, with_guest]),
        kind=st.sampled_from(["review", "review", "screening", "inquiry"]),
    )
    def begin(self, name: str, depth: Any, kind: str) -> None:
        self.case = Case(shipped_framework(name))
        if kind == "inquiry" or depth is opened:
            self.case.open(kind)
        elif depth is with_guest:
            with_guest(self.case)
        else:
            (ready if name in WITHOUT_NUMBERS else depth)(self.case)
        for event in self.case.events:
            self.said.hear(event)

    @rule(seed=st.integers(0, 2**64))
    def people_try_things(self, seed: int) -> None:
        # The number of tries goes in too: Hypothesis likes to draw the same seed again.
        self.tries += 1
        rng = Random(f"{seed} {self.tries}")
        for _ in range(25):
            self.someone_tries(draw_deed(self.case, rng))

    def someone_tries(self, deed: Event) -> None:
        before = self.case.state
        try:
            happened = self.case.do(deed)
        except Refused:
            assert self.case.state is before
            return
        self.said.hear(happened)
        if deed.type in LEAVING:
            assert changes(before, self.case.state) <= LEAVING[deed.type]
        if isinstance(deed, judging.DesignationProposed):
            shown = concurrences(self.case.state, self.case.framework)
            assert set(shown.values()) <= {"missing"}

    @invariant()
    def release_and_withdrawal_are_the_developers_at_any_time(self) -> None:
        if self.case.state.opened is None:
            return
        for deed in (released, withdrawn):
            assert decide(self.case.framework, self.case.state, deed(LAB)) == deed(LAB)
            for other in EVERYBODY:
                if other != LAB:
                    with pytest.raises(Refused):
                        decide(self.case.framework, self.case.state, deed(other))

    @invariant()
    def who_has_left_is_of_no_consequence_any_more(self) -> None:
        state = self.case.state
        if not state.left:
            return
        deeds = draw_deed(self.case, Random(self.tries)), make(parting.PartyLeft, LAB)
        for gone, departure in state.left.items():
            assert gone not in state.parties
            assert gone not in state.having(departure.role)
            assert gone not in {*state.reinvitations} | {
                name for told in state.reinvitations.values() for name in told
            }
            for deed in deeds:
                with pytest.raises(Refused):
                    decide(self.case.framework, state, deed.model_copy(update={"actor": gone}))
            for event in self.case.events:
                assert all(gone not in group for group in addressees(state, event))
        moment = max(state.recorded_at, "2027-01-01T00:00:00Z")
        for told in deeds_of_all(self.case.framework, state, moment):
            assert told.by not in state.left

    @invariant()
    def leaving_carries_no_penalty(self) -> None:
        if self.case.state.opened is None:
            return
        left = evolve(self.case.state, withdrawn(LAB))
        assert changes(self.case.state, left) <= LEAVING["review-withdrawn"]
        assert decide(self.case.framework, left, released(LAB)) == released(LAB)

    @invariant()
    def silence_is_never_consent(self) -> None:
        state, framework = self.case.state, self.case.framework
        question = state.designating.in_question
        shown = concurrences(state, framework)
        asked = framework.designation.must_concur if framework.designation else ()
        assert set(shown) == {*asked, *self.said.concurring}
        for agency, word in shown.items():
            designation, said = self.said.concurring.get(agency, (None, "missing"))
            assert word == (said if designation == question else "missing")
        both = LAB in self.said.agreeing and self.said.agreeing - {LAB}
        assert state.agreed_terms == (self.said.table if both else None)
        concluded = [tuple(each.values()) for each in self.said.concluded]
        assert [each.signs for each in state.concluded] == concluded
        assert state.agreement == (state.concluded[-1] if concluded else None)

    @invariant()
    def a_state_never_goes_back(self) -> None:
        order = ["none", *ALWAYS]
        seen = order.index(self.case.state.status)
        assert seen >= self.furthest
        self.furthest = seen

    def teardown(self) -> None:
        lines = [dumps(event.facts()) for event in self.case.events]
        assert fold(parse_event(loads(line)) for line in lines) == self.case.state
        half = len(lines) // 2
        begun = fold(self.case.events[:half])
        assert fold(self.case.events[half:], begun) == self.case.state
        # A state stays as it was, whatever was made of it.
        assert begun == fold(self.case.events[:half])
        kept = unpack_state(pack_state(begun, "here"), "here")
        assert kept is not None
        assert fold(self.case.events[half:], kept) == self.case.state
        packed = pack_state(self.case.state, "here")
        assert unpack_state(packed, "here") == self.case.state
        for line in lines:
            known = dumps({**loads(line), "said_later": {"by": "a newer version"}})
            assert dumps(parse_event(loads(known)).facts()) == known


Laws.TestCase.settings = settings(settings.default, stateful_step_count=12)
TestLaws = Laws.TestCase


def test_the_laws_see_a_hand_on_the_release(monkeypatch: pytest.MonkeyPatch):
    """The twin: with a guard on release, or another role let in, the law no longer holds."""
    laws = Laws()
    laws.begin("example", opened, "review")
    laws.release_and_withdrawal_are_the_developers_at_any_time()
    release: type[Event] = settling.ReleaseAnnounced
    row = RULES[release]
    for wrong in (
        replace(row, guards=(lambda _f, s, _e: None if s.designating.made else Ground("no-case"),)),
        replace(row, roles=("developer", "agency")),
        replace(row, when=OVER),
    ):
        monkeypatch.setitem(RULES, release, wrong)
        with pytest.raises((Refused, pytest.fail.Exception)):
            laws.release_and_withdrawal_are_the_developers_at_any_time()


def test_release_and_withdrawal_have_no_guard():
    for event in (settling.ReleaseAnnounced, settling.ReviewWithdrawn):
        assert RULES[event].guards == ()
        assert RULES[event].when == ALWAYS
        assert RULES[event].roles == ("developer",)


@pytest.mark.parametrize("framework", ["us-2026-05-draft", "us-2026-06"])
def test_one_submission_with_a_release_in_45_days(framework: str):
    """The May draft shows what is missing of its 90 days, the June order fits; release is free."""
    case = Case(shipped_framework(framework))
    case.open().agree().submit("2026-10-01T16:00:00Z", planned_public_release="2026-11-15")
    case.lay_window()
    assert case.state.clock
    laid = case.state.clock.anchored
    assert laid.shortfall_days == {"us-2026-05-draft": 45, "us-2026-06": 0}[framework]
    assert (
        laid.share_by == {"us-2026-05-draft": "2026-08-17", "us-2026-06": "2026-10-16"}[framework]
    )
    for at in ("2026-10-01T16:00:00Z", "2026-11-15T16:00:00Z", "2031-01-01T00:00:00Z"):
        case.do(
            make(
                settling.ReleaseAnnounced,
                LAB,
                at,
                scope="public",
                variants=("final",),
                same_model="same",
            )
        )
    assert len(case.state.releases) == 3


@pytest.mark.parametrize("release_state", ["in-development", "internal", "restricted", "released"])
def test_every_release_state_is_reviewed(case: Case, release_state: str):
    case.open().agree().submit(release_state=release_state).lay_window().seal()
    assert case.state.clock
    assert case.state.clock.anchored.anchor == "submission"
    assert case.state.clock.anchored.shortfall_days == 0
