"""Commands as processes: interrupted, killed, twice at once, without room, without a reader."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.forked import Command
from support.reviews import (
    command,
    descendants,
    environment,
    started,
    touchstone,
    write_submission,
)
from support.small_review import arguments, small_review, write_framework
from touchstone.evaluation import load_submission
from touchstone.evaluation.controls.launch import Subject, start_subject
from touchstone.service.errors import BusyError
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation
from touchstone.service.reviews.requirements import alone

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with start_subject(("control-null", "control-solver")) as running:
        yield running


def wait_for(what: Callable[[], object], running: Command) -> None:
    until = time.monotonic() + 90
    while not what():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def journal(home: Path) -> list[dict[str, object]]:
    lines = [path.read_bytes() for path in home.glob("chunks/*/*/outcomes.jsonl")]
    whole = [text.rpartition(b"\n")[0] for text in lines]
    return [json.loads(line) for text in whole for line in text.splitlines()]


def test_ctrl_c_ends_workers_and_the_next_run_goes_on(tmp_path: Path, subject: Subject):
    home = tmp_path / "home"
    submission = write_submission(tmp_path, subject.url, modes={"thinking": "high"})
    framework = write_framework(tmp_path)
    args = arguments(submission, framework, "--items", "3")
    running = started(*args, home=home, key=subject.key)
    wait_for(lambda: any(row.get("line") == "begin" for row in journal(home)), running)
    workers = descendants(running.pid)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "Ctrl-C again ends at once" in err
    assert err.splitlines()[-1].startswith("touchstone: interrupted; the same command goes on")
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    # Two at once: one goes on with the case; the other waits for nothing and repeats nothing.
    both = [started(*args, home=home, key=subject.key) for _ in range(2)]
    ends = [(*one.communicate(timeout=150), one.returncode) for one in both]
    assert any(" of 3 solved" in out for out, *_ in ends), ends
    # What was interrupted gave back what it had leased.
    assert not any("Waiting up to" in err for _, err, _ in ends)
    for out, err, code in ends:
        # What was under way when it was interrupted came to its own end: nothing is lost.
        said = "another process is running this" in err
        assert "3 of 3 solved" in out if code == 0 else code == 1 and said, ends
    (row,) = touchstone("review", "list", "--json", home=home).json
    # A finished review asks nothing more, adds nothing to the record, and needs no key.
    before = touchstone("review", "show", row["case"], "--json", home=home).json["timeline"]
    assert sum(row["text"].startswith("Seals the battery") for row in before) == 1
    counts = [re.match(r"Records (\d+) outcome", row["text"]) for row in before]
    assert sum(int(found[1]) for found in counts if found) == 3
    editions = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    again = small_review(submission, framework, home, "", "--items", "3")
    assert again.code == 0, again.err
    assert " of 3 solved" in again.out
    after = touchstone("review", "show", row["case"], "--json", home=home).json["timeline"]
    assert after == before
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == editions


def test_one_process_alone_runs_a_review(tmp_path: Path):
    submission = load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1"))
    framework, other = load_framework("example"), load_framework("us-2026-06")
    with open_installation(tmp_path / "home") as here, alone(here, framework, submission):
        with pytest.raises(BusyError), alone(here, framework, submission):
            pass
        with alone(here, other, submission):
            pass
    with open_installation(tmp_path / "home") as here, alone(here, framework, submission):
        pass


def test_what_was_spent_before_a_kill_counts_against_the_cap(tmp_path: Path, subject: Subject):
    home, cap = tmp_path / "home", 232_000
    submission = write_submission(
        tmp_path, subject.url, modes={"thinking": "high"}, extra=f"[caps]\ntokens = {cap}\n"
    )
    args = arguments(submission, write_framework(tmp_path), "--items", "8")
    running = started(*args, home=home, key=subject.key)
    used = lambda: sum(_tokens(row) for row in journal(home))  # noqa: E731 - asked twice
    wait_for(lambda: used() > cap - 230_000, running)
    for pid in [running.pid, *descendants(running.pid)]:
        # With the fork server its workers end, too.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.communicate()
    begun = [row for row in journal(home) if row.get("line") == "begin"]
    ran = touchstone(*args, home=home, key=subject.key)
    assert ran.code == 1
    assert "a cap of the submission is reached; what ran is recorded" in ran.refusal
    assert [row for row in journal(home) if row.get("line") == "begin"] == begun
    assert used() <= cap


def _tokens(row: dict[str, object]) -> int:
    usage = row.get("usage") if row.get("line") == "use" else None
    return int(usage["input"]) + int(usage["output"]) if isinstance(usage, dict) else 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_full_disk_is_one_line_and_goes_on_with_room(tmp_path: Path, subject: Subject):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(disk)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("not run: mounting is not allowed here")
    try:
        home = disk / "home"
        submission = write_submission(tmp_path, subject.url, model="control-null")
        framework = write_framework(tmp_path)
        home.mkdir(mode=0o700)
        filler = disk / "filler"
        with filler.open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(disk).free - 150_000))
        ran = small_review(submission, framework, home, subject.key)
        assert ran.code == 2
        assert "space" in ran.refusal or "is full" in ran.refusal
        filler.unlink()
        again = small_review(submission, framework, home, subject.key)
        assert again.code == 0, again.err
        assert len(touchstone("review", "list", "--json", home=home).json) == 1
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_reader_that_leaves_is_no_fault(tmp_path: Path):
    home = environment(tmp_path / "home")
    for words in ("review list", "--help"):
        read, write = os.pipe()
        os.close(read)
        ran = subprocess.run(
            command(*words.split()), env=home, stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert ran.stderr == b""
        assert ran.returncode == 0
