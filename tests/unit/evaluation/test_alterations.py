"""What could change a score after it was given is held against every log."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec
from inspect_ai.model import ModelUsage
from inspect_ai.scorer import Score

from support.toys import toy_battery, toy_mode, toy_spec
from touchstone.evaluation.alterations import log_alterations, sample_alterations
from touchstone.evaluation.chunk_session import ChunkItem, ChunkSession
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.limits import Allowance
from touchstone.evaluation.outcomes import AdjudicationRule
from touchstone.evaluation.runner import check_inspect_log


def log_of() -> EvalLog:
    """A log of one sample, as Inspect writes it where nobody reached in."""
    spec = EvalSpec(
        created="2026-11-30T12:00:00+00:00",
        task="touchstone_chunk",
        dataset=EvalDataset(sample_ids=["0"]),
        model="example/tiny",
        config=EvalConfig(),
    )
    sample = EvalSample(id="0", epoch=1, input="a", target="b", metadata={"index": 0})
    sample.scores = {"judged": Score(value=1)}
    return EvalLog(status="success", eval=spec, samples=[sample])


def the_sample(log: EvalLog) -> EvalSample:
    assert log.samples
    return log.samples[0]


def put(kind: type, name: str, value: Any) -> Callable[[EvalLog], None]:
    """Set a field of the log or of its sample: only that it holds something is looked at."""

    def change(log: EvalLog) -> None:
        setattr(log if kind is EvalLog else the_sample(log), name, value)

    return change


def edit_score(log: EvalLog) -> None:
    scores = the_sample(log).scores
    assert scores
    scores["judged"].history = cast("Any", ["an edit"])


CHANGES = {
    "samples were invalidated": put(EvalLog, "invalidated", value=True),
    "edited afterwards": put(EvalLog, "log_updates", ["a tag"]),
    "changed while it ran": put(EvalLog, "config_updates", ["max_tokens"]),
    "the sample was invalidated": put(EvalSample, "invalidation", "somebody"),
    "run again after an error": put(EvalSample, "error_retries", ["once"]),
    "another model answered": put(EvalSample, "model_fallbacks", ["once"]),
    "score of judged was edited": edit_score,
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ChunkSession]:
    mode, elicitation = toy_mode("http://127.0.0.1:1/v1"), Elicitation(id="plain")
    spec = toy_spec(toy_battery(), mode, elicitation)
    with Journal(tmp_path, spec.id) as journal:
        begun = {0: cast("ChunkItem", None)}
        yield ChunkSession(
            spec,
            begun,
            journal,
            elicitation=elicitation,
            rule=AdjudicationRule(),
            allowance=Allowance(),
        )


def checked(session: ChunkSession, log: EvalLog) -> None:
    """What is done with a sample as it ends, and with the log of all."""
    session.finish(the_sample(log))
    if session.failure is not None:
        raise session.failure
    run = SimpleNamespace(
        spec=session.spec,
        items=session.items,
        stopped="",
        journal=SimpleNamespace(interrupted=list, outcomes={0: None}),
    )
    check_inspect_log(log, log.eval.task_args, cast("ChunkSession", run))


def test_a_log_as_it_was_written_passes(session: ChunkSession):
    log = log_of()
    checked(session, log)
    assert [*log_alterations(log), *sample_alterations(the_sample(log))] == []
    # What is merely there, such as tokens, is no change.
    the_sample(log).model_usage = {"example/tiny": ModelUsage()}
    checked(session, log)


@pytest.mark.parametrize("says", CHANGES)
def test_a_log_that_was_changed_is_refused(session: ChunkSession, says: str):
    log = log_of()
    CHANGES[says](log)
    with pytest.raises(ChunkError, match=says):
        checked(session, log)
