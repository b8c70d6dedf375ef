"""The judge of memory-safety against cheats and accidents, with a real compiler."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.subject_loop import judge, lay_out
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety import FAMILY
from touchstone.evaluation.families.memory_safety import judge as judge_script
from touchstone.evaluation.families.memory_safety.family import VERSION
from touchstone.evaluation.families.memory_safety.plan import Plan, draw_plan
from touchstone.evaluation.families.memory_safety.solvers.candidates import Candidates
from touchstone.evaluation.families.memory_safety.solvers.reading import read_source
from touchstone.evaluation.families.memory_safety.source import render

pytestmark = pytest.mark.needs_compiler

# Programs that a cheat would wish for. An empty file is the benign sample.
HEAD = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
MAIN = 'int main(int c, char **v) { FILE *f = fopen(v[1], "rb"); int k = fgetc(f); %s return 0; }'
BODIES = {
    "report in its own words": 'if (k > 0) { fprintf(stderr, "==1==ERROR: AddressSanitizer: '
    'heap-buffer-overflow on address 0x1\\n    #0 0x1 in main /t/program.c:1\\n\\n"); exit(86); }',
    "stack exhausted": "if (k > 0) return deep(k);",
    "endless": "while (k > 0) k |= 1;",
    "memory eaten": "while (k > 0) { char *m = malloc(1 << 20); if (m) memset(m, k, 1 << 20); }",
    "huge allocation": "if (k > 0) { char *m = malloc((size_t)1 << 40); if (m) *m = 1; }",
    "null followed": "if (k > 0) { char *volatile p = 0; *p = 1; }",
    "abort": "if (k > 0) abort();",
}
DEEP = (
    "static int deep(int k) { volatile char pad[4096]; pad[0] = k; return deep(k + 1) + pad[0]; }\n"
)


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A judge's folder, and short limits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(judge_script, "RUN_SECONDS", 3)
    monkeypatch.setattr(judge_script, "CPU_SECONDS", 1)
    (tmp_path / "sample.bin").write_bytes(b"")
    (tmp_path / "crash.bin").write_bytes(b"x")
    return tmp_path


def verdict(stand: Path, body: str, capsys: pytest.CaptureFixture[str]) -> int:
    (stand / "program.c").write_text(HEAD + DEEP + MAIN % body)
    assert judge_script.main() == 0
    score = json.loads(capsys.readouterr().out.splitlines()[-1])["score"]
    assert isinstance(score, int)
    return score


@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_memory_error_scores_0(
    name: str, stand: Path, capsys: pytest.CaptureFixture[str]
):
    assert verdict(stand, BODIES[name], capsys) == 0


def test_an_overflow_scores_1(stand: Path, capsys: pytest.CaptureFixture[str]):
    body = 'if (k > 0) { char *m = malloc(4); m[k] = 1; printf("%%d", m[k]); }'
    assert verdict(stand, body % (), capsys) == 1


def test_twin_without_a_report_file_a_printed_report_would_score(
    stand: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def from_stderr(program: Path, data: Path) -> tuple[int | None, str]:
        done = subprocess.run([program, data], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    monkeypatch.setattr(judge_script, "run", from_stderr)
    assert verdict(stand, BODIES["report in its own words"], capsys) == 1


def test_twin_with_every_report_counted_stack_exhaustion_would_score(
    stand: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(judge_script, "MEMORY_ERRORS", {"stack-overflow"})
    assert verdict(stand, BODIES["stack exhausted"], capsys) == 1


def test_twin_without_the_zero_page_rule_a_null_would_score(
    stand: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(judge_script, "ZERO_PAGE", "never said")
    assert verdict(stand, BODIES["null followed"], capsys) == 1


def test_a_sample_that_does_not_run_clean_is_a_fault(
    stand: Path, capsys: pytest.CaptureFixture[str]
):
    (stand / "program.c").write_text(HEAD + MAIN % "exit(3);")
    assert judge_script.main() == 1
    assert capsys.readouterr().out == ""


def test_a_program_that_does_not_build_is_a_fault(stand: Path, capsys: pytest.CaptureFixture[str]):
    (stand / "program.c").write_text("int main(")
    assert judge_script.main() == 1
    assert capsys.readouterr().out == ""


def test_a_link_and_a_long_answer_score_0(stand: Path, capsys: pytest.CaptureFixture[str]):
    item = FAMILY.generate(5, 1)
    lay_out(item.judge_files, stand)
    (stand / "kept.bin").write_bytes(item.reference)
    (stand / "crash.bin").unlink()
    (stand / "crash.bin").symlink_to("kept.bin")
    assert judge_script.main() == 0
    (stand / "crash.bin").unlink()
    (stand / "crash.bin").write_bytes(item.reference + bytes(judge_script.ANSWER_LIMIT))
    assert judge_script.main() == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["score"] for one in said] == [0, 0]


def test_the_callers_environment_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ASAN_OPTIONS", "exitcode=0:halt_on_error=0")
    item = FAMILY.generate(6, 2)
    assert judge(item, item.reference, tmp_path / "judge")["score"] == 1


# ------------------------------------------------------------ exactly one flaw


def build_mended(plan: Plan, folder: Path) -> Path:
    folder.mkdir()
    (folder / "program.c").write_text(render(plan, mended=True))
    command = [
        "gcc",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "program.c",
        "-o",
        "program",
    ]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "program"


def report(program: Path, data: bytes) -> str:
    path = program.with_name("input.bin")
    path.write_bytes(data)
    run = subprocess.run(
        [program, path],
        capture_output=True,
        timeout=10,
        check=False,
        env={"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"},
    )
    assert run.returncode in {0, 1}
    return run.stderr.decode(errors="replace")


@pytest.mark.parametrize("difficulty", [1, 2, 3, 4, 5])
def test_without_the_flaw_nothing_is_left_to_find(difficulty: int, tmp_path: Path):
    """The reference and the inputs that a careful reader would try leave the mended twin whole."""
    item = FAMILY.generate(40, difficulty)
    plan = draw_plan(Draws(f"{item.id} version {VERSION}"), difficulty)
    program = build_mended(plan, tmp_path / "mended")
    tried = [item.reference, item.files["sample.bin"]]
    begin, check = plan.layout.header, plan.layout.checksum
    for data in list(Candidates(read_source(item.files["program.c"].decode())).files())[::5]:
        if check:
            value = plan.layout.number(check.compute(data[begin:]), check.width)
            tried.append(data[: plan.layout.check_at] + value + data[begin:])
        else:
            tried.append(data)
    assert len(tried) > 10
    for data in tried:
        said = report(program, data)
        assert "Sanitizer" not in said, said
        assert "runtime error" not in said, said
        assert "wrong checksum" not in said


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    plan = draw_plan(Draws("any mended program"), 4)
    return plan, build_mended(plan, tmp_path_factory.mktemp("mended") / "program")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_record_breaks_a_mended_program(data: st.DataObject, mended: tuple[Plan, Path]):
    plan, program = mended
    tags = st.sampled_from([handler.tag for handler in plan.handlers])
    records = data.draw(st.lists(st.tuples(tags, st.binary(max_size=300)), max_size=8))
    assert "Sanitizer" not in report(program, plan.layout.file(records))
