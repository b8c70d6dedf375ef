"""What reads the content of deeds in full, where this room knows more than the review does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from touchstone.evaluation import (
    AdjudicationRule,
    BatteryPlan,
    Elicitation,
    Reveal,
    SealedBattery,
    Submission,
    Usage,
)
from touchstone.evaluation.oversight import Probe, Readiness
from touchstone.ledger import dumps
from touchstone.review import shapes
from touchstone.review.checking import Parse
from touchstone.verdicts.conditions import Conditions
from touchstone.verdicts.preregistration import VerdictPlan

Json = dict[str, Any]


def submission_of(content: Json) -> Submission:
    """The submission as it was handed in."""
    # Through JSON: in strict models its lists become tuples, and those of Python do not.
    return Submission.model_validate_json(dumps(content))


def conditions_of(content: Json) -> Conditions:
    """Under which conditions a run of the command measured."""
    return Conditions.model_validate(content["conditions"])


def plan_of(content: Json) -> BatteryPlan:
    """The plan of a battery, in which canonical JSON has counts by difficulty as pairs."""
    plan = content["plan"]
    # A key of canonical JSON is a text, and a difficulty is a number.
    sets = [{**part, "counts": dict(part["counts"])} for part in plan["sets"]]
    return BatteryPlan.model_validate({**plan, "sets": sets})


@dataclass(frozen=True)
class Registered:
    """What was registered when a battery was sealed."""

    battery: SealedBattery
    elicitation: Elicitation
    rule: AdjudicationRule
    grade: str
    verdicts: VerdictPlan
    """Without rules for a battery sealed before there were any."""

    def elicitation_of(self, item_set: str) -> Elicitation:
        """How the model is drawn out on an item set. Raises RevealError: there is none such."""
        return self.battery.find(item_set).drawn_out(self.elicitation)


def registered_of(content: Json) -> Registered:
    """What was registered before the first sample."""
    return Registered(
        SealedBattery.model_validate(content["battery"]),
        Elicitation.model_validate(content["elicitation"]),
        AdjudicationRule.model_validate(content["rule"]),
        content["grade"],
        VerdictPlan.model_validate(content.get("verdicts", {})),
    )


def _probes(content: Json) -> None:
    for taken in content["probes"].values():
        Probe.model_validate(taken)
    # Sealed before modes were asked for a tool call and a long answer (ADR 185): it has none.
    for said in content.get("readiness", {}).values():
        Readiness.model_validate(said)


def _opened(content: Json) -> None:
    for each in content["opened"]:
        Reveal.model_validate(each)


def _details(content: Json) -> None:
    for usage in (content["used"], *(each["usage"] for each in content["outcomes"])):
        Usage.model_validate(usage)


PARSERS: Mapping[type[BaseModel], Parse] = {
    shapes.SubmissionShape: submission_of,
    shapes.ConditionsShape: conditions_of,
    shapes.RegisteredShape: registered_of,
    shapes.SecretShape: plan_of,
    shapes.ProbesShape: _probes,
    shapes.OpenedShape: _opened,
    shapes.DetailsShape: _details,
}
"""By shape; what the review reads in full itself is not among them."""
