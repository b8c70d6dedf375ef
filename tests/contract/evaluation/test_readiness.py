"""One tool call and one long answer, over HTTP, before any sample."""

from typing import Any

import pytest

from support.endpoint import completion, serve
from support.toys import toy_mode
from touchstone.evaluation import Elicitation, EndpointLimits
from touchstone.evaluation.controls.launch import start_subject
from touchstone.evaluation.oversight import Readiness
from touchstone.evaluation.oversight.readiness import ask_readiness
from touchstone.evaluation.submission import Mode

ELICITATION = Elicitation(id="e")
QUICK = EndpointLimits(retries=0, attempt_seconds=60)
CALL = [("bash", {"cmd": "echo ready"})]


def asked(script: Any) -> Readiness:
    with serve(script) as endpoint:
        return ask_readiness(toy_mode(endpoint.url), "k", ELICITATION, asking=QUICK)


def is_long(body: Any) -> bool:
    return "numbers from 1 to 400" in str(body["messages"])


def test_a_sound_endpoint_is_ready():
    said = asked(
        lambda body, n: completion(
            "1, 2, 3" if is_long(body) else "", None if is_long(body) else CALL, number=n
        )
    )
    assert (said.ready, said.why) == (True, ())
    assert said.usage.total > 0


@pytest.mark.parametrize(
    "fault", ["no-tools", "cut", "empty", "dead", "odd", "odd-call", "filtered"]
)
def test_what_could_measure_nothing_is_not_ready(fault: str):
    def script(body: Any, number: int) -> Any:
        long = is_long(body)
        words = fault == "no-tools" or long
        answer = completion("text" if words else "", None if words else CALL, number=number)
        choice = answer["choices"][0]
        if fault == "cut" and long:
            choice["finish_reason"] = "length"
        if fault == ("odd" if long else "odd-call"):
            choice["finish_reason"] = "over"
        if fault == "filtered" and long:
            choice["finish_reason"] = "content_filtered"
        if fault == "empty" and long:
            choice["message"]["content"] = ""
        return {"error": "no"} if fault == "dead" else answer

    said = asked(script)
    assert not said.ready
    assert said.calls_tools is (fault in {"cut", "empty", "odd", "filtered"})
    assert ("finish_reason 'over'" in said.why[0]) is (fault in {"odd", "odd-call"})
    assert all("\n" not in line for line in said.why)


def test_a_model_that_talks_first_is_asked_again():
    seen: list[int] = []

    def script(body: Any, number: int) -> Any:
        seen.append(number)
        first = len(seen) == 1
        return completion(
            "Shall I?" if first or is_long(body) else "",
            None if first or is_long(body) else CALL,
            number=number,
        )

    assert asked(script).ready


@pytest.mark.parametrize(("most", "ready"), [(None, True), (64, False)])
def test_a_control_is_ready_unless_its_mode_allows_too_little(most: int | None, ready: bool):
    with start_subject(("control-null",)) as subject:
        mode = Mode(
            id="m",
            variant="final",
            model="openai-api/subject/control-null",
            base_url=subject.url,
            api_key_env="EXAMPLE_LAB_KEY",
            settings={} if most is None else {"max_tokens": most},  # type: ignore[arg-type]
        )
        said = ask_readiness(mode, subject.key, ELICITATION, asking=QUICK)
    assert said.ready is ready
    assert ready or "output limit" in said.why[0]
