"""A deed of every type as it stands before its recording, each with a copy of its store.

What commands do is done by their functions; what nobody can do by command yet is done by hand.
"""

import pickle
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.redrafting import Call, Calls, noted_calls
from support.small_case import Minutes, measure, settle, small_case
from support.world_orders import Orders
from support.worlds import ONE, submission_file, world
from touchstone.clearance import tlp
from touchstone.deeds import access
from touchstone.deeds import cases as about
from touchstone.deeds import designation as judged
from touchstone.deeds import telling as told
from touchstone.deeds.deed import Deed, Evidence
from touchstone.deeds.reporting import reads_digested
from touchstone.deeds.seeding import seed_committed, seed_contributed, seed_revealed
from touchstone.evaluation import load_submission
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework
from touchstone.ledger import fingerprint
from touchstone.review import State
from touchstone.review.events import opening
from touchstone.review.events.base import Role
from touchstone.service import case_context as cases
from touchstone.service import commit
from touchstone.service.case_context import Case
from touchstone.service.cases import destroying
from touchstone.service.cases import opening as openings
from touchstone.service.cases.opening import completed
from touchstone.service.commit import Proposing
from touchstone.service.installation import Installation, open_installation


@dataclass(frozen=True)
class Before:
    """A deed that is about to be recorded, and the store just before."""

    home: Path
    moment: datetime
    case: str
    framework: Framework
    before: tuple[Deed, ...]
    """Deeds of the same transaction that come first."""
    deed: Deed
    certificate: str | None = None
    call: Call | None = None
    """How it was drafted; None where a test made it by hand."""

    @property
    def kind(self) -> str:
        """Its type."""
        return self.deed.event.type

    @contextmanager
    def store(self) -> Iterator[Installation]:
        """The store as it was then."""
        with open_installation(self.home, Minutes(self.moment)) as here:
            yield here

    def copied(self, home: Path) -> "Before":
        """The same in a store of its own."""
        shutil.copytree(self.home, home)
        return replace(self, home=home)

    def record(self, here: Installation, deed: Deed) -> None:
        """Record another deed in the place of this one, as this one was to be."""
        args = (here, self.case, self.framework)
        if self.certificate is not None:
            commit.record_destruction(*args, deed, self.certificate)
        elif isinstance(self.deed.event, opening.CaseOpened):
            commit.record_opening(*args, [deed])
        else:
            commit.record(*args, [*self.before, deed])


@dataclass
class Gathered:
    """The fullest deed of each type, by type."""

    folder: Path
    calls: Calls
    found: dict[str, Before] = field(default_factory=dict)

    def take(
        self,
        here: Installation,
        case: str,
        framework: Framework,
        deeds: Sequence[Deed],
        certificate: str | None = None,
    ) -> None:
        """Keep the deeds that have more parts than those of their type so far."""
        homes: list[Path] = []
        for number, deed in enumerate(deeds):
            known = self.found.get(deed.event.type)
            if known and len(known.deed.attachments) >= len(deed.attachments):
                continue
            if not homes:
                homes.append(self.folder / f"{len(list(self.folder.iterdir()))}")
                shutil.copytree(here.home, homes[0])
            first = tuple(deeds[:number])
            moment = here.clock.now()
            call = self.calls.of(deed)
            self.found[deed.event.type] = Before(
                homes[0], moment, case, framework, first, deed, certificate, call
            )


def every_deed(folder: Path) -> dict[str, Before]:
    """By type, the fullest deed that is done."""
    stores = folder / "stores"
    stores.mkdir()
    with noted_calls() as calls, pytest.MonkeyPatch.context() as patch:
        gathered = Gathered(stores, calls)
        _watch(patch, gathered)
        with world(folder / "world", ONE) as made:
            made.measured()
            made.breached()
            made.opened(still='["a report"]')
            path = submission_file(made.folder, ONE, still="[]", days="30")
            assert completed(made.here, made.framework, load_submission(path))
            Orders(made).all()
            made.reported()
        other = folder / "other"
        other.mkdir()
        with small_case(other) as case:
            measure(case)
            settle(case)
            by_hand(case)
    return gathered.found


KEPT = "deeds.pickle"


def make_deeds(folder: Path) -> None:
    """Every deed into a folder, where `kept_deeds` finds them, also in a copy of it."""
    found = {
        kind: replace(deed, home=deed.home.relative_to(folder))
        for kind, deed in every_deed(folder).items()
    }
    (folder / KEPT).write_bytes(pickle.dumps(found))
    for made in ("world", "other"):
        shutil.rmtree(folder / made)


def kept_deeds(folder: Path) -> dict[str, Before]:
    """What `make_deeds` wrote."""
    found: dict[str, Before] = pickle.loads((folder / KEPT).read_bytes())  # noqa: S301  our own
    return {kind: replace(deed, home=folder / deed.home) for kind, deed in found.items()}


def _watch(patch: pytest.MonkeyPatch, gathered: Gathered) -> None:
    record, begin, end = commit.record, commit.record_opening, commit.record_destruction

    def recorded(
        here: Installation,
        case: str,
        framework: Framework,
        deeds: Sequence[Deed] | Proposing,
        seen: Any = None,
    ) -> State:
        if not callable(deeds):
            gathered.take(here, case, framework, deeds)
            return record(here, case, framework, deeds, seen)

        def proposing(state: State) -> Sequence[Deed]:
            proposed = deeds(state)
            gathered.take(here, case, framework, proposed)
            return proposed

        return record(here, case, framework, proposing, seen)

    def opened(here: Installation, case: str, framework: Framework, deeds: Sequence[Deed]) -> State:
        gathered.take(here, case, framework, deeds[:1])
        return begin(here, case, framework, deeds)

    def destroyed(
        here: Installation, case: str, framework: Framework, deed: Deed, text: str
    ) -> Any:
        gathered.take(here, case, framework, [deed], text)
        return end(here, case, framework, deed, text)

    patch.setattr(cases, "record", recorded)
    patch.setattr(openings, "record_opening", opened)
    patch.setattr(destroying, "record_destruction", destroyed)


EVALUATOR = "example-evaluator"


def by_hand(case: Case) -> None:
    """What no command does yet, in a case that was measured and decided: a function a deed."""
    lab, centre, agency = (
        case.participants.developer,
        case.participants.centre,
        case.participants.agencies[0],
    )
    other, why, said = case.participants.agencies[1], "as it is", "As we see it."
    marking = tlp("AMBER", lab, centre, agency, other, EVALUATOR)
    _joins(case)

    def do(deed: Deed) -> None:
        case.record([deed])

    do(about.participation_noted(case, lab, "participating", why, marking))
    do(about.inquiry_asked(case, lab, "one", "internal", why))
    do(about.inquiry_answered(case, agency, "one", "cannot-say", why))
    do(about.clock_paused(case, lab, why))
    do(about.clock_resumed(case, lab))
    do(about.clock_extended(case, lab, 2, why))
    do(about.clock_ended(case, lab, why))
    kept = digest_value("kept")
    do(
        judged.outside_finding_signed(
            case, EVALUATOR, "outside", "cyber", said, kept, why, marking=marking
        )
    )
    do(judged.finding_responded(case, lab, "outside", "noted", said, marking))
    do(judged.finding_disputed(case, lab, "outside", why, rerun_wanted=True, marking=marking))
    do(judged.finding_rerun(case, EVALUATOR, "outside", "upheld", said, marking=marking))
    shows = b"what shows it", "text/plain", "evidence.txt"
    do(judged.evidence_declared(case, lab, _declared(case), "not-met", *shows))
    answers = [("incidents", "What incidents were there?", "None.")]
    do(told.questions_answered(case, lab, "loss-of-control", "1", kept, answers))
    log: dict[str, Any] = dict.fromkeys(("task", "model", "made", "status"), "said")
    log |= {"scores": [], "version": ""}
    log |= {"whose": "Example Evaluator", "tool": "Petri", "altered": [], "unread": []}
    log |= {"samples": 1, "read": 1}
    do(told.outside_evidence_imported(case, centre, log, b"a log", "petri.eval"))
    made = case.state.designating.made or "undetermined"
    do(judged.designation_concurred(case, other, 1, made))
    do(judged.designation_dissented(case, other, 1, made, why))
    do(judged.designation_revised(case, agency, 1, "undetermined", why))
    do(access.postponement_requested(case, agency, "later", "2026-12-24", why))
    do(access.postponement_answered(case, lab, "later", "declined"))
    plan = Evidence(b"The plan.", "text/plain", "plan.txt", case.marks.case)
    do(about.document_handed_in(case, lab, "plan", "safety-plan", plan))
    do(reads_digested(case, "2026-11-01", 2, kept, bytes(32)))
    _seeds(case)
    do(access.release_compared(case, centre, "final", "same", kept))
    _recovers(case)
    _parts(case)
    do(about.review_withdrawn(case, lab))


def _seeds(case: Case) -> None:
    """The seed of the battery that ran is opened, and that of the next is of both."""
    lab, centre = case.participants.developer, case.participants.centre
    (sealed,) = case.entries_of("battery-sealed")
    case.record([seed_revealed(case, centre, "battery-1", sealed.content("secret"))])
    committed = seed_committed(case, "battery-2")
    case.record([committed])
    answers = committed.event.facts()["contribution"]
    case.record([seed_contributed(case, lab, "battery-2", answers)])


def _parts(case: Case) -> None:
    """An invitation is taken back, one guest is removed, and another leaves."""
    centre = case.participants.centre
    role: Role = "auditor"
    case.record([about.party_invited(case, centre, "example-reader", role)])
    case.record([about.party_uninvited(case, centre, "example-reader")])
    keyring = case.installation.keyring
    for guest in ("example-guest", "example-auditor"):
        key, after = keyring.new_party_key(guest), keyring.next_party_key(guest).fingerprint
        case.record([about.party_invited(case, centre, guest, role)])
        case.record([about.party_joined(case, guest, role, key.public_key.hex(), after)])
    case.record([about.party_removed(case, centre, "example-guest", "Its work is done.")])
    case.record([about.party_left(case, "example-auditor", "Its own wish.")])


def _recovers(case: Case) -> None:
    """The evaluator, which is said to have lost its keys, objects; then it has lost them."""
    keyring, others = case.installation.keyring, case.participants
    key = keyring.new_party_key(EVALUATOR)
    old = case.state.parties[EVALUATOR].key

    def do(deed: Deed) -> None:
        case.record([deed])

    for objects in (True, False):
        for by in (others.developer, others.centre):
            do(about.party_reinvited(case, by, EVALUATOR, key.fingerprint))
        if objects:
            do(about.recovery_objected(case, EVALUATOR))
    clock = case.installation.clock
    assert isinstance(clock, Minutes)
    clock.pass_by(72 * 60)
    following = keyring.next_party_key(EVALUATOR).fingerprint
    lasts = {fingerprint(bytes.fromhex(old)): 0}
    do(about.party_rejoined(case, EVALUATOR, key.public_key.hex(), following, lasts))


def _joins(case: Case) -> None:
    """The evaluator, whose keys are made here, with a device that is ended, and a newer key."""
    keyring = case.installation.keyring
    key, device = keyring.new_party_key(EVALUATOR), keyring.new_party_key("a-device")
    role: Role = "independent-evaluator"

    def following() -> str:
        return keyring.next_party_key(EVALUATOR).fingerprint

    def do(deed: Deed) -> None:
        case.record([deed])

    do(about.party_invited(case, case.participants.centre, EVALUATOR, role, key.fingerprint))
    do(about.party_joined(case, EVALUATOR, role, key.public_key.hex(), following()))
    kinds = ["finding-signed"]
    do(about.signer_admitted(case, EVALUATOR, device.public_key.hex(), kinds, "a-device"))
    do(about.signer_removed(case, EVALUATOR, device.fingerprint))
    newer = keyring.promote_next_key(EVALUATOR).public_key.hex()
    do(about.party_key_rotated(case, EVALUATOR, newer, following()))


def _declared(case: Case) -> str:
    return next(c.id for c in case.framework.criteria if c.kind == "declared")
