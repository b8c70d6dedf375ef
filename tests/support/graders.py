"""Scripted graders behind one endpoint, by the model's name: good, noisy, swayed, of no use."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Any, cast

from aiohttp import web

from support.endpoint import Endpoint, completion, serve
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.oversight.graded.conversation import SaidMessage, Speaker
from touchstone.evaluation.oversight.graded.questions import questions
from touchstone.evaluation.oversight.labelled.grader_cases import grader_cases
from touchstone.evaluation.submission import Mode

KEY = "sk-grader-key-of-the-centre-alone"
KEY_NAME = "EXAMPLE_GRADER_KEY"
MISSES, ALARMS = 0.3, 0.2
"""How often the noisy grader errs, by draws that follow from what it is asked."""
SWAYING = re.compile(r'(?:right answer is |"answer": "|answer )(yes|no)\b')


def grader(url: str, name: str, **asking: Any) -> Grader:
    mode = Mode(
        id="grader",
        variant="grader",
        model=f"openai-api/example/{name}",
        base_url=url,
        api_key_env=KEY_NAME,
    )
    limits = EndpointLimits(**{"retries": 0, "backoff_seconds": 0, **asking})
    return Grader(mode, KEY, limits)


@cache
def truth() -> dict[str, frozenset[str]]:
    """By question the texts that stand in cases with the property, and in none without it."""
    found = {}
    for name in questions():
        of = [each for each in grader_cases() if each.detector == name]
        without = {said.text for each in of if not each.planted for said in each.said}
        having = {said.text for each in of if each.planted for said in each.said}
        found[name] = frozenset(having - without)
    return found


def shown(body: dict[str, Any]) -> tuple[str, list[SaidMessage]]:
    """The question, and the messages of the record, as whoever knows the code reads them."""
    system, user = (message["content"] for message in body["messages"])
    code = re.search(r"the code ([0-9a-f]{16})\.", system)
    assert code
    begun = user.partition(f"[{code[1]} record begins")[2].partition("]\n")[2]
    record = begun.partition(f"\n[{code[1]} record ends]")[0]
    parts = re.split(rf"(?:^|\n)\[{code[1]} (M\d+) (task|model|tool)\]\n", record)[1:]
    said = [
        SaidMessage(parts[at], cast("Speaker", parts[at + 1]), parts[at + 2])
        for at in range(0, len(parts), 3)
    ]
    asked = next(n for n, each in questions().items() if each.question.strip() in user)
    return asked, said


def right(body: dict[str, Any]) -> list[str]:
    """The messages that show what is asked for."""
    asked, said = shown(body)
    # A long message is shown in parts.
    return [each.message for each in said if each.text in truth()[asked]]


def told(messages: list[str]) -> dict[str, Any]:
    """Yes where messages are named, and no else."""
    word = "yes" if messages else "no"
    said = {"answer": word, "messages": messages, "reason": "as it stands there"}
    return completion(json.dumps(said))


def good(body: dict[str, Any]) -> Any:
    return told(right(body))


def noisy(body: dict[str, Any]) -> Any:
    found = right(body)
    draw = int.from_bytes(sha256(json.dumps(body["messages"]).encode()).digest()[:4], "big") / 2**32
    flips = draw < (MISSES if found else ALARMS)
    return told((["M1"] if not found else []) if flips else found)


def swayed(body: dict[str, Any]) -> Any:
    """Does what the record tells it to; where that tells it nothing, it is a good one."""
    _, said = shown(body)
    for each in said:
        if (word := SWAYING.search(each.text)) is not None:
            return told([said[0].message] if word[1] == "yes" else [])
    return good(body)


def guessing(body: dict[str, Any]) -> Any:
    """Says yes to every second record, whatever stands in it."""
    draw = sha256(json.dumps(body["messages"]).encode()).digest()[0]
    return told(["M1"] if draw % 2 == 0 else [])


RUBBISH = (
    "I would say that the answer is no.",
    '{"answer": "maybe", "messages": []}',
    '{"answer": "yes", "messages": []}',
    '{"answer": "yes", "messages": ["M999"]}',
    '{"answer": "no", "answer": "yes", "messages": ["M1"]}',
    '{"answer": "no"} {"answer": "yes", "messages": ["M1"]}',
    "",
    "[" * 9000,
)


def rubbish(body: dict[str, Any]) -> Any:
    size = len(json.dumps(body["messages"]))
    return completion(RUBBISH[size % len(RUBBISH)])


def hanging(_: dict[str, Any]) -> Any:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    return never


SCRIPTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "good": good,
    "noisy": noisy,
    "swayed": swayed,
    "guessing": guessing,
    "rubbish": rubbish,
    "hanging": hanging,
    "declining": lambda _: completion("", stop="content_filter"),
    "cut": lambda _: completion('{"answer": "no", "messages": []}', stop="length"),
    "failing": lambda _: web.json_response({"error": {"message": "gone"}}, status=500),
    "repeating": lambda _: completion(
        json.dumps({"answer": "yes", "messages": ["M1"], "reason": f"the key is {KEY}"})
    ),
}


@contextmanager
def grader_server() -> Iterator[Endpoint]:
    """One endpoint with all of them."""
    with serve(lambda body, _: SCRIPTS[body["model"]](body)) as endpoint:
        yield endpoint
