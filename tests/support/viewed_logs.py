"""A log as Inspect itself writes it, whole enough for Inspect's viewer."""

from pathlib import Path

from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser

AT = "2026-11-21T10:00:00Z"


def viewed_log(path: Path, position: int, text: str) -> bytes:
    """A log of one sample, in which the model says this; it is written to `path` too."""
    said: list[ChatMessage] = [ChatMessageUser(content="go"), ChatMessageAssistant(content=text)]
    sample = EvalSample(id=str(position), epoch=1, input="go", target="", messages=said)
    data, config = EvalDataset(), EvalConfig()
    spec = EvalSpec(task="t", created=AT, model="m", dataset=data, config=config)
    write_eval_log(EvalLog(eval=spec, status="success", samples=[sample]), str(path))
    return path.read_bytes()
