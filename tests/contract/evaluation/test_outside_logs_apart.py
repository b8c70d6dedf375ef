"""A log by others is read in a process apart: what kills its reader is refused, and no more."""

from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match

from support.eval_logs import eval_log, sample
from touchstone.errors import BadInputError
from touchstone.evaluation.outside_logs import reading
from touchstone.evaluation.outside_logs.reading import LIMITS, read_outside_log

pytestmark = pytest.mark.needs_sandbox


@pytest.mark.filterwarnings("ignore:.*parameter is deprecated:DeprecationWarning")
def test_a_log_that_inspect_wrote_is_read(tmp_path: Path):
    answers = [ModelOutput.from_content("mockllm/model", word) for word in ("yes", "no")]
    model = get_model("mockllm/model", custom_outputs=answers)
    for each in answers:
        # Without it Inspect's mock asks the network for a vocabulary.
        each.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    task = Task(dataset=[Sample("a", target="yes"), Sample("b", target="yes")], scorer=match())
    (log,) = inspect_eval(task, model=model, log_dir=str(tmp_path), display="none", max_samples=1)
    assert log.status == "success", log.error
    (file,) = tmp_path.glob("*.eval")
    said = read_outside_log(file.read_bytes(), file.name)
    assert (said["status"], said["model"]) == ("success", "mockllm/model")
    assert (said["samples"], said["read"], said["altered"]) == (2, 2, [])
    assert {each["what"]: each["count"] for each in said["scores"]} == {
        "match: C": 1,
        "match: I": 1,
    }


def test_what_its_reader_cannot_hold_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    log = eval_log({0: sample("a")})
    with pytest.raises(
        BadInputError, match=r"^x\.eval: too large or harmful, not read: .+"
    ) as said:
        read_outside_log(log, "x.eval", replace(LIMITS, memory_mib=64))
    assert "pack" not in str(said.value)
    monkeypatch.setattr(reading, "MOST_OF_LOG", 10)
    with pytest.raises(BadInputError, match="too large, not read"):
        read_outside_log(log, "x.eval")


def test_what_is_no_log_is_refused_with_the_fix():
    with pytest.raises(BadInputError, match=r"x\.eval: .*hand in a log as Inspect writes it"):
        read_outside_log(b"no log at all", "x.eval")
