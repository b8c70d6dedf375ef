"""A real gateway beside the June case: from the developer's answer to the signed receipt."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.june import June

STARTS, APPLIES = 60.0, 20.0
"""Seconds that the processes may take on a busy machine."""


def wait(path: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def june(tmp_path_factory: pytest.TempPathFactory) -> June:
    june = June(tmp_path_factory.mktemp("effect"), 100)
    june.agree()
    return june


@pytest.fixture(scope="module")
def receipts(june: June) -> Iterator[Path]:
    command = [str(Path(sys.executable).with_name("touchstone")), "gateway", "serve"]
    with (june.folder / "log").open("wb") as log:
        serving = subprocess.Popen([*command, june.file("gateway.toml")], stdout=log, stderr=log)
    try:
        found = june.file("eu-1") / "receipts"
        wait(found / "000001.json", STARTS)
        yield found
    finally:
        serving.terminate()
        serving.wait(STARTS)


def test_an_answer_is_in_force_and_acknowledged(june: June, receipts: Path):
    june.directive("issue", june.file("june-12.toml"), "--as", "example-agency")
    narrow = june.file("june-12-narrowly.toml")
    done = june.directive("answer", "june-12", "--narrowly", narrow, "--out", june.bundles)
    assert done.code == 0, done.err
    wait(receipts / "000002.json", APPLIES)
    key = june.folder / "eu-1.key"
    key.write_text(june.call("gateway", "key", june.file("gateway.toml")).out, "utf-8")
    option = f"eu-1={key}:{june.file('eu-1')}"
    stand = june.directive("status", "--gateway", option, "--record", "--json").json
    (followed,) = stand["directives"]
    (effect,) = followed["effects"]
    assert (effect["gateway"], effect["bundle"], effect["fault"]) == ("eu-1", 2, None)
    assert effect["late_bytes"] == effect["killed"] == 0
    assert -1 <= effect["seconds"] < STARTS
    assert stand["noted"] == 2
    assert not stand["silent"]
