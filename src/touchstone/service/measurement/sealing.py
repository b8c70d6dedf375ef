"""The battery of a case: drawn and sealed before the first sample, drawn again to go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import battery_sealed
from touchstone.deeds.seeding import contributions_to, seed_from
from touchstone.evaluation import (
    AdjudicationRule,
    Battery,
    BatteryPlan,
    Elicitation,
    check_code,
    check_seed,
    draw_battery,
)
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.families.base import Family, FrozenFamily
from touchstone.evaluation.oversight import Readiness
from touchstone.evaluation.seals import SEED_BYTES
from touchstone.review import Refused
from touchstone.review.audience_view import newest_entry, required
from touchstone.service.case_context import Case
from touchstone.verdicts.content_parsers import plan_of, registered_of
from touchstone.verdicts.preregistration import VerdictPlan, verdict_plan
from touchstone.verdicts.runs import Run, battery_plan, runs

RULE = AdjudicationRule()
NOT_ASKED: Mapping[str, Readiness] = {}


@dataclass(frozen=True)
class Prepared:
    """A sealed battery with everything that was pre-registered with it."""

    name: str
    """The battery's id in the case."""
    battery: Battery
    elicitation: Elicitation
    """Of the sets that have none of their own; see `elicitation_of`."""
    rule: AdjudicationRule
    grade: str
    """The sandbox grade at sealing."""
    runs: tuple[Run, ...]
    verdicts: VerdictPlan
    """How verdicts are reached; without rules for a battery sealed before there were any."""
    pack_tokens: Mapping[str, int] = field(default_factory=dict)
    """Tokens that a sample of a pack may use, by item set, where the pack says so."""
    recoded: tuple[str, ...] = ()
    """A line for each shipped family whose code changed since, though its items did not."""

    @property
    def reported(self) -> frozenset[str]:
        """The criteria whose scores are only reported, so that they decide nothing."""
        return frozenset(
            part.criterion
            for part in self.battery.sealed.sets
            if part.score is not None and part.score.solved_from is None
        )

    def elicitation_of(self, item_set: str) -> Elicitation:
        """How the model is drawn out on an item set."""
        return self.battery.sealed.find(item_set).drawn_out(self.elicitation)

    def token_limit(self, item_set: str) -> int:
        """The most tokens that a sample of an item set is to use."""
        most = self.battery.sealed.find(item_set).limits.tokens or self.pack_tokens.get(item_set)
        return most or self.elicitation_of(item_set).token_limit

    @property
    def elicitations(self) -> tuple[Elicitation, ...]:
        """All that are registered: the usual one, and those of single sets."""
        own = (each.elicitation for each in self.battery.sealed.sets if each.elicitation)
        return tuple({each.digest: each for each in (self.elicitation, *own)}.values())

    def levels(self, item_set: str) -> tuple[int, ...]:
        """Difficulty of the item at each place of the sealed order."""
        return tuple(item.difficulty for item in self.battery.items[item_set])

    def flaws(self, item_set: str) -> tuple[str, ...]:
        """Which flaw the item at each place of the sealed order plants."""
        return tuple(item.flaw for item in self.battery.items[item_set])


def seal(
    case: Case,
    items: int,
    grade: str,
    *,
    accepted: bool,
    whole: bool = False,
    workers: int = 2,
    readiness: Mapping[str, Readiness] = NOT_ASKED,
    plan: BatteryPlan | None = None,
    elicitation: Elicitation = ELICITATION,
) -> None:
    """Draw a battery and seal it into the record.

    The seed goes in as a part that only the centre reads; its commitment, the items' commitments,
    their order, the elicitation, the rule and how verdicts are reached are there for every party.
    It is made of what centre and developer contributed, where the centre had committed to that.
    With `whole`, no verdict may stop before every item has run. `readiness` is what each mode did
    when it was asked for a tool call and a long answer. `plan` is what is drawn, under the id that
    the case has for its next battery; None: `items` for each criterion. `elicitation`, and those
    of the plan's sets, are resolved, so that the agents' code and what they send are registered.
    """
    kind = case.submission.kind
    known = case.installation.families
    name = case.state.next_battery
    if plan is None:
        plan = battery_plan(case.framework, known, items, name, kind)
    chosen = [
        replace(run, mode=elicitation.asked_of(run.mode))
        for run in runs(case.framework, plan, case.submission)
    ]
    # Before the seed is drawn: a rule that knew the items could be chosen to suit them.
    verdicts = verdict_plan(case.framework, plan, chosen, workers, whole=whole)

    def sealed() -> Deed:
        on_seeds = case.entries_of("seed-committed", "seed-contributed")
        given = contributions_to(case.state, name, on_seeds)
        seed = seed_from(name, given) if given else case.installation.random.draw(SEED_BYTES)
        return battery_sealed(
            case,
            plan,
            draw_battery(plan, known, seed, known.code),
            [elicitation.asked_of(mode) for mode in case.submission.modes],
            chosen,
            verdicts,
            elicitation,
            RULE,
            grade,
            accepted=accepted,
            readiness=readiness,
            contributions=given,
        )

    try:
        case.record([sealed()])
    except Refused as refusal:
        # The developer's contribution, or the centre's commitment, came while this was drawn.
        if refusal.code != "another-origin":
            raise
        case.record([sealed()])


def reopen(case: Case, name: str | None = None) -> Prepared:
    """A battery of the case, drawn again from the seed in the record and held against its seal.

    Args:
        case: The case.
        name: The battery's id; None: the one that was sealed last.

    Raises:
        FamilyError: a family is not there, or a package's is other code than was sealed.
        RevealError: a family on this machine makes other items than were sealed, or another order.
        CannotRunError: verdicts were registered with other bets than this version's.
        MissingPartError: nothing is sealed, or what was registered is not there.
    """
    reader = case.installation.records.case(case.id)
    entry = newest_entry(reader, "battery-sealed", **({} if name is None else {"battery": name}))
    registered = required(entry, "registered", registered_of)
    plan = required(entry, "secret", plan_of)
    seed = bytes.fromhex(entry.content("secret")["seed"])
    known = case.installation.families
    # First: what is other code must not so much as draw.
    recoded = check_code(registered.battery, known.code)
    battery = check_seed(registered.battery, plan, known, seed, known.code)
    # Bets of another version would reach other words from the same outcomes, and be replayed by
    # nobody.
    registered.verdicts.require_bets()
    return Prepared(
        name=plan.id,
        battery=battery,
        elicitation=registered.elicitation,
        rule=registered.rule,
        grade=registered.grade,
        runs=runs(case.framework, plan, case.submission),
        verdicts=registered.verdicts,
        pack_tokens=_pack_tokens(plan, known),
        recoded=recoded,
    )


def _pack_tokens(plan: BatteryPlan, known: Mapping[str, Family]) -> Mapping[str, int]:
    packs = {part.id: known[part.family] for part in plan.sets}
    return {
        name: family.limits.tokens
        for name, family in packs.items()
        if isinstance(family, FrozenFamily) and family.limits.tokens is not None
    }
