"""What workers told of their samples and nobody recorded yet, and its way into the record."""

from touchstone.evaluation import Outcome, Usage
from touchstone.service.measurement.chunk_logs import logs_left
from touchstone.service.measurement.chunk_queue import Chunks
from touchstone.service.measurement.outcomes import record_outcomes, used_before
from touchstone.service.measurement.setting import Setting
from touchstone.verdicts.modes_compared import Answers


def told_of(setting: Setting, chunk: str) -> list[Outcome]:
    """What workers told of a chunk and nobody recorded yet, in the order of its positions."""
    kept = setting.evidence.kept(setting.case.id, chunk)
    return [Outcome.model_validate_json(kept[index]) for index in sorted(kept)]


def record_told(setting: Setting, chunks: Chunks, answers: Answers | None = None) -> None:
    """Record what workers told of these chunks, where whoever heard it ended before it could.

    It needs nothing of what lies on those workers' disks, and takes the logs where they are here.
    """
    case, battery = setting.case, setting.prepared.battery
    waiting = sorted(set(setting.evidence.unrecorded(case.id)) & chunks.keys())
    before = used_before(case) if waiting else {}
    for chunk in waiting:
        (spec, key), outcomes = chunks[chunk], told_of(setting, chunk)
        state, attempt = case.state, spec.attempt
        fresh = [each for each in outcomes if not state.is_recorded(key, attempt, each.index)]
        used = sum((each.usage for each in fresh), before.get(chunk, Usage()))
        logs = logs_left(setting, chunk) if fresh else ()
        record_outcomes(case, battery, spec, key, fresh, used, logs, answers)
        setting.evidence.forget(case.id, chunk, [each.index for each in outcomes])
