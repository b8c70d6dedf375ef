"""Grades, events and copy-out names: what needs no sandbox."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from touchstone.evaluation.sandbox import (
    GRADES,
    CopyOutRefusedError,
    GuardHits,
    SandboxConfig,
    SandboxError,
    SandboxGradeError,
    at_least,
    copyout,
    events,
    launch,
    tools,
)
from touchstone.evaluation.sandbox.events import EventLog
from touchstone.evaluation.sandbox.preflight import Preflight


def test_grades_are_ordered_from_the_strongest():
    for i, grade in enumerate(GRADES):
        assert [at_least(grade, least) for least in GRADES] == [j >= i for j in range(len(GRADES))]


@pytest.mark.parametrize(
    "fields", [{"grade": "best"}, {"memory_mib": 0}, {"processes": 1}, {"network": True}]
)
def test_strange_configuration_is_refused(fields: dict[str, object]):
    with pytest.raises(ValidationError):
        SandboxConfig.model_validate(fields)


def test_a_grade_that_cannot_be_had_is_refused_with_its_mend():
    plain = launch.Guards(confined=False)
    able = Preflight("limited", (), (("cgroups", "run as root"),), "/usr/bin/python3", plain)
    able.require("limited")
    able.require("none")
    with pytest.raises(SandboxGradeError, match=r"'limited'.*'confined'.*cgroups: run as root"):
        able.require("confined")
    with pytest.raises(SandboxGradeError):
        able.require("vm")


# ---------------------------------------------------------------- events
def event(detail: str, *, breach: bool = False) -> GuardHits:
    return GuardHits("system-call", detail, breach, "default", "s")


def test_an_event_is_told_once_kept_by_sample_and_counted():
    log = EventLog()
    heard: list[GuardHits] = []
    stop = log.subscribe(heard.append)
    log.record(event("a"))
    log.record(event("a"))
    log.record(replace(event("a"), count=5))
    stop()
    log.record(event("b"))
    assert heard == [event("a")]
    assert log.of("s") == (replace(event("a"), count=7), event("b"))
    assert log.of("another") == ()


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=900))
def test_no_event_is_lost_uncounted_and_a_reached_bound_is_an_event(hits: list[tuple[int, bool]]):
    log = EventLog()
    heard: list[GuardHits] = []
    log.subscribe(heard.append)
    for number, breach in hits:
        log.record(event(str(number), breach=breach))
    kept = log.of("s")
    assert sum(e.count for e in kept) == len(hits)
    assert len(kept) <= 202
    named = {(int(e.detail), e.breach) for e in kept if e.kind != "bound"}
    assert any(e.kind == "bound" for e in kept) == (named != set(hits))
    assert {e for e in heard if e.kind == "bound"} == {
        replace(e, count=1) for e in kept if e.kind == "bound"
    }


def test_a_flood_cannot_hide_a_breach():
    log = EventLog()
    for i in range(1000):
        log.record(event(str(i)))
    log.record(event("the real one", breach=True))
    assert len(log.of("s")) < 300
    assert log.of("s")[-1].breach
    # Not even a flood of breaches: the review halts on what is told at the bound too.
    heard: list[GuardHits] = []
    log.subscribe(heard.append)
    for i in range(1000):
        log.record(event(f"breach {i}", breach=True))
    assert heard[-1].kind == "bound"
    assert heard[-1].breach


def test_dropped_samples_are_not_taken_for_quiet_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "_KEPT_SAMPLES", 2)
    log = EventLog()
    for sample in "abc":
        log.record(replace(event("x"), sample=sample))
    assert [e.kind for e in log.of("a")] == ["bound"]
    assert [e.kind for e in log.of("c")] == ["system-call"]
    monkeypatch.setattr(events, "_KEPT_SAMPLES", 3)
    twin = EventLog()
    for sample in "abc":
        twin.record(replace(event("x"), sample=sample))
    assert [e.kind for e in twin.of("a")] == ["system-call"]
    assert twin.of("never seen") == ()


# ---------------------------------------------------------------- copying out
PLAIN = st.from_regex(r"[A-Za-z0-9_-]{1,8}(/[A-Za-z0-9_-]{1,8}){0,3}", fullmatch=True)


@given(st.text(max_size=40))
def test_only_plain_names_reach_the_kernel(path: str):
    if any(part in {"", ".", ".."} for part in path.split("/")) or not path.isascii():
        with pytest.raises(CopyOutRefusedError, match="not a plain relative path"):
            copyout.read(-1, path, 1)


@given(PLAIN)
def test_plain_names_do(path: str):
    with pytest.raises(SandboxError, match="bad file descriptor"):
        copyout.read(-1, path, 1)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path):
    (tmp_path / "answer").write_bytes(b"x" * 10)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert copyout.read(folder, "answer", 10) == b"x" * 10
        with pytest.raises(CopyOutRefusedError, match="larger than 9 bytes"):
            copyout.read(folder, "answer", 9)
    finally:
        os.close(folder)


# ---------------------------------------------------------------- tools
def test_an_interpreter_under_a_private_home_is_not_reachable(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    python = home / "python3"
    python.touch(mode=0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            return
    assert tools.reachable(python)
    home.chmod(0o700)
    assert not tools.reachable(python)
