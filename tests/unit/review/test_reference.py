"""The page on events is what the code says."""

from pathlib import Path
from types import ModuleType

import pytest

from support import scripted
from touchstone.review.events import Event
from touchstone.review.events.opening import CaseOpened
from touchstone.review.rules import RULES


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripted.script("make_events_reference")


def test_the_page_is_current(script: ModuleType):
    assert script.main(["--check"]) == 0


def test_an_old_page_is_noticed(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = tmp_path / "events.md"
    old.write_text(script.PAGE.read_text("utf-8").replace("for the developer", "for anyone", 1))
    old.write_text(old.read_text() + "\n")
    monkeypatch.setattr(script, "PAGE", old)
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0


def test_every_event_has_its_section(script: ModuleType):
    text = script.PAGE.read_text("utf-8")
    events: list[type[Event]] = [CaseOpened, *RULES]
    for event in events:
        assert f"\n### {event.model_fields['type'].default}\n" in text
