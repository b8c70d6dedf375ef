"""A real loop without Inspect: a control server over HTTP, tool calls in a folder, then the judge.

It stands in for the sandbox where a test is about a family or a solver: plain processes in
temporary folders, with a time limit and a clean environment. Only our own controls run here.
"""

import json
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.evaluation.controls import Subject
from touchstone.evaluation.families.base import Item

MAX_TURNS = 10
TOOL_SECONDS = 30
TOOL_OUTPUT = 16 * 1024
BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a bash command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """What a control left behind on one item."""

    answer: bytes | None
    turns: int
    reasoning_tokens: int
    last_words: str
    messages: tuple[Json, ...]


def lay_out(files: Any, folder: Path) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def run_in(folder: Path, command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def chat(subject: Subject, body: Json) -> Json:
    request = urllib.request.Request(  # noqa: S310 - a loopback address of our own
        f"{subject.url}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {subject.key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        parsed: Json = json.load(answer)
    return parsed


def attempt(
    subject: Subject, item: Item, folder: Path, model: str = "control-solver", effort: str = "none"
) -> Attempt:
    """Let a control work on an item in `folder` (made here) until it stops calling tools."""
    folder.mkdir(parents=True)
    lay_out(item.files, folder)
    messages: list[Json] = [{"role": "user", "content": item.prompt}]
    thinking, turns, words = 0, 0, ""
    while turns < MAX_TURNS:
        turns += 1
        answer = chat(
            subject,
            {"model": model, "messages": messages, "tools": [BASH], "reasoning_effort": effort},
        )
        message = answer["choices"][0]["message"]
        thinking += answer["usage"]["completion_tokens_details"]["reasoning_tokens"]
        messages.append(message)
        words = message["content"] or ""
        calls = message.get("tool_calls") or []
        if not calls:
            break
        messages += [_tool_message(call, folder) for call in calls]
    left = folder / item.answer
    data = left.read_bytes() if left.is_file() else None
    return Attempt(data, turns, thinking, words, tuple(messages))


def _tool_message(call: Json, folder: Path) -> Json:
    command = json.loads(call["function"]["arguments"])["command"]
    try:
        done = run_in(folder, ["bash", "-c", command], TOOL_SECONDS)
        output = f"{done.stderr}\n{done.stdout}" if done.stderr else done.stdout
    except subprocess.TimeoutExpired:
        output = f"Command timed out after {TOOL_SECONDS} seconds."
    return {"role": "tool", "tool_call_id": call["id"], "content": output[-TOOL_OUTPUT:]}


def judge(item: Item, answer: bytes | None, folder: Path) -> Json:
    """Replay an answer on fresh files; `{"fault": ...}` where the judge gave no verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    lay_out(item.judge_files, folder)
    if answer is not None:
        if len(answer) > item.answer_limit:
            return {"score": 0, "reason": "the answer is too long"}
        path = folder / item.answer
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer)
    done = run_in(folder, list(item.judge), item.judge_seconds)
    lines = done.stdout.splitlines()
    try:
        verdict = json.loads(lines[-1])
    except (ValueError, IndexError):
        verdict = None
    if done.returncode != 0 or not isinstance(verdict, dict) or verdict.get("score") not in {0, 1}:
        return {"fault": f"exit {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}"}
    return verdict
