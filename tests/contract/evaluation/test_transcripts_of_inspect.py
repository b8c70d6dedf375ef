"""What Inspect itself writes is read without it."""

import io
from pathlib import Path

from inspect_ai.event import InfoEvent
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.log._condense import condense_sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
)
from inspect_ai.scorer import Score
from inspect_ai.tool import ToolCall

from touchstone.evaluation.transcript_log import PageAsked, TranscriptLog, read_page

LONG = "long " * 400
CREATED = "2026-11-21T10:00:00Z"


def test_what_inspect_writes_is_read(tmp_path: Path):
    """By its own writer: long texts lie beside the messages there, packed as it packs them."""
    call = ToolCall(id="c1", function="bash", arguments={"cmd": "ls\npwd", "timeout": 3})
    thought = ContentReasoning(reasoning=LONG)
    cipher = ContentReasoning(reasoning="c2VjcmV0", redacted=True)
    image = ContentImage(image="data:image/png;base64,AAAA")
    made = EvalSample(
        id="3",
        epoch=1,
        input="go",
        target="",
        messages=[
            ChatMessageUser(content=[ContentText(text="Look at it."), image]),
            ChatMessageAssistant(content=[thought, ContentText(text="I look.")], tool_calls=[call]),
            ChatMessageTool(content="a\nb", tool_call_id="c1", function="bash"),
            ChatMessageAssistant(content=[cipher, ContentText(text="Done.")]),
        ],
        events=[InfoEvent(data=LONG)],
        scores={"judge": Score(value="C", explanation="It is so.")},
    )
    spec = EvalSpec(
        task="t",
        created=CREATED,
        model="m",
        dataset=EvalDataset(),
        config=EvalConfig(),
    )
    log = EvalLog(eval=spec, status="success", samples=[condense_sample(made)])
    path = tmp_path / "chunk.eval"
    write_eval_log(log, str(path))

    found = TranscriptLog(io.BytesIO(path.read_bytes()))
    assert (found.size(4, 1), found.size(3, 2)) == (None, None)
    assert (found.size(3, 1) or 0) > len(LONG)
    shown = read_page(found.sample(3, 1), PageAsked(text=len(LONG)))
    assert [(each.message, each.role, each.kind, each.text) for each in shown.said] == [
        (0, "user", "text", "Look at it."),
        (0, "user", "image", "[not shown in a terminal]"),
        (1, "assistant", "reasoning", LONG),
        (1, "assistant", "text", "I look."),
        (1, "assistant", "call", "bash\ncmd: ls\npwd\ntimeout: 3"),
        (2, "tool", "result", "a\nb"),
        (3, "assistant", "reasoning", "[redacted]"),
        (3, "assistant", "text", "Done."),
    ]
    (score,) = shown.scores
    assert (score.scorer, score.value, score.explanation) == ("judge", "C", "It is so.")
