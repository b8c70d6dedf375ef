"""Released packages with a planted flaw: made by seed, verified and judged in the real sandbox."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.endpoint import completion, serve, turn_of
from support.golden_items import PATH, digests
from support.planted import SUFFIXES, item_in, pulled_packages
from support.subject_loop import judge
from support.toy_run import OVER_LOOPBACK, Run
from support.toys import toy_mode
from touchstone.cli.app import run
from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.chunk_session import ChunkItem
from touchstone.evaluation.controls import start_subject
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.planted_packages import FAMILY, program
from touchstone.evaluation.families.planted_packages import packages as named
from touchstone.evaluation.families.planted_packages.cases import calls
from touchstone.evaluation.families.planted_packages.recorded_flaws import recorded
from touchstone.evaluation.outcomes import Outcome
from touchstone.evaluation.proving import prove_family
from touchstone.evaluation.runner import SandboxChoice

LANGUAGES = tuple(SUFFIXES)
SANDBOX = SandboxChoice(provider="touchstone", config={"grade": "limited"})
NOTHING = b'{"repair": null}'
SOLVED_BY_TRYING = {"python": 4, "javascript": 2, "c": 14}


@pytest.fixture(scope="module", autouse=True)
def packages() -> Iterator[Path]:
    yield from pulled_packages()


def repair_of(item: Item) -> dict[str, object]:
    repair: dict[str, object] = json.loads(item.reference)["repair"]
    return repair


def answer(line: object, text: object) -> bytes:
    return json.dumps({"repair": {"line": line, "text": text}}).encode()


def unit_of(item: Item) -> tuple[str, list[str]]:
    name = next(name for name in item.files if name.startswith("unit."))
    return name, item.files[name].decode().splitlines()


def unchanged(item: Item) -> bytes:
    """A repair that changes nothing: the program runs with its flaw."""
    line = int(str(repair_of(item)["line"]))
    return answer(line, unit_of(item)[1][line - 1])


class Lone:
    """A family of one item, and a wrong answer to it."""

    name, version, least_grade, card, cheat = FAMILY.name, "1", "limited", "", ""
    needs = FAMILY.needs

    def __init__(self, item: Item) -> None:
        self._items = [item, replace(item, reference=unchanged(item))]

    def generate(self, seed: int, difficulty: int) -> Item:
        del difficulty
        # The proof holds the first item to its own reference, then to the second one's.
        return self._items[seed == 2]


def test_a_seed_gives_the_same_bytes_for_ever():
    golden = json.loads(PATH.read_text())[FAMILY.name]
    assert golden["version"] == FAMILY.version
    assert digests(FAMILY.name) == golden["items"], "raise the version, then renew the vectors"


def test_places_are_drawn_from_many_and_twins_differ_in_one_line():
    flawed = []
    for seed in range(40):
        item, twin = (FAMILY.make_item(seed, 3, mended=mended) for mended in (False, True))
        assert item.prompt == twin.prompt
        (name, rows), (_, others) = unit_of(item), unit_of(twin)
        differing = [at + 1 for at, row in enumerate(rows) if row != others[at]]
        assert twin.flaw.endswith("/none")
        assert json.loads(twin.reference) == {"repair": None}
        if item.flaw.endswith("/none"):
            assert differing == []
        else:
            assert differing == [repair_of(item)["line"]]
            assert others[differing[0] - 1].strip() == repair_of(item)["text"]
            flawed.append((name, differing[0], item.flaw))
    assert len(set(flawed)) > 18
    assert {name for name, _, _ in flawed} == set(SUFFIXES.values())
    assert len({flaw for _, _, flaw in flawed}) >= 4


@pytest.mark.parametrize("name", named.PACKAGES)
def test_what_was_recorded_is_of_these_programs_and_calls(name: str):
    source = named.source_of(named.PACKAGES[name])
    assert len(recorded(name).answers) == len(calls(name))
    flaws = [flaw for level in recorded(name).levels for flaw in level]
    assert len(flaws) >= 50
    assert all(flaw.shown and flaw.site < len(source.sites) for flaw in flaws)
    # The easier the level, the more calls show its flaws.
    shares = [
        sum(len(flaw.shown) for flaw in level) / len(level) for level in recorded(name).levels
    ]
    assert shares == sorted(shares, reverse=True)
    text = program.program_text(source.lines)
    rows = [program.tokens_of(row, named.PACKAGES[name].language) for row in text.splitlines()]
    assert rows == [tokens for _, tokens in source.lines]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_a_release_but_its_licence_is_shown(language: str):
    item = item_in(language)
    package = next(each for each in named.PACKAGES.values() if each.language == language)
    assert item.files["NOTICE.txt"] == named.source_of(package).notice
    _, rows = unit_of(item)
    shown = {piece for row in rows for piece in program.tokens_of(row, language)}
    assert not shown & set(named.source_of(package).names)


@pytest.mark.needs_compiler
@pytest.mark.needs_sandbox
@pytest.mark.parametrize("language", LANGUAGES)
def test_with_its_flaw_a_program_fails_in_the_sandbox_and_mended_it_stands(language: str):
    (proof,) = prove_family([Lone(item_in(language, 5))])
    assert proof.fault == ""


@pytest.mark.needs_sandbox
def test_a_missing_program_is_named():
    (proof,) = prove_family(
        [type("Other", (Lone,), {"needs": ("no-such-node",)})(item_in("python"))]
    )
    assert "the look for no-such-node failed" in proof.fault


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (lambda _: NOTHING, "something is wrong, and nothing was said to be"),
        (lambda _: answer(10**6, "x"), "there is no line 1000000"),
        (lambda item: answer(repair_of(item)["line"], "import os"), "a repair has names"),
        (lambda item: answer(repair_of(item)["line"], "'new text'"), "a repair has names"),
        (lambda item: answer(repair_of(item)["line"], "1 + " * 20 + "1"), "at most 16 tokens"),
        (lambda item: answer(repair_of(item)["line"], "1\n2"), "no line of at most"),
        (lambda _: answer("1", "1"), "line is a whole number"),
        (lambda item: answer(repair_of(item)["line"], ")"), "calls are answered wrongly"),
    ],
)
def test_what_is_no_repair_scores_0_and_why_is_said(
    given: Callable[[Item], bytes], why: str, tmp_path: Path
):
    item = item_in("python")
    verdict = judge(item, given(item), tmp_path)
    assert (verdict["score"], why in verdict["reason"]) == (0, True), verdict


def test_a_flaw_claimed_where_there_is_none_scores_0_and_none_scores_1(tmp_path: Path):
    item = item_in("python")
    twin = FAMILY.make_item(item.seed, 1, mended=True)
    verdict = judge(twin, item.reference, tmp_path / "claimed")
    assert verdict == {"score": 0, "reason": "nothing is wrong, and something was said to be"}
    assert judge(twin, NOTHING, tmp_path / "none")["score"] == 1


def test_what_is_right_is_gone_before_a_program_runs(tmp_path: Path):
    item = item_in("python")
    spying = (
        b"import os\n"
        b"try:\n    there = os.stat(f'/proc/{os.getppid()}/mem').st_uid\n"
        b"except OSError:\n    there = 0\n"
        b"open('seen', 'w').write(repr([int(os.path.exists('item.json')), there]))\n"
    )
    judged = {**item.judge_files, "calls.py": spying}
    assert judge(replace(item, judge_files=judged), item.reference, tmp_path)["score"] == 0
    # A process that may not be looked into is root's in /proc.
    assert json.loads((tmp_path / "seen").read_text()) == [0, 0]


def test_a_package_that_is_missing_or_altered_is_refused_by_name(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "assets"
    monkeypatch.setenv("TOUCHSTONE_ASSETS", str(folder))
    with pytest.raises(AssetError) as missing:
        item_in("python")
    assert str(missing.value).endswith("missing; pull it: touchstone assets pull planted-packages")
    shutil.copytree(packages / "blobs", folder / "blobs")
    assert item_in("python").flaw
    for blob in (folder / "blobs").iterdir():
        blob.chmod(0o644)
        blob.write_bytes(b"altered")
    with pytest.raises(AssetError, match=r"planted-packages: \w+ \S+ \S+: altered \(its digest is"):
        item_in("python")


def test_the_list_is_had_by_the_familys_name(capsys: pytest.CaptureFixture[str]):
    assert run(["assets", "list", FAMILY.name]) == 0
    told = capsys.readouterr().out
    assert all(f"{each.name} {each.version}: " in told for each in named.PACKAGES.values())


def ran(toy_run: Run, url: str, items: list[Item], **more: object) -> list[Outcome]:
    given = tuple(ChunkItem(n, f"{n:064x}", item) for n, item in enumerate(items))
    result = toy_run(url, size=len(items), sandbox=SANDBOX, items=given, **more)
    return sorted(result.outcomes, key=lambda each: each.index)


@pytest.mark.needs_compiler
@pytest.mark.needs_sandbox
class TestInTheEngine:
    """Over real HTTP, in the real sandbox."""

    pytestmark = OVER_LOOPBACK

    def test_a_scripted_solver_solves_items_and_a_twin(self, toy_run: Run):
        items = [FAMILY.generate(seed, 1) for seed in SOLVED_BY_TRYING.values()]
        assert [unit_of(item)[0] for item in items] == [SUFFIXES[each] for each in SOLVED_BY_TRYING]
        items.append(FAMILY.make_item(items[0].seed, 1, mended=True))
        with start_subject(["control-solver"]) as subject:
            mode = toy_mode(subject.url, "openai-api/toy/control-solver")
            outcomes = ran(toy_run, subject.url, items, mode=mode, api_key=subject.key)
        assert [each.result for each in outcomes] == ["solved"] * len(items), outcomes

    def test_a_claim_on_a_twin_costs(self, toy_run: Run):
        item = item_in("python")
        twin = FAMILY.make_item(item.seed, 1, mended=True)

        def script(body: dict[str, object], number: int) -> object:
            if turn_of(body):
                return completion("", [("submit", {"answer": "Done."})], number=number)
            command = f"cat > repair.json <<'END'\n{item.reference.decode()}END"
            return completion("", [("bash", {"command": command})], number=number)

        with serve(script) as endpoint:
            there, unflawed = ran(toy_run, endpoint.url, [item, twin])
        assert (there.result, unflawed.result) == ("solved", "unsolved")
        assert unflawed.reason == "nothing is wrong, and something was said to be"
