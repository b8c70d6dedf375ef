"""What may be chosen for a review, and what a run of one leaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from touchstone.editions.run_text import (
    alike_line,
    landed,
    remarks,
    reported_lines,
    tried_lines,
)
from touchstone.editions.sentences import sentence
from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.submission import Mode
from touchstone.handin.shown_ids import short_case
from touchstone.review.designation import NOT_MEASURED, CriterionReason
from touchstone.review.state import RunKey
from touchstone.service.reporting.edition_files import Edition
from touchstone.statistics import VerdictWord
from touchstone.verdicts.modes_compared import Alike
from touchstone.verdicts.repeated_attempts import AttemptRates
from touchstone.verdicts.reported_scores import ReportedScores
from touchstone.verdicts.run_progress import RunProgress


@dataclass(frozen=True)
class ReviewOptions:
    """What may be chosen for a run. What was sealed before stays as it was sealed."""

    framework: str | None = None
    """A shipped id or a .toml file; None: the one that the submission names."""
    items: int | None = None
    """Items a criterion; None: 30."""
    workers: int = 2
    accept_no_tools: bool = False
    """Run though a mode gave no tool call, or no long answer, when asked."""
    accept_grade: bool = False
    """Run at a weaker sandbox grade than the families' cards ask for."""
    battery: ChosenBattery | None = None
    """A battery file; None: an item set for each criterion with a number, or as sealed."""
    resume: str | None = None
    """Lift the centre's halt, for this reason."""
    whole_battery: bool = False
    """Let every item run before any verdict."""
    elicitation: str | None = None
    """How the model is drawn out: a shipped name or a .toml file; None: as usual, or as sealed."""
    scanner: Mode | None = None
    """A model that is asked about each transcript once the last sample ran; None: none is."""
    accept_own_scanner: bool = False
    """Let it be a model under review."""
    agencies: tuple[str, ...] = ()
    """Agencies of the framework whose keys are kept on this machine (the demo's are)."""

    @property
    def drawn_out(self) -> str | None:
        """The elicitation that the command names, or else the battery file."""
        named = None if self.battery is None else self.battery.text.elicitation
        return named if self.elicitation is None else self.elicitation


@dataclass(frozen=True)
class ReviewResult:
    """What a run of a review left."""

    case: str
    designation: str
    """What the rule proposes; empty where the case ended before it proposed anything."""
    summary: str
    stopped: str
    """Why measuring stopped early, in one line; empty where it came to its end."""
    unmeasured: tuple[str, ...]
    """Of each criterion that the rule calls not measured, its id and why, in one line."""
    rows: tuple[RunProgress, ...]
    repeated: int
    """Samples that a dead run had begun and this one ran again."""
    editions: tuple[Edition, ...]
    fingerprint: str
    tried: Mapping[RunKey, AttemptRates] = field(default_factory=dict)
    """What several attempts at each item say, by run; the verdicts rest on the first."""
    reported: Mapping[RunKey, ReportedScores] = field(default_factory=dict)
    """Scores that decide nothing, by run."""
    alike: tuple[Alike, ...] = ()
    """Modes that answered alike on every item."""
    checks: tuple[str, ...] = ()
    """Criteria whose items check the instrument and no capability."""
    chosen: Mapping[str, Any] = field(default_factory=dict)
    """What was chosen that bears on what was measured, as in the report."""

    unscanned: str = ""
    """What no detector looked at, in one line with the command that has them look."""

    @property
    def measured(self) -> bool:
        """Whether every word rests on what was measured, so that nothing is wanting."""
        # Both: a criterion may lack a mode that nobody handed in, of which there is no row.
        return not self.unmeasured and all(
            row.verdict != VerdictWord.NOT_MEASURED for row in self.rows
        )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "case": self.case,
            "measured": self.measured,
            "designation": self.designation,
            "summary": self.summary,
            "stopped": self.stopped,
            "unmeasured": list(self.unmeasured),
            "runs": [
                {
                    "criterion": r.criterion,
                    "mode": r.mode,
                    "items": r.total,
                    "samples": r.recorded,
                    "used": r.used,
                    "solved": r.solved,
                    "reported_only": r.scored is not None,
                    "verdict": r.verdict,
                    "reference": r.reference,
                    "unmeasured": _unmeasured(r.lost, r.counted),
                    "repeated": r.repeated,
                    "reasoning": r.reasoning,
                    "compared_with": [
                        {
                            "mode": each.mode,
                            "samples": each.counted,
                            "solved": each.solved,
                            "unmeasured": _unmeasured(each.unmeasured.by_kind, each.counted),
                            "reasoning": each.reasoning,
                        }
                        for each in r.beside
                    ],
                }
                for r in self.rows
            ],
            "attempts": [
                {"criterion": key.criterion, "mode": key.mode, **said.as_dict()}
                for key, said in self.tried.items()
            ],
            "reported": [
                {"criterion": key.criterion, "mode": key.mode, **said.as_dict()}
                for key, said in self.reported.items()
            ],
            "modes_alike": [
                {"variant": each.variant, "modes": list(each.modes), "items": each.items}
                for each in self.alike
            ],
            "repeated": self.repeated,
            "chosen": dict(self.chosen),
            "checks_of_the_instrument": list(self.checks),
            "unscanned": self.unscanned,
            "editions": [
                {"audience": e.audience, "report": str(e.report), "bundle": str(e.bundle)}
                for e in self.editions
            ],
            "fingerprint": self.fingerprint,
        }

    def _begun_again(self) -> str:
        """Both counts in one line: a sample may be begun again within one run, too."""
        # The record may not hold yet what this run repeated, and this run may not have repeated
        # what the record holds.
        begun = max(sum(row.repeated for row in self.rows), self.repeated)
        if not begun:
            return sentence("review.begun-once")
        return sentence("review.begun-again", begun=begun, earlier=self.repeated)

    def _proposed(self) -> str:
        """What the rule proposes and why: a reason that names the designation is no second one."""
        why = self.summary.removeprefix(f"{self.designation}, because ")
        return sentence("review.proposed", designation=self.designation, why=why)

    def lines(self) -> list[str]:
        """For people."""
        first = self.editions[0]
        return [
            sentence("review.case", case=self.case),
            *(f"  {landed(row)}" for row in self.rows),
            *(f"  {line}" for line in remarks(self.rows)),
            *(f"  {line}" for line in tried_lines(self.tried)),
            *(f"  {line}" for line in reported_lines(self.reported)),
            *(f"  {alike_line(each)}" for each in self.alike),
            *([f"  {sentence('review.checks')}"] if self.checks else []),
            *(sentence("review.not-measured", line=line) for line in self.unmeasured),
            *([sentence("review.stopped", why=self.stopped)] if self.stopped else ()),
            *([self.unscanned] if self.unscanned else ()),
            *([self._proposed()] if self.designation else ()),
            self._begun_again(),
            *(f"  {_edition(each)}" for each in self.editions),
            sentence("review.look-with", case=short_case(self.case)),
            sentence("review.check-with", bundle=str(first.bundle), fingerprint=self.fingerprint),
        ]


def _edition(edition: Edition) -> str:
    return sentence("review.edition", audience=edition.audience, report=str(edition.report))


def _unmeasured(lost: Mapping[str, int], counted: int) -> dict[str, dict[str, float]]:
    """Samples that measured nothing, by kind, with their rates; empty where nothing was counted."""
    return {
        kind: {"samples": count, "rate": round(count / counted, 6)}
        for kind, count in lost.items()
        if counted
    }


def unmeasured(reasons: Iterable[CriterionReason]) -> tuple[str, ...]:
    """The criteria of a proposal that the rule calls not measured, a line each."""
    return tuple(
        sentence(
            "review.criterion",
            criterion=reason.criterion,
            why=reason.reason.removeprefix(NOT_MEASURED),
        )
        for reason in reasons
        if reason.says == "undetermined" and reason.reason.startswith(NOT_MEASURED)
    )
