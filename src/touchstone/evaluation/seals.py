"""What hides items until they run and proves afterwards which ran. Pure: the seed is a parameter.

For position p of an item set::

    salt[p]       = SHA-256("touchstone/item-salt/1" 0x00 seed32 || set32 || p as 8 bytes)
    commitment[p] = SHA-256("touchstone/item/1" 0x00 salt32 || set32 || p as 8 bytes || item32)
                    with "touchstone/item/2" and || SHA-256(flaw) at its end, where the item has one
    order         = SHA-256("touchstone/order/1" 0x00 salt32 || SHA-256 of the permutation)
    seed          = SHA-256("touchstone/battery-seed/1" 0x00 seed32)

where set32 is the SHA-256 of the set's id and item32 the digest of the whole item. One revealed
position says nothing about another; the revealed seed lets anyone draw the battery again.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from touchstone.evaluation.digests import Frozen, digest_value, tagged, without_defaults
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.errors import RevealError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.code import FamilyCode
from touchstone.evaluation.packs.mark import PackMark
from touchstone.evaluation.set_choices import DeclaredScore, RoleMark, SetLimits
from touchstone.ledger import dumps

SEED_BYTES = 32
_SEED_BITS = 64
"""Of an item's seed."""


class SealedSet(Frozen):
    """The public part of one item set: it goes into the record before the first sample."""

    id: str
    criterion: str
    family: str
    version: str
    least_grade: str
    difficulties: tuple[tuple[int, int], ...]
    """(difficulty, how many), ascending."""
    commitments: tuple[str, ...]
    """Hex, one for each position of the permutation."""
    order: str
    """Hex: commitment to the permutation from the order of drawing to the order of running."""
    made_by: FamilyCode | None = None
    """Whose code drew it; None in a battery sealed before that was kept."""
    cheat: str = ""
    """The cheapest way known then to solve its items without what they seem to ask for."""
    pack: PackMark | None = None
    """Whose items and scores they are, where they are a pack's; None: a family's."""
    attempts: int = 1
    """How often each item is tried; the first attempt decides."""
    limits: SetLimits = SetLimits()
    """Of one sample, where the battery's file says otherwise than the pack or the elicitation."""
    roles: Mapping[str, RoleMark] = {}
    """The models that a pack asks beside the subject."""
    score: DeclaredScore | None = None
    """How a pack's scores are read."""
    elicitation: Elicitation | None = None
    """How the model is drawn out on this set; None: as on the others."""

    @model_serializer(mode="wrap")
    def _kept(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not there is left out, so that older batteries keep their digests."""
        return without_defaults(self, plain(self))

    def drawn_out(self, usual: Elicitation) -> Elicitation:
        """How the model is drawn out on it: with its own limits, if it has any.

        Args:
            usual: That of the sets that name none.
        """
        how, limits = self.elicitation or usual, self.limits
        own = {
            "message_limit": limits.messages,
            "token_limit": limits.tokens,
            "working_seconds": limits.working_seconds,
        }
        chosen: dict[str, object] = {k: value for k, value in own.items() if value is not None}
        if limits.tokens is not None:
            # Of a smaller budget nothing beyond it is judged.
            kept = [each for each in how.checkpoints if each < limits.tokens]
            chosen["checkpoints"] = tuple(kept)
        return how.model_copy(update=chosen) if chosen else how


class SealedBattery(Frozen):
    """The public part of a battery."""

    id: str
    seed: str
    """Hex: commitment to the seed."""
    sets: tuple[SealedSet, ...]
    file: str = ""
    """The digest of the battery file that it was drawn by; empty: there was none."""

    @model_serializer(mode="wrap")
    def _without_no_file(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not there is left out, so that older batteries keep their digests."""
        value: dict[str, Any] = plain(self)
        return {k: v for k, v in value.items() if k != "file" or v}

    @property
    def digest(self) -> str:
        """What chunks and the record refer to."""
        parts = [digest_value(sealed.model_dump(mode="json")) for sealed in self.sets]
        return digest_value({"id": self.id, "seed": self.seed, "sets": parts})

    def find(self, item_set: str) -> SealedSet:
        """The set of that id.

        Raises:
            RevealError: there is none.
        """
        for sealed in self.sets:
            if sealed.id == item_set:
                return sealed
        raise RevealError(f"the battery has no item set {item_set!r}")


class Reveal(Frozen):
    """One opened position: enough to check the commitment, and to make the item again."""

    item_set: str
    index: int
    salt: str
    """Hex, 32 bytes."""
    item: str
    """The item's digest."""
    item_id: str
    """`<family>/<difficulty>-<seed>`: the family of the stated version makes it again."""
    flaw: str = ""
    """The flaw that the item plants, as committed with it: items of one flaw are near-copies."""


def item_digest(item: Item) -> str:
    """Digest of everything in an item: any change of a byte anywhere changes it."""

    def files(contents: Iterable[tuple[str, bytes]]) -> dict[str, str]:
        return {name: hashlib.sha256(data).hexdigest() for name, data in contents}

    return digest_value(
        {
            "answer": item.answer,
            "answer_limit": item.answer_limit,
            "difficulty": item.difficulty,
            "domain": item.domain,
            "family": item.family,
            "files": files(item.files.items()),
            "id": item.id,
            "judge": list(item.judge),
            "judge_files": files(item.judge_files.items()),
            "judge_seconds": item.judge_seconds,
            "prompt": item.prompt,
            "reference": hashlib.sha256(item.reference).hexdigest(),
            "seed": f"{item.seed:016x}",
            "version": item.version,
            # Only where there are some: the digests of other items stay what they were.
            **({"watched": list(item.watched)} if item.watched else {}),
        }
    )


def permutation(seed: bytes, item_set: str, size: int) -> tuple[int, ...]:
    """The order of running: position p runs the item drawn at `result[p]`. From the seed alone."""
    place = _set_bytes(item_set)

    def key(drawn: int) -> bytes:
        return tagged("touchstone/shuffle/1", _checked(seed), place, drawn.to_bytes(8, "big"))

    # Sorted by hash and not drawn from a generator, whose next version could draw otherwise.
    return tuple(sorted(range(size), key=key))


def item_seed(seed: bytes, item_set: str, drawn: int) -> int:
    """The 64-bit seed of the item drawn as number `drawn` of a set."""
    place = _set_bytes(item_set)
    digest = tagged("touchstone/item-seed/1", _checked(seed), place, drawn.to_bytes(8, "big"))
    return int.from_bytes(digest[:8], "big")


def dealt_seed(drawn: int, number: int, kinds: int) -> int:
    """A 64-bit seed in the place of a drawn one, with the kind that is the number's turn.

    Its remainder over `kinds` is that of `number`; the rest of it is drawn.
    """
    whole = (1 << _SEED_BITS) // kinds
    return drawn % whole * kinds + number % kinds


def order_commitment(seed: bytes, item_set: str, order: Sequence[int]) -> str:
    """Hex commitment to a set's permutation."""
    salt = tagged("touchstone/order-salt/1", _checked(seed), _set_bytes(item_set))
    shuffled = hashlib.sha256(dumps(list(order))).digest()
    return tagged("touchstone/order/1", salt, shuffled).hex()


def commitments(
    seed: bytes, item_set: str, digests: Sequence[str], flaws: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Hex commitments to the items of a set, given their digests in the order of running.

    `flaws` are the items' flaw labels in that order; None: they have none.
    """
    labels = flaws if flaws is not None else [""] * len(digests)
    return tuple(
        _commit(_salt(seed, item_set, index), item_set, index, digest, flaw)
        for index, (digest, flaw) in enumerate(zip(digests, labels, strict=True))
    )


def reveal(
    seed: bytes, item_set: str, items: Sequence[Item], indices: Iterable[int]
) -> list[Reveal]:
    """Open positions of a set; `items` are all of its items in the order of running."""
    return [
        Reveal(
            item_set=item_set,
            index=index,
            salt=_salt(seed, item_set, index).hex(),
            item=item_digest(items[index]),
            item_id=items[index].id,
            flaw=items[index].flaw,
        )
        for index in indices
    ]


def check_reveal(sealed: SealedBattery, opened: Reveal, item: Item | None = None) -> None:
    """Check one opened position against the battery as it stood in the record.

    Args:
        sealed: The public part, from the record.
        opened: What was revealed.
        item: The item itself, if it was made again.

    Raises:
        RevealError: the position, its commitment or the item differ.
    """
    committed = sealed.find(opened.item_set).commitments
    place = f"position {opened.index} of {opened.item_set}"
    if not 0 <= opened.index < len(committed):
        raise RevealError(f"{place}: the set has {len(committed)} positions")
    try:
        salt = bytes.fromhex(opened.salt)
        again = _commit(salt, opened.item_set, opened.index, opened.item, opened.flaw)
    except ValueError as error:
        raise RevealError(f"{place}: the salt or the item's digest is not hex") from error
    # A salt of another length could be chosen after the fact, to make another item fit.
    if len(salt) != SEED_BYTES or not hmac.compare_digest(again, committed[opened.index]):
        raise RevealError(f"{place}: not what was committed before the first sample")
    if item is not None and (
        (item_digest(item), item.id, item.flaw) != (opened.item, opened.item_id, opened.flaw)
    ):
        raise RevealError(f"{place}: the item is not the one that was committed")


def _checked(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a battery seed has {SEED_BYTES} bytes, not {len(seed)}")
    return seed


def _set_bytes(item_set: str) -> bytes:
    return hashlib.sha256(item_set.encode()).digest()


def _salt(seed: bytes, item_set: str, index: int) -> bytes:
    place = _set_bytes(item_set)
    return tagged("touchstone/item-salt/1", _checked(seed), place, index.to_bytes(8, "big"))


def _commit(salt: bytes, item_set: str, index: int, digest: str, flaw: str) -> str:
    item = bytes.fromhex(digest.removeprefix("sha256:"))
    place = _set_bytes(item_set) + index.to_bytes(8, "big")
    # Items without one keep the form, and the commitment, that they had before there were labels.
    if not flaw:
        return tagged("touchstone/item/1", salt, place, item).hex()
    label = hashlib.sha256(flaw.encode()).digest()
    return tagged("touchstone/item/2", salt, place, item, label).hex()
