"""A pack's log is a stranger's file: what cannot be taken from it is named."""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from inspect_ai.event import ModelEvent, SpanBeginEvent
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage
from inspect_ai.scorer import Score

from touchstone.evaluation.packs import logs
from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.evaluation.packs.logs import ValueCount, keep_log
from touchstone.evaluation.packs.manifest import PackScore
from touchstone.evaluation.packs.statement import read_statements, statement_of

DECLARED = PackScore(scorer="match", values="letters", solved_from=1.0)
MODELS = ("relay/example/tiny", "relay/example/judge")


def sample_of(place: int = 0, **more: Any) -> EvalSample:
    given: dict[str, Any] = {
        "input": "a",
        "scores": {"match": Score(value="C", explanation="as expected")},
    }
    return EvalSample(id=str(place), epoch=1, target="b", **{**given, **more})


def written(folder: Path, *samples: EvalSample, **more: Any) -> Path:
    spec = EvalSpec(
        created="2026-11-30T12:00:00+00:00",
        task="example",
        dataset=EvalDataset(sample_ids=[each.id for each in samples]),
        model=MODELS[0],
        config=EvalConfig(),
    )
    path = folder / "pack.eval"
    given = {"status": "success", "samples": [*samples], **more}
    write_eval_log(EvalLog(eval=spec, **given), str(path))
    return path


def test_a_log_is_read(tmp_path: Path):
    log = written(tmp_path, sample_of(0), sample_of(3, scores={"match": Score(value="I")}))
    found = read_statements(log, [0, 3], DECLARED, MODELS)
    assert [(each.value, each.fault) for each in found.values()] == [(1.0, ""), (0.0, "")]
    assert found[0].explanation == "as expected"
    assert found[0].uuid == ""


def model_event(model: str, span: str) -> ModelEvent:
    return ModelEvent(
        model=model,
        input=[],
        tools=[],
        tool_choice="auto",
        config=GenerateConfig(),
        output=ModelOutput(),
        span_id=span,
    )


SCORING = [
    SpanBeginEvent(id="s", name="scorers"),
    SpanBeginEvent(id="m", name="match", type="scorer", parent_id="s"),
]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"scores": None}, "no score of 'match'"),
        ({"scores": {"match": Score(value="banana")}}, "'banana' is none of"),
        ({"scores": {"other": Score(value="C")}}, "no score of 'match'"),
        ({"model_usage": {"vendor/large": ModelUsage()}}, "did not declare: vendor/large"),
        ({"events": [model_event("mockllm/model", "x")]}, "did not declare: mockllm/model"),
        ({"events": [*SCORING, model_event(MODELS[0], "m")]}, "graded itself"),
        (
            {"error": EvalError(message="as it likes", traceback="", traceback_ansi="")},
            "as it likes",
        ),
    ],
)
def test_what_is_wrong_with_a_sample_is_named(more: dict[str, Any], says: str):
    found = statement_of(sample_of(**more), 0, DECLARED, MODELS)
    assert found.value is None
    assert says in found.fault


def test_a_grader_that_was_declared_may_grade():
    events = [model_event(MODELS[0], "solving"), *SCORING, model_event(MODELS[1], "m")]
    usage = {name: ModelUsage() for name in MODELS}
    found = statement_of(sample_of(events=events, model_usage=usage), 0, DECLARED, MODELS)
    assert (found.value, found.fault, found.scoring) == (1.0, "", True)


def test_a_score_that_was_edited_is_none():
    sample = sample_of()
    assert sample.scores
    sample.scores["match"].history = cast("Any", ["an edit"])
    assert "was edited" in statement_of(sample, 0, DECLARED, MODELS).fault


def refused(path: Path, places: list[int], says: str) -> None:
    with pytest.raises(PackProcessError, match=says):
        read_statements(path, places, DECLARED, MODELS)


def test_a_log_that_was_changed_is_refused(tmp_path: Path):
    refused(written(tmp_path, sample_of(), invalidated=True), [0], "invalidated")


def test_a_log_of_other_samples_is_refused(tmp_path: Path):
    log = written(tmp_path, sample_of(0), sample_of(1))
    refused(log, [0], "other samples")
    refused(log, [0, 1, 2], "other samples")


def test_a_log_of_a_run_that_did_not_end_is_refused(tmp_path: Path):
    log = written(tmp_path, sample_of())
    # As a run that was killed leaves it: Inspect then reads what stood at its beginning.
    log.write_bytes(log.read_bytes().replace(b"header.json", b"hidden.json"))
    refused(log, [0], "ended as started")
    refused(written(tmp_path, sample_of(), status="error"), [0], "ended as error")


def without_a_sample(data: bytes) -> bytes:
    """The same log, and its one sample left out."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w") as new:
        for each in old.infolist():
            if not each.filename.startswith("samples/"):
                new.writestr(each.filename, old.read(each))
    return kept.getvalue()


def test_a_sample_of_which_a_log_is_silent_is_no_zero(tmp_path: Path):
    log = written(tmp_path, sample_of())
    log.write_bytes(without_a_sample(log.read_bytes()))
    found = read_statements(log, [0], DECLARED, MODELS)[0]
    assert (found.value, found.fault) == (None, "the pack's log says nothing of it")


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]):
    log = written(tmp_path, sample_of())
    data = change(log.read_bytes())
    log.write_bytes(data)
    refused(log, [0], "cannot be read")
    with pytest.raises(PackProcessError):
        keep_log(data, log)


def test_a_log_is_the_same_when_it_was_packed_anew(tmp_path: Path):
    log = written(tmp_path, sample_of(0), sample_of(1))
    before = read_statements(log, [0, 1], DECLARED, MODELS)
    keep_log(log.read_bytes(), log)
    assert read_statements(log, [0, 1], DECLARED, MODELS) == before
    assert log.stat().st_mode & 0o777 == 0o600


def lying(data: bytes, size: int) -> bytes:
    """A log whose sample goes on for long after the bytes that the file says it has."""
    packed, said = io.BytesIO(), b""
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for each in old.infolist():
            content = old.read(each)
            if each.filename.startswith("samples/"):
                said, content = content, content + b"}" * size
            new.writestr(each.filename, content, zipfile.ZIP_DEFLATED)
    # Its stated size and checksum are those of what comes first, so that they hold.
    true = struct.pack("<I", len(said) + size), struct.pack("<I", zlib.crc32(said + b"}" * size))
    told = struct.pack("<I", len(said)), struct.pack("<I", zlib.crc32(said))
    found = packed.getvalue()
    for old_bytes, new_bytes in zip(true, told, strict=True):
        found = found.replace(old_bytes, new_bytes)
    return found


def test_what_a_log_does_not_say_of_its_size_reaches_no_reader(tmp_path: Path):
    log = written(tmp_path, sample_of(0))
    whole = lying(log.read_bytes(), 1_000_000)
    log.write_bytes(whole)
    # Inspect's own reader goes on to the end of what is there, whatever the file says.
    refused(log, [0], "cannot be read")
    keep_log(whole, log)
    assert read_statements(log, [0], DECLARED, MODELS)[0].value == 1.0


@pytest.mark.parametrize(
    ("name", "most", "says"),
    [
        ("MOST_ENTRY", 50_000, "unpacks to more"),
        ("MOST_ALL", 50_000, "unpacks to more"),
        ("MOST_ENTRIES", 1, "too many entries"),
        ("MOST_HEADER", 100, "of its run as a whole"),
        ("MOST_VALUES", 5, "values for one sample, or beside"),
    ],
)
def test_a_log_that_unpacks_to_too_much_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int, says: str
):
    data = written(tmp_path, sample_of(input="a" * 100_000)).read_bytes()
    keep_log(data, tmp_path / "kept" / "pack.eval")
    monkeypatch.setattr(logs, name, most)
    with pytest.raises(PackProcessError, match=says):
        keep_log(data, tmp_path / "none" / "pack.eval")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("twice", [True, False])
def test_an_entry_that_is_there_twice_or_packed_otherwise_is_refused(tmp_path: Path, twice: bool):
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as new:
        warnings.simplefilter("ignore")
        for _ in range(1 + twice):
            new.writestr("header.json", "{}", None if twice else zipfile.ZIP_BZIP2)
    with pytest.raises(PackProcessError, match="one twice" if twice else "in a way"):
        keep_log(packed.getvalue(), tmp_path / "kept" / "pack.eval")


def with_entry(data: bytes, name: str, content: bytes) -> bytes:
    """The same log, and one entry's content another."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w") as new:
        for each in old.infolist():
            given = content if each.filename == name else old.read(each)
            new.writestr(each.filename, given, zipfile.ZIP_DEFLATED)
    return kept.getvalue()


@pytest.mark.parametrize("name", ["header.json", "samples/0_epoch_1.json", "summaries.json"])
def test_values_of_few_bytes_do_not_reach_a_parser_by_the_million(tmp_path: Path, name: str):
    data = written(tmp_path, sample_of(0)).read_bytes()
    bomb = b"[" + b",".join([b"{}"] * 300_000) + b"]"
    with pytest.raises(PackProcessError, match="values"):
        keep_log(with_entry(data, name, bomb), tmp_path / "none" / "pack.eval")
    # As long, and all of it one text.
    prose = with_entry(data, name, b'["' + b"{}, [\\\\]" * 100_000 + b'"]')
    keep_log(prose, tmp_path / "kept" / "pack.eval")


def test_what_is_beside_the_samples_is_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "MOST_VALUES", 1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as new:
        for number in range(3):
            new.writestr(f"samples/{number}_epoch_1.json", "[" + "1," * 900 + "1]")
    keep_log(packed.getvalue(), tmp_path / "kept" / "pack.eval")
    with zipfile.ZipFile(packed, "a") as new:
        for number in range(2):
            new.writestr(f"_journal/summaries/{number}.json", "[" + "1," * 900 + "1]")
    with pytest.raises(PackProcessError, match="beside its samples"):
        keep_log(packed.getvalue(), tmp_path / "none" / "pack.eval")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "values"),
    [
        (r'{"a": [1, 2, {}], "b,": "c,[{"}', 6),
        (r'["a\"", "b,\\", [], "\\\",", 4]', 6),
    ],
)
def test_values_are_counted_wherever_a_block_ends(text: str, values: int, size: int):
    data, count = text.encode(), ValueCount()
    for start in range(0, len(data), size):
        count.add(data[start : start + size])
    assert count.found == values


def overlapping() -> bytes:
    """Two entries, the second of which is the content of the first."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as new:
        new.writestr("b", "{}")
    body = inner.getvalue()[: inner.getvalue().index(b"PK\1\2")]
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as new:
        new.writestr("a", body)
        new.writestr("b", "{}")
    data = bytearray(outer.getvalue())
    # Where the second's own record says that it begins.
    record = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, record + 42, data.index(body))
    return bytes(data)


def test_entries_that_overlap_are_refused(tmp_path: Path):
    data = overlapping()
    with pytest.raises(PackProcessError, match="overlap"):
        keep_log(data, tmp_path / "none" / "pack.eval")


def test_a_list_of_very_many_entries_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(zipfile, "ZipFile", never)
    with pytest.raises(PackProcessError, match="too many entries"):
        keep_log((b"PK\1\2" + bytes(42)) * 10_001, tmp_path / "none" / "pack.eval")
