"""Two frameworks side by side, in words that go into a table."""

from collections.abc import Callable
from dataclasses import dataclass

from touchstone.framework.framework import Framework
from touchstone.framework.models import Designation, NumericCriterion, Window


@dataclass(frozen=True)
class ComparedRow:
    """What two frameworks say on one subject."""

    subject: str
    left: str
    right: str

    @property
    def same(self) -> bool:
        """Whether they say the same."""
        return self.left == self.right


def compare(left: Framework, right: Framework) -> tuple[ComparedRow, ...]:
    """One row a subject, always the same subjects in the same order, those that agree included."""
    return tuple(ComparedRow(subject, say(left), say(right)) for subject, say in _SUBJECTS.items())


def window_in_words(window: Window) -> str:
    """Such as `30 days before public release (Europe/London)`."""
    where = "from submission" if window.anchor == "submission" else f"before {window.anchor}"
    return f"{window.days} {window.unit} {where}".replace("-", " ") + f" ({window.timezone})"


def _gate(framework: Framework) -> str:
    if framework.gate == "none":
        return "none: releasing is the developer's own act"
    return f"{framework.gate} (hypothetical, for comparison only)"


def _thresholds(framework: Framework) -> str:
    numeric = [c for c in framework.criteria if isinstance(c, NumericCriterion)]
    if not numeric:
        return framework.thresholds
    return "; ".join(
        f"{c.id}: {c.measure} above {c.threshold}, zone {c.zone}"
        + ("" if c.zone_side == "both" else f" {c.zone_side} it")
        for c in numeric
    )


def _designation(designation: Designation | None) -> str:
    if designation is None:
        return "none named"
    makers = designation.made_by or "not said"
    concurring = ", ".join(designation.must_concur) or "nobody named"
    return f"made by {makers}; concurrence asked of {concurring}"


def _agreement(framework: Framework) -> str:
    terms = framework.agreement
    if terms is None:
        return "not said"
    return f"content kept for {terms.retention_days} days, publication: {terms.publication}"


def _hand_in(framework: Framework) -> str:
    asked = framework.hand_in
    if asked is None:
        return "not said"
    said = [f"{purpose} variant" for purpose in asked.purposes]
    said += [*asked.documents, f"reasoning: {asked.reasoning}"]
    return ", ".join(said)


def _taking_part(framework: Framework) -> str:
    # The list is oldest first, so the last line of a party wins.
    newest = {each.party: each.status for each in framework.participations}
    return ", ".join(f"{party} {status}" for party, status in sorted(newest.items())) or "nobody"


def _conflicts(framework: Framework) -> str:
    return ", ".join(framework.conflicts) or "none"


_SUBJECTS: dict[str, Callable[[Framework], str]] = {
    "status": lambda framework: f"{framework.status} since {framework.life[-1].date}",
    "jurisdiction": lambda framework: framework.jurisdiction,
    "gate": _gate,
    "window": lambda framework: window_in_words(framework.window),
    "domains": lambda framework: ", ".join(framework.domains),
    "thresholds": _thresholds,
    "designation": lambda framework: _designation(framework.designation),
    "agreement": _agreement,
    "a hand-in holds": _hand_in,
    "taking part": _taking_part,
    "claims that conflict": _conflicts,
}
