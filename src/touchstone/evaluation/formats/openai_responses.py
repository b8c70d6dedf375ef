"""`openai-responses`: `POST <base_url>/responses`, where the endpoint keeps nothing of a turn."""

from collections.abc import Iterator, Mapping
from typing import Any

from touchstone.evaluation.formats.translating import (
    Pieces,
    Translated,
    Wire,
    calls_of,
    chosen_tool,
    field_of,
    functions_of,
    message_text,
    not_sent,
    objects,
    output_bound,
    parts_of,
    thoughts_of,
    usage_of,
)

ID = "openai-responses"
_LACKING = ("seed", "stop", "presence_penalty", "frequency_penalty")


def _request(request: Mapping[str, Any], _budget: int | None) -> Translated:
    body: dict[str, Any] = {
        "model": request["model"],
        "input": [item for message in request["messages"] for item in _items(message)],
        # Kept there, a turn would be what the endpoint says it was.
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if most := output_bound(request):
        body["max_output_tokens"] = most
    for name in ("temperature", "top_p"):
        if name in request:
            body[name] = request[name]
    if effort := request.get("reasoning_effort"):
        summary = {} if effort == "none" else {"summary": "auto"}
        body["reasoning"] = {"effort": effort, **summary}
    if functions := functions_of(request):
        body["tools"] = [
            {
                "type": "function",
                "name": each["name"],
                "description": each.get("description", ""),
                "parameters": each.get("parameters") or {"type": "object", "properties": {}},
                "strict": False,
            }
            for each in functions
        ]
        kind, name = chosen_tool(request)
        body["tool_choice"] = {"type": "function", "name": name} if name else kind
        if "parallel_tool_calls" in request:
            body["parallel_tool_calls"] = request["parallel_tool_calls"]
    return Translated("/responses", body, tuple(not_sent(ID, request, *_LACKING)))


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role = message.get("role")
    if role == "tool":
        id_ = str(message.get("tool_call_id"))
        yield {"type": "function_call_output", "call_id": id_, "output": message_text(message)}
        return
    if role == "user":
        yield {
            "role": "user",
            "content": [
                {"type": "input_text", "text": text}
                if image is None
                else {"type": "input_image", "image_url": f"data:{image[0]};base64,{image[1]}"}
                for text, image in parts_of(message)
            ],
        }
        return
    yield from _reasoning(message)
    if text := message_text(message):
        yield {"role": role, "content": text}
    for id_, name, arguments in calls_of(message):
        yield {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}


def _reasoning(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    summary: list[dict[str, Any]] = []
    for thought in thoughts_of(message):
        if thought.get("type") == "reasoning.summary":
            summary.append({"type": "summary_text", "text": thought.get("summary")})
        elif thought.get("type") == "reasoning.encrypted":
            # Without what is sealed in it an endpoint that kept nothing can make nothing of it.
            id_, sealed = thought.get("id"), thought.get("data")
            item = {"type": "reasoning", "summary": summary, "encrypted_content": sealed}
            yield item | ({"id": id_} if id_ else {})
            summary = []


def _answer(body: Mapping[str, Any], _request: Mapping[str, Any], said: Pieces) -> dict[str, Any]:
    if not isinstance(body.get("output"), list):
        return {"error": body.get("error")}
    for item in objects(body["output"], said):
        kind = item.get("type")
        if kind == "message":
            _message(item, said)
        elif kind == "reasoning":
            _thought(item, said)
        elif kind == "function_call":
            said.call(item.get("call_id"), item.get("name"), item.get("arguments"))
        else:
            said.strange()
    told = body.get("usage")
    usage = usage_of(
        field_of(told, "input_tokens"),
        field_of(told, "output_tokens"),
        field_of(field_of(told, "output_tokens_details"), "reasoning_tokens"),
        field_of(field_of(told, "input_tokens_details"), "cached_tokens"),
    )
    # Beside a status of "completed" these can still say that it is not.
    told_beside = {name: body.get(name) for name in ("error", "incomplete_details")}
    answer = {"id": body.get("id"), "model": body.get("model"), "usage": usage, **told_beside}
    return said.completion(answer, _end(body))


def _end(body: Mapping[str, Any]) -> Any:
    """The word for the answer's end: of one that is not whole, why it is not."""
    status = body.get("status")
    if status == "incomplete":
        return field_of(body.get("incomplete_details"), "reason") or status
    # A failed answer is no answer: it may be asked for again.
    return "error" if status == "failed" else status


def _message(item: Mapping[str, Any], said: Pieces) -> None:
    for part in objects(item.get("content"), said):
        if part.get("type") == "output_text":
            said.texts.append(part.get("text"))
        elif part.get("type") == "refusal":
            said.refusal = part.get("refusal") or "refused"
        else:
            said.strange()


def _thought(item: Mapping[str, Any], said: Pieces) -> None:
    texts = [part.get("text") for part in objects(item.get("summary"), said)]
    shown = "\n\n".join(text for text in texts if isinstance(text, str))
    if shown:
        said.think("summary", summary=shown, id=item.get("id"))
    # Open weights show the thoughts themselves.
    for part in objects(item.get("content"), said):
        said.think("text", text=part.get("text"))
    if item.get("encrypted_content"):
        said.think("encrypted", data=item["encrypted_content"], id=item.get("id"))


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


WIRE = Wire(ID, _request, _answer, _headers)
