"""What runs in a process that reads logs for a grader: it gives what was said, and nothing else.

It holds no key and reaches nobody: the texts go to the parent, which asks the grader about them.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from touchstone.evaluation.oversight.graded.conversation import conversation
from touchstone.evaluation.packs.wire import MOST_JOB, receive_message

_FAULT = 300


def read_logs(logs: Mapping[str, bytes], folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each transcript of Inspect's logs, or why there is none.

    Args:
        logs: By a name of the caller's.
        folder: An empty folder.
    """
    # 1.3 s, for this process alone.
    from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries  # noqa: PLC0415

    for number, (name, data) in enumerate(logs.items()):
        place = folder / f"{number}.eval"
        place.write_bytes(data)
        for summary in read_eval_log_sample_summaries(str(place)):
            row: dict[str, Any] = {"log": name, "sample": str(summary.id)}
            try:
                sample = read_eval_log_sample(
                    str(place), summary.id, summary.epoch, resolve_attachments="full"
                )
                said = conversation(sample.messages, sample.events)
            except Exception as error:  # noqa: BLE001 - whatever a strange log brings about
                yield {**row, "fault": f"{type(error).__name__}: {error}"[:_FAULT]}
                continue
            told = [[each.message, each.speaker, each.text] for each in said]
            yield {**row, "sample": sample.uuid or "", "id": summary.id, "said": told}


def main() -> None:
    """Do the job that comes over the socket, and write its rows."""
    sock = socket.socket(fileno=os.dup(0))
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    job = receive_message(sock, MOST_JOB) or {}
    folder = Path.cwd() / "read"
    folder.mkdir()
    logs = {name: bytes.fromhex(text) for name, text in job["logs"].items()}
    result.write(json.dumps({"rows": list(read_logs(logs, folder))}).encode())
    result.flush()
    os._exit(0)
