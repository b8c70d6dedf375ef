"""What a log by others is said to say: its run, its scores, and what was changed afterwards."""

import io
import json
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from support.eval_logs import sample
from touchstone.evaluation.outside_logs.summing import sum_up
from touchstone.evaluation.oversight.bounded_logs import UnreadableLogError

RUN = {"task": "petri/audit", "model": "example/model-1", "created": "2026-11-01T10:00:00+00:00"}


def log_of(samples: dict[str, Any], **header: Any) -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as log:
        log.writestr("header.json", json.dumps({"status": "success", "eval": RUN, **header}))
        for name, each in samples.items():
            log.writestr(
                f"samples/{name}_epoch_1.json", each if isinstance(each, str) else json.dumps(each)
            )
    return made.getvalue()


def counts(told: list[dict[str, Any]]) -> dict[str, int]:
    return {each["what"]: each["count"] for each in told}


def test_a_log_says_its_run_and_its_scores():
    said = sum_up(
        log_of({"1": sample("a", score="C"), "2": sample("b", score="I"), "3": sample("c")})
    )
    assert (said["task"], said["model"], said["status"]) == (
        "petri/audit",
        "example/model-1",
        "success",
    )
    assert (said["samples"], said["read"]) == (3, 3)
    assert counts(said["scores"]) == {"judge: C": 2, "judge: I": 1}
    assert (said["altered"], said["unread"]) == ([], [])


@pytest.mark.parametrize(
    ("of_sample", "header", "words"),
    [
        ({"scores": {"judge": {"value": "C", "history": [{}]}}}, {}, "a score was edited"),
        ({"invalidation": {"author": "x"}}, {}, "a sample was invalidated"),
        ({"error_retries": [{}]}, {}, "a sample was run again after an error"),
        ({"model_fallbacks": [{}]}, {}, "another model answered in a sample"),
        ({"error": {"message": "x"}}, {}, "a sample ended in an error"),
        ({}, {"invalidated": True}, "the log says that samples were invalidated"),
        ({}, {"log_updates": [{}]}, "the log was edited afterwards"),
        ({}, {"config_updates": [{}]}, "limits or settings were changed while it ran"),
        ({}, {"results": {"completed_samples": 2}}, "samples that it says were run are not in it"),
    ],
)
def test_what_was_changed_afterwards_is_named(
    of_sample: dict[str, Any], header: dict[str, Any], words: str
):
    said = sum_up(log_of({"1": {**sample("a"), **of_sample}}, **header))
    assert counts(said["altered"]) == {words: 1}


def test_a_sample_that_is_too_large_is_not_looked_at_and_the_others_are():
    many = {**sample("a"), "messages": [{"role": "user", "content": "x"} for _ in range(100_000)]}
    said = sum_up(log_of({"1": sample("a"), "2": many, "3": "[1, 2]", "4": "{"}))
    assert (said["samples"], said["read"]) == (4, 1)
    assert counts(said["unread"]) == {"it is no sample": 2, "too large, not looked at": 1}


def test_a_bomb_is_not_unpacked():
    said = sum_up(log_of({"1": '{"messages": "' + "x" * (40 << 20) + '"}', "2": sample("a")}))
    assert counts(said["unread"]) == {"too large, not looked at": 1}


def test_half_a_surrogate_pair_and_unseen_characters_reach_no_record():
    odd = sample("a", score="\ud800\u202eevil\n")
    said = sum_up(log_of({"1": odd}, status="\ud800\x1b[2J"))
    json.dumps(said, ensure_ascii=False).encode("utf-8")
    text = said["scores"][0]["what"] + said["status"]
    assert not {"\ud800", "\u202e", "\n", "\x1b"} & set(text)


def test_scores_without_end_are_summed():
    said = sum_up(log_of({str(n): sample("a", score=str(n)) for n in range(30)}))
    assert len(said["scores"]) == 13
    assert said["scores"][-1] == {"what": "other scores", "count": 18}


def test_an_entry_that_stands_twice_is_told():
    data = log_of({"1": sample("a")})
    made = io.BytesIO(data)
    with ZipFile(made, "a") as log, pytest.warns(UserWarning, match="Duplicate"):
        log.writestr("samples/1_epoch_1.json", json.dumps(sample("a", score="I")))
    with pytest.warns(UserWarning, match="Duplicate"):
        said = sum_up(made.getvalue())
    assert counts(said["altered"]) == {"an entry stands in it twice": 1}


@pytest.mark.parametrize("data", [b"", b"PK", b"{}", log_of({})[:-30]])
def test_what_is_no_log_is_refused(data: bytes):
    with pytest.raises(UnreadableLogError):
        sum_up(data)


def test_an_archive_without_a_header_is_none():
    made = io.BytesIO()
    with ZipFile(made, "w") as log:
        log.writestr("samples/1_epoch_1.json", "{}")
    with pytest.raises(UnreadableLogError, match="header"):
        sum_up(made.getvalue())
