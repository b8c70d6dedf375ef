"""That an item was in a sealed pack, shown without any other item.

The root of an RFC 6962 tree stands in the sealed file's header. Leaf p is over the p-th item in the
order of their digests, hidden by a salt of its own, so that no proof lets others be guessed::

    salt[p] = HMAC-SHA-256(salt32, p as 8 bytes)
    leaf[p] = SHA-256(0x00 || "touchstone/pack-item/1" 0x00 salt[p] || the item's digest, 32 bytes)
"""

import hmac
import json
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.errors import RevealError
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.ledger import AlteredError
from touchstone.ledger.merkle import Tree, leaf_hash, verify_inclusion

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MOST_PROOF = 64 << 20
"""Bytes of a proof with its item."""


class ItemProof(Frozen):
    """One item of a sealed pack, and what leads from it to the pack's root."""

    format: Literal["touchstone pack item proof 1"] = "touchstone pack item proof 1"
    pack: str
    root: Hex32
    items: Annotated[int, Field(ge=1)]
    place: Annotated[int, Field(ge=0)]
    salt: Hex32
    path: Annotated[tuple[Hex32, ...], Field(max_length=64)]
    item: FrozenItem


def items_tree(items: Sequence[FrozenItem], salt: bytes) -> Tree:
    """The tree over a pack's items, in the order in which they are registered."""
    return Tree(_leaf(item, _salt(salt, place)) for place, item in enumerate(items))


def prove_item(pack: str, items: Sequence[FrozenItem], salt: bytes, place: int) -> ItemProof:
    """The proof of one item.

    Raises:
        PackError: there is no such place.
    """
    if not 0 <= place < len(items):
        raise PackError(f"ITEM: {pack} has the items 0 to {len(items) - 1}, and no {place}")
    tree = items_tree(items, salt)
    return ItemProof(
        pack=pack,
        root=tree.root().hex(),
        items=len(items),
        place=place,
        salt=_salt(salt, place).hex(),
        path=tuple(each.hex() for each in tree.inclusion(place)),
        item=items[place],
    )


def parse_proof(data: bytes, source: str) -> ItemProof:
    """Read a proof from a file.

    Raises:
        PackError: it is none.
    """
    try:
        return ItemProof.model_validate(json.loads(data))
    except (ValueError, RecursionError, ValidationError):
        raise PackError(f"{source}: is no proof of a pack's item") from None


def check_item(proof: ItemProof, pack: str, root: str, items: int) -> None:
    """Hold a proof against the root of a sealed pack.

    Raises:
        RevealError: the item was not in it.
    """
    said = (proof.pack, proof.root, proof.items)
    if said != (pack, root, items):
        raise RevealError(f"the proof is of another seal than that of {pack}")
    leaf = _leaf(proof.item, bytes.fromhex(proof.salt))
    path = [bytes.fromhex(each) for each in proof.path]
    try:
        verify_inclusion(leaf, proof.place, items, path, bytes.fromhex(root))
    except AlteredError:
        raise RevealError(
            f"the item is not the one at place {proof.place} of {pack} as sealed"
        ) from None


def _salt(salt: bytes, place: int) -> bytes:
    return hmac.digest(salt, place.to_bytes(8, "big"), "sha256")


def _leaf(item: FrozenItem, salt: bytes) -> bytes:
    digest = bytes.fromhex(item.digest.removeprefix("sha256:"))
    return leaf_hash(b"touchstone/pack-item/1\0" + salt + digest)
