"""What a gateway keeps: budgets over a kill, a disk without room, a receipt that is missing."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.gateway import (
    PERMIT_ALL,
    SECONDS,
    RunningGateway,
    running_gateway,
    start_gateway,
    wait_for,
)
from support.gateway_loop import Stub
from touchstone.cli.app import run
from touchstone.gateway.commands import export_audit
from touchstone.gateway.errors import ReceiptError
from touchstone.gateway.feed import Store

MONTHLY = {**PERMIT_ALL, "budget": {"tokens": 40, "per": "month"}}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on a small disk of its own, where mounting one is allowed."""
    folder = tmp_path_factory.mktemp("small")
    mounted = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", str(folder)]
    mounts = os.geteuid() == 0
    mounts = mounts and not subprocess.run(mounted, capture_output=True, check=False).returncode
    yield folder
    if mounts:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def gateway(disk: Path, stub: Stub) -> Iterator[RunningGateway]:
    with running_gateway(disk, stub.url, workers=1) as running:
        running.applied(PERMIT_ALL)
        yield running


def again(gateway: RunningGateway) -> None:
    """Start it anew in the place of one that is gone."""
    found = start_gateway(gateway.folder, (gateway.port, gateway.admin_port), gateway.chain)
    gateway.process = found.process
    gateway.serving()


def code(gateway: RunningGateway) -> tuple[int, str]:
    status, said = gateway.post()
    return status, json.loads(said).get("error", {}).get("code", "")


def test_a_full_disk_pauses_and_goes_on_with_room(gateway: RunningGateway, disk: Path):
    if not os.path.ismount(disk):
        pytest.skip("not run: mounting is not allowed here")
    assert code(gateway) == (200, "")
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert shutil.disk_usage(disk).free == 0
    # The page that the audit's file ends in may still have room.
    wait_for(lambda: code(gateway)[0] == 503, SECONDS, "refusal")
    gateway.serving(yes=False)
    assert "No space left" in gateway.status()["why_not"]
    assert "touchstone_gateway_serving 0" in gateway.admin("/metrics")[1]
    assert code(gateway) == (503, "halted")
    bundle = gateway.publish(PERMIT_ALL) if shutil.disk_usage(disk).free else None
    filler.unlink()
    gateway.serving()
    assert code(gateway) == (200, "")
    assert gateway.process.poll() is None
    if bundle is None:
        gateway.applied(PERMIT_ALL)
    summary, _ = export_audit(gateway.config)
    assert summary.lines > 0


def test_a_bundle_that_cannot_be_kept_stops_what_it_may_bar(gateway: RunningGateway):
    """The feed has it, the state folder does not take it: the older one is not obeyed any more."""
    kept = gateway.folder / "state" / "bundles"
    aside = kept.with_name("aside")
    kept.rename(aside)
    kept.write_bytes(b"")
    bundle = gateway.publish(PERMIT_ALL)
    gateway.serving(yes=False)
    assert code(gateway) == (503, "no_policy")
    assert "cannot be written" in gateway.status()["unwritten"]
    kept.unlink()
    aside.rename(kept)
    assert gateway.receipt(bundle.number).receipt.number == bundle.number
    gateway.serving()
    assert code(gateway) == (200, "")
    assert gateway.status()["unwritten"] is None


def test_a_worker_that_cannot_start_says_why_and_comes_back(gateway: RunningGateway):
    (pid,) = gateway.workers
    lock = gateway.folder / "state" / "audit" / "worker-0" / ".lock"
    os.kill(pid, signal.SIGKILL)
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = lambda: gateway.status()["workers"][0]["why"] or ""  # noqa: E731
        wait_for(lambda: "another process writes this audit" in said(), SECONDS, "word")
        assert gateway.status()["serving"] is False
        assert "another process writes this audit" in gateway.status()["why_not"]
        assert gateway.admin("/readyz")[0] == 503
    gateway.serving()
    assert code(gateway) == (200, "")


def lost_receipt(gateway: RunningGateway) -> Any:
    """What the audit says where the newest receipt was taken away."""
    number = gateway.applied(PERMIT_ALL).receipt.number
    path = gateway.folder / "state" / "receipts" / f"{number:06d}.json"
    kept = path.read_bytes()
    path.unlink()
    try:
        return run(["gateway", "audit", str(gateway.config)])
    finally:
        path.write_bytes(kept)


def test_a_missing_newest_receipt_is_noticed(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
):
    assert lost_receipt(gateway) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "it is missing" in said.err
    assert run(["gateway", "audit", str(gateway.config)]) == 0


def test_what_was_decided_tells_of_a_receipt_too(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
):
    """A position that was set back with the receipt helps nobody: the audit names the bundle."""
    number = gateway.applied(PERMIT_ALL).receipt.number
    assert code(gateway)[0] == 200
    monkeypatch.setattr(Store, "position_number", lambda _: number - 1)
    path = gateway.folder / "state" / "receipts" / f"{number:06d}.json"
    kept = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(ReceiptError, match=f"bundle {number} was taken"):
            export_audit(gateway.config)
    finally:
        path.write_bytes(kept)


def test_twin_without_the_look_at_the_position_a_missing_receipt_goes_unseen(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Store, "position_number", lambda _: 0)
    assert lost_receipt(gateway) == 0


def test_budgets_outlive_a_kill(gateway: RunningGateway):
    gateway.applied(MONTHLY)
    while code(gateway)[0] == 200:
        pass
    assert code(gateway) == (429, "budget_spent")
    # bea's request is on its way when everything is killed: what it holds is not forgotten.
    stream = gateway.connect("bea", stream=True, max_tokens=5000)
    stream.getresponse().read(50)
    gateway.process.kill()
    gateway.process.wait()
    stream.close()
    with contextlib.closing(sqlite3.connect(gateway.folder / "state" / "usage.sqlite3")) as db:
        held = db.execute("SELECT SUM(tokens) FROM held").fetchone()[0]
    assert held > 5000
    again(gateway)
    assert code(gateway) == (429, "budget_spent")
    status, said = gateway.post("bea")
    assert (status, json.loads(said)["error"]["code"]) == (429, "budget_spent")
