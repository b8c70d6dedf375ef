"""Run one chunk: one idempotent Inspect evaluation in its own folder.

Run again after any death, it runs only the samples that have no outcome in the journal and of which
no answer is recorded.
"""

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import Model
from pydantic import JsonValue

from touchstone.errors import TouchstoneError
from touchstone.evaluation.alterations import log_alterations
from touchstone.evaluation.chunk_session import ChunkItem, ChunkSession, active
from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.errors import ChunkError, EndpointKeyMissingError
from touchstone.evaluation.inspect_seam import SETTINGS, draw_nothing, init_hooks, own_data_folder
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.kept_answers import KeptAnswers
from touchstone.evaluation.limits import Allowance, EndpointLimits
from touchstone.evaluation.outcomes import REASON_LENGTH, AdjudicationRule, Lost, Outcome, Usage
from touchstone.evaluation.quota import Quota
from touchstone.evaluation.submission import Mode, endpoint_digest
from touchstone.evaluation.tasks import chunk_arguments, sandbox_of, touchstone_chunk
from touchstone.handin import printable_line


class SandboxChoice(Frozen):
    """Which Inspect sandbox provider runs the subject's and the judge's programs."""

    provider: str = "touchstone"
    config: dict[str, JsonValue] | None = None
    """The provider's own settings; for `touchstone`, see `sandbox.SandboxConfig`."""


@dataclass(frozen=True)
class ChunkResult:
    """What a run of a chunk left."""

    chunk: str
    outcomes: tuple[Outcome, ...]
    """All recorded so far, by index; those of earlier runs of the chunk included."""
    missing: tuple[int, ...]
    """Positions without an outcome yet."""
    repeated: tuple[int, ...]
    """Positions that an earlier, dead run had begun and this one ran again."""
    stopped: str
    """Empty, or why not all ran: `cap`, `breach`, `snapshot-changed`, `endpoint-failing`, or
    what `stop` said."""
    total: Usage
    """Tokens of every call of the chunk known so far, those of dead runs included."""
    log: Path | None
    """Inspect's log of this run; None where nothing was left to run, or it could not be written."""
    begun: tuple[int, ...] = ()
    """Positions that were begun and have no outcome: cut by a halt or a breach, or in `lost`."""
    lost: tuple[Lost, ...] = ()
    """Positions that the endpoint failed before the model said anything, and that may run again."""


def run_chunk(
    spec: ChunkSpec,
    *,
    folder: Path,
    home: Path,
    mode: Mode,
    api_key: str,
    items: Sequence[ChunkItem],
    elicitation: Elicitation,
    rule: AdjudicationRule | None = None,
    asking: EndpointLimits | None = None,
    allowance: Allowance | None = None,
    expected_models: frozenset[str] = frozenset(),
    sandbox: SandboxChoice | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    stop: Callable[[], str] | None = None,
) -> ChunkResult:
    """Run what the chunk's journal does not hold yet.

    Args:
        spec: The chunk; `mode`, `elicitation` and `rule` are those that it names.
        folder: The chunk's own folder, for the journal and Inspect's log.
        home: TOUCHSTONE_HOME, for the shared quota and Inspect's own files.
        mode: The one that the chunk names.
        api_key: The endpoint's key. It is written nowhere.
        items: The chunk's positions, each with its item and commitment.
        elicitation: The one that the chunk names.
        rule: The one that the chunk names.
        asking: How the endpoint is asked.
        allowance: What this run may spend.
        expected_models: Model names of the snapshot; another one stops the chunk. Empty: any.
        sandbox: The sandbox provider.
        on_outcome: Told of each new outcome once it is on disk.
        stop: Asked before each sample and each call; a text stops the chunk with that reason.

    Raises:
        ChunkError: what was handed in is not what the chunk names, or Inspect's log is not.
        JournalError: the journal is in use, altered, or cannot be written.
        KeyMissingError: no key was given.
    """
    rule, asking = rule or AdjudicationRule(), asking or EndpointLimits()
    sandbox = sandbox or SandboxChoice()
    _check(spec, mode, api_key, elicitation, rule, items)
    load_hooks()
    with Journal(folder, spec.id) as journal, KeptAnswers(folder, spec.id) as kept:
        run = ChunkSession(
            spec,
            {part.index: part for part in items},
            journal,
            elicitation=elicitation,
            rule=rule,
            allowance=allowance or Allowance(),
            quota=Quota(home, mode.base_url, asking.max_connections, asking.requests_per_second),
            expected_models=expected_models,
            on_outcome=on_outcome,
            stop=stop,
        )
        run.go_on(kept)
        model = open_endpoint(elicitation.asked_of(mode), api_key, asking, run)
        with active(run):
            return execute(run, model, folder=folder, home=home, asking=asking, sandbox=sandbox)


def _task(run: ChunkSession) -> Task | None:
    """The task of what is left to run, if anything is."""
    return touchstone_chunk(**chunk_arguments(run)) if run.items else None


def execute(
    run: ChunkSession,
    model: Model,
    *,
    make_task: Callable[[ChunkSession], Task | None] = _task,
    folder: Path,
    home: Path,
    asking: EndpointLimits,
    sandbox: SandboxChoice | None,
) -> ChunkResult:
    """Run a task for the active chunk run under the engine's settings, and check its log.

    Raises:
        ChunkError: Inspect's log is not of this chunk, or Inspect itself failed.
        JournalError: an outcome could not be written.
    """
    # As it was before this run: afterwards its own samples would be among them.
    repeated = run.journal.interrupted()
    recorded = len(run.journal.outcomes)
    run.close = model.api.aclose
    log = None
    if (task := make_task(run)) is not None:
        with own_data_folder(home):
            log, broken = _eval(task, run, model, folder, asking, sandbox)
        run.wind_up()
        if run.failure is not None:
            raise run.failure
        if log is not None:
            # Inspect gives back the log of another endpoint where names agree: it is held against
            # what was asked (ADR 70).
            check_inspect_log(log, chunk_arguments(run), run)
        missing = set(run.items) - set(run.journal.outcomes)
        if broken and missing and len(run.journal.outcomes) == recorded:
            # Nothing came of this run, and nothing says that another would fare better.
            raise ChunkError(f"chunk {run.spec.id}: {broken}")
    run.let_go_of_answers(run.journal.interrupted())
    done = run.journal.outcomes
    again = tuple(index for index in repeated if run.was_admitted(index))
    return ChunkResult(
        chunk=run.spec.id,
        outcomes=tuple(done[index] for index in sorted(done)),
        missing=tuple(index for index in run.spec.indices if index not in done),
        repeated=again,
        stopped=run.stopped,
        total=run.journal.used(),
        log=_written(log),
        begun=run.journal.interrupted(),
        lost=run.journal.lost(),
    )


def _eval(
    task: Task,
    run: ChunkSession,
    model: Model,
    folder: Path,
    asking: EndpointLimits,
    sandbox: SandboxChoice | None,
) -> tuple[EvalLog | None, str]:
    """Inspect's log, where there is one, and why its run broke off, if it did.

    However it ended, what was judged is in the journal.
    """
    try:
        (log,) = inspect_eval(
            task,
            model=model,
            sandbox=sandbox_of(sandbox.provider, sandbox.config) if sandbox else None,
            log_dir=str(folder / "logs"),
            max_samples=asking.max_samples,
            max_sandboxes=asking.max_samples,
            message_limit=run.elicitation.message_limit,
            token_limit=run.elicitation.token_limit,
            working_limit=run.elicitation.working_seconds,
            time_limit=_wall_seconds(asking, run.elicitation.working_seconds),
            **SETTINGS,
        )
    # Ours, such as a journal that cannot be written: not to be taken for Inspect's.
    except TouchstoneError:
        raise
    except Exception as error:  # noqa: BLE001 - Inspect's, whatever it is; outcomes are safe already
        return None, printable_line(
            f"Inspect's run broke off: {type(error).__name__}: {error}", REASON_LENGTH
        )
    if log.status == "success":
        return log, ""
    text = log.error.message if log.error and log.error.message else log.status
    return log, printable_line(f"Inspect's run ended as {log.status}: {text}", REASON_LENGTH)


def _wall_seconds(asking: EndpointLimits, working: int) -> int:
    """The wall time of a sample: never less than twice its work, for waits are no work."""
    return max(asking.sample_seconds, 2 * working)


def _written(log: EvalLog | None) -> Path | None:
    path = Path(log.location) if log else None
    return path if path is not None and path.is_file() else None


def load_hooks() -> None:
    """Let Inspect find our hook; what it announces on that occasion is not printed."""
    with redirect_stdout(StringIO()):
        init_hooks()
    draw_nothing()


def check_inspect_log(log: EvalLog, arguments: dict[str, str], run: ChunkSession) -> None:
    """Hold Inspect's log against what was asked: Inspect exits in peace when a run failed.

    Its samples were looked at as each ended (`ChunkSession.finish`).

    Raises:
        ChunkError: its arguments or samples differ, samples did not even begin, or something in it
            could have changed a score afterwards.
    """
    if log.eval.task_args != arguments:
        raise ChunkError(f"chunk {run.spec.id}: Inspect's log is of other task arguments")
    ran = {str(sample) for sample in log.eval.dataset.sample_ids or []}
    if ran != {str(index) for index in run.items}:
        raise ChunkError(f"chunk {run.spec.id}: Inspect's log holds other samples")
    for change in log_alterations(log):
        raise ChunkError(f"chunk {run.spec.id}: {change}")
    if log.status == "success" and not run.stopped:
        waiting = set(run.journal.interrupted())
        if unheard := set(run.items) - set(run.journal.outcomes) - waiting:
            raise ChunkError(f"chunk {run.spec.id}: positions {sorted(unheard)} never began")


def _check(
    spec: ChunkSpec,
    mode: Mode,
    api_key: str,
    elicitation: Elicitation,
    rule: AdjudicationRule,
    items: Sequence[ChunkItem],
) -> None:
    """The chunk's id covers all of these, so that no result can be taken for another's."""
    for what, named, given in (
        ("endpoint", spec.endpoint, endpoint_digest(mode)),
        ("mode", (spec.mode, spec.variant), (mode.id, mode.variant)),
        ("elicitation", spec.elicitation, elicitation.digest),
        ("rule", spec.rule, rule.digest),
        ("items", spec.indices, tuple(part.index for part in items)),
    ):
        if named != given:
            raise ChunkError(f"chunk {spec.id} was planned for another {what}")
    if not api_key:
        raise EndpointKeyMissingError(f"no key: set {mode.api_key_env} in the environment")
