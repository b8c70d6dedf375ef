"""`anthropic-messages`: `POST <base_url>/messages`, as Anthropic's API and those like it speak."""

from collections.abc import Mapping
from typing import Any

from touchstone.evaluation.formats.translating import (
    NotTranslatableError,
    Pieces,
    Translated,
    Wire,
    arguments_object,
    calls_of,
    chosen_tool,
    counted,
    field_of,
    functions_of,
    instructions,
    is_system,
    message_text,
    not_sent,
    objects,
    output_bound,
    parts_of,
    thoughts_of,
    usage_of,
)

ID = "anthropic-messages"
_VERSION = "2023-06-01"
LEAST_BUDGET = 1024
"""Tokens: the format takes no smaller budget for thinking."""
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "one": "tool"}


def unsuited(settings: Mapping[str, Any]) -> str:
    """Why a mode cannot have these settings in this format, and the fix; else an empty text."""
    budget, most = settings.get("reasoning_tokens"), settings.get("max_tokens")
    if most is None:
        return f"settings.max_tokens: {ID} needs it; write how long an answer may be"
    if budget and not LEAST_BUDGET <= budget < most:
        return f"settings.reasoning_tokens: {ID} takes {LEAST_BUDGET} to less than max_tokens"
    sampled = [n for n in ("temperature", "top_p") if settings.get(n) is not None]
    if sampled and (budget or settings.get("reasoning_effort") not in {None, "none"}):
        return f"settings.{sampled[0]}: {ID} takes none beside reasoning; take it out"
    if (temperature := settings.get("temperature")) is not None and float(temperature) > 1:
        return f"settings.temperature: {ID} takes 1 at most"
    return ""


def _request(request: Mapping[str, Any], budget: int | None) -> Translated:
    most = output_bound(request)
    if most is None:
        raise NotTranslatableError(f"{ID} needs max_tokens: set it in the mode's settings")
    notes = not_sent(ID, request, "seed", "presence_penalty", "frequency_penalty")
    body: dict[str, Any] = {
        "model": request["model"],
        "max_tokens": most,
        "messages": _messages(request),
    }
    if system := instructions(request):
        body["system"] = system
    thinking = _thinking(request, budget, most, notes)
    body |= thinking
    for name in ("temperature", "top_p"):
        if name in request and thinking.get("thinking", {}).get("type") in {"enabled", "adaptive"}:
            notes.append(f"{name} was not sent: {ID} takes none beside thinking")
        elif name in request:
            body[name] = request[name]
    if stop := request.get("stop"):
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if functions := functions_of(request):
        body["tools"] = [
            {
                "name": each["name"],
                "description": each.get("description", ""),
                "input_schema": each.get("parameters") or {"type": "object", "properties": {}},
            }
            for each in functions
        ]
        kind, name = chosen_tool(request)
        choice: dict[str, Any] = {"type": _CHOICES[kind]} | ({"name": name} if name else {})
        if request.get("parallel_tool_calls") is False and kind != "none":
            choice["disable_parallel_tool_use"] = True
        body["tool_choice"] = choice
    return Translated("/messages", body, tuple(notes))


def _thinking(
    request: Mapping[str, Any], budget: int | None, most: int, notes: list[str]
) -> dict[str, Any]:
    effort = request.get("reasoning_effort")
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if effort == "minimal":
        raise NotTranslatableError(f"{ID} has no reasoning_effort {effort!r}: write low or more")
    found: dict[str, Any] = {"output_config": {"effort": effort}} if effort else {}
    if budget:
        # A hard cap can leave less than the mode's own bound on the answer.
        within = min(budget, most - 1)
        if within < LEAST_BUDGET:
            notes.append(f"reasoning_tokens was not sent: {most} tokens are left for the answer")
            return found
        return found | {"thinking": {"type": "enabled", "budget_tokens": within}}
    return found | {"thinking": {"type": "adaptive"}} if effort else found


def _messages(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in request["messages"]:
        if is_system(message):
            continue
        role = "assistant" if message.get("role") == "assistant" else "user"
        blocks = _blocks(message)
        # The roles take turns: the results of one answer's calls are one message.
        if found and found[-1]["role"] == role:
            found[-1]["content"] += blocks
        elif blocks:
            found.append({"role": role, "content": blocks})
    return found


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    if message.get("role") == "tool":
        told = {"type": "tool_result", "tool_use_id": str(message.get("tool_call_id"))}
        return [{**told, "content": message_text(message)}]
    blocks: list[dict[str, Any]] = []
    for thought in thoughts_of(message):
        if thought.get("type") == "reasoning.encrypted":
            blocks.append({"type": "redacted_thinking", "data": thought.get("data")})
        # Unsigned it would be refused, and the sample be lost for our mistake.
        elif thought.get("signature"):
            text, signature = thought.get("text") or "", thought["signature"]
            blocks.append({"type": "thinking", "thinking": text, "signature": signature})
    for text, image in parts_of(message):
        if image is not None:
            source = {"type": "base64", "media_type": image[0], "data": image[1]}
            blocks.append({"type": "image", "source": source})
        elif text.strip():
            blocks.append({"type": "text", "text": text})
    for id_, name, arguments in calls_of(message):
        given = arguments_object(arguments)
        blocks.append({"type": "tool_use", "id": id_, "name": name, "input": given})
    return blocks


def _answer(body: Mapping[str, Any], _request: Mapping[str, Any], said: Pieces) -> dict[str, Any]:
    if not isinstance(body.get("content"), list):
        return {"error": body.get("error")}
    for block in objects(body["content"], said):
        kind = block.get("type")
        if kind == "text":
            said.texts.append(block.get("text"))
        elif kind == "thinking":
            said.think("text", text=block.get("thinking"), signature=block.get("signature"))
        elif kind == "redacted_thinking":
            said.think("encrypted", data=block.get("data"))
        elif kind == "tool_use":
            said.call(block.get("id"), block.get("name"), block.get("input"))
        else:
            said.strange()
    told = body.get("usage")
    usage = usage_of(
        counted(told, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
        field_of(told, "output_tokens"),
        field_of(field_of(told, "output_tokens_details"), "thinking_tokens"),
        field_of(told, "cache_read_input_tokens"),
    )
    answer = {"id": body.get("id"), "model": body.get("model"), "usage": usage}
    return said.completion(answer, body.get("stop_reason"))


def _headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": _VERSION}


WIRE = Wire(ID, _request, _answer, _headers)
