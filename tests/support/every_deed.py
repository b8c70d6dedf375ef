"""A deed of every type as it stands before its recording, each with a copy of its store.

What commands do is done by their functions; what nobody can do by command yet is done by hand.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.small_case import Minutes, measure, settle, small_case
from support.world_orders import Orders
from support.worlds import ONE, submission_file, world
from touchstone.clearance import tlp
from touchstone.evaluation import load_submission
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.framework import Framework
from touchstone.review import Event, State
from touchstone.review.events import judging, measuring, opening, settling
from touchstone.service import case as cases
from touchstone.service import opening as openings
from touchstone.service import recording
from touchstone.service.case import Case
from touchstone.service.cases import destroying
from touchstone.service.installation import Installation, open_installation
from touchstone.service.opening import completed
from touchstone.service.recording import Content, Deed, Evidence, Proposing


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
            recording.record_destruction(*args, deed, self.certificate)
        elif isinstance(self.deed.event, opening.CaseOpened):
            recording.record_opening(*args, [deed])
        else:
            recording.record(*args, [*self.before, deed])


@dataclass
class Gathered:
    """The fullest deed of each type, by type."""

    folder: Path
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
            self.found[deed.event.type] = Before(
                homes[0], moment, case, framework, first, deed, certificate
            )


def every_deed(folder: Path) -> dict[str, Before]:
    """By type, the fullest deed that is done."""
    stores = folder / "stores"
    stores.mkdir()
    gathered = Gathered(stores)
    with pytest.MonkeyPatch.context() as patch:
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


def _watch(patch: pytest.MonkeyPatch, gathered: Gathered) -> None:
    record, begin, end = recording.record, recording.record_opening, recording.record_destruction

    def recorded(
        here: Installation, case: str, framework: Framework, deeds: Sequence[Deed] | Proposing
    ) -> State:
        if not callable(deeds):
            gathered.take(here, case, framework, deeds)
            return record(here, case, framework, deeds)

        def proposing(state: State) -> Sequence[Deed]:
            proposed = deeds(state)
            gathered.take(here, case, framework, proposed)
            return proposed

        return record(here, case, framework, proposing)

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
    """What no command does yet, in a case that was measured and decided."""
    lab, centre, agency = case.cast.developer, case.cast.centre, case.cast.agencies[0]
    other, day = case.cast.agencies[1], "2026-12-24"

    def do(kind: type[Event], actor: str, *attached: Content | Evidence, **facts: Any) -> None:
        event = kind(actor=actor, at=case.now(), marking=marking, **facts)
        case.record([Deed(event, attached)])

    text = {"text": "As we see it."}
    marking = tlp("AMBER", lab, centre, agency, other, EVALUATOR)
    said = Content(text, marking)
    digest, why = digest_value(text), "as it is"
    key = case.installation.keyring.new_party_key(EVALUATOR).public_key.hex()
    joins = opening.Admission(party=EVALUATOR, role="independent-evaluator", key=key)
    do(opening.PartyAdmitted, centre, admits=(joins,), reason=why)
    do(opening.ParticipationNoted, lab, status="participating", source=why)
    do(opening.InquiryAsked, lab, inquiry="one", release_state="internal", question=why)
    do(opening.InquiryAnswered, agency, inquiry="one", answer="cannot-say", reasons=why)
    do(measuring.ClockPaused, lab, reason=why)
    do(measuring.ClockResumed, lab)
    do(measuring.ClockExtended, lab, days=2, reason=why)
    do(measuring.ClockEnded, lab, reason=why)
    do(
        judging.OutsideFindingSigned,
        EVALUATOR,
        said,
        finding="outside",
        domain="cyber",
        statement=digest,
        withheld_evidence=digest_value("kept"),
        withheld_reason=why,
    )
    do(judging.FindingResponded, lab, said, finding="outside", stance="noted", response=digest)
    do(judging.FindingDisputed, lab, finding="outside", grounds=why, rerun_wanted=True)
    do(judging.FindingRerun, EVALUATOR, said, finding="outside", outcome="upheld", statement=digest)
    data = b"what shows it"
    shows = Evidence(data, "text/plain", "evidence.txt", marking)
    do(
        judging.EvidenceDeclared,
        lab,
        shows,
        criterion=_declared(case),
        shows="not-met",
        evidence=digest_bytes(data),
    )
    made = case.state.designating.made or "undetermined"
    do(judging.DesignationConcurred, other, proposal=1, designation=made)
    do(judging.DesignationDissented, other, proposal=1, designation=made, reason=why)
    do(judging.DesignationRevised, agency, proposal=1, designation="undetermined", reasons=why)
    do(settling.PostponementRequested, agency, request="later", until=day, reason=why)
    do(settling.PostponementAnswered, lab, request="later", answer="declined")
    do(settling.ReleaseCompared, centre, variant="final", compared="same", digest=digest)
    do(settling.ReviewWithdrawn, lab)


def _declared(case: Case) -> str:
    return next(c.id for c in case.framework.criteria if c.kind == "declared")
