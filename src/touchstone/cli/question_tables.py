"""What a case says when it is asked: clock, findings and designation, as tables for people."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from touchstone.cli.output import show
from touchstone.cli.tables import grid

if TYPE_CHECKING:
    from touchstone.editions.questions.clock import ClockDate, ClockShown, WindowShown
    from touchstone.editions.questions.designation import (
        AgencyWord,
        DesignationShown,
        Missing,
    )
    from touchstone.editions.questions.findings import FindingShown, SaidOfFinding

_NOBODY = "nobody"
_NOT_TOLD = "cannot be told here"
_DATES = {
    "share-by": "to be shared by",
    "shared": "shared",
    "paused": "paused",
    "resumed": "resumed",
    "ended": "ended",
    "window-ends": "window ends",
    "postponement": "postponement asked for",
    "postponement-granted": "postponement granted",
    "partner-release": "planned release to partners",
    "public-release": "planned public release",
}
_STANDING = {
    "not-laid": "No review window is laid so far.",
    "running": "The review window runs.",
    "paused": "The review window stands still.",
    "ended": "The review window has ended.",
}
_WORDS = {
    "concurred": "concurs",
    "dissented": "dissents",
    "of-another-question": "spoke of what is not in question any more",
    "decided": "decided",
    "silent": "silent, which is never consent",
    "nothing-proposed": "no proposal yet",
    "takes-no-part": "takes no part in this case, so nobody asked it",
    "left": "took part in this case, and has left it",
    "not-to-be-read": "nothing that may be read here",
}
_LACKS = {
    "no-rule-for-designation": "the framework has no designation",
    "developer-has-left": "the developer has left, so nothing new is decided",
    "case-is-over": "the case is over",
    "nothing-proposed": "a proposal",
    "designator-takes-no-part": "the deciding agency takes no part in this case",
    "concurrence": "concurrence; a decision does not wait for it",
    "decision": "the decision",
}


def clock(shown: "ClockShown") -> None:
    """The clock of a case."""
    show(_STANDING[shown.standing])
    if shown.window is not None:
        show(_reckoned(shown.window))
    grid(("Date", "When", "Passed", "Who is to act"), (_date(shown, each) for each in shown.dates))


def _reckoned(window: "WindowShown") -> str:
    unit = "business days" if window.business_days else "days"
    told = [
        f"A window of {window.window_days} {unit}, tied to {window.anchor}",
        f"{window.days_used} used and {window.days_left} to its end",
    ]
    told += [f"{window.paused_days} paused"] if window.paused_days else []
    told += [f"extended by {window.extension_days}"] if window.extension_days else []
    late = f"shared {window.late_days} late, {window.shortfall_days} of the window missing"
    told += [late] if window.late_days or window.shortfall_days else []
    return f"{'; '.join(told)}."


def _date(shown: "ClockShown", date: "ClockDate") -> tuple[str, ...]:
    what = _DATES[date.what]
    what = f"{what} ({date.about})" if date.about else what
    by = _parties(date.by) if shown.acting_told else _NOT_TOLD
    return what, date.text, "yes" if date.past else "no", by


def _parties(names: Iterable[str]) -> str:
    return ", ".join(names) or _NOBODY


def findings(shown: Iterable["FindingShown"]) -> None:
    """The findings of a case, a line each."""
    rows = [
        (
            each.finding,
            each.by,
            each.criterion or each.domain,
            each.title or each.text.partition("\n")[0][:60],
            each.stands,
            _answered(each),
        )
        for each in shown
    ]
    if not rows:
        show("No finding that may be read here.")
        return
    grid(("Finding", "Signed by", "About", "Title", "Stands", "The developer"), rows)


def _answered(finding: "FindingShown") -> str:
    said = ["disputes it"] if finding.dispute else []
    said += [finding.response.word] if finding.response else []
    told = {"no-answer": "has not answered", "not-to-be-read": _WORDS["not-to-be-read"]}
    return "; ".join(said) or told[finding.answered]


def one_finding(found: "FindingShown") -> None:
    """One finding, with everything that was said of it."""
    role = f" ({found.role})" if found.role else ""
    show(f"Finding {found.finding}, signed by {found.by}{role} at {_utc(found.recorded)}.")
    about = f"{found.domain}, criterion {found.criterion}" if found.criterion else found.domain
    show(f"About {about}. It stands: {found.stands}.")
    if found.title:
        show(f"\n{found.title}")
    show(f"\n{found.text}")
    if found.withheld_evidence:
        show(f"\nIts evidence is kept back: {found.withheld_evidence}")
        show(f"Why: {found.withheld_reason}")
    for label, said in _said(found):
        show(f"\n{label} by {said.by} at {_utc(said.recorded)}: {_worded(said)}\n{said.text}")
    if not found.response and not found.dispute:
        show(f"\nThe developer: {_answered(found)}.")


def _said(found: "FindingShown") -> "Iterator[tuple[str, SaidOfFinding]]":
    for label, said in (
        ("Answered", found.response),
        ("Disputed", found.dispute),
        ("Looked at again", found.rerun),
    ):
        if said is not None:
            yield label, said


def _worded(said: "SaidOfFinding") -> str:
    if said.rerun_wanted:
        return f"{said.word}, and a re-run is asked for"
    return f"{said.word}, after battery {said.battery}" if said.battery else said.word


def designation(shown: "DesignationShown") -> None:
    """How the designation of a case stands."""
    if shown.proposal is None:
        show("Nothing that may be read here is proposed.")
    else:
        each = shown.proposal
        show(
            f"Proposal {each.number} by {each.by} at {_utc(each.recorded)}: {each.designation}. "
            f"{each.summary}"
        )
        rows = [(said.criterion, said.says, said.reason) for said in each.criteria]
        grid(("Criterion", "Says", "Why"), rows)
    for decided in shown.decisions:
        show(
            f"Decided by {decided.by} at {_utc(decided.recorded)}, on proposal {decided.proposal}: "
            f"{decided.designation}. {decided.reasons}"
        )
    if shown.agencies:
        columns = ("Agency", "Says", "Named to concur", "Of", "When", "Why")
        grid(columns, map(_agency, shown.agencies))
    if shown.missing:
        grid(("Missing", "By", "Needed to decide"), map(_missing, shown.missing))


def _agency(said: "AgencyWord") -> tuple[str, ...]:
    when = _utc(said.recorded) if said.recorded else ""
    asked = "yes" if said.asked else "no"
    return said.agency, _WORDS[said.word], asked, said.designation or "", when, said.reason


def _missing(each: "Missing") -> tuple[str, ...]:
    return _LACKS[each.lack], _parties(each.by), "yes" if each.stops else "no"


def _utc(at: str) -> str:
    """`2026-11-21 10:00 UTC`."""
    return f"{at[:16].replace('T', ' ')} UTC"
