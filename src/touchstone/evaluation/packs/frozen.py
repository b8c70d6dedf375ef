"""A sample as data, in one form: the same content gives the same digest at every load.

Inspect's own serial form does not: messages get random ids, sets come in any order, and an object
without a form becomes whatever its `repr` is. What has no form here is refused by its name.
"""

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage
from pydantic import BaseModel, TypeAdapter

MOST_DEPTH = 32
_MOST_INTEGER = 2**53
_MESSAGES: TypeAdapter[list[ChatMessage]] = TypeAdapter(list[ChatMessage])
_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    type(None): lambda _: None,
    bool: bool,
    str: str,
    int: lambda value: value if abs(value) < _MOST_INTEGER else {"int": str(value)},
    # Hexadecimal: a decimal has no one spelling.
    float: lambda value: {"float": value.hex() if math.isfinite(value) else str(value)},
    bytes: lambda value: {"bytes": base64.b64encode(value).decode()},
}
_MEDIA = ("image", "audio", "video")
THEIRS = "touchstone_id"
"""The name in a sample's metadata under which the pack's own id stands; the position is ours."""


class NoFormError(ValueError):
    """A value has no form that is the same at every load; the text names it."""


def freeze(sample: Sample, folder: Path, *, sandbox: bool = False) -> dict[str, Any]:
    """A sample as plain JSON; files that it names are taken in by content.

    Args:
        sample: The sample.
        folder: Where files that it names lie.
        sandbox: Whether it runs with a sandbox.

    Raises:
        NoFormError: something in it has no form.
    """
    given = sample.input
    return {
        "id": None if sample.id is None else str(sample.id),
        "input": given if isinstance(given, str) else _messages(given, folder),
        "choices": sample.choices,
        "target": sample.target,
        "metadata": to_form(sample.metadata, "metadata"),
        "files": {
            name: _content(value, folder, f"files.{name}")
            for name, value in sorted((sample.files or {}).items())
        },
        "setup": None if sample.setup is None else _content(sample.setup, folder, "setup"),
        "sandbox": sandbox,
    }


def thaw(item: Mapping[str, Any], position: int, sandbox: str | None = None) -> Sample:
    """A sample to run, with its position as its id.

    Args:
        item: As `freeze` gave it.
        position: Its place among the registered items.
        sandbox: Inspect's name of the sandbox that it is given where it has one.

    Raises:
        NoFormError: it is no frozen sample.
    """
    given = item["input"]
    metadata = from_form(item["metadata"]) or {}
    return Sample(
        id=str(position),
        input=given if isinstance(given, str) else _MESSAGES.validate_python(given),
        choices=item["choices"],
        target=item["target"],
        metadata={**metadata, THEIRS: item["id"]},
        files=item["files"] or None,
        setup=item["setup"],
        sandbox=sandbox if item.get("sandbox") else None,
    )


def to_form(value: Any, place: str, depth: int = 0) -> Any:
    """Any value in the one form.

    Raises:
        NoFormError: it has none; the text names the place and the type.
    """
    if depth > MOST_DEPTH:
        raise NoFormError(f"{place}: nested more than {MOST_DEPTH} levels deep")
    # By exact type: a subclass may hold more than what its base shows.
    if type(value) in _PLAIN:
        return _PLAIN[type(value)](value)
    return _composed(value, place, depth)


def _composed(value: Any, place: str, depth: int) -> Any:
    kind = type(value)
    if kind in {list, tuple}:
        found = [to_form(each, f"{place}[{n}]", depth + 1) for n, each in enumerate(value)]
        return found if kind is list else {"tuple": found}
    if kind in {set, frozenset}:
        found = [to_form(each, f"{place}{{}}", depth + 1) for each in value]
        return {kind.__name__: sorted(found, key=lambda each: json.dumps(each, sort_keys=True))}
    if kind is dict:
        return {"dict": _fields(value, place, depth)}
    if isinstance(value, Enum):
        # By its name: what it stands for may have a form or none.
        return {"member": [f"{kind.__module__}:{kind.__qualname__}", value.name]}
    if isinstance(value, BaseModel):
        name = f"{kind.__module__}:{kind.__qualname__}"
        fields = {field: getattr(value, field) for field in kind.model_fields}
        return {"model": name, "fields": _fields(fields, place, depth)}
    raise NoFormError(
        f"{place}: a {kind.__module__}.{kind.__qualname__} has no form that is the same at every"
        " load; write it as texts, numbers, lists and tables, or as a pydantic model"
    )


def _fields(value: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
    for key in value:
        if type(key) is not str:
            raise NoFormError(f"{place}: a key that is a {type(key).__name__}; write texts as keys")
    return {key: to_form(each, f"{place}.{key}", depth + 1) for key, each in sorted(value.items())}


def from_form(value: Any) -> Any:
    """What `to_form` was given.

    Raises:
        NoFormError: it is not of that form.
    """
    if isinstance(value, list):
        return [from_form(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"model", "fields"}:
        return _model(value["model"], {k: from_form(v) for k, v in value["fields"].items()})
    if len(value) != 1:
        raise NoFormError(f"not a frozen value: {sorted(value)}")
    ((tag, body),) = value.items()
    if tag == "dict":
        return {key: from_form(each) for key, each in body.items()}
    readers: dict[str, Any] = {
        "int": int,
        # `fromhex` reads "nan" and "inf" as well.
        "float": float.fromhex,
        "bytes": base64.b64decode,
        "tuple": lambda found: tuple(from_form(found)),
        "set": lambda found: set(from_form(found)),
        "frozenset": lambda found: frozenset(from_form(found)),
        "member": lambda found: _named_class(found[0])[found[1]],
    }
    if tag not in readers:
        raise NoFormError(f"not a frozen value: {tag}")
    return readers[tag](body)


def _model(name: str, fields: dict[str, Any]) -> Any:
    return _named_class(name).model_validate(fields)


def _named_class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    found: Any = import_module(module)
    for step in qualified.split("."):
        found = getattr(found, step)
    return found


def _messages(given: list[ChatMessage], folder: Path) -> list[dict[str, Any]]:
    # Their ids are random, and differ at each load.
    found = [each.model_dump(mode="json", exclude_none=True, exclude={"id"}) for each in given]
    for number, message in enumerate(found):
        _take_in_media(message, folder, f"input[{number}]")
    # Numbers with a point, which a message's metadata may hold, have no one spelling in JSON.
    for path, value in _leaves(found, "input"):
        if isinstance(value, float):
            raise NoFormError(f"{path}: a number with a point in a message; write it as text")
    return found


def _take_in_media(message: dict[str, Any], folder: Path, place: str) -> None:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        for kind in _MEDIA:
            if isinstance(part.get(kind), str):
                part[kind] = _content(part[kind], folder, f"{place}.{kind}")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{place}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{place}[{number}]")
    else:
        yield place, value


def _content(value: str, folder: Path, place: str) -> str:
    """A text or data URI as it is; a file that it names as a data URI of the file's bytes."""
    if value.startswith("data:"):
        return value
    if value.startswith(("http://", "https://", "s3://")):
        raise NoFormError(f"{place}: {value[:80]!a} lies elsewhere; put the file into the pack")
    # As Inspect reads it: a text is a file's name where such a file is there.
    if len(value) < 1024 and "\n" not in value and "\0" not in value:  # noqa: PLR2004 - longer than a path
        path = folder / value
        if path.is_dir():
            raise NoFormError(f"{place}: {value[:80]!a} is a folder; name its files")
        if path.is_file():
            return (
                "data:application/octet-stream;base64,"
                + base64.b64encode(path.read_bytes()).decode()
            )
    return value
