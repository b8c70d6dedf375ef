"""Frozen items as the parent holds them: what a pack's process gave, checked for its form."""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from touchstone.evaluation.digests import Frozen, digest_bytes, digest_value
from touchstone.evaluation.packs.errors import PackError
from touchstone.handin import printable_line

MOST_ITEMS = 10_000


class FrozenItem(Frozen):
    """One sample as data, in the form of `frozen.py`."""

    id: Annotated[str, Field(max_length=1000)] | None
    """The pack's own id; ours is the position."""
    input: str | list[dict[str, JsonValue]]
    choices: list[str] | None
    target: str | list[str]
    metadata: JsonValue
    files: dict[str, str]
    setup: str | None
    sandbox: bool = False
    """Whether it runs with a sandbox, as the pack's manifest describes it."""

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `sandbox` where it has none: the digests of older items stay as they are."""
        found: dict[str, Any] = write(self)
        if not self.sandbox:
            del found["sandbox"]
        return found

    @cached_property
    def digest(self) -> str:
        """Of its content: the same at every load, in any folder."""
        # Not the record's canonical form, which holds no megabytes. Numbers with a point are texts
        # in a frozen item, so this one has one spelling as well.
        return digest_bytes(item_text(self).encode())


def item_text(item: FrozenItem) -> str:
    """The whole item as one text: what is digested, and what a canary is looked for in."""
    return json.dumps(item.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class FrozenItems:
    """A pack's items, in the order of their digests: how the pack shuffled them is gone."""

    items: tuple[FrozenItem, ...]

    @cached_property
    def digest(self) -> str:
        """Of all of them."""
        return digest_value([each.digest for each in self.items])


def item_set(given: Any) -> FrozenItems:
    """Items that a pack's process gave.

    Raises:
        PackError: there are none or too many, one is there twice, or is of no form.
    """
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_ITEMS:
        raise PackError(f"a pack has 1 to {MOST_ITEMS} items; this one gave {_counted(given)}")
    items = []
    for number, each in enumerate(given):
        try:
            items.append(FrozenItem.model_validate(each))
        except ValidationError as error:
            said = str(error).splitlines()
            why = printable_line(" ".join(said[1:3]) or said[0], 200)
            raise PackError(f"item {number}: cannot be sealed: {why}") from None
    items.sort(key=lambda item: item.digest)
    for one, other in pairwise(items):
        # One question asked twice would count as two pieces of evidence.
        if one.digest == other.digest:
            raise PackError(f"the item with the id {one.id!a} is there twice; take one out")
    return FrozenItems(tuple(items))


def _counted(given: Any) -> str:
    return str(len(given)) if isinstance(given, list) else "none"
