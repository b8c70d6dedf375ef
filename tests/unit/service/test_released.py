"""What was released held against what was reviewed: alike, other, or nothing to tell by."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.small_case import SUBMISSION
from touchstone.deeds.measurement import METHOD, identity_of
from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.oversight import Probe
from touchstone.review import State
from touchstone.review.state import Snapshots
from touchstone.service.reviews import comparing
from touchstone.service.reviews.comparing import ask_released, compare_released
from touchstone.verdicts.errors import CannotRunError

NONE = "sha256:" + "0" * 64


def probes(failed: str = "", **names: str) -> dict[str, Probe]:
    return {
        mode: Probe(
            when="after",
            at="2026-12-01T10:00:00Z",
            endpoint=NONE,
            models=(name,),
            fingerprints=(),
            behaviour=NONE,
            failed=failed,
        )
        for mode, name in names.items()
    }


def state(seen: Mapping[str, Probe] | None) -> State:
    """After a first snapshot of these, if one was taken."""
    if seen is None:
        return State()
    return State(snapshots={"final": Snapshots({METHOD: identity_of(seen)})})


FIRST = probes(instant="three", thinking="three")


@pytest.mark.parametrize(
    ("before", "now", "compared"),
    [
        (FIRST, FIRST, "same"),
        (FIRST, probes(instant="three", thinking="four"), "changed"),
        (FIRST, probes(instant="three"), "changed"),
        (None, FIRST, "undetermined"),
        (FIRST, probes("timeout", instant="three", thinking="three"), "undetermined"),
        (probes(instant=""), probes(instant=""), "undetermined"),
        (FIRST, {}, "undetermined"),
    ],
)
def test_names_tell_and_their_absence_does_not(
    before: Mapping[str, Probe] | None, now: Mapping[str, Probe], compared: str
):
    assert compare_released(state(before), "final", now) == (compared, identity_of(now))


@pytest.fixture
def handed_in(tmp_path: Path) -> Submission:
    path = tmp_path / "SUBMISSION.toml"
    path.write_text(SUBMISSION.format(framework="example"), "utf-8")
    return load_submission(path)


def test_the_modes_of_the_released_variant_are_asked_each_with_its_key(
    handed_in: Submission, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[str, str]] = []

    def answers(mode: object, key: str, **_: object) -> Probe:
        name = mode.id  # type: ignore[attr-defined]
        asked.append((name, key))
        return probes(**{name: "three"})[name]

    monkeypatch.setattr(comparing, "probe", answers)
    monkeypatch.setenv("EXAMPLE_LAB_KEY", "an-invented-key")
    found = ask_released(handed_in, "final", "2026-12-01T10:00:00Z")
    assert [*found] == ["instant", "thinking"]
    assert asked == [("instant", "an-invented-key"), ("thinking", "an-invented-key")]


def test_what_cannot_be_asked_is_said(handed_in: Submission, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(CannotRunError, match="names no mode of it, but of final"):
        ask_released(handed_in, "other", "2026-12-01T10:00:00Z")
    monkeypatch.delenv("EXAMPLE_LAB_KEY", raising=False)
    with pytest.raises(CannotRunError, match="set EXAMPLE_LAB_KEY"):
        ask_released(handed_in, "final", "2026-12-01T10:00:00Z")
