"""What is left of a submission's caps, and whether it can hold what is still to run."""

from touchstone.evaluation import Budget
from touchstone.evaluation.token_bounds import least_tokens
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.chunk_queue import Chunks, plan_chunks
from touchstone.service.measurement.outcomes import PROBES, journal_when_free, used_before
from touchstone.service.measurement.setting import Setting

CAP_REACHED = "a cap of the submission is reached"


def require_room(setting: Setting) -> None:
    """Stop before anything is asked, where the caps leave no room for what is still to do.

    Raises:
        StoppedError: they do not.
    """
    case, prepared = setting.case, setting.prepared
    counts = setting.jobs.counts(case.id)
    # A finished review is only probed once more: it must not be refused for samples that it will
    # not run.
    to_run = counts["waiting"] + counts["leased"] or not counts["finished"]
    most = max(prepared.token_limit(part.id) for part in prepared.battery.sealed.sets)
    least = least_tokens(case.submission, most if to_run else 0)
    if budget_of(setting, plan_chunks(case, prepared)).allow(PROBES, least, 1, 0) is None:
        raise StoppedError(f"{CAP_REACHED}; what ran is recorded", "cap")


def budget_of(setting: Setting, chunks: Chunks) -> Budget:
    """What is left of the caps, by journals that are still here, else by the record."""
    used = used_before(setting.case)
    for chunk, (spec, _) in chunks.items():
        # A journal tells of samples that died without an outcome, which the record of a killed run
        # does not.
        if setting.folder(chunk).exists():
            with journal_when_free(setting.case, spec.id) as journal:
                used[chunk] = journal.used()
    budget = Budget(setting.case.submission.caps)
    for name, usage in used.items():
        budget.settle(name, usage)
    return budget
