"""What each audience reads: one self-contained page made from plain facts.

It decides nothing, looks nothing up and writes no file; `service` gathers the facts it is given.

Begin at `touchstone.report.render`: `render_html(data)`.
"""

from touchstone.report.data import (
    Accounting,
    Claim,
    ClockFacts,
    Conflict,
    CriterionReason,
    DesignationFacts,
    DifficultyCount,
    EvidenceCurve,
    Fact,
    FindingFacts,
    ModeFacts,
    NotMeasured,
    PartyFacts,
    ReportData,
    ResultRow,
    TimelineEvent,
    VerificationFacts,
    WithheldParts,
)
from touchstone.report.render import render_html, render_since

__all__ = [
    "Accounting",
    "Claim",
    "ClockFacts",
    "Conflict",
    "CriterionReason",
    "DesignationFacts",
    "DifficultyCount",
    "EvidenceCurve",
    "Fact",
    "FindingFacts",
    "ModeFacts",
    "NotMeasured",
    "PartyFacts",
    "ReportData",
    "ResultRow",
    "TimelineEvent",
    "VerificationFacts",
    "WithheldParts",
    "render_html",
    "render_since",
]
