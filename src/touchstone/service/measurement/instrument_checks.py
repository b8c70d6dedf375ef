"""What must hold of the sandbox and of the families before a sample is asked."""

from touchstone.evaluation import BatteryPlan
from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.families.base import FrozenFamily
from touchstone.evaluation.families.loading import LoadedFamilies
from touchstone.evaluation.proving import prove_family
from touchstone.evaluation.sandbox import SandboxConfig, at_least, preflight
from touchstone.framework import Framework
from touchstone.service.errors import CannotReviewError
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.runs import battery_plan


def require_grade(
    known: LoadedFamilies, grade: str, *, accept: bool, plan: BatteryPlan | None = None
) -> None:
    """Refuse a sandbox that is weaker than a card or the plan asks for, unless that was accepted.

    Raises:
        CannotReviewError: it is weaker, what is missing, and how to accept it.
    """
    weaker = [
        f"{name} asks for {family.least_grade}"
        for name, family in known.items()
        if not at_least(grade, family.least_grade)
    ]
    weaker += [
        f"set {part.id} asks for {part.least_grade}"
        for part in (plan.sets if plan else ())
        if part.least_grade and not at_least(grade, part.least_grade)
    ]
    if weaker and not accept:
        fixes = "; ".join(f"{what}: {fix}" for what, fix in preflight().missing)
        raise CannotReviewError(
            "sandbox-too-weak", grade=grade, weaker=tuple(weaker), fixes=fixes or "see doctor"
        )


def require_proof(
    known: LoadedFamilies,
    framework: Framework,
    observer: Observer,
    chosen: ChosenBattery | None = None,
) -> None:
    """Let the sandboxes and judges of the framework's families, or a file's, prove themselves.

    Raises:
        CannotRunError: one does not; nothing was begun.
    """
    if chosen is not None:
        wanted = {each.source for each in chosen.text.sets}
    else:
        wanted = {part.family for part in battery_plan(framework, known, 1).sets}
    # In the sandbox that samples will have: a judge that works outside it proves nothing.
    config = SandboxConfig(grade=preflight().grade).model_dump(mode="json")
    # Of a pack nothing is known beforehand: no answer is said to be right but by its own scorer.
    ours = [known[name] for name in known if name in wanted]
    ours = [each for each in ours if not isinstance(each, FrozenFamily)]
    if not ours:
        return
    proofs = prove_family(ours, config)
    for proof in proofs:
        if proof.fault:
            raise CannotRunError(
                f"the instrument does not work here, and nothing was begun: family {proof.family}: "
                f"{proof.fault}; fix it, and look with: touchstone doctor"
            )
    taken = max(proof.seconds for proof in proofs)
    observer.step(f"Sandboxes and judges proved on known answers, in {taken:.1f} s")
