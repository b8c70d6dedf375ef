"""`google-generate`: `POST <base_url>/models/<model>:generateContent`, as Gemini's API speaks."""

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

ID = "google-generate"
_MADE = "made-"
_TEXT = "text"
_CHOICES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "one": "ANY"}
_SETTINGS = {
    "temperature": "temperature",
    "top_p": "topP",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}


def _request(request: Mapping[str, Any], budget: int | None) -> Translated:
    notes = not_sent(ID, request)
    settings = {theirs: request[ours] for ours, theirs in _SETTINGS.items() if ours in request}
    if most := output_bound(request):
        settings["maxOutputTokens"] = most
    if stop := request.get("stop"):
        settings["stopSequences"] = [stop] if isinstance(stop, str) else stop
    settings |= _thinking(request.get("reasoning_effort"), budget)
    body: dict[str, Any] = {"contents": _contents(request)}
    if system := instructions(request):
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if settings:
        body["generationConfig"] = settings
    if functions := functions_of(request):
        declared = [
            {
                "name": each["name"],
                "description": each.get("description", ""),
                "parametersJsonSchema": each.get("parameters")
                or {"type": "object", "properties": {}},
            }
            for each in functions
        ]
        kind, name = chosen_tool(request)
        mode = {"mode": _CHOICES[kind]} | ({"allowedFunctionNames": [name]} if name else {})
        body |= {
            "tools": [{"functionDeclarations": declared}],
            "toolConfig": {"functionCallingConfig": mode},
        }
        if request.get("parallel_tool_calls") is False:
            notes.append(f"parallel_tool_calls was not sent: {ID} has none")
    return Translated(f"/models/{request['model']}:generateContent", body, tuple(notes))


def _thinking(effort: str | None, budget: int | None) -> dict[str, Any]:
    if effort == "none":
        return {"thinkingConfig": {"thinkingBudget": 0}}
    if effort == "xhigh":
        raise NotTranslatableError(f"{ID} has no reasoning_effort {effort!r}: write high or less")
    if effort:
        return {"thinkingConfig": {"thinkingLevel": effort, "includeThoughts": True}}
    if budget:
        return {"thinkingConfig": {"thinkingBudget": budget, "includeThoughts": True}}
    return {}


def _contents(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in request["messages"]:
        if is_system(message):
            continue
        role = "model" if message.get("role") == "assistant" else "user"
        names |= {id_: name for id_, name, _ in calls_of(message)}
        parts = _parts(message, names)
        # The results of one answer's calls are one turn.
        if found and found[-1]["role"] == role:
            found[-1]["parts"] += parts
        elif parts:
            found.append({"role": role, "parts": parts})
    return found


def _parts(message: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    if message.get("role") == "tool":
        id_ = str(message.get("tool_call_id"))
        response = {
            "name": names.get(id_, "unnamed"),
            "response": {"result": message_text(message)},
        }
        return [{"functionResponse": _with_id(response, id_)}]
    seals = {
        str(thought.get("id")): thought.get("data")
        for thought in thoughts_of(message)
        if thought.get("type") == "reasoning.encrypted"
    }
    parts: list[dict[str, Any]] = []
    for text, image in parts_of(message):
        if image is not None:
            parts.append({"inlineData": {"mimeType": image[0], "data": image[1]}})
        elif text:
            seal = seals.pop(_TEXT, None)
            parts.append({"text": text} | ({"thoughtSignature": seal} if seal else {}))
    for id_, name, arguments in calls_of(message):
        called = _with_id({"name": name, "args": arguments_object(arguments)}, id_)
        # Where it came: without it a model that thinks loses its thread, or refuses the turn.
        seal = seals.get(id_)
        parts.append({"functionCall": called} | ({"thoughtSignature": seal} if seal else {}))
    return parts


def _with_id(part: dict[str, Any], id_: str) -> dict[str, Any]:
    return part if id_.startswith(_MADE) else {**part, "id": id_}


def _answer(body: Mapping[str, Any], request: Mapping[str, Any], said: Pieces) -> dict[str, Any]:
    told = body.get("usageMetadata")
    usage = usage_of(
        field_of(told, "promptTokenCount"),
        counted(told, "candidatesTokenCount", "thoughtsTokenCount"),
        field_of(told, "thoughtsTokenCount"),
        field_of(told, "cachedContentTokenCount"),
    )
    answer = {"id": body.get("responseId"), "model": body.get("modelVersion"), "usage": usage}
    candidates = body.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(first, Mapping):
        # The prompt itself was refused: this tells of the model and its filters.
        if field_of(body.get("promptFeedback"), "blockReason"):
            return said.completion(answer, "content_filter")
        return {"error": body.get("error")}
    for part in objects(field_of(first.get("content"), "parts"), said):
        _part(part, len(request["messages"]), said)
    if isinstance(candidates, list) and len(candidates) > 1:
        said.notes.append("more candidates than were asked for; the first was taken")
    # A rating can say "blocked" where the end says nothing of it.
    answer["safetyRatings"] = first.get("safetyRatings")
    end = first.get("finishReason")
    # Its word for an end is the same with a call and without.
    return said.completion(answer, "tool_calls" if end == "STOP" and said.calls else end)


def _part(part: Mapping[str, Any], turn: int, said: Pieces) -> None:
    seal, holder = part.get("thoughtSignature"), _TEXT
    call = part.get("functionCall")
    if isinstance(call, Mapping):
        # Not drawn: a sample that runs again after a death must send the very same request.
        made = f"{_MADE}{turn}-{len(said.calls)}"
        holder = call["id"] if isinstance(call.get("id"), str) and call["id"] else made
        said.call(holder, call.get("name"), call.get("args"))
    elif "text" in part and part.get("thought") is True:
        said.think("text", text=part["text"])
    elif "text" in part:
        said.texts.append(part["text"])
    elif not seal:
        said.strange()
    if seal:
        said.think("encrypted", data=seal, id=holder)


def _headers(key: str) -> dict[str, str]:
    return {"x-goog-api-key": key}


WIRE = Wire(ID, _request, _answer, _headers)
