"""Deeds about findings, evidence that a party declares, and the designation.

Begin at `case.record([designation_concurred(case, by, proposal, designation)])`; see
`touchstone.deeds.drafting`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from touchstone.clearance import Marking
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.drafting import event_of, text_part, worded
from touchstone.deeds.known_case import KnownCase
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.review.designation import Proposal
from touchstone.review.events import judging
from touchstone.review.events.judging import Designation

Stance = Literal["accepted", "noted", "mitigated"]
Rerun = Literal["upheld", "revised", "withdrawn"]
Shows = Literal["met", "not-met", "inconclusive"]


def finding_signed(
    case: KnownCase,
    by: str,
    finding: str,
    domain: str,
    criterion: str | None,
    content: dict[str, Any],
    marking: Marking | None = None,
) -> Deed:
    """An evaluator signs a finding: a new id, the framework's domain, and title and text.

    A marking that names an allied evaluator lets it read later what answers the finding.
    """
    part = Content(content, marking or case.marks.case)
    facts = {
        "finding": finding,
        "domain": domain,
        "criterion": criterion,
        "statement": digest_value(content),
    }
    return Deed(event_of(case, judging.FindingSigned, by, marking, **facts), (part,))


def outside_finding_signed(
    case: KnownCase,
    by: str,
    finding: str,
    domain: str,
    text: str,
    withheld_evidence: str,
    withheld_reason: str,
    criterion: str | None = None,
    marking: Marking | None = None,
) -> Deed:
    """An independent evaluator signs a finding; `withheld_evidence` is a digest of what it keeps.

    A marking that names the evaluator lets it read later what answers the finding.
    """
    part, digest = text_part(case, text, marking)
    facts = {
        "finding": finding,
        "domain": domain,
        "criterion": criterion,
        "statement": digest,
        "withheld_evidence": withheld_evidence,
    }
    texts, parts = {"withheld_reason": withheld_reason}, {"text": part}
    kind = judging.OutsideFindingSigned
    return worded(case, kind, by, marking, texts=texts, parts=parts, **facts)


def finding_responded(
    case: KnownCase,
    by: str,
    finding: str,
    stance: Stance,
    text: str,
    marking: Marking | None = None,
) -> Deed:
    """The developer answers a finding."""
    part, digest = text_part(case, text, marking)
    facts = {"finding": finding, "stance": stance, "response": digest}
    return Deed(event_of(case, judging.FindingResponded, by, marking, **facts), (part,))


def finding_disputed(
    case: KnownCase,
    by: str,
    finding: str,
    grounds: str,
    *,
    rerun_wanted: bool = False,
    marking: Marking | None = None,
) -> Deed:
    """The developer contests a finding, and may ask for a re-run."""
    facts, texts = {"finding": finding, "rerun_wanted": rerun_wanted}, {"grounds": grounds}
    return worded(case, judging.FindingDisputed, by, marking, texts=texts, **facts)


def finding_rerun(
    case: KnownCase,
    by: str,
    finding: str,
    outcome: Rerun,
    text: str,
    battery: str | None = None,
    marking: Marking | None = None,
) -> Deed:
    """What came of looking at a disputed finding again; `battery`: whose tasks ran, if any."""
    part, digest = text_part(case, text, marking)
    facts = {"finding": finding, "outcome": outcome, "battery": battery, "statement": digest}
    return Deed(event_of(case, judging.FindingRerun, by, marking, **facts), (part,))


def evidence_declared(
    case: KnownCase, by: str, criterion: str, shows: Shows, data: bytes, media_type: str, name: str
) -> Deed:
    """The party that a criterion without a number names says what its evidence shows.

    `data` is the evidence itself, `media_type` and `name` what readers are told of it.
    """
    part = Evidence(data, media_type, name, case.marks.case)
    facts = {"criterion": criterion, "shows": shows, "evidence": digest_bytes(data)}
    return Deed(event_of(case, judging.EvidenceDeclared, by, **facts), (part,))


# ------------------------------------------------------------------ designation


def designation_proposed(
    case: KnownCase, by: str, proposed: Proposal, together: Sequence[dict[str, Any]] = ()
) -> Deed:
    """What the rule gives; `together` is what the modes of each criterion say together."""
    facts = {
        "designation": proposed.designation,
        "says": [each.model_dump(mode="json") for each in proposed.says],
        "words": digest_value(proposed.words),
    }
    # The digest among the facts binds the words; who reads them, their own marking says.
    words = Content(proposed.words, case.marks.case)
    parts = (Content({"together": list(together)}, case.marks.case),) if together else ()
    return Deed(event_of(case, judging.DesignationProposed, by, **facts), (words, *parts))


def designation_concurred(
    case: KnownCase, by: str, proposal: int, designation: Designation
) -> Deed:
    """An agency agrees with what is in question on the newest proposal, by its number from 1."""
    facts = {"proposal": proposal, "designation": designation}
    return Deed(event_of(case, judging.DesignationConcurred, by, **facts))


def designation_dissented(
    case: KnownCase, by: str, proposal: int, designation: Designation, reason: str
) -> Deed:
    """An agency disagrees with it."""
    facts, texts = {"proposal": proposal, "designation": designation}, {"reason": reason}
    return worded(case, judging.DesignationDissented, by, texts=texts, **facts)


def designation_made(
    case: KnownCase, by: str, proposal: int, designation: Designation, reasons: str
) -> Deed:
    """The designating agency decides, on a proposal or otherwise."""
    facts, texts = {"proposal": proposal, "designation": designation}, {"reasons": reasons}
    return worded(case, judging.DesignationMade, by, texts=texts, **facts)


def designation_revised(
    case: KnownCase, by: str, proposal: int, designation: Designation, reasons: str
) -> Deed:
    """The designating agency changes its decision."""
    facts, texts = {"proposal": proposal, "designation": designation}, {"reasons": reasons}
    return worded(case, judging.DesignationRevised, by, texts=texts, **facts)
