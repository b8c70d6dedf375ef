"""The tasks chosen for a review: drawn from families by one seed, sealed before they run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from touchstone.evaluation.digests import Frozen, without_defaults
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.errors import FamilyError, PlanError, RevealError
from touchstone.evaluation.families.base import (
    MAX_DIFFICULTY,
    MIN_DIFFICULTY,
    DealtFamily,
    Family,
    FrozenFamily,
    Item,
)
from touchstone.evaluation.families.code import SHIPPED, FamilyCode
from touchstone.evaluation.sandbox.config import stronger
from touchstone.evaluation.seals import (
    SealedBattery,
    SealedSet,
    commitments,
    dealt_seed,
    item_digest,
    item_seed,
    order_commitment,
    permutation,
)
from touchstone.evaluation.set_choices import DeclaredScore, ExpectedCost, RoleMark, SetLimits
from touchstone.evaluation.submission import Mode
from touchstone.handin import printable_line
from touchstone.review.seeds import seed_commitment

MAX_ITEMS = 10_000
MAX_ATTEMPTS = 100
OF_NOBODY: Mapping[str, FamilyCode] = {}


class ItemSetPlan(Frozen):
    """How many items of each difficulty speak to one criterion."""

    id: str
    """A plain name, unique in the battery; conventionally the criterion's id."""
    criterion: str
    """The criterion that the set's outcomes decide."""
    family: str
    """The family's name."""
    counts: Mapping[int, Annotated[int, Field(ge=1)]]
    """How many items of each difficulty."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 1
    """How often each item is tried. The first attempt decides; the others are reported."""
    limits: SetLimits = SetLimits()
    """Of one sample; what is not said is as the pack or the elicitation has it."""
    least_grade: str = ""
    """The weakest sandbox that will do; empty: as the family's card says."""
    roles: Mapping[str, Mode] = {}
    """The models that a pack asks beside the subject."""
    cost: ExpectedCost | None = None
    """What a sample is expected to take, where the battery file says so."""
    elicitation: Elicitation | None = None
    """How the model is drawn out on this set; None: as on the others."""

    @model_validator(mode="after")
    def _possible(self) -> "ItemSetPlan":
        if not self.counts or not all(MIN_DIFFICULTY <= d <= MAX_DIFFICULTY for d in self.counts):
            raise ValueError(f"counts: difficulties run from {MIN_DIFFICULTY} to {MAX_DIFFICULTY}")
        if sum(self.counts.values()) > MAX_ITEMS:
            raise ValueError(f"counts: at most {MAX_ITEMS} items in a set")
        return self

    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was not chosen, as plans were written before it could be."""
        return without_defaults(self, plain(self))


class BatteryPlan(Frozen):
    """What is to be drawn; no secret is in it."""

    id: str
    sets: Annotated[tuple[ItemSetPlan, ...], Field(min_length=1)]
    file: str = ""
    """The digest of the battery file that says so; empty: there was none."""

    @model_validator(mode="after")
    def _distinct(self) -> "BatteryPlan":
        if len({plan.id for plan in self.sets}) != len(self.sets):
            raise ValueError("sets: two sets share an id")
        return self

    @model_serializer(mode="wrap")
    def _without_no_file(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As plans were written before there were files."""
        value: dict[str, Any] = plain(self)
        return {k: v for k, v in value.items() if k != "file" or v}


@dataclass(frozen=True)
class Battery:
    """A drawn battery, secret parts and all. It never leaves the centre."""

    plan: BatteryPlan
    seed: bytes
    items: Mapping[str, tuple[Item, ...]]
    """For each set, its items in the order of running."""
    sealed: SealedBattery
    """The public part."""


def draw_battery(
    plan: BatteryPlan,
    families: Mapping[str, Family],
    seed: bytes,
    code: Mapping[str, FamilyCode] = OF_NOBODY,
) -> Battery:
    """Draw a battery. The same plan, families and seed give the same battery.

    Args:
        plan: What to draw.
        families: The generators, by name.
        seed: 32 secret bytes.
        code: Whose code each family is, to be sealed with what it makes.

    Raises:
        PlanError: a family is not known, failed, or drew the same item twice.
        ValueError: the seed has another length.
    """
    items: dict[str, tuple[Item, ...]] = {}
    sets: list[SealedSet] = []
    for part in plan.sets:
        family = families.get(part.family)
        if family is None:
            known = ", ".join(sorted(families)) or "none"
            raise PlanError(f"set {part.id}: no family {part.family!r}; known: {known}")
        drawn = _draw_set(part, family, seed)
        # By the seed: outcomes in the order of difficulty would let a stop depend on it.
        order = permutation(seed, part.id, len(drawn))
        running = tuple(drawn[place] for place in order)
        items[part.id] = running
        sets.append(
            SealedSet(
                id=part.id,
                criterion=part.criterion,
                family=family.name,
                version=family.version,
                least_grade=stronger(part.least_grade or family.least_grade, family.least_grade),
                made_by=code.get(part.family),
                # Sealed with its code: a cheat that is found later must not look as though it had
                # been known.
                cheat=family.cheat if part.family in code else "",
                difficulties=tuple(sorted(part.counts.items())),
                pack=family.mark if isinstance(family, FrozenFamily) else None,
                attempts=part.attempts,
                limits=part.limits,
                roles={role: RoleMark.of(mode) for role, mode in part.roles.items()},
                score=DeclaredScore.of(family.score) if isinstance(family, FrozenFamily) else None,
                commitments=commitments(
                    seed,
                    part.id,
                    [item_digest(item) for item in running],
                    [item.flaw for item in running],
                ),
                order=order_commitment(seed, part.id, order),
                elicitation=part.elicitation,
            )
        )
    sealed = SealedBattery(id=plan.id, seed=seed_commitment(seed), sets=tuple(sets), file=plan.file)
    return Battery(plan, seed, items, sealed)


def check_code(sealed: SealedBattery, code: Mapping[str, FamilyCode]) -> tuple[str, ...]:
    """Hold the families that are here against those that a battery was sealed with.

    Gives a line for each shipped family whose code is another: an upgrade of Touchstone may change
    that and not one byte of an item, which `check_seed` then shows. A package's must be the same.

    Raises:
        FamilyError: a family is not here, or a package's is other code; the line names the mend.
    """
    recoded = []
    for part in sealed.sets:
        then, now = part.made_by, code.get(part.family)
        if then is None or then == now:
            continue
        sealed_with = f"family {part.family!r}: battery {sealed.id} was sealed with {then}"
        if now is None:
            raise FamilyError(
                f"{sealed_with}, and no family of that name is loaded here; name it again in "
                "touchstone.toml"
            )
        # Of our own families the items are drawn again and compared; another package's code is not
        # ours to vouch for.
        if {then.distribution, now.distribution} != {SHIPPED}:
            raise FamilyError(
                f"{sealed_with}, and here it is {now}; install what it was sealed with"
            )
        recoded.append(
            f"{sealed_with}, and here it is {now}; its items are the same, byte for byte"
        )
    return tuple(dict.fromkeys(recoded))


def check_seed(
    sealed: SealedBattery,
    plan: BatteryPlan,
    families: Mapping[str, Family],
    seed: bytes,
    code: Mapping[str, FamilyCode] = OF_NOBODY,
) -> Battery:
    """Draw again from a revealed seed and compare with the battery as sealed in the record.

    Whose code drew is no part of the comparison: that is `check_code`'s.

    Raises:
        RevealError: the seed, a family's version, an item, an order or the plan differ.
    """
    # Before anything is drawn: with another seed everything would differ, and nothing would say
    # why.
    if seed_commitment(seed) != sealed.seed:
        raise RevealError("the revealed seed is not the one that was committed")
    for part in sealed.sets:
        family = families.get(part.family)
        if family is not None and family.version != part.version:
            by = f"version {part.made_by.version}" if part.made_by else "the version"
            raise RevealError(
                f"family {part.family!r}: battery {sealed.id} was sealed with its version "
                f"{part.version}, and this Touchstone makes version {family.version}; go on with "
                f"{by} of Touchstone that sealed it"
            )
    battery = draw_battery(plan, families, seed, code)
    if _drawn(battery.sealed) != _drawn(sealed):
        raise RevealError("the battery drawn again from the revealed seed differs from the sealed")
    # As it was sealed: chunks and the record name it by its digest.
    return replace(battery, sealed=sealed)


def _drawn(sealed: SealedBattery) -> SealedBattery:
    """What of a sealed battery follows from its items alone."""
    # How a pack's scores are read is under its digest, and was not always sealed beside it.
    apart = {"made_by": None, "cheat": "", "score": None}
    plain = (part.model_copy(update=apart) for part in sealed.sets)
    return sealed.model_copy(update={"sets": tuple(plain)})


def _draw_set(plan: ItemSetPlan, family: Family, seed: bytes) -> list[Item]:
    # Sorted, so that the number of an item, and with it its seed, depends on the plan alone.
    wanted = [level for level, count in sorted(plan.counts.items()) for _ in range(count)]
    if isinstance(family, FrozenFamily):
        seeds = _chosen(plan, family, seed, wanted)
    else:
        seeds = [item_seed(seed, plan.id, number) for number in range(len(wanted))]
    # A small set must not lack one of them by bad luck.
    if isinstance(family, DealtFamily):
        kinds = len(family.kinds)
        seeds = [dealt_seed(each, number, kinds) for number, each in enumerate(seeds)]
    drawn = [
        _generate(plan, family, each, level) for each, level in zip(seeds, wanted, strict=True)
    ]
    # One question asked twice would count as two pieces of evidence.
    if len({item.id for item in drawn}) != len(drawn):
        raise PlanError(f"set {plan.id}: family {family.name} drew the same item twice")
    return drawn


def _chosen(plan: ItemSetPlan, family: FrozenFamily, seed: bytes, wanted: list[int]) -> list[int]:
    """Which items of a pack run: those that the battery's seed says, and no one else."""
    if set(wanted) != {MIN_DIFFICULTY}:
        raise PlanError(f"set {plan.id}: a pack's items are all of level {MIN_DIFFICULTY}")
    if len(wanted) > len(family.seeds):
        raise PlanError(
            f"set {plan.id}: pack {family.name} has {len(family.seeds)} items, and {len(wanted)}"
            " are asked for"
        )
    order = permutation(seed, f"{plan.id}/chosen", len(family.seeds))
    return [family.seeds[place] for place in order[: len(wanted)]]


def _generate(plan: ItemSetPlan, family: Family, seed: int, level: int) -> Item:
    try:
        item: object = family.generate(seed, level)
    except (Exception, SystemExit) as error:
        # A package's code may raise anything.
        why = printable_line(f"{type(error).__name__}: {error}", 200)
        raise PlanError(
            f"set {plan.id}: family {plan.family} made no item of level {level}: {why}"
        ) from error
    # A package's code: its type is its promise, and nobody has checked it.
    if not isinstance(item, Item):
        raise PlanError(f"set {plan.id}: family {plan.family} made a {type(item).__name__}")
    return item
