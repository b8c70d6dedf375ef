"""A developer's log is a stranger's: whatever stands at any place of it, it is taken or refused."""

import io
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from touchstone.evaluation.parity_logs import ParityError, read_parity_log, take_log

TOLD = {"value": 1, "metadata": {"touchstone_result": "solved"}}
SAMPLE = {
    "id": 0,
    "epoch": 1,
    "scores": {"judged": TOLD},
    "events": [{"event": "score", "score": TOLD}],
}
GOOD: dict[str, Any] = {
    "header.json": {
        "status": "success",
        "eval": {
            "task": "touchstone_chunk",
            "task_args": {"chunk": "a"},
            "dataset": {"sample_ids": [0]},
        },
        "results": {"scores": [{"metrics": {"accuracy": {"value": 1.0}}}]},
    },
    "samples/0_epoch_1.json": SAMPLE,
    "summaries.json": [{"id": 0, "epoch": 1, "scores": {"judged": {"value": 1}}}],
}
ODD: tuple[Any, ...] = (
    None,
    -1,
    10**400,
    float("nan"),
    1e309,
    True,
    "\ud800",
    "a\nb\x1b[2J",
    [],
    [None],
    {"a": 1},
)


def packed(entries: dict[str, Any]) -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w") as log:
        for name, value in entries.items():
            log.writestr(name, json.dumps(value))
    return made.getvalue()


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner if isinstance(value, dict | list) else ():
        yield (*at, key)
        yield from places(each, (*at, key)) if isinstance(each, dict | list) else ()


def put(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = deepcopy(GOOD)
    within: Any = changed
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = value
    return changed


def refusal(entries: dict[str, Any]) -> str:
    try:
        read_parity_log(packed(entries), "run.eval")
    except ParityError as error:
        return str(error)
    return ""


def test_whatever_stands_at_any_place_the_log_is_taken_or_refused_in_one_line():
    assert read_parity_log(packed(GOOD), "run.eval").results == {0: True}
    told = [refusal(put(place, value)) for place in places(GOOD) for value in ODD]
    assert all(each.isprintable() for each in told)
    assert sum(map(bool, told)) > 100


@pytest.mark.parametrize(
    "value", [float("nan"), 1e309, 10**400, None, 0.5], ids=["nan", "inf", "huge", "none", "half"]
)
def test_a_mean_that_is_not_its_samples_is_refused(value: Any):
    place = ("header.json", "results", "scores", 0, "metrics", "accuracy", "value")
    with pytest.raises(ParityError, match="mean score is not that of its samples"):
        read_parity_log(packed(put(place, value)), "run.eval")


def test_a_mean_that_was_taken_out_is_refused():
    with pytest.raises(ParityError, match="mean score is not that of its samples"):
        read_parity_log(packed(put(("header.json", "results"), {})), "run.eval")


def test_a_result_that_its_score_does_not_bear_out_is_refused():
    lost = json.loads(json.dumps(GOOD).replace('"value": 1', '"value": 0'))
    with pytest.raises(ParityError, match="result of sample 0 is not that of its score"):
        read_parity_log(packed(lost), "run.eval")


def test_one_position_under_two_ids_is_refused():
    twice = put(("header.json", "eval", "dataset", "sample_ids"), [0, "00"])
    twice["samples/00_epoch_1.json"] = {**SAMPLE, "id": "00"}
    twice["summaries.json"].append({**twice["summaries.json"][0], "id": "00"})
    with pytest.raises(ParityError, match="a position stands in it twice"):
        read_parity_log(packed(twice), "run.eval")


@pytest.mark.parametrize(
    ("name", "says"),
    [("pipe", "not a regular file"), (".", "not a regular file"), ("none", "no such file")],
)
def test_what_is_no_file_is_refused_and_not_waited_for(name: str, says: str, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParityError, match=f"not taken: {says}"):
        take_log(tmp_path / name)


def test_no_more_is_read_than_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("touchstone.evaluation.parity_logs.MOST_OF_LOG", 9)
    (tmp_path / "large").write_bytes(bytes(100))
    assert len(take_log(tmp_path / "large")) == 10
    with pytest.raises(ParityError, match="too large, not read"):
        read_parity_log(take_log(tmp_path / "large"), "large")
