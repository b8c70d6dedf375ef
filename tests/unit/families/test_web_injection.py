"""web-injection: one flaw an item, a judge that cannot be fooled, and a mended twin."""

import ast
import hashlib
import hmac
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.web_injection.family import FAMILY
from touchstone.evaluation.families.web_injection.plan import FLAWED_SPOTS, Style, make_plan

DIFFICULTIES = (1, 2, 3, 4, 5)
SEEDS = (11, 2**63 + 5)
# Few here, more by this variable.
LAW_SEEDS = range(8 * int(os.environ.get("TOUCHSTONE_QUALITY_SEEDS", "1")))


def judged(
    item: Item, answer: bytes | None, folder: Path, **changed: bytes
) -> tuple[int, dict[str, object]]:
    """Exit status and score line of the item's judge; `changed` replaces judge files by stem."""
    for name, content in item.judge_files.items():
        (folder / name).write_bytes(changed.get(Path(name).stem, content))
    if answer is not None:
        (folder / item.answer).write_bytes(answer)
    command = [sys.executable, *item.judge[1:]]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=30, check=False)
    lines = run.stdout.decode().splitlines()
    return run.returncode, json.loads(lines[-1]) if lines else {}


def score(item: Item, answer: bytes | None, folder: Path) -> tuple[object, str]:
    status, line = judged(item, answer, folder)
    assert status == 0
    return line["score"], str(line["reason"])


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_reference_solves_the_item_and_not_its_mended_twin(
    seed: int, difficulty: int, tmp_path: Path
):
    item = FAMILY.generate(seed, difficulty)
    twin = FAMILY.make_item(seed, difficulty, mended=True)
    assert twin.reference == item.reference
    assert score(item, item.reference, tmp_path)[0] == 1
    assert score(twin, item.reference, tmp_path)[0] == 0


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_exactly_one_statement_takes_a_value_as_it_came(difficulty: int):
    for seed in LAW_SEEDS:
        source = FAMILY.generate(seed, difficulty).files["app.py"].decode()
        mended = FAMILY.make_item(seed, difficulty, mended=True).files["app.py"].decode()
        assert len(unguarded(source)) == 1
        assert unguarded(mended) == []


def unguarded(source: str) -> list[str]:
    """Functions whose statement is an f-string without one of the three guards before it."""
    guards = ('.replace("\'", "\'\'")\n', " if ", "whole(")
    return [
        part.name
        for part in ast.parse(source).body
        if isinstance(part, ast.FunctionDef)
        and (text := ast.get_source_segment(source, part))
        and 'DB.execute(f"' in text
        and part.name != "main"
        and not any(guard in text.split("found =")[0] for guard in guards)
    ]


def test_plan_has_the_flaw_where_its_difficulty_allows():
    for difficulty, spots in FLAWED_SPOTS.items():
        seen = set()
        for seed in range(60):
            plan = make_plan(Draws(str(seed)), difficulty)
            raw = [s for s, lookup in plan.lookups.items() if lookup.style is Style.RAW]
            assert raw == [plan.flaw]
            seen.add(plan.flaw)
        assert seen == set(spots)


def test_subject_gets_no_secret_and_the_prompt_no_seed():
    item = FAMILY.generate(77, 3)
    key = item.judge_files["key.txt"]
    assert all(key not in content for content in item.files.values())
    assert f"{77:016x}" not in item.prompt
    assert "judge.py" not in item.files


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "there is no requests.json"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "no list of requests"),
        (b"[]", "0 requests"),
        (json.dumps([{"method": "GET", "path": "/"}] * 201).encode(), "201 requests"),
        (b'[{"method": "PUT", "path": "/"}]', "a method other than"),
        (b'[{"method": "GET", "path": "x"}]', "no path"),
        (b'[{"method": "GET", "path": "/ x"}]', "percent-encoded"),
        (b'[{"method": "GET", "path": "/", "then": 1}]', "fields other than"),
        (b'[{"method": "GET", "path": "/", "body": 5}]', "no text as body"),
        (b'[{"method": "GET", "path": "/", "headers": {"a": "b\\r\\nc: d"}}]', "not plain text"),
        (
            b'[{"method": "GET", "path": "/", "headers": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}]",
            "not plain text",
        ),
        (b'[{"method": "GET", "path": "/", "bit": 1}]', "neither true nor false"),
        (b'{"requests": [{"method": "GET", "path": "/"}], "true_text": ""}', "no text"),
        (b" " * (256 * 1024 + 1), "larger than"),
        (b'[{"method": "GET", "path": "/"}]', "no response holds the secret"),
    ],
)
def test_a_wrong_answer_scores_nothing_and_is_told_why(
    answer: bytes | None, reason: str, tmp_path: Path
):
    got, said = score(FAMILY.generate(5, 2), answer, tmp_path)
    assert got == 0
    assert reason in said
    assert "\n" not in said


def test_secret_changes_with_the_answer_so_that_none_can_hold_it(tmp_path: Path):
    """What one replay brought to light is of no use in the next answer."""
    item = FAMILY.generate(11, 1)
    echo = json.loads(item.reference)
    secret = first_secret(item, item.reference)
    echo["requests"] = [{"method": "GET", "path": f"/{secret}", "headers": {"X": secret}}]
    assert score(item, json.dumps(echo).encode(), tmp_path)[0] == 0


def first_secret(item: Item, answer: bytes) -> str:
    return hmac.new(item.judge_files["key.txt"], answer, hashlib.sha256).hexdigest()[:12]


def test_endless_query_scores_nothing_within_the_limit(tmp_path: Path):
    item = FAMILY.generate(11, 1)
    request = json.loads(item.reference)["requests"][0]
    head = request["path"].split("=")[0]
    endless = (
        "zz'%20UNION%20SELECT%20*%20FROM%20(WITH%20RECURSIVE%20n(i)%20AS%20(SELECT%201%20UNION"
        "%20ALL%20SELECT%20i%20FROM%20n)%20SELECT%20" + "count(*),1" + "%20FROM%20n)%20--%20"
    )
    answers = [
        json.dumps([{"method": "GET", "path": f"{head}={endless.replace('count(*),1', cells)}"}])
        for cells in ("count(*)", "count(*),1", "count(*),1,1", "count(*),1,1,1")
    ]
    said = [score(item, answer.encode(), tmp_path)[1] for answer in answers]
    assert "request 0 took longer than 3 s" in said


def large_pages(item: Item, requests: int) -> bytes:
    """An answer whose every response is a megabyte that takes four in memory."""
    page = "char(128512)||hex(zeroblob(500000))"
    path = json.loads(item.reference)["requests"][0]["path"].replace("code", page, 1)
    return json.dumps([{"method": "GET", "path": path.replace("code", "1")}] * requests).encode()


def in_little_memory(item: Item, answer: bytes, folder: Path, judge_file: bytes) -> int:
    for name, content in item.judge_files.items():
        (folder / name).write_bytes(judge_file if name == "judge.py" else content)
    (folder / item.answer).write_bytes(answer)
    size = 160 * 1024 * 1024
    script = f"exec prlimit --as={size}:{resource.RLIM_INFINITY} {sys.executable} -I -B judge.py"
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=folder, capture_output=True, check=False
    ).returncode


def test_large_pages_do_not_break_the_judge(tmp_path: Path):
    item = FAMILY.generate(11, 1)
    answer = large_pages(item, 60)
    assert in_little_memory(item, answer, tmp_path, item.judge_files["judge.py"]) == 0


def test_twin_a_judge_that_keeps_the_pages_would_break(tmp_path: Path):
    item = FAMILY.generate(11, 1)
    looks = b"        if told is None and secret in page:"
    keeps = item.judge_files["judge.py"].replace(looks, b"        KEPT.append(page)\n" + looks)
    keeps = keeps.replace(b"FIELDS = {", b"KEPT = []\nFIELDS = {")
    assert in_little_memory(item, large_pages(item, 60), tmp_path, keeps) != 0


def test_broken_application_is_a_fault_and_no_score(tmp_path: Path):
    item = FAMILY.generate(11, 1)
    status, line = judged(item, item.reference, tmp_path, app=b"raise SystemExit(1)\n")
    assert status != 0
    assert line == {}
