"""From a submission to an open case: parties, agreement, submission, clock."""

import re
from collections.abc import Sequence
from typing import Any

from touchstone.evaluation import Submission, endpoint_digest
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework
from touchstone.keys import KeyMissingError
from touchstone.ledger import dumps
from touchstone.review import anchor_clock
from touchstone.review.events import opening
from touchstone.service.case import Case, Cast
from touchstone.service.errors import CannotRunError
from touchstone.service.installation import Installation
from touchstone.service.markings import Markings
from touchstone.service.recording import Content, Deed, record_opening

RETENTION_DAYS = 365
DEFAULT_CENTRE = "centre"


def default_centre(framework: Framework) -> str:
    """The centre that the framework names, if it names one alone."""
    named = framework.parties_with("centre")
    return named[0].id if len(named) == 1 else DEFAULT_CENTRE


def check_parties(
    framework: Framework, submission: Submission, agencies: Sequence[str] = ()
) -> None:
    """Refuse what `open_case` would refuse, before anything is made or asked.

    Raises:
        CannotRunError: no case can be opened so; the line names the key and the mend.
    """
    if framework.gate != "none":
        raise CannotRunError(
            f"framework {framework.id} is for comparison only; name one whose gate is none"
        )
    developer = submission.developer.id
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", developer):
        raise CannotRunError(
            f"developer.id: {developer!r} cannot name a party: write lowercase letters, digits "
            "and hyphens"
        )
    others = {p.id for p in framework.parties if p.role != "developer"}
    if developer in others | {default_centre(framework)}:
        raise CannotRunError(
            f"developer.id: {developer!r} is another party of framework {framework.id}; write the "
            "developer's own id"
        )
    known = [p.id for p in framework.parties if p.role == "agency"]
    for number, agency in enumerate(agencies):
        if agency not in known or agency in agencies[:number]:
            raise CannotRunError(
                f"--agency {agency[:64]!a}: name once each the agencies of framework "
                f"{framework.id} that take part; they are {', '.join(known) or 'none'}"
            )


def open_case(
    installation: Installation, framework: Framework, submission: Submission, cast: Cast
) -> Case:
    """Open a case for a submission, sign the agreement, hand the model in, lay the clock.

    All of it is one transaction. Keys of parties that have none on this machine are made here.

    Raises:
        Refused: the framework is for comparison only, or the parties may not do this.
    """
    case = Case(installation, installation.random.draw(16).hex(), framework, submission, cast)
    at, marks = case.now(), case.marks
    agreement = agreement_text(framework, submission, cast)
    opened = opening.CaseOpened(
        actor=cast.centre,
        at=at,
        marking=marks.case,
        kind="review",
        framework=opening.FrameworkReference(id=framework.id, digest=framework.digest),
        agreement=digest_value(agreement),
        installation_key=installation.keyring.history.current.hex(),
        nonce=installation.random.draw(32).hex(),
        admits=tuple(
            opening.Admission(party=party, role=role, key=_public_key(installation, party))
            for party, role in cast.roles
        ),
    )
    signed = [
        opening.AgreementSigned(
            actor=party,
            at=at,
            marking=marks.case,
            agreement=digest_value(agreement),
            access="endpoint",
            reasoning=submission.reasoning_access,
            retention_days=RETENTION_DAYS,
            publication="agreed-report",
        )
        for party in (cast.developer, cast.centre)
    ]
    received = received_event(submission, cast, at, marks)
    deeds = [
        Deed(opened, (Content(framework.model_dump(mode="json", exclude_defaults=True), marks.case),
                      Content(agreement, marks.case))),
        *[Deed(event) for event in signed],
        Deed(received, (Content({"modes": modes_shown(submission)}, marks.case),
                        Content(submission.model_dump(mode="json"), marks.pair))),
        Deed(
            opening.SubmissionAssessed(
                actor=cast.centre,
                at=at,
                marking=marks.case,
                submission=received.submission,
                complete=True,
            )
        ),
        Deed(anchor_clock(framework.window, received, cast.centre, at, marks.case)),
    ]  # fmt: skip
    record_opening(installation, case.id, framework, deeds)
    return case


def received_event(
    submission: Submission, cast: Cast, at: str, marks: Markings
) -> opening.SubmissionReceived:
    """The submission as an event: what is to be reviewed, and the release that is planned."""
    planned = submission.model.planned_release
    day = planned.date.isoformat() if planned else None
    to_partners = planned is not None and planned.anchor == "partner-release"
    return opening.SubmissionReceived(
        actor=cast.developer,
        at=at,
        marking=marks.case,
        submission=submission.digest,
        model=submission.model.name,
        release_state=submission.model.release_state,
        variants=tuple(
            opening.Variant(
                id=variant.id,
                modes=tuple(mode.id for mode in submission.modes if mode.variant == variant.id),
                purpose="final",
            )
            for variant in submission.variants
        ),
        planned_partner_release=day if to_partners else None,
        planned_public_release=None if to_partners else day,
    )


def modes_shown(submission: Submission) -> list[dict[str, Any]]:
    """The modes as every party may read them: the endpoint's digest, never its address."""
    return [
        {
            "id": mode.id,
            "variant": mode.variant,
            "model": mode.model,
            "endpoint": endpoint_digest(mode),
            "settings": mode.settings.model_dump(mode="json", exclude_none=True),
        }
        for mode in submission.modes
    ]


def agreement_text(framework: Framework, submission: Submission, cast: Cast) -> dict[str, Any]:
    """What developer and centre agree on, as a JSON value; its digest is what both sign."""
    return {
        "framework": framework.digest,
        "developer": cast.developer,
        "centre": cast.centre,
        "model": submission.model.name,
        "access": "endpoint",
        "reasoning": submission.reasoning_access,
        "retention_days": RETENTION_DAYS,
        "publication": "agreed-report",
        "text": "The developer shares the model voluntarily. It may release it, or leave, at any "
        "time and without penalty. The centre measures it, keeps what it sees to the parties that "
        "each part names, and publishes nothing that the developer has not approved.",
    }


def framework_of(content: dict[str, Any]) -> Framework:
    """The framework that a case was opened under, from the content of its entry 0."""
    return Framework.model_validate_json(dumps(content))


def _public_key(installation: Installation, party: str) -> str:
    try:
        signer = installation.keyring.party(party)
    except KeyMissingError:
        signer = installation.keyring.new_party_key(party)
    return signer.public_key.hex()
