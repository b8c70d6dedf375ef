"""What a pack's sandboxes did, as we saw it, in the place of what the pack's log says of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.event import SandboxEvent

from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.evaluation.witnessed_output import SOURCE

WITNESS = {"witness": "touchstone"}
"""The metadata of an event that is our own statement."""
OUTPUT_NOTED = "output"
"""Beside it in the metadata: what was noted of the whole output, see `witness_of`."""
_OURS = ("timestamp", "completed", "cmd", "options", "file", "input", "result", "output")


def witnessed(sample: bytes, seen: Sequence[SandboxEvent]) -> bytes:
    """A sample's record with our events of its sandboxes, and none of the pack's own.

    Where the pack's log has the same deed, ours takes its place and its span; one that it leaves
    out stands where its time is.

    Args:
        sample: The sample's entry of Inspect's log.
        seen: What was done in its sandboxes; empty where it had none.

    Raises:
        PackProcessError: it is no record of a sample.
    """
    try:
        record = json.loads(sample)
        events = [dict(each) for each in record["events"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PackProcessError("the pack's log holds a sample that cannot be read") from error
    left = list(seen)
    found: list[dict[str, Any]] = []
    for each in events:
        if each.get("event") == "info" and each.get("source") == SOURCE:
            # It would pass for what we noted of an output.
            continue
        if each.get("event") != "sandbox":
            found.append(each)
        elif (ours := next((one for one in left if _same(each, one)), None)) is not None:
            left.remove(ours)
            found.append(_event(ours, each))
    for missing in left:
        _put_by_time(found, _event(missing, {}))
    record["events"] = found
    return json.dumps(record).encode()


def _same(theirs: Mapping[str, Any], ours: SandboxEvent) -> bool:
    names = ("action", "cmd", "file")
    return all(theirs.get(name) == getattr(ours, name) for name in names)


def _event(ours: SandboxEvent, theirs: Mapping[str, Any]) -> dict[str, Any]:
    said = ours.model_dump(mode="json", exclude_none=True)
    kept = {name: value for name, value in theirs.items() if name not in _OURS}
    return {**said, **kept, "metadata": {**(ours.metadata or {}), **WITNESS}} | {
        name: said[name] for name in _OURS if name in said
    }


def _put_by_time(events: list[dict[str, Any]], event: dict[str, Any]) -> None:
    at = str(event["timestamp"])
    later = (n for n, each in enumerate(events) if str(each.get("timestamp", "")) > at)
    events.insert(next(later, len(events)), event)
