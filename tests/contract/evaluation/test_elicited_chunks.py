"""Chunks drawn out by each agent: what is sent is held against what was registered."""

from typing import Any

import pytest

from support.endpoint import completion, copier, serve, turn_of
from support.toy_run import OVER_LOOPBACK, Run
from touchstone.evaluation import Elicitation
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.agents.sending import sent_in
from touchstone.evaluation.elicitation import AsSent
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.profiles import shipped

pytestmark = OVER_LOOPBACK


@pytest.mark.parametrize("name", ["quick-1", "react-2", "lead-1", "deepagent"])
def test_an_endpoint_is_sent_what_was_registered(name: str, toy_run: Run):
    plain = Elicitation(id="x", agent="deepagent") if name == "deepagent" else shipped(name)
    # One submission, for the toy submits once.
    how = resolve(plain.model_copy(update={"attempts": 1, "checkpoints": ()}))
    with serve() as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=how).outcomes
        sent = sent_in(endpoint.requests[0])
    assert (outcome.result, outcome.calls) == ("solved", 2)
    assert how.sent is not None
    assert (sent.system_digest, sent.tools_digest) == (how.sent.system, how.sent.tools)


def test_other_prompts_than_registered_are_not_sent_and_fail_the_chunk(toy_run: Run):
    how = resolve(shipped("react-2"))
    assert how.sent is not None
    other = AsSent(system=how.sent.tools, tools=how.sent.tools)
    with serve() as endpoint:
        with pytest.raises(ChunkError, match="sends other prompts or tools than registered"):
            toy_run(endpoint.url, size=1, elicitation=how.model_copy(update={"sent": other}))
        assert endpoint.requests == []


def test_each_submission_but_the_last_is_answered_without_a_verdict(toy_run: Run):
    said: list[str] = []

    def script(body: dict[str, Any], number: int) -> Any:
        said.extend(m["content"] for m in body["messages"] if m["role"] == "tool")
        if turn_of(body) < 2:
            return completion("", [("submit", {"answer": "x"})], number=number)
        return copier(body, number)

    how = Elicitation(id="x", agent="loop", attempts=3)
    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=how).outcomes
        assert len(endpoint.requests) == 3
    assert outcome.result == "unsolved"
    noted = [text for text in said if "Noted" in text]
    assert "(2 left)" in noted[0]
    assert "(1 left)" in noted[-1]
    assert not any(word in text for text in said for word in ("wrong", "right", "incorrect"))


def test_an_effort_is_asked_for_where_the_mode_says_none(toy_run: Run):
    how = Elicitation(id="x", reasoning_effort="high")
    with serve() as endpoint:
        toy_run(endpoint.url, size=1, elicitation=how)
        assert endpoint.requests[0]["reasoning_effort"] == "high"
