"""Logs as Inspect writes them, as far as transcripts are read from them."""

import io
import json
from collections.abc import Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile


def eval_log(samples: Mapping[int, Mapping[str, Any]], attempt: int = 1) -> bytes:
    """A log with these samples, by position."""
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as log:
        log.writestr("header.json", "{}")
        for position, sample in samples.items():
            log.writestr(f"samples/{position}_epoch_{attempt}.json", json.dumps(sample))
    return made.getvalue()


def sample(*said: str, score: str = "C") -> dict[str, Any]:
    """A sample in which user and assistant say these in turn."""
    roles = ("user", "assistant")
    messages = [
        {"id": f"m{n}", "role": roles[n % 2], "content": text} for n, text in enumerate(said)
    ]
    scores = {"judge": {"value": score, "explanation": "as the judge says"}}
    return {"id": "0", "epoch": 1, "messages": messages, "scores": scores}
