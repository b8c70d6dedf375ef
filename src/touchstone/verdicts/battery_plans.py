"""What a battery file draws for a framework, held against the families and packs that there are."""

from collections.abc import Mapping

from touchstone.evaluation import BatteryPlan, ItemSetPlan, Submission
from touchstone.evaluation.battery_file import ChosenBattery, SetText
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.families.base import (
    MAX_DIFFICULTY,
    MIN_DIFFICULTY,
    Family,
    FrozenFamily,
)
from touchstone.evaluation.submission import Mode
from touchstone.framework import DeclaredCriterion, Framework, NumericCriterion
from touchstone.verdicts.errors import CannotRunError


def spread(items: int) -> dict[int, int]:
    """`items` spread evenly over the difficulties, the easier ones first with what is left."""
    levels = range(MIN_DIFFICULTY, MAX_DIFFICULTY + 1)
    each, rest = divmod(items, len(levels))
    counts = {level: each + (1 if place < rest else 0) for place, level in enumerate(levels)}
    return {level: count for level, count in counts.items() if count}


def numeric(framework: Framework) -> tuple[NumericCriterion, ...]:
    """The criteria that counts can answer."""
    return tuple(c for c in framework.criteria if isinstance(c, NumericCriterion))


def counts_of(family: Family, items: int, k: int | None) -> dict[int, int]:
    """How many items of each difficulty: a pack has one difficulty, and no more than it has."""
    if not isinstance(family, FrozenFamily):
        return spread(k or items)
    return {MIN_DIFFICULTY: k or min(items, len(family.seeds))}


def plan_of_file(
    chosen: ChosenBattery,
    framework: Framework,
    families: Mapping[str, Family],
    items: int,
    plan_id: str,
    kind: str = "review",
) -> BatteryPlan:
    """The plan of a battery file; the rest is as for `runs.battery_plan`.

    Raises:
        CannotRunError: a set cannot be had here, or does not fit its criterion; one line.
    """
    return BatteryPlan(
        id=plan_id,
        sets=tuple(
            _set(each, chosen, framework, families, items, kind) for each in chosen.text.sets
        ),
        file=chosen.digest,
    )


def _set(
    text: SetText,
    chosen: ChosenBattery,
    framework: Framework,
    families: Mapping[str, Family],
    items: int,
    kind: str,
) -> ItemSetPlan:
    roles = chosen.roles.get(text.name, {})
    family, criterion = families.get(text.source), framework.criterion(text.criterion)
    if family is None or isinstance(family, FrozenFamily) != (text.pack is not None):
        if text.pack is None:
            raise _cannot(
                text,
                f"family {text.source!r} is not known here; if it is a package's, name it below"
                " [families.packages] in touchstone.toml; a pack is named by pack = ...",
            )
        raise _cannot(
            text,
            f"pack {text.source!r} is not known here; touchstone pack register FOLDER, and write"
            f' packs = ["{text.source}"] below [families] in touchstone.toml, in TOUCHSTONE_HOME',
        )
    k = _tries(text, criterion, kind)
    counts = _counts_wanted(text, family, k or items)
    if k is not None and sum(counts.values()) != k:
        raise _cannot(text, f"the criterion asks for one success in {k} items; write items = {k}")
    require_roles(text.name, roles, family)
    require_decides(text.name, family, criterion, text.attempts)
    return ItemSetPlan(
        id=text.name,
        criterion=text.criterion,
        family=family.name,
        counts=counts,
        attempts=text.attempts,
        limits=text.limits,
        least_grade=text.least_grade or "",
        roles=roles,
        cost=text.cost,
        elicitation=chosen.elicitations.get(text.name),
    )


def _tries(
    text: SetText, criterion: NumericCriterion | DeclaredCriterion | None, kind: str
) -> int | None:
    """How many items the criterion itself asks for; None: it leaves that open."""
    if isinstance(criterion, DeclaredCriterion):
        raise _cannot(text, "the criterion is declared by a party and measured by nobody")
    if kind != "review" and (criterion is None or criterion.reference is None):
        raise _cannot(text, f"a {kind} asks only the criteria that compare with a reference")
    return None if criterion is None else criterion.k


def _counts_wanted(text: SetText, family: Family, items: int) -> dict[int, int]:
    if text.counts is not None:
        return {int(level): count for level, count in text.counts.items()}
    wanted = counts_of(family, text.items or items, None)
    there = sum(wanted.values())
    if text.items is not None and there < text.items:
        raise _cannot(text, f"pack {family.name} has {there} items, and {text.items} are asked for")
    return wanted


def require_roles(item_set: str, roles: Mapping[str, Mode], family: Family) -> None:
    """Hold the models that are named for a set against those that its pack asks.

    Raises:
        CannotRunError: others are named.
    """
    if not isinstance(family, FrozenFamily):
        return
    about = f"set {item_set}: pack {family.name}"
    if set(roles) != set(family.roles):
        asked, named = ", ".join(family.roles) or "none", ", ".join(sorted(roles)) or "none"
        raise CannotRunError(
            f"{about} asks models by the roles: {asked}; named in the battery file: {named}"
        )


def require_decides(
    item_set: str,
    family: Family,
    criterion: NumericCriterion | DeclaredCriterion | None,
    attempts: int = 1,
) -> None:
    """Keep a pack whose scores are only reported from a criterion, and from further attempts.

    Raises:
        CannotRunError: a verdict is asked of scores that decide nothing.
    """
    if not isinstance(family, FrozenFamily) or family.score.solved_from is not None:
        return
    about = f"set {item_set}: pack {family.name}: its scores are only reported"
    if criterion is not None:
        raise CannotRunError(
            f"{about} and decide nothing, and criterion {criterion.id} asks for a verdict: write"
            " solved_from into its pack.toml, or name it in a battery file under a criterion that"
            " the framework does not have"
        )
    if attempts > 1:
        raise CannotRunError(
            f"{about}, and further attempts tell how often one of several solves an item: write"
            " attempts = 1"
        )


def require_one_effort(plan: BatteryPlan, usual: Elicitation) -> None:
    """Refuse sets whose modes would be asked for another effort of reasoning than the others'.

    What a mode reasons with is registered once for all sets: a criterion may rest on it.

    Raises:
        CannotRunError: there is one.
    """
    for part in plan.sets:
        own = part.elicitation
        if own is not None and own.reasoning_effort != usual.reasoning_effort:
            raise CannotRunError(
                f"set {part.id}: elicitation {own.id} asks for reasoning_effort"
                f" {own.reasoning_effort or 'as the modes say'}, and {usual.id}, of the other sets,"
                f" for {usual.reasoning_effort or 'what the modes say'}: one review has one"
            )


def require_graders(plan: BatteryPlan, submission: Submission) -> None:
    """Hold the models that packs ask beside the subject against the submission.

    Raises:
        CannotRunError: one is the subject, which would grade itself, or has a key by its name.
    """
    for part in plan.sets:
        for role, mode in part.roles.items():
            about = f"set {part.id}: role {role!r}: "
            if is_under_review(mode, submission):
                raise CannotRunError(
                    f"{about}is a model under review, which would grade itself; name another"
                )
            require_own_key(mode, submission, about)


def is_under_review(mode: Mode, submission: Submission) -> bool:
    """Whether a model that is asked beside the subject is one of the submission's."""
    subjects = {(each.base_url, each.model) for each in submission.modes}
    return (mode.base_url, mode.model) in subjects


def require_own_key(mode: Mode, submission: Submission, about: str) -> None:
    """Refuse a key by the name of one of the submission's; `about` begins the line.

    Raises:
        CannotRunError: it has one.
    """
    # What the developer hands in under that name would be used for the grader.
    if mode.api_key_env in {each.api_key_env for each in submission.modes}:
        raise CannotRunError(
            f"{about}its key has the name of one of the submission's ({mode.api_key_env});"
            " give it a variable of its own"
        )


def _cannot(text: SetText, what: str) -> CannotRunError:
    return CannotRunError(f"battery file, set {text.name}: {what}")
