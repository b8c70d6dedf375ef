"""Cases of record contract 1 as `review run` of earlier versions opened them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.contract1 import NewPart, append, opening
from support.laid import anchor_clock
from support.small_case import AGENCIES, SUBMISSION, Minutes
from support.timed import evolve
from touchstone.deeds.agreed_readers import Readable
from touchstone.deeds.cases import submission_received
from touchstone.deeds.deed import Content, Deed, attached
from touchstone.deeds.known_case import Participants
from touchstone.editions.case_summary import summarise
from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework
from touchstone.ledger import Deed as LedgerDeed
from touchstone.ledger import dumps, sign_deed
from touchstone.records import CaseWriter
from touchstone.review import Attached, State, read_event
from touchstone.review.events import opening as openings
from touchstone.service.case_context import Case
from touchstone.service.cases.agreement import agreed_terms, agreement_text, missing
from touchstone.service.cases.opening import default_centre
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation, open_installation


def record_old(here: Installation, writer: CaseWriter, state: State, deeds: Sequence[Deed]) -> None:
    """Sign deeds and append them, each at its place."""
    for deed in deeds:
        event = deed.event
        record_facts(here, writer, event.facts(), [attached(each) for each in deed.attachments])
        state = evolve(state, event)
        writer.summarise(summarise(writer.case, state))


def record_facts(
    here: Installation, writer: CaseWriter, facts: dict[str, Any], beside: Sequence[Attached]
) -> None:
    """Sign what a part 0 says, with what goes with it, at its place."""

    def part(value: Any) -> NewPart:
        return NewPart(here.random.draw(32), dumps(value))

    parts = [part(facts), *(part(each.value) for each in beside)]
    signed = LedgerDeed(
        log=writer.log,
        n=writer.next_n,
        previous=writer.root,
        deed=facts["type"],
        actor=facts["actor"],
        parts=tuple(each.commitment for each in parts),
    )
    envelope = sign_deed(signed, here.keyring.party(facts["actor"])).envelope
    parts.append(part({"kind": "deed", "marking": facts["marking"], "envelope": envelope}))
    append(writer, parts)


class _Unwritten(Case):
    """A case of which nothing stands in the record, so that nobody was agreed to read it."""

    def agreed_readers(self, what: Readable) -> tuple[str, ...]:  # noqa: ARG002 - its form
        return ()


def old_case(
    here: Installation, framework: Framework, submission: Submission, participants: Participants
) -> Case:
    """A case that an earlier version opened for a submission, handed in and on the clock."""
    case = _Unwritten(here, here.random.draw(16).hex(), framework, submission, participants)
    at, marks = case.now(), case.marks
    agreed = agreed_terms(framework, submission)
    agreement = agreement_text(framework, submission, participants, agreed)

    def key(party: str) -> str:
        return here.keyring.new_party_key(party).public_key.hex()

    opened = openings.CaseOpened(
        actor=participants.centre,
        at=at,
        marking=marks.case,
        kind=submission.kind,
        framework=openings.FrameworkReference(id=framework.id, digest=framework.digest),
        agreement=digest_value(agreement),
        nonce=here.random.draw(32).hex(),
        installation_key=here.keyring.history.current.hex(),
        admits=tuple(
            openings.Admission(party=party, role=role, key=key(party))
            for party, role in participants.roles
        ),
    )
    signed = [
        openings.AgreementSigned(
            actor=party,
            at=at,
            marking=marks.case,
            agreement=digest_value(agreement),
            access=submission.access,
            reasoning=submission.reasoning_access,
            retention_days=agreed.retention_days,
            publication=agreed.publication,
        )
        for party in (participants.developer, participants.centre)
    ]
    handing_in = submission_received(case, participants.developer, submission)
    received = handing_in.event
    assert isinstance(received, openings.SubmissionReceived)
    lacking = missing(framework, submission)
    assessed = openings.SubmissionAssessed(
        actor=participants.centre,
        at=at,
        marking=marks.case,
        submission=received.submission,
        complete=not lacking,
    )
    text = framework.model_dump(mode="json", exclude_defaults=True)
    deeds = [
        Deed(opened, (Content(text, marks.case), Content(agreement, marks.case))),
        *map(Deed, signed),
        handing_in,
        Deed(assessed),
        Deed(anchor_clock(framework.window, received, participants.centre, at, marks.case)),
    ]
    with opening(here.records, case.id) as writer:
        record_old(here, writer, State(), deeds)
    return case


def record_in(case: Case, facts: dict[str, Any]) -> None:
    """Do a further deed in an old case: its facts, and nothing beside them."""
    with case.installation.records.transaction(case.id) as writer:
        record_facts(case.installation, writer, facts, [])
        state = evolve(case.state, read_event(facts))
        writer.summarise(summarise(case.id, state))


def old_home(home: Path, folder: Path) -> str:
    """A home in which an earlier version opened a case, and halted it; gives the case's id."""
    standard = load_framework("example")
    path = folder / "SUBMISSION.toml"
    path.write_text(SUBMISSION.format(framework=standard.id), "utf-8")
    participants = Participants("example-lab", default_centre(standard), AGENCIES)
    with open_installation(home, Minutes(), apart=True) as here:
        case = old_case(here, standard, load_submission(path), participants)
        # As it was written then: the words among the facts.
        halted = {
            "type": "review-halted",
            "schema": 1,
            "actor": participants.centre,
            "at": case.now(),
            "marking": case.marks.case.as_dict(),
            "reason": "as it was",
        }
        record_in(case, halted)
    return case.id
