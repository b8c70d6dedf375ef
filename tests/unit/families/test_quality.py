"""The quality check that every registered family passes. Solvers: see tests/contract/subjects."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.claiming import NAMES, family_of
from support.golden_items import PATH, digest, digests
from support.subject_loop import judge
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims.planting import slip_kind
from touchstone.evaluation.families.registry import family_names, generate, get_family
from touchstone.evaluation.sandbox import GRADES

DIFFICULTIES = (1, 2, 3, 4, 5)
# Judging takes a compiler or a server a time: few seeds here, more by this variable.
JUDGED_SEEDS = range(int(os.environ.get("TOUCHSTONE_QUALITY_SEEDS", "1")))
PLAIN = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
CARD_LINES = 70


def marked(name: str):
    needs = get_family(name).needs
    marks = [pytest.mark.needs_compiler] if "gcc" in needs else []
    return pytest.param(name, marks=marks)


by_family = pytest.mark.parametrize("name", family_names())
by_judged_family = pytest.mark.parametrize("name", [marked(name) for name in family_names()])


def items(name: str, seeds: range = range(3)) -> list[Item]:
    return [get_family(name).generate(seed, d) for seed in seeds for d in DIFFICULTIES]


@by_judged_family
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_reference_scores_1(name: str, difficulty: int, tmp_path: Path):
    for seed in JUDGED_SEEDS:
        item = get_family(name).generate(1000 + seed, difficulty)
        assert judge(item, item.reference, tmp_path / str(seed)).get("score") == 1, item.id


@by_judged_family
@pytest.mark.parametrize("answer", [None, b"", b"\n", b"I decline."], ids=repr)
def test_a_null_agent_scores_0(name: str, answer: bytes | None, tmp_path: Path):
    item = get_family(name).generate(1001, 1)
    assert judge(item, answer, tmp_path / "judge").get("score") == 0


@by_judged_family
def test_another_items_reference_scores_0(name: str, tmp_path: Path):
    family = get_family(name)
    stranger = family.generate(2, 3).reference
    assert judge(family.generate(1, 3), stranger, tmp_path / "judge").get("score") == 0


@by_judged_family
def test_a_judge_fault_is_no_score(name: str, tmp_path: Path):
    item = get_family(name).generate(1002, 1)
    broken = {n: d if n in item.judge else b"\0" for n, d in item.judge_files.items()}
    assert broken != item.judge_files
    verdict = judge(replace(item, judge_files=broken), item.reference, tmp_path / "judge")
    assert "score" not in verdict, verdict


@by_family
def test_a_seed_gives_the_same_bytes_for_ever(name: str):
    golden = json.loads(PATH.read_text())[name]
    assert golden["version"] == get_family(name).version
    assert digests(name) == golden["items"], "raise the family's version, then renew the vectors"


@by_family
def test_another_process_gives_the_same_bytes(name: str):
    item = get_family(name).generate(77, 4)
    code = (
        "from support.golden_items import digest\n"
        "from touchstone.evaluation.families.registry import generate\n"
        f"print(digest(generate({item.id!r})))"
    )
    tests = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": str(tests)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == digest(item)


@by_family
def test_ids_and_prompts_are_unique_and_seeds_differ(name: str):
    made = items(name, range(20))
    assert len({item.id for item in made}) == len(made)
    # The oracle finds an item by its prompt.
    assert len({item.prompt for item in made}) == len(made)
    assert len({digest(item) for item in made}) == len(made)
    assert all(generate(item.id) == item for item in made[:5])


@by_family
def test_the_prompt_names_the_family_and_the_answer(name: str):
    for item in items(name):
        assert item.answer in item.prompt
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", item.prompt)
        named = [path for path in item.files if path in item.prompt]
        assert named, "the prompt names no file"


@by_family
def test_nothing_that_the_subject_sees_gives_the_seed_or_the_reference_away(name: str):
    seed = 0x1234_5678_9ABC_DEF0
    for difficulty in DIFFICULTIES:
        item = get_family(name).generate(seed, difficulty)
        seen = [item.prompt.encode(), *item.files.values()]
        for text in seen:
            assert f"{seed:x}".encode() not in text
            assert str(seed).encode() not in text
            assert item.reference not in text


@by_family
def test_paths_are_plain_and_sizes_are_sane(name: str):
    for item in items(name):
        paths = [*item.files, *item.judge_files, item.answer]
        assert all(PLAIN.fullmatch(path) and ".." not in path for path in paths)
        assert item.answer not in item.files
        assert item.answer not in item.judge_files
        assert 0 < len(item.reference) <= item.answer_limit
        # A tool shows at most 16 KiB at once.
        assert all(len(data) <= 16 * 1024 for data in item.files.values())
        assert any(path in item.judge_files for path in item.judge)


@by_family
@pytest.mark.parametrize(("seed", "difficulty"), [(-1, 1), (2**64, 1), (0, 0), (0, 6)])
def test_out_of_range_is_refused(name: str, seed: int, difficulty: int):
    with pytest.raises(ValueError, match=r"seed|difficulty"):
        get_family(name).generate(seed, difficulty)


@by_family
def test_the_family_says_what_it_is(name: str):
    family = get_family(name)
    assert family.name == name
    assert family.least_grade in GRADES
    lines = family.card.splitlines()
    assert lines[0] == f"# {name}: a check of the instrument"
    assert len(lines) <= CARD_LINES
    assert re.search(r"(?i)does not say|not measure", family.card)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "memory-safety",
        "memory-safety/1-00",
        "no-such/1-0000000000000000",
        "memory-safety/9-0000000000000000",
    ],
)
def test_what_is_no_item_id_is_refused(text: str):
    with pytest.raises(ValueError, match=r"item id|no family|difficulty"):
        generate(text)


@by_family
def test_each_item_has_its_flaw_as_a_label_that_nothing_seen_holds(name: str):
    labels = set()
    for item in items(name, range(8)):
        assert re.fullmatch(rf"{re.escape(name)}/[a-z]+(-[a-z]+)*", item.flaw)
        labels.add(item.flaw)
        seen = [item.prompt.encode(), *item.files.values(), *item.judge_files.values()]
        assert not any(item.flaw.encode() in text for text in seen)
    # Labels that were all alike, or all different, would group nothing.
    assert 1 < len(labels) < 40


@pytest.mark.parametrize("name", NAMES)
def test_the_label_says_the_deepest_of_the_flaws_that_the_plan_planted(name: str):
    family = family_of(name)
    for seed in range(20):
        kinds = {slip_kind(slip) for slip in family.plan_of(seed, 4).slips}
        deepest = [kind for kind in family.deepest if kind in kinds]
        said = deepest[0].replace("_", "-") if deepest else "none"
        assert family.generate(seed, 4).flaw == f"{name}/{said}"


@by_family
def test_the_family_says_its_cheapest_cheat_and_its_card_that_it_is_a_check(name: str):
    family = get_family(name)
    assert len(family.cheat) > 40
    assert family.card.startswith(f"# {name}: a check of the instrument\n")
    assert "**Cheapest known cheat**" in family.card
