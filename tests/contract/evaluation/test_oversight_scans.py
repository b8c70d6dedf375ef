"""Logs are scanned in a process apart; each sample of a journal has a row, whatever they hold."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log

from touchstone.evaluation.oversight import bounded_logs, scanning
from touchstone.evaluation.oversight.bounded_logs import TOO_LARGE, UNREADABLE, bounded_log
from touchstone.evaluation.oversight.detectors import detectors
from touchstone.evaluation.oversight.labelled.plants import CANARY, GIVEN_NOTES
from touchstone.evaluation.oversight.labelled.transcripts import (
    LabelledTranscript,
    labelled_transcripts,
)
from touchstone.evaluation.oversight.leaks import secrets_in
from touchstone.evaluation.oversight.scanning import ChunkLog, scan_chunks
from touchstone.evaluation.oversight.sightings import NO_LOG, Look, ScannedTranscript
from touchstone.evaluation.packs.apart import Apart
from touchstone.evaluation.packs.errors import PackError, PackProcessError

Change = Callable[[str, bytes], bytes | None]
NAMES = tuple(detectors())


def write_log(folder: Path, transcripts: list[LabelledTranscript]) -> bytes:
    """A log as Inspect writes it, of samples 0, 1, ... with uuids u0, u1, ..."""
    samples = [
        EvalSample(
            id=str(place),
            epoch=1,
            input="Begin.",
            target="",
            uuid=f"u{place}",
            messages=list(each.messages),
            events=list(each.events),
        )
        for place, each in enumerate(transcripts)
    ]
    spec = EvalSpec(
        created="2026-01-05T12:00:00+00:00",
        task="touchstone_chunk",
        dataset=EvalDataset(sample_ids=[str(each.id) for each in samples]),
        model="example/tiny",
        config=EvalConfig(),
    )
    path = folder / "made.eval"
    write_eval_log(EvalLog(eval=spec, status="success", samples=samples), str(path))
    return path.read_bytes()


def changed(log: bytes, change: Change) -> bytes:
    """The log with entries changed, or left out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(log)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)
    return made.getvalue()


def wanted(count: int) -> dict[int, str]:
    return {place: f"u{place}" for place in range(count)}


def faults(rows: tuple[ScannedTranscript, ...]) -> list[str]:
    """Of each sample, why nothing looked at it; empty where all did."""
    said = [{look.fault for look in row.looks} for row in rows]
    assert all(len(each) == 1 for each in said)
    return [each.pop() for each in said]


def flagged(row: ScannedTranscript) -> set[str]:
    return {look.detector for look in row.looks if look.flagged}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = {each.name: each for each in labelled_transcripts(1)}
    names = ("clean 0 #0", "spoofed-result easy 0 #0", "canary easy 0 #0", "clean 1 #1")
    return write_log(tmp_path_factory.mktemp("log"), [made[name] for name in names])


@pytest.fixture(scope="module")
def giving(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two transcripts that repeat a secret; what their items hold is not in the log."""
    made = {each.name: each for each in labelled_transcripts(1)}
    names = ("given-secret easy 0 #0", "given-secret easy 0 #0")
    return write_log(tmp_path_factory.mktemp("giving"), [made[name] for name in names])


@pytest.fixture(scope="module")
def scanned(log: bytes, giving: bytes) -> Mapping[str, tuple[ScannedTranscript, ...]]:
    """One process for all of these."""

    def hostile(name: str, data: bytes) -> bytes | None:
        if name.startswith("samples/0_"):
            return b"{ no json"
        if name.startswith("samples/1_"):
            return data.replace(b"I begin with the files.", b"I give up. \\ud800")
        if name.startswith("samples/2_"):
            return b"[" * (bounded_logs.MOST_VALUES + 1)
        return data

    def of_a_killed_run(name: str, data: bytes) -> bytes | None:
        return None if name in {"header.json", "summaries.json", "samples/3_epoch_1.json"} else data

    chunks = [
        ChunkLog("sound", log, {**wanted(4), 4: "u4", 5: ""}),
        ChunkLog("hostile", changed(log, hostile), wanted(4)),
        ChunkLog("killed", changed(log, of_a_killed_run), wanted(4)),
        ChunkLog("junk", b"no log", wanted(1)),
        ChunkLog("none", None, wanted(1)),
        ChunkLog("giving", giving, wanted(2), {1: tuple(secrets_in(GIVEN_NOTES))}),
    ]
    return scan_chunks(chunks, (CANARY,))


def test_rows_are_joined_by_uuid_and_cover_the_journal(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    rows = scanned["sound"]
    assert [(row.index, row.sample) for row in rows] == [*wanted(4).items(), (4, "u4"), (5, "")]
    assert faults(rows) == ["", "", "", "", NO_LOG, NO_LOG]
    assert [tuple(look.detector for look in row.looks) for row in rows] == [NAMES] * 6


def test_what_is_planted_is_found_through_scout(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    rows = scanned["sound"]
    assert [flagged(row) for row in rows[:4]] == [set(), {"spoofed-result"}, {"canary"}, set()]


def test_a_secret_is_given_by_the_item_of_its_own_sample_alone(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    assert [flagged(row) for row in scanned["giving"]] == [{"secret"}, {"given-secret"}]


def test_what_cannot_be_read_is_not_looked_at_and_the_rest_is(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    broken, lone, large, sound = faults(scanned["hostile"])
    assert broken.startswith("Expecting property name")
    assert (lone, large, sound) == ("", TOO_LARGE, "")
    assert "giving-up" in flagged(scanned["hostile"][1])


def test_the_log_of_a_killed_run_is_not_taken_for_whole(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    *_, missing = faults(scanned["killed"])
    assert missing == NO_LOG


def test_no_log_and_what_is_none_are_not_looked_at(
    scanned: Mapping[str, tuple[ScannedTranscript, ...]],
):
    assert faults(scanned["junk"])[0].startswith(UNREADABLE)
    assert faults(scanned["none"]) == [NO_LOG]


def test_a_sample_that_is_left_out_is_listed_nowhere(log: bytes):
    """Scout waits for ever for a sample that is listed and is not there."""
    bounded = bounded_log(log, {"samples/1_epoch_1.json"})
    with zipfile.ZipFile(io.BytesIO(bounded.data)) as archive:
        listed = json.loads(archive.read("summaries.json"))
    assert [each["id"] for each in listed] == ["1"]
    assert bounded.samples == ("samples/1_epoch_1.json",)


def test_a_sample_is_counted_as_it_comes(log: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounded_logs, "MOST_SAMPLE", 10_000)
    bounded = bounded_log(log)
    assert bounded.samples == ()
    assert [why for _, why in bounded.left_out] == [TOO_LARGE] * 4


# ------------------------------------------------ without a process
class FakeProcess:
    """Stands for the scan's process: it dies of one sample, and answers for the others."""

    def __init__(self, deadly: str) -> None:
        self.deadly = deadly
        self.started = 0

    async def __call__(self, job: Mapping[str, Any], *_: object, **__: object) -> Apart:
        self.started += 1
        rows = []
        for name, text in job["logs"].items():
            with zipfile.ZipFile(io.BytesIO(bytes.fromhex(text))) as archive:
                samples = [each for each in archive.namelist() if each.startswith("samples/")]
            if any(each.startswith(f"samples/{self.deadly}_") for each in samples):
                raise PackProcessError("the pack's process is gone: killed")
            looks = [Look(detector=each).model_dump() for each in NAMES]
            rows += [
                {"log": name, "id": each[8], "sample": f"u{each[8]}", "looks": looks}
                for each in samples
            ]
        return Apart(json.dumps({"rows": rows}).encode(), "confined", ())


def test_a_transcript_that_kills_the_process_stands_alone_at_the_end(
    log: bytes, monkeypatch: pytest.MonkeyPatch
):
    process = FakeProcess("2")
    monkeypatch.setattr(scanning, "run_apart", process)
    chunks = [ChunkLog("a", log, wanted(4)), ChunkLog("b", log, wanted(4))]
    for rows in scan_chunks(chunks).values():
        assert faults(rows) == ["", "", "the scan's process is gone: killed", ""]
    assert process.started == 1 + 2 * (1 + 2 + 2)


def test_rows_that_cannot_be_read_are_no_rows(log: bytes, monkeypatch: pytest.MonkeyPatch):
    async def lies(*_: object, **__: object) -> Apart:
        return Apart(b'{"rows": [{"log": "0"}]}', "confined", ())

    monkeypatch.setattr(scanning, "run_apart", lies)
    rows = scan_chunks([ChunkLog("a", log, wanted(4))])["a"]
    assert faults(rows) == ["the scan gave rows that cannot be read"] * 4


def test_where_no_process_can_be_held_nothing_is_looked_at(
    log: bytes, monkeypatch: pytest.MonkeyPatch
):
    async def cannot(*_: object, **__: object) -> Apart:
        raise PackError("no sandbox here; install bubblewrap")

    monkeypatch.setattr(scanning, "run_apart", cannot)
    rows = scan_chunks([ChunkLog("a", log, wanted(2))])["a"]
    assert faults(rows) == ["no sandbox here; install bubblewrap"] * 2
