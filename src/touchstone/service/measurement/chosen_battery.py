"""What a battery file would draw here: told before anything rests on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from touchstone.editions.sections.chosen_sets import limits_in_words, score_in_words
from touchstone.editions.sentences import sentence
from touchstone.evaluation import BatteryPlan, ItemSetPlan
from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.families.base import Family, FrozenFamily
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.set_choices import DeclaredScore, RoleMark
from touchstone.service.configuration import families_of
from touchstone.service.frameworks import load_framework
from touchstone.service.homes import home_folder
from touchstone.verdicts.runs import DEFAULT_ITEMS, battery_plan, left_out


@dataclass(frozen=True)
class CheckedBattery:
    """A battery file that could be sealed here."""

    plan: BatteryPlan
    families: Mapping[str, Family]
    notes: tuple[str, ...]
    """What of the framework it leaves out, or asks otherwise."""

    def lines(self) -> list[str]:
        """For people."""
        found = [sentence("battery.file", digest=self.plan.file)]
        for part in self.plan.sets:
            found.append(
                sentence(
                    "battery.set",
                    id=part.id,
                    criterion=part.criterion,
                    source=str(self._mark(part)),
                    items=sum(part.counts.values()),
                )
            )
            found += [f"  {line}" for line in self._told(part)]
        return [*found, *self.notes]

    def _mark(self, part: ItemSetPlan) -> object:
        family = self.families[part.family]
        return (
            family.mark if isinstance(family, FrozenFamily) else f"{part.family} {family.version}"
        )

    def _told(self, part: ItemSetPlan) -> list[str]:
        chosen, own = part.limits, self._own(part)
        told = [
            sentence(
                "battery.limits",
                limits=limits_in_words(chosen.of_sample.over(own)),
                own=limits_in_words(own),
            )
        ]
        if part.attempts > 1:
            told.append(sentence("battery.attempts", attempts=part.attempts))
        if chosen.of_sample.over(own).tokens is None:
            told.append(sentence("battery.unlimited", example="{ tokens = 200000 }"))
        if chosen.process_seconds is not None:
            told.append(sentence("battery.process", seconds=chosen.process_seconds))
        family = self.families[part.family]
        if isinstance(family, FrozenFamily):
            score = DeclaredScore.of(family.score)
            told.append(sentence("battery.score", score=score_in_words(score)))
        told += [
            sentence("battery.role", role=role, model=mode.model)
            for role, mode in sorted(part.roles.items())
        ]
        if part.elicitation:
            told.append(sentence("battery.elicitation", id=part.elicitation.id))
        if part.least_grade:
            told.append(sentence("battery.grade", grade=part.least_grade))
        return told

    def _own(self, part: ItemSetPlan) -> PackLimits:
        family = self.families[part.family]
        if isinstance(family, FrozenFamily):
            return family.limits
        how = part.elicitation or ELICITATION
        return PackLimits(
            messages=how.message_limit, tokens=how.token_limit, working_seconds=how.working_seconds
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.plan.file,
            "sets": [
                {
                    "id": part.id,
                    "criterion": part.criterion,
                    "family": part.family,
                    "pack": isinstance(self.families[part.family], FrozenFamily),
                    "items": sum(part.counts.values()),
                    "attempts": part.attempts,
                    "limits": part.limits.of_sample.over(self._own(part)).model_dump(),
                    "own_limits": self._own(part).model_dump(),
                    "process_seconds": part.limits.process_seconds,
                    "elicitation": part.elicitation.id if part.elicitation else None,
                    "least_grade": part.least_grade,
                    "roles": {
                        role: RoleMark.of(mode).model_dump() for role, mode in part.roles.items()
                    },
                }
                for part in self.plan.sets
            ],
            "notes": list(self.notes),
        }


def checked_battery(chosen: ChosenBattery, framework: str) -> CheckedBattery:
    """Hold a battery file against a framework and what is here. Nothing is drawn or written.

    Raises:
        CannotRunError: a set cannot be had here, or does not fit its criterion.
    """
    standard = load_framework(framework)
    families = families_of(home_folder())
    plan = battery_plan(standard, families, DEFAULT_ITEMS, chosen=chosen)
    return CheckedBattery(plan, families, left_out(standard, families, "review", chosen))
