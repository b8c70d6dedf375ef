"""What is registered with a battery about its verdicts, before the first sample runs."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from touchstone.evaluation import BatteryPlan
from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.framework import Framework, NumericCriterion
from touchstone.review import RunKey
from touchstone.review.recounting import rule_of
from touchstone.review.shares import STEP, share
from touchstone.statistics import BETS_VERSION, RateRule, VerdictWord, ZoneSide
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.runs import Run

Design = Literal["fixed", "sequential"]
CHUNK = 8
"""Samples of a chunk; the last one of a set takes up to seven more."""
LEAST_AHEAD = 2 * CHUNK


class RunRule(Frozen):
    """How the verdict of one run is reached. Numbers are decimals as text."""

    item_set: str
    criterion: str
    variant: str
    mode: str
    measure: Literal["success-rate", "at-least-once-in-k", "relative-to-reference"]
    design: Design
    threshold: str
    zone: str
    alpha: str
    """This run's share: the criterion's alpha, divided among the ways of crossing it."""
    beta: str
    """This run's share: the criterion's beta, divided among the reference's modes."""
    zone_side: ZoneSide = "both"
    references: int = 1
    """In how many modes the reference is compared with."""
    reasoning: bool = False
    """Whether the mode asks the model to reason; a "below" then needs some reasoning seen."""

    @model_serializer(mode="wrap")
    def _as_sealed(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what equals its default, so that rules sealed before it keep their digest."""
        content: dict[str, Any] = dump(self)
        defaults = {"zone_side": "both", "reasoning": False, "references": 1}
        return {k: v for k, v in content.items() if defaults.get(k) != v}

    @property
    def rule(self) -> RateRule:
        """The numbers for `statistics`."""
        threshold, zone, alpha, beta = map(
            float, (self.threshold, self.zone, self.alpha, self.beta)
        )
        return RateRule(threshold, zone, alpha, beta, self.zone_side)

    def claimed(self, word: str) -> str | None:
        """The rate that an early verdict's word is about; None for words that are about none."""
        if self.measure != "success-rate" or word not in {VerdictWord.ABOVE, VerdictWord.BELOW}:
            return None
        threshold, zone = Decimal(self.threshold), Decimal(self.zone)
        other = VerdictWord.ABOVE if word == VerdictWord.BELOW else VerdictWord.BELOW
        # The zone lies on the other side of the threshold, and this word claims the threshold
        # itself.
        if self.zone_side not in {"both", other}:
            zone = Decimal(0)
        return format(threshold - zone if word == VerdictWord.ABOVE else threshold + zone, "f")


class VerdictPlan(Frozen):
    """Everything that decides when samples stop, and what is then said."""

    bets: str = BETS_VERSION
    """What is expected of each item, by its difficulty alone, and how it is betted on."""
    ahead: Annotated[int, Field(ge=LEAST_AHEAD)] = LEAST_AHEAD
    """No sample of a run that may stop is issued so many places beyond its recorded prefix."""
    runs: tuple[RunRule, ...] = ()
    """One for each run of a numeric criterion in the model under review."""

    @property
    def digest(self) -> str:
        """For the facts of the record."""
        return digest_value(self.model_dump(mode="json"))

    def find(self, key: RunKey) -> RunRule | None:
        """The rule of a run that may stop early; None where all of its items run."""
        for run in self.runs:
            # Without the battery: the plan is the one that was sealed with it.
            if (run.criterion, run.variant, run.mode) == key[1:]:
                return run if run.design == "sequential" else None
        return None

    def design(self, item_set: str) -> Design:
        """Whether the verdicts on an item set may stop at any sample."""
        early = any(r.item_set == item_set and r.design == "sequential" for r in self.runs)
        return "sequential" if early else "fixed"

    def require_bets(self) -> None:
        """Refuse to go on with other bets than those that were registered.

        Raises:
            CannotRunError: another version of Touchstone sealed the battery.
        """
        # Other bets on the same outcomes stop elsewhere, and the error rate holds for one rule
        # alone.
        if self.bets != BETS_VERSION and any(run.design == "sequential" for run in self.runs):
            raise CannotRunError(
                f"the battery was registered with the bets {self.bets!r}, and this version knows "
                f"{BETS_VERSION!r}; go on with the version that sealed it"
            )


def verdict_plan(
    framework: Framework, plan: BatteryPlan, runs: Sequence[Run], workers: int, *, whole: bool
) -> VerdictPlan:
    """What to register for a battery.

    Args:
        framework: The standard; without numeric criteria nothing is judged.
        plan: The battery.
        runs: What runs: every item set in every mode.
        workers: Worker processes, so that each may have a chunk.
        whole: Run every item before any verdict.

    Raises:
        CannotRunError: so many modes run that their shares of an error rate are none.
    """
    sizes = {part.id: sum(part.counts.values()) for part in plan.sets}
    # Of what runs here, not of what the framework could ask: alpha is shared by these ways alone.
    ways = Counter(run.criterion for run in runs if not run.reference)
    beside = Counter(run.criterion for run in runs if run.reference)
    rules = []
    for run in runs:
        criterion = framework.criterion(run.criterion)
        if isinstance(criterion, NumericCriterion) and not run.reference:
            references = max(1, beside[run.criterion])
            _require_shares(criterion, ways[run.criterion], references)
            shared = rule_of(criterion, ways[run.criterion], references)
            rules.append(
                RunRule(
                    item_set=run.item_set,
                    criterion=run.criterion,
                    variant=run.mode.variant,
                    mode=run.mode.id,
                    measure=criterion.measure,
                    design="fixed" if whole else design_of(criterion, sizes[run.item_set]),
                    threshold=criterion.threshold,
                    zone=criterion.zone,
                    zone_side=criterion.zone_side,
                    # As text, with as many digits as a record holds: a float has several spellings.
                    alpha=f"{shared.alpha:.6f}",
                    beta=criterion.beta if references == 1 else f"{shared.beta:.6f}",
                    references=references,
                    reasoning=run.mode.settings.asks_for_reasoning,
                )
            )
    # Each place ahead may be run for nothing, and with fewer some worker would wait.
    ahead = CHUNK * ceil(workers / max(len(runs), 1))
    return VerdictPlan(ahead=max(ahead, LEAST_AHEAD), runs=tuple(rules))


def _require_shares(criterion: NumericCriterion, ways: int, references: int) -> None:
    rates = (("alpha", criterion.alpha, ways), ("beta", criterion.beta, references))
    for name, level, many in rates:
        if not share(level, many):
            raise CannotRunError(
                f"criterion {criterion.id}: {name} of {level}, shared out among {many} modes, is "
                f"less than {STEP} each, the smallest error rate that a record holds: take fewer "
                "modes, or a framework with a higher one"
            )


def design_of(criterion: NumericCriterion, size: int) -> Design:
    """Which criteria may stop early: all but comparisons with a reference, and sets of one item.

    A comparison would need both models' outcomes on each item, which different runs record.
    """
    if criterion.measure == "relative-to-reference":
        return "fixed"
    return "sequential" if size > 1 or criterion.measure == "at-least-once-in-k" else "fixed"
