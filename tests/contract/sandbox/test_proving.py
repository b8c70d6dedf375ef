"""The instrument's proof: every fault of a sandbox or a judge is found before a sample meets it."""

from dataclasses import replace
from typing import Any

import pytest

from touchstone.evaluation import proving
from touchstone.evaluation.families.base import Family, Item
from touchstone.evaluation.families.registry import family_names, get_family
from touchstone.evaluation.proving import prove_family
from touchstone.evaluation.sandbox import launch

pytestmark = pytest.mark.needs_sandbox

SOUND = get_family("payment-logic")


class Bent:
    """A family like a sound one, with one thing changed."""

    name, version, least_grade, card, cheat = "bent", "1", "limited", "", ""

    def __init__(self, needs: tuple[str, ...] = ("python3",), **changes: Any) -> None:
        self.needs = needs
        self._changes = changes

    def generate(self, seed: int, difficulty: int) -> Item:
        return replace(SOUND.generate(seed, difficulty), **self._changes)


def fault(family: Family) -> str:
    (proof,) = prove_family([family])
    return proof.fault


def says(score: int) -> tuple[str, ...]:
    return ("echo", f'{{"score": {score}, "reason": "so it is"}}')


@pytest.mark.needs_compiler
def test_every_family_proves_itself():
    proofs = prove_family([get_family(name) for name in family_names()])
    assert [proof.family for proof in proofs] == list(family_names())
    assert [proof.fault for proof in proofs] == [""] * len(proofs)


@pytest.mark.parametrize(
    ("family", "found"),
    [
        (Bent(judge=says(0)), "called the reference solution unsolved: so it is"),
        (Bent(judge=says(1)), "called a wrong answer solved: so it is"),
        (Bent(judge=("sleep", "60"), judge_seconds=1), "no verdict within 1 s"),
        (Bent(judge=("sh", "-c", "echo broken >&2; exit 3")), "failed (exit 3): broken"),
        (Bent(judge=("echo", "solved!")), "not JSON"),
        (Bent(judge=("no-such-judge",)), "failed (exit 127)"),
        (Bent(reference=b"[]"), "called the reference solution unsolved"),
        (Bent(needs=("python3", "no-such-tool")), "the look for no-such-tool failed"),
    ],
    ids=[
        "always 0",
        "always 1",
        "hangs",
        "fails",
        "no verdict",
        "absent",
        "bad reference",
        "needs",
    ],
)
def test_a_judge_that_cannot_judge_is_found(family: Family, found: str):
    assert found in fault(family)


def test_the_twin_that_is_not_bent_is_sound():
    assert fault(Bent()) == ""


@pytest.mark.parametrize("hook", ["sleep 60", "echo noise", "exit 1"])
def test_a_sandbox_in_which_commands_do_not_work_is_found(
    hook: str, monkeypatch: pytest.MonkeyPatch
):
    # As a stale lock in a login profile did: every tool call waits, and no sample is solved.
    monkeypatch.setattr(launch, "_MADE", launch._MADE | {"/etc/profile": f"{hook}\n"})
    monkeypatch.setattr(proving, "COMMAND_SECONDS", 1)
    assert "a known shell command" in fault(SOUND)


def test_a_sandbox_that_does_not_start_is_found():
    (proof,) = prove_family([SOUND], {"grade": "vm"})
    assert "SandboxGradeError" in proof.fault
