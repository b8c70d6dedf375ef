"""What was released held against what was reviewed: alike, other, or nothing to tell by."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from support.small_case import SUBMISSION
from touchstone.deeds.measurement import METHOD, identity_of
from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.oversight import Probe
from touchstone.evaluation.submission import Mode
from touchstone.records.endpointkeys import HandedInKey
from touchstone.review import State
from touchstone.review.state import Snapshots
from touchstone.service.reviews import comparing
from touchstone.service.reviews.comparing import ask_released, compare_released, for_own_endpoints
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


def key_sent(
    submission: Submission,
    own: Submission | None,
    handed: HandedInKey | None,
    monkeypatch: pytest.MonkeyPatch,
) -> set[str]:
    asked: set[str] = set()

    def answers(mode: Mode, key: str, **_: object) -> Probe:
        asked.add(key)
        return probes(**{mode.id: "three"})[mode.id]

    monkeypatch.setattr(comparing, "probe", answers)
    monkeypatch.setenv("EXAMPLE_LAB_KEY", "of the machine")
    keys = for_own_endpoints(submission, own, {"EXAMPLE_LAB_KEY": handed}.get)
    ask_released(submission, "final", "2026-12-01T10:00:00Z", keys)
    return asked


def test_the_key_that_stands_in_the_case_goes_before_the_environment(
    handed_in: Submission, monkeypatch: pytest.MonkeyPatch
):
    key = HandedInKey("EXAMPLE_LAB_KEY", "case-1", "of the lab", "ann", "2026-12-01T10:00:00Z")
    assert key_sent(handed_in, handed_in, key, monkeypatch) == {"of the lab"}
    assert key_sent(handed_in, handed_in, None, monkeypatch) == {"of the machine"}
    with pytest.raises(CannotRunError, match="was revoked"):
        key_sent(handed_in, handed_in, replace(key, value=""), monkeypatch)


def test_no_key_of_a_labs_goes_to_an_address_that_it_did_not_hand_in(
    handed_in: Submission, monkeypatch: pytest.MonkeyPatch
):
    key = HandedInKey("EXAMPLE_LAB_KEY", "case-1", "of the lab", "ann", "2026-12-01T10:00:00Z")
    first, *others = handed_in.modes
    moved = first.model_copy(update={"base_url": "https://elsewhere.example/v1"})
    elsewhere = handed_in.model_copy(update={"modes": (moved, *others)})
    assert key_sent(elsewhere, handed_in, key, monkeypatch) == {"of the machine"}
    assert key_sent(handed_in, None, key, monkeypatch) == {"of the machine"}


def test_what_cannot_be_asked_is_said(handed_in: Submission, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(CannotRunError, match="names no mode of it, but of final"):
        ask_released(handed_in, "other", "2026-12-01T10:00:00Z")
    monkeypatch.delenv("EXAMPLE_LAB_KEY", raising=False)
    with pytest.raises(CannotRunError, match="set EXAMPLE_LAB_KEY"):
        ask_released(handed_in, "final", "2026-12-01T10:00:00Z")
