"""What runs in a scan's process: Scout reads logs, and one scanner of ours runs every detector.

It is started by `scanning.py` inside a sandbox, with the job on its stdin's socket and the rows as
its stdout. The logs are strangers' words: what reads them holds no key, no journal and no network.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from touchstone.evaluation.oversight.detectors import Detect, detectors, look_through
from touchstone.evaluation.oversight.reading import read_transcript
from touchstone.evaluation.packs.wire import MOST_JOB, receive_message

SCANNER = "touchstone"
_FAULT = 300


def scan_logs(
    logs: Mapping[str, bytes],
    having: dict[str, Detect],
    folder: Path,
    given: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType({}),
) -> Iterator[dict[str, Any]]:
    """Have Scout read logs, and give one row for each transcript that it found.

    Args:
        logs: Inspect's logs, by a name of the caller's.
        having: The detectors.
        folder: An empty folder, for the logs and for what Scout keeps.
        given: By log and sample, what stands as a secret in the item.

    Raises:
        RuntimeError: Scout says that it did not come to its end.
    """
    # 2 s of CPU, and 200 MB that nothing else needs (ADR 342).
    import inspect_scout as scout  # noqa: PLC0415

    # Of the log that is read: Scout is given one at a time.
    item_secrets: Mapping[str, Sequence[str]] = {}

    async def every(transcript: Any) -> Any:
        here = item_secrets.get(str(transcript.task_id), ())
        reading = read_transcript(transcript.messages, transcript.events, here)
        looks = look_through(reading, having)
        return scout.Result(
            value=sum(each.flagged for each in looks),
            metadata={"looks": [each.model_dump(mode="json") for each in looks]},
        )

    # Scout reads from these what a scanner takes.
    every.__annotations__ = {"transcript": scout.Transcript, "return": scout.Result}

    def all_detectors() -> Any:
        return every

    made = scout.scanner(messages="all", events="all", name=SCANNER)(all_detectors)
    for number, (name, data) in enumerate(logs.items()):
        item_secrets = given.get(name, {})
        place = folder / f"{number}.eval"
        place.write_bytes(data)
        # Each by itself: of two transcripts that bear one uuid it would pass one over in silence.
        status = scout.scan(
            [made()],
            transcripts=scout.transcripts_from(str(place)),
            scans=str(folder / f"{number}.scans"),
            # With more it runs this program anew in each, and says nothing where they die.
            max_processes=1,
            max_transcripts=1,
            display="none",
            log_level="error",
        )
        yield from _found(status, scout.scan_results_arrow, name)


def _found(status: Any, results: Callable[[str], Any], name: str) -> Iterator[dict[str, Any]]:
    """The rows of one log that Scout has read, and what it could not read of it."""
    for error in status.errors:
        yield {"log": name, "sample": error.transcript_id, "fault": error.error[:_FAULT]}
    # It returns in peace where it broke off; an error of one transcript is not that.
    if not status.complete and not status.errors:
        raise RuntimeError("Scout did not come to its end")
    table = results(status.location).reader(SCANNER).read_all()
    for row in table.to_pylist():
        # A scanner that raised leaves a row without a value: that is no row without a flag.
        if not row["scan_error"] and row["value"] is not None:
            yield {"log": name, **_row(row)}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    looks = json.loads(row["metadata"])["looks"]
    return {"sample": row["transcript_id"], "id": row["transcript_task_id"], "looks": looks}


def main() -> None:
    """Do the job that comes over the socket, and write its rows."""
    sock = socket.socket(fileno=os.dup(0))
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    job = receive_message(sock, MOST_JOB) or {}
    folder = Path.cwd() / "scan"
    folder.mkdir()
    logs = {name: bytes.fromhex(text) for name, text in job["logs"].items()}
    given = {str(place): job["given"].get(chunk, {}) for place, chunk in enumerate(job["chunks"])}
    rows = list(scan_logs(logs, detectors(tuple(job["canaries"])), folder, given))
    result.write(json.dumps({"rows": rows}).encode())
    result.flush()
    os._exit(0)
