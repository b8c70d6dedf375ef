"""A model from a strict TOML file: what does not fit is one line, with its place in the file."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from touchstone.handin.toml import Bounds, Origin, parse_toml, toml_place

M = TypeVar("M", bound=BaseModel)


def model_in_toml(model: type[M], data: bytes, origin: Origin, bounds: Bounds) -> M:
    """What a file says. Raises the origin's error, naming the key and the fix."""
    return model_of_table(model, parse_toml(data, origin, bounds), origin)


def model_of_table(model: type[M], table: Mapping[str, Any], origin: Origin) -> M:
    """The same of a table that was read before. Raises the origin's error."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = first["msg"].removeprefix("Value error, ")
        raise origin.error(f"{toml_place(first['loc']) or 'the file'}: {what}") from None
