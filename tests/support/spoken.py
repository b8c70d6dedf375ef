"""The formats other than the chat format as a strict server speaks them, written without ours.

`heard` reads a request and refuses, by a `ValueError`, what the real services refuse; `said` gives
a chat completion in the format's words. Thoughts are sealed, and must come back as they went out.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SEAL = "c2VhbGVk"
THOUGHT = "let me see"


@dataclass(frozen=True)
class Spoken:
    route: str
    key_header: str
    heard: Callable[[dict[str, Any]], dict[str, Any]]
    said: Callable[[dict[str, Any]], dict[str, Any]]


def need(holds: Any, what: str) -> None:
    if not holds:
        raise ValueError(what)


def known(value: Mapping[str, Any], *names: str) -> None:
    need(not (strange := set(value) - set(names)), f"unknown: {sorted(strange)}")


def call(id_: str, name: str, arguments: Any) -> dict[str, Any]:
    return {"id": id_, "function": {"name": name, "arguments": json.dumps(arguments)}}


# --- anthropic-messages


def anthropic_heard(body: dict[str, Any]) -> dict[str, Any]:
    known(
        body,
        *("model", "max_tokens", "messages", "system", "thinking", "output_config", "tools"),
        *("tool_choice", "temperature", "top_p", "stop_sequences"),
    )
    need(type(body.get("max_tokens")) is int, "max_tokens: Field required")
    thinking = body.get("thinking", {}).get("type")
    need(thinking != "enabled" or "temperature" not in body, "temperature beside thinking")
    turns = [each["role"] for each in body["messages"]]
    need(turns == [("user", "assistant")[n % 2] for n in range(len(turns))], "roles must alternate")
    found, open_calls = [], set[str]()
    if "system" in body:
        found.append({"role": "system", "content": body["system"]})
    for message in body["messages"]:
        kinds = [block["type"] for block in message["content"]]
        results = {b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"}
        need(results == open_calls, f"tool_use without tool_result: {open_calls ^ results}")
        open_calls = {b["id"] for b in message["content"] if b["type"] == "tool_use"}
        need(all(b["text"].strip() for b in message["content"] if b["type"] == "text"), "empty")
        if thinking in {"enabled", "adaptive"} and open_calls:
            need(kinds[0] == "thinking", "thinking must stand first")
            need(message["content"][0]["signature"] == SEAL, "Invalid signature in thinking")
            need(message["content"][0]["thinking"] == THOUGHT, "thinking was altered")
        need(all(isinstance(b["input"], dict) for b in message["content"] if "input" in b), "input")
        found.append({"role": message["role"], "content": message["content"]})
    return with_tools(body, found, [each["name"] for each in body.get("tools", ())])


def with_tools(body: dict[str, Any], messages: list[Any], names: list[str]) -> dict[str, Any]:
    tools = {"tools": names} if names else {}
    return {"model": body.get("model"), "messages": messages, **tools}


def anthropic_said(chat: dict[str, Any]) -> dict[str, Any]:
    choice, message, usage = parts(chat)
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": THOUGHT, "signature": SEAL},
        {"type": "text", "text": message["content"]},
    ]
    for each in message.get("tool_calls", ()):
        given = json.loads(each["function"]["arguments"])
        block = {"type": "tool_use", "id": each["id"], "name": each["function"]["name"]}
        content.append({**block, "input": given})
    ends = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}
    return {
        "id": chat["id"],
        "type": "message",
        "role": "assistant",
        "model": chat["model"],
        "content": content,
        "stop_reason": ends.get(choice["finish_reason"], "refusal"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"] - 10,
            "cache_read_input_tokens": 10,
            "output_tokens": usage["completion_tokens"],
        },
    }


def parts(chat: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    (choice,) = chat["choices"]
    return choice, choice["message"], chat["usage"]


# --- openai-responses


def responses_heard(body: dict[str, Any]) -> dict[str, Any]:
    known(
        body,
        *("model", "input", "store", "include", "max_output_tokens", "reasoning", "tools"),
        *("tool_choice", "parallel_tool_calls", "temperature", "top_p"),
    )
    need(body["store"] is False, "store")
    found, calls, before = [], set[str](), ""
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind == "function_call":
            need(before in {"reasoning", "message"}, "function_call without its reasoning")
            json.loads(item["arguments"])
            calls.add(item["call_id"])
        elif kind == "function_call_output":
            need(item["call_id"] in calls, f"No tool call found for {item['call_id']}")
        elif kind == "reasoning":
            need((item["id"], item["encrypted_content"]) == ("rs_1", SEAL), "encrypted content")
            need(item["summary"] == [{"type": "summary_text", "text": THOUGHT}], "summary")
        else:
            need(item["role"] in {"user", "assistant", "system", "developer"}, "role")
        # An answer begins with its thoughts.
        turn = "assistant" if kind == "reasoning" else item.get("role", "tool")
        found.append({"role": turn, "content": item})
        before = kind
    return with_tools(body, found, [each["name"] for each in body.get("tools", ())])


def responses_said(chat: dict[str, Any]) -> dict[str, Any]:
    choice, message, usage = parts(chat)
    end = choice["finish_reason"]
    why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(end)
    summary = [{"type": "summary_text", "text": THOUGHT}]
    output: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SEAL}
    ]
    if message["content"]:
        text = {"type": "output_text", "text": message["content"], "annotations": []}
        output.append({"type": "message", "role": "assistant", "content": [text]})
    output += [
        {"type": "function_call", "call_id": each["id"], **each["function"]}
        for each in message.get("tool_calls", ())
    ]
    return {
        "id": chat["id"],
        "object": "response",
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "error": None,
        "model": chat["model"],
        "output": output,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 3},
        },
    }


# --- google-generate


def google_heard(body: dict[str, Any]) -> dict[str, Any]:
    known(body, "contents", "systemInstruction", "tools", "toolConfig", "generationConfig")
    known(
        body.get("generationConfig", {}),
        *("temperature", "topP", "seed", "presencePenalty", "frequencyPenalty"),
        *("maxOutputTokens", "stopSequences", "thinkingConfig"),
    )
    found = [{"role": "system", "content": body.get("systemInstruction")}]
    names: list[str] = []
    for content in body["contents"]:
        need(content["role"] in {"user", "model"}, "role")
        need(content["parts"], "empty contents")
        results = [p["functionResponse"]["name"] for p in content["parts"] if has(p, "Response")]
        need(results == names, f"function response parts must equal call parts: {names}")
        calls = [part for part in content["parts"] if has(part, "Call")]
        need(all(each["thoughtSignature"] == SEAL for each in calls[:1]), "thought signature")
        names = [each["functionCall"]["name"] for each in calls]
        turn = "assistant" if content["role"] == "model" else "user"
        found.append({"role": turn, "content": content["parts"]})
    declared = [f["name"] for tool in body.get("tools", ()) for f in tool["functionDeclarations"]]
    return with_tools(body, found, declared)


def has(part: Mapping[str, Any], what: str) -> bool:
    return f"function{what}" in part


def google_said(chat: dict[str, Any]) -> dict[str, Any]:
    choice, message, usage = parts(chat)
    ends = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS"}
    told: list[dict[str, Any]] = [{"text": THOUGHT, "thought": True}]
    if message["content"]:
        told.append({"text": message["content"]})
    for place, each in enumerate(message.get("tool_calls", ())):
        # Without an id, as the service gives them by and large.
        given = {
            "name": each["function"]["name"],
            "args": json.loads(each["function"]["arguments"]),
        }
        told.append({"functionCall": given} | ({} if place else {"thoughtSignature": SEAL}))
    return {
        "responseId": chat["id"],
        "modelVersion": chat["model"],
        "candidates": [
            {
                "index": 0,
                "content": {"role": "model", "parts": told},
                "finishReason": ends.get(choice["finish_reason"], "SAFETY"),
            }
        ],
        "usageMetadata": {
            "promptTokenCount": usage["prompt_tokens"],
            "candidatesTokenCount": usage["completion_tokens"] - 5,
            "thoughtsTokenCount": 5,
        },
    }


def as_is(body: dict[str, Any]) -> dict[str, Any]:
    return body


SPOKEN = {
    "chat": Spoken("/v1/chat/completions", "Authorization", as_is, as_is),
    "anthropic-messages": Spoken("/v1/messages", "x-api-key", anthropic_heard, anthropic_said),
    "openai-responses": Spoken("/v1/responses", "Authorization", responses_heard, responses_said),
    "google-generate": Spoken(
        "/v1/models/{name}:generateContent", "x-goog-api-key", google_heard, google_said
    ),
}
