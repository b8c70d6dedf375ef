"""An endpoint that takes a setting and does not act on it, from the command to the report."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import completion, serve, turn_of
from support.reviews import write_submission
from support.small_review import arguments, write_framework

from .conftest import Place, Said

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(120)]
COUNT = ", ".join(map(str, range(1, 401)))


def deaf(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Fails every item in the same way, and shows reasoning whatever effort is asked for."""
    thought: dict[str, Any] = {"reasoning_content": "I look at the files."}
    prompt = json.dumps(body["messages"])
    if "numbers from 1 to 400" in prompt:
        return completion(COUNT, number=number, **thought)
    if turn_of(body) == 0 and "tools" in body:
        return completion("", [("bash", {"command": "ls"})], number=number, **thought)
    if "tools" not in body:
        return completion("ready", number=number, **thought)
    return completion("", [("submit", {"answer": "done"})], number=number, **thought)


def acting(body: dict[str, Any], number: int) -> dict[str, Any]:
    """As `deaf`, but more is thought where more is asked for."""
    answer = deaf(body, number)
    if body.get("reasoning_effort") == "high":
        answer["choices"][0]["message"]["reasoning_content"] += " With care."
    return answer


def review(place: Place, url: str) -> tuple[Said, dict[str, Any]]:
    modes = {"instant": "none", "thinking": "high"}
    submission = write_submission(place.folder, url, model="scripted-1", modes=modes)
    words = arguments(submission, write_framework(place.folder), "--items", "8", "--json")
    said = place.command(*words)
    return said, json.loads(said.out)


def test_a_setting_that_was_not_shown_to_act_is_named_and_gives_no_below(place: Place):
    with serve(deaf) as endpoint:
        said, result = review(place, endpoint.url)
    assert said.code == 1
    verdicts = {run["mode"]: (run["verdict"], run["reasoning"]) for run in result["runs"]}
    assert verdicts == {"instant": ("below", "not-asked"), "thinking": ("not-measured", "alike")}
    alike = [{"variant": "final", "modes": ["instant", "thinking"], "items": 8}]
    assert result["modes_alike"] == alike
    assert result["designation"] == "undetermined"
    (centre,) = [e for e in result["editions"] if "centre" in e["audience"]]
    page = Path(centre["report"]).read_text("utf-8")
    assert "the setting that tells them apart was not shown to act" in page


def test_a_setting_that_acts_is_not_named(place: Place):
    with serve(acting) as endpoint:
        said, result = review(place, endpoint.url)
    verdicts = {run["mode"]: (run["verdict"], run["reasoning"]) for run in result["runs"]}
    assert verdicts == {"instant": ("below", "not-asked"), "thinking": ("below", "seen")}
    assert result["modes_alike"] == []
    assert said.code == 0
