"""A state as bytes and back, so that a long case need not be folded anew each time it is opened.

A cache and nothing more: whoever keeps the bytes holds them against the record (its size, its root)
and folds it whole now and then. What was packed in another form is not read; a form names the code
that folds, since a state of any other code may differ.

    data = pack_state(state, form)
    assert unpack_state(data, form) == state
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from touchstone.review.state import State


class _Codec(NamedTuple):
    """To a JSON value, and from it."""

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


def pack_state(state: State, form: str) -> bytes:
    """A state as bytes; small next to the events that it was folded from."""
    return json.dumps([form, _codec(State).pack(state)], separators=(",", ":")).encode()


def unpack_state(data: bytes, form: str) -> State | None:
    """The state; None where it was packed in another form, or is none at all."""
    try:
        found, packed = json.loads(data)
        return _codec(State).unpack(packed) if found == form else None
    # A kept state is a cache: whatever is wrong with it, the entries are folded again (ADR 255).
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


@cache
def _codec(kind: Any) -> _Codec:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and origin is None:
        return _of_class(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _of_mapping(*map(_codec, inner))
    made = _OF_ORIGIN.get(origin)
    # What is left is an annotated type: what it is made of comes first.
    return made(inner) if made else _codec(inner[0])


_AS_IS = _Codec(lambda value: value, lambda packed: packed)
# In hex: Python refuses to read very long decimal numbers, and bit sets are as long as batteries.
_NUMBER = _Codec(hex, lambda packed: int(packed, 16))


def _of_class(kind: type) -> _Codec:
    if kind is int:
        return _NUMBER
    if issubclass(kind, BaseModel):
        return _of_model(kind)
    if is_dataclass(kind) or issubclass(kind, tuple):
        return _of_fields(kind)
    return _AS_IS


def _of_fields(kind: Any) -> _Codec:
    """A dataclass or a named tuple, as a list in the order of its fields."""
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    codecs = [_codec(hints[name]) for name in names]

    def pack(value: Any) -> list[Any]:
        return [each.pack(getattr(value, name)) for name, each in zip(names, codecs, strict=True)]

    def unpack(packed: Any) -> Any:
        return kind(*(each.unpack(item) for each, item in zip(codecs, packed, strict=True)))

    return _Codec(pack, unpack)


def _of_model(kind: type[BaseModel]) -> _Codec:
    """Facts as they were checked when they were read from the record: they are not checked again.

    A list of the values of its fields, with what the model kept beside them. Checking each anew
    costs as much as folding the case whole.
    """
    hints = get_type_hints(kind)
    names, known = tuple(kind.model_fields), set(kind.model_fields)
    # Integers of facts are short, and stay as they are.
    codecs = [_AS_IS if hints[name] is int else _codec(hints[name]) for name in names]
    made = [(name, each) for name, each in zip(names, codecs, strict=True) if each is not _AS_IS]

    def pack(model: BaseModel) -> list[Any]:
        # A subclass would be packed as its parent, and come back with less.
        if type(model) is not kind:
            raise TypeError(f"{type(model).__name__} in the place of a {kind.__name__}")
        values = dict(model.__dict__)
        for name, each in made:
            values[name] = each.pack(values[name])
        return [model.__pydantic_extra__, *(values[name] for name in names)]

    def unpack(packed: Any) -> BaseModel:
        extra, *values = packed
        found = dict(zip(names, values, strict=True))
        for name, each in made:
            found[name] = each.unpack(found[name])
        model = kind.__new__(kind)
        # The attributes that a pydantic model is made of, as its own documentation lists them.
        object.__setattr__(model, "__dict__", found)
        object.__setattr__(model, "__pydantic_fields_set__", known)
        object.__setattr__(model, "__pydantic_extra__", extra)
        object.__setattr__(model, "__pydantic_private__", None)
        return model

    return _Codec(pack, unpack)


def _of_union(kinds: tuple[Any, ...]) -> _Codec:
    """Something or nothing, or one of several classes, with its place among them."""
    some = [each for each in kinds if each is not type(None)]
    codecs = [_codec(each) for each in some]
    if len(some) == 1:
        (each,) = codecs
        return _Codec(
            lambda value: None if value is None else each.pack(value),
            lambda packed: None if packed is None else each.unpack(packed),
        )
    return _Codec(
        lambda value: None if value is None else _told(some, codecs, value),
        lambda packed: None if packed is None else codecs[packed[0]].unpack(packed[1]),
    )


def _told(kinds: list[Any], codecs: list[_Codec], value: Any) -> list[Any]:
    place = kinds.index(type(value))
    return [place, codecs[place].pack(value)]


def _of_tuple(inner: tuple[Any, ...]) -> _Codec:
    if inner[-1] is Ellipsis:
        each = _codec(inner[0])
        return _Codec(
            lambda value: list(map(each.pack, value)),
            lambda packed: tuple(map(each.unpack, packed)),
        )
    codecs = [_codec(each) for each in inner]
    return _Codec(
        lambda value: [each.pack(item) for each, item in zip(codecs, value, strict=True)],
        lambda packed: tuple(each.unpack(item) for each, item in zip(codecs, packed, strict=True)),
    )


def _of_set(inner: tuple[Any, ...]) -> _Codec:
    each = _codec(inner[0])
    return _Codec(
        # Sorted, so that equal states are equal bytes: a set has no order of its own.
        lambda value: sorted(map(each.pack, value)),
        lambda packed: frozenset(map(each.unpack, packed)),
    )


def _of_mapping(key: _Codec, value: _Codec) -> _Codec:
    return _Codec(
        lambda mapping: [[key.pack(k), value.pack(v)] for k, v in mapping.items()],
        lambda packed: types.MappingProxyType({key.unpack(k): value.unpack(v) for k, v in packed}),
    )


_OF_ORIGIN: Mapping[Any, Callable[[tuple[Any, ...]], _Codec]] = {
    Literal: lambda _: _AS_IS,
    Union: _of_union,
    types.UnionType: _of_union,
    tuple: _of_tuple,
    frozenset: _of_set,
}
