"""Running a pack's items in its own process, and what becomes of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import ReportedScore, SandboxEvent, Usage
from touchstone.evaluation.packs.apart import ProcessLimits, run_apart
from touchstone.evaluation.packs.errors import PackBreachError, PackError, PackProcessError
from touchstone.evaluation.packs.given import given_assets
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.lent import Lending, LoanLimits
from touchstone.evaluation.packs.logs import keep_log
from touchstone.evaluation.packs.manifest import PackLimits, PackScore
from touchstone.evaluation.packs.mark import PackMark
from touchstone.evaluation.packs.relay import (
    CAP,
    SUBJECT,
    Relay,
    RelayLimits,
    RoleEndpoint,
    SampleCalls,
)
from touchstone.evaluation.packs.source import PackSource
from touchstone.evaluation.packs.statement import Statement, read_statements
from touchstone.evaluation.packs.wire import MalformedMessageError, unpacked
from touchstone.evaluation.sandbox import Grade
from touchstone.evaluation.sandbox.launch import Guards
from touchstone.evaluation.submission import Mode
from touchstone.handin import printable_line
from touchstone.review.events.measuring import REPORTED, Result

LOG = "pack.eval"
_LENGTH = 300
_MOST_FAULT = 64 * 1024
_NEVER_ASKED = "the pack says that it was solved, and the subject was never asked"


class PackOutcome(Frozen):
    """What became of one item of a pack, and on whose word."""

    place: int
    """Its position in the registered item set."""
    item: str
    """Its digest."""
    result: Result
    """`reported`: the pack's scores decide nothing, and `reported` is one."""
    value: str | None
    """The pack's score, as a decimal; None where none could be taken."""
    reported: ReportedScore | None = None
    """The score that is reported; None for every other result."""
    reason: str
    """One plain line."""
    cause: Literal["", "endpoint", "judge", "engine"] = ""
    """For what was lost: whose fault it was."""
    limit: str = ""
    usage: Usage = Usage()
    """Of the subject's calls, as the parent counted them for the sample that the pack named."""
    calls: int = 0
    models: tuple[str, ...] = ()
    seconds: str = "0.000"
    events: tuple[SandboxEvent, ...] = ()
    """What the sample's sandboxes noticed."""
    uuid: str = ""
    """By which the sample is found in Inspect's log."""
    pack: PackMark
    """Whose statement this is."""


@dataclass(frozen=True)
class PackRun:
    """What one process of a pack gave."""

    outcomes: tuple[PackOutcome, ...]
    """One for each item that was given, whatever the pack did."""
    grade: Grade | None
    """How well the process was held; None where it gave no result."""
    attempts: tuple[str, ...]
    """System calls that it tried and was refused."""
    refusals: tuple[str, ...]
    """What it asked of the relay and did not get."""
    used: int
    """Tokens of all its calls, by our count."""
    calls: int
    log: Path | None
    """Inspect's log, as the pack wrote it."""


@dataclass(frozen=True)
class PackSettings:
    """How a pack's process is run."""

    process: ProcessLimits = field(default_factory=ProcessLimits)
    relay: RelayLimits = field(default_factory=RelayLimits)
    loans: LoanLimits = field(default_factory=LoanLimits)
    asking: EndpointLimits = field(default_factory=EndpointLimits)
    guards: Guards | None = None
    """Which guards stand; None: all that this machine can give."""
    assets: Path | None = None
    """Where assets are kept; None: packs that name some do not run."""
    sample: PackLimits = field(default_factory=PackLimits)
    """Limits of one sample, where they are not as pack.toml or the task has them."""


DEFAULT_SETTINGS = PackSettings()


async def run_items(
    source: PackSource,
    items: Mapping[int, FrozenItem],
    asked: Mapping[str, RoleEndpoint],
    limits: PackLimits,
    folder: Path,
    settings: PackSettings = DEFAULT_SETTINGS,
    on_answer: Callable[[int, Usage], None] | None = None,
) -> PackRun:
    """Run items of a pack in a process of their own.

    Args:
        source: The pack.
        items: What is to run, by position; the process gets these and no other.
        asked: The endpoint of the subject and of each role that the pack declared.
        limits: Of one sample, where they are not the task's own.
        folder: Where the log is put, for this user alone.
        settings: How much the process may use.
        on_answer: Told of each answer of the subject's before the pack hears of it.

    Raises:
        PackError: a role has no endpoint, an asset is not here as it is named, or this machine
            cannot hold a pack.
        PackBreachError: the boundary of a sandbox of its samples was attacked.
        Exception: what `on_answer` raised, once the process has ended.
    """
    check_roles(source, asked)
    lending = Lending(
        frozenset(place for place, item in items.items() if item.sandbox),
        source.manifest.sandbox,
        settings.asking.max_samples,
        settings.loans,
    )
    relay = Relay(asked, frozenset(items), settings.asking, settings.relay, on_answer, lending)
    job = _job(source, items, asked, limits, settings.asking)
    given = await anyio.to_thread.run_sync(
        partial(given_assets, source.assets, settings.assets, items=False)
    )
    unheard = lending.listen()
    try:
        apart = await run_apart(job, relay.serve, settings.process, settings.guards, given=given)
        # In a thread: others' calls must not wait while a large log is read.
        log = await anyio.to_thread.run_sync(_take_log, apart.result, folder, lending)
        statements = await anyio.to_thread.run_sync(
            read_statements, log, tuple(items), source.manifest.score, _names(asked)
        )
    except PackProcessError as error:
        _raise_what_ended(relay)
        lost = [_lost(place, item, relay, source.mark, str(error)) for place, item in items.items()]
        return _ran(relay, lost, None, (), None)
    finally:
        unheard()
    _raise_what_ended(relay)
    outcomes = [
        _outcome(statements[place], item, relay, source, settings.process.seconds)
        for place, item in items.items()
    ]
    return _ran(relay, outcomes, apart.grade, apart.attempts, log)


def _raise_what_ended(relay: Relay) -> None:
    """Raise what nothing of a run stands beside."""
    if relay.failure is not None:
        raise relay.failure from None
    if relay.lending.breached:
        raise PackBreachError(
            f"the boundary of a sandbox was attacked ({relay.lending.breached}); nothing of this"
            " chunk stands, and a person must look"
        )


def check_roles(source: PackSource, asked: Mapping[str, RoleEndpoint]) -> None:
    """Hold the endpoints that are given against the roles that the pack declared.

    Raises:
        PackError: one is missing, or is for nobody.
    """
    declared = {SUBJECT, *source.manifest.roles}
    for name in sorted(declared - set(asked)):
        raise PackError(f"{source.manifest.id}: the role {name!r} has no endpoint; name one for it")
    for name in sorted(set(asked) - declared):
        raise PackError(f"{source.manifest.id}: the pack declares no role {name!r}")


def _names(asked: Mapping[str, RoleEndpoint]) -> list[str]:
    """The names under which the models stand in a pack's log, the subject's first."""
    roles = [SUBJECT, *(name for name in asked if name != SUBJECT)]
    return [f"relay/{name_within(role, asked[role].mode)}" for role in roles]


def name_within(role: str, mode: Mode) -> str:
    """What a model is called in a pack's process: with its role, for two may be one model."""
    return f"{role}.{mode.model.split('/', 1)[1]}"


def _job(
    source: PackSource,
    items: Mapping[int, FrozenItem],
    asked: Mapping[str, RoleEndpoint],
    limits: PackLimits,
    asking: EndpointLimits,
) -> dict[str, Any]:
    subject = asked[SUBJECT].mode
    config = subject.settings.model_dump(mode="json", exclude_none=True)
    for name in ("temperature", "top_p"):
        if name in config:
            config[name] = float(config[name])
    return {
        **task_job(source, source.code),
        "kind": "run",
        "items": {str(place): item.model_dump(mode="json") for place, item in items.items()},
        "model": name_within(SUBJECT, subject),
        "config": config,
        "roles": {
            name: name_within(name, each.mode) for name, each in asked.items() if name != SUBJECT
        },
        "limits": {
            "message_limit": limits.messages,
            "token_limit": limits.tokens,
            "time_limit": limits.seconds,
            "working_limit": limits.working_seconds,
        },
        "max_samples": asking.max_samples,
    }


def task_job(source: PackSource, files: Mapping[str, bytes]) -> dict[str, Any]:
    """What of a job makes the pack's task."""
    task = source.manifest.task
    return {
        "files": {name: data.hex() for name, data in files.items()},
        "file": task.file,
        "function": task.function,
        "arguments": dict(task.arguments),
        "sandbox": source.manifest.sandbox.model_dump(mode="json"),
    }


def fault_of(result: bytes) -> str:
    """What the process says that went wrong before there was a log; empty for anything else."""
    if not result.startswith(b"{") or len(result) > _MOST_FAULT:
        return ""
    try:
        said = unpacked(result).get("fault")
    except MalformedMessageError:
        return ""
    return printable_line(said, _LENGTH) if isinstance(said, str) else ""


def _take_log(result: bytes, folder: Path, lending: Lending) -> Path:
    if fault := fault_of(result):
        raise PackProcessError(f"the pack failed: {fault}")
    path = folder / LOG
    keep_log(result, path, lending.seen)
    return path


def _ran(
    relay: Relay,
    outcomes: Sequence[PackOutcome],
    grade: Grade | None,
    attempts: tuple[str, ...],
    log: Path | None,
) -> PackRun:
    refusals = tuple(relay.refusals)
    return PackRun(tuple(outcomes), grade, attempts, refusals, relay.used, relay.calls, log)


def _lost(place: int, item: FrozenItem, relay: Relay, mark: PackMark, reason: str) -> PackOutcome:
    """The process gave nothing that can be read: what was asked was asked all the same."""
    heard = relay.of(place)
    return PackOutcome(
        place=place,
        item=item.digest,
        result="lost-instrument",
        value=None,
        reason=printable_line(reason, _LENGTH),
        cause="engine",
        limit=CAP if heard.capped else "",
        usage=heard.usage,
        calls=heard.calls,
        models=tuple(sorted(heard.models)),
        events=_noticed(place, relay),
        pack=mark,
    )


def _noticed(place: int, relay: Relay) -> tuple[SandboxEvent, ...]:
    return tuple(
        SandboxEvent(kind=each.kind, detail=printable_line(each.detail, _LENGTH), count=each.count)
        for each in relay.lending.hits(place)
    )


def _outcome(
    said: Statement, item: FrozenItem, relay: Relay, source: PackSource, most: float
) -> PackOutcome:
    heard = relay.of(said.place)
    result, cause, reason = concluded(said, heard, source.manifest.score)
    taken = said.value if cause == "" else None
    return PackOutcome(
        place=said.place,
        item=item.digest,
        result=result,
        value=None if taken is None else format(taken, ".17g"),
        reported=_reported(taken, source.manifest.score) if result == REPORTED else None,
        reason=printable_line(reason, _LENGTH),
        cause=cause,
        limit=CAP if result == "lost-instrument" and heard.capped else said.limit,
        usage=heard.usage,
        calls=heard.calls,
        models=tuple(sorted(heard.models)),
        seconds=f"{seconds_taken(said.seconds, most):.3f}",
        events=_noticed(said.place, relay),
        uuid=said.uuid,
        pack=source.mark,
    )


def _reported(taken: float | None, declared: PackScore) -> ReportedScore | None:
    return None if taken is None else ReportedScore.of(taken, *declared.range)


def seconds_taken(said: float, most: float) -> float:
    """The seconds that a pack says a sample took; 0 where it took no such time.

    Args:
        said: Whatever its log says, NaN and infinity among it.
        most: How long its process may have run.
    """
    return said if 0 <= said <= most else 0.0


_CAPPED = "the tokens that the review's caps left were used up while it ran"
Conclusion = tuple[Result, Literal["", "endpoint", "judge", "engine"], str]


def concluded(said: Statement, heard: SampleCalls, declared: PackScore) -> Conclusion:
    """What a statement is worth, beside what the relay heard of the subject."""
    capped: Conclusion = ("lost-instrument", "engine", _CAPPED)
    if said.value is None:
        if heard.capped:
            return capped
        if heard.last_failed:
            return "lost-endpoint", "endpoint", heard.fault
        return "lost-instrument", "judge" if said.scoring else "engine", said.fault
    good = declared.solved_from is not None and said.value >= declared.solved_from
    reason = said.explanation or f"the pack's score is {said.value:g}"
    # The first that holds is the result.
    cases: tuple[tuple[bool, Conclusion], ...] = (
        (good and not heard.calls, ("lost-instrument", "judge", _NEVER_ASKED)),
        (good, ("solved", "", reason)),
        (heard.capped, capped),
        (heard.last_failed and not heard.calls, ("lost-endpoint", "endpoint", heard.fault)),
        (not heard.calls, ("no-attempt", "", f"the subject was never asked; {reason}")),
        (heard.refused, ("refused", "", f"declined; {reason}")),
        (heard.shortened, ("cut", "", f"a call ended at a limit on output or context; {reason}")),
        # Last: what was declined or cut short has a score too, and it is not the subject's.
        (declared.solved_from is None, (REPORTED, "", reason)),
        (bool(said.limit), ("limit", "", f"{said.limit} limit; {reason}")),
        (True, ("unsolved", "", reason)),
    )
    return next(found for holds, found in cases if holds)
