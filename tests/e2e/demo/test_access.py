"""The demo's second part: real terms, a real gateway, real clients, an order in mid-stream."""

from pathlib import Path

import pytest

from touchstone.deeds.known_case import Participants
from touchstone.demo import story
from touchstone.demo.access import use_under_terms
from touchstone.demo.access.callers import DemoCaller
from touchstone.demo.access.story import CALLERS, _check
from touchstone.demo.errors import DemoError
from touchstone.evaluation import load_submission
from touchstone.evaluation.controls.launch import start_subject
from touchstone.service.cases.opening import open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation

CAST = Participants("example-lab", "example-centre", story.AGENCIES)


class Told:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def progress(self, rows: object) -> None:
        del rows


def test_an_order_in_mid_stream_cuts_whom_it_means_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = Told()
    with start_subject(["control-counter"], pace_ms=20) as subject:
        monkeypatch.setenv(story.KEY, subject.key)
        submission = tmp_path / "SUBMISSION.toml"
        submission.write_text(
            story.SUBMISSION.format(release="2030-01-05", url=subject.url, key=story.KEY)
        )
        with open_installation(tmp_path / "home") as here:
            framework = load_framework("example")
            case = open_case(here, framework, load_submission(submission), CAST)
            access = use_under_terms(case, subject.url, story.KEY, tmp_path / "access", told)
            types = [facts["type"] for facts in here.records.case(case.id).events()]
    said = "\n".join(access.lines)
    assert "ann heard all" in said
    assert "bo was cut off" in said
    assert "lee heard all" in said
    assert "1 cut, 2 kept, 0 bytes afterwards" in said
    assert {"directive-issued", "directive-answered", "directive-lifted"} <= set(types)
    assert types.count("bundle-published") == 3
    kept = "".join(
        path.read_text(errors="replace")
        for path in (tmp_path / "access").rglob("*")
        if path.is_file()
    )
    assert subject.key not in kept


@pytest.mark.parametrize("person", CALLERS)
def test_the_demo_fails_where_somebody_was_not_served_as_agreed(person: str):
    whole = DemoCaller("x", ended="whole", heard="".join(f"{n}\n" for n in range(1, 301)))

    def caller(name: str, *, served: bool) -> DemoCaller:
        return (
            DemoCaller(name, whole.heard, "whole")
            if served
            else DemoCaller(name, "1\n", "cut: Error")
        )

    agreed = {"ann": True, "bo": False, "lee": True}
    _check([caller(n, served=s) for n, s in agreed.items()], [whole])
    wrong = {name: served != (name == person) for name, served in agreed.items()}
    with pytest.raises(DemoError, match="not carried out as agreed"):
        _check([caller(n, served=s) for n, s in wrong.items()], [whole])
