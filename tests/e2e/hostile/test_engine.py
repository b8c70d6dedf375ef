"""An engine that dies, each time at the same item: what it had done is in the record."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import completion, serve, turn_of
from touchstone.clearance import party_audience
from touchstone.evaluation.controls.launch import Subject
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.oversight.readiness import CHECK
from touchstone.evaluation.workers.forking import fork_server
from touchstone.review.audience_view import read_entries
from touchstone.service.installation import open_installation
from touchstone.service.measurement.setting import Setting
from touchstone.service.reviews import measuring

from .conftest import Place

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(280)]
ITEMS = 4


def kill_workers() -> None:
    """SIGKILL for this process's workers, as the kernel does when memory runs out."""
    server = fork_server({}).pid
    for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


class Deadly:
    """Answers as a model that tries and fails; one item kills whoever runs it, at one turn."""

    def __init__(self, place: int, turn: int) -> None:
        self.place, self.turn, self.on = place, turn, True
        self.items: dict[str, int] = {}
        self.answered: Counter[tuple[str, int]] = Counter()

    def __call__(self, body: dict[str, Any], number: int) -> Any:
        prompt = body["messages"][-1 if len(body["messages"]) == 1 else 1]["content"]
        if "tools" not in body or CHECK in json.dumps(prompt):
            call = "Call the tool" in json.dumps(prompt)
            said = [("bash", {"command": "echo ready"})] if call else None
            return completion(", ".join(map(str, range(400))), said, number=number)
        text, turn = json.dumps(prompt), turn_of(body)
        place = self.items.setdefault(text, len(self.items))
        if self.on and place == self.place and turn == self.turn:
            kill_workers()
            return completion("nobody hears this")
        self.answered[text, turn] += 1
        if turn:
            return completion("", [("submit", {"answer": "done"})], number=number)
        return completion("", [("bash", {"command": "true"})], number=number)


def recorded(place: Place) -> list[tuple[int, str, int]]:
    """Index, result and execution of every outcome in the home's one case."""
    return sorted(_outcomes(place))


def _outcomes(place: Place) -> Iterator[tuple[int, str, int]]:
    with open_installation(place.folder / "home") as here:
        (listing,) = here.records.cases()
        reader = here.records.case(listing.case)
        for entry in read_entries(reader, party_audience("example-centre")):
            if entry.event.type == "outcomes-recorded":
                for each in entry.content("details")["outcomes"]:
                    yield each["index"], each["result"], each["executions"]


def test_what_ran_before_an_engine_died_three_times_is_in_the_record(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """Begun once, one outcome: then the review goes on, and asks nothing twice."""
    one = EndpointLimits(max_samples=1, retries=0)
    monkeypatch.setattr(measuring, "Setting", partial(Setting, asking=one))
    deadly, more = Deadly(place=1, turn=0), ("--items", str(ITEMS), "--whole-battery")
    with serve(deadly) as endpoint:
        subject = Subject(endpoint.url, "an-invented-key", 0)
        said = place.review(subject, *more)
        assert said.code == 1
        assert "a chunk failed 3 times: worker 3 was killed by signal 9" in said.line
        first = recorded(place)
        assert first == [(0, "unsolved", 1), (1, "lost-instrument", 3)]
        assert "0 of 2 solved, 1 lost to the instrument (50%)" in said.out
        deadly.on = False
        said = place.review(subject, *more)
    assert said.code == 1
    assert "0 of 4 solved, 1 lost to the instrument (25%)" in said.out
    assert "Samples begun more than once: 1, of them 0 after an earlier stop" in said.out
    rest = [(index, "unsolved", 1) for index in range(2, ITEMS)]
    assert recorded(place) == [*first, *rest]
    assert set(deadly.answered.values()) == {1}
    assert len(deadly.answered) == 2 * (ITEMS - 1)
