"""Each recipient's own variant of a pack's items, and whose variant a text came from.

A pack that people wrote may hold slots, `{{NAME}}`, in its items, and a canary in each. What a
recipient gets in their place follows from a secret that the authors alone keep::

    word   = words[HMAC-SHA-256(secret, "touchstone/variant/1" 0x00 recipient 0x00 item 0x00 slot)
             as a number, modulo how many words there are]
    canary = the declared one, "-", and the first 32 hex digits of
             HMAC-SHA-256(secret, "touchstone/canary/1" 0x00 recipient)

Words of different recipients, items and slots are independent. So how often a text agrees by
chance with a variant that it does not come from is known exactly, whoever wrote it.
"""

import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.items import FrozenItem, FrozenItems, item_set, item_text
from touchstone.evaluation.toml_models import model_in_toml
from touchstone.handin import Bounds, Origin
from touchstone.statistics import chance_of_matches

SECRET = 32
MOST_TEXT = 8 << 20
"""Bytes of a text that is looked through."""
_MOST_FILE = 1 << 20
_SLOT = re.compile(r"\{\{([A-Z][A-Z0-9_]{0,39})\}\}")
_TAG = 32
_CONTEXT = 24
"""Characters beside a slot by which it is found again in a text."""
_LEAST_CONTEXT = 8
_SPACE = re.compile(r"\s+")


def _words(value: tuple[str, ...]) -> tuple[str, ...]:
    if len({each.casefold() for each in value}) < len(value):
        raise ValueError("a word is there twice: every variant must differ")
    if any(_SPACE.sub(" ", each).strip() != each for each in value):
        raise ValueError("write words without space around them or doubled within")
    return value


Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^{}]+$")]
SlotName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
Words = Annotated[tuple[Word, ...], Field(min_length=2, max_length=1000), AfterValidator(_words)]


class PackVariants(Frozen):
    """What may differ between recipients: by slot the words of which each gets one an item."""

    slots: Annotated[Mapping[SlotName, Words], Field(max_length=200)]


def parse_variants(data: bytes, name: str) -> PackVariants:
    """Read the file that `people.variants` names.

    Raises:
        PackError: it cannot be used. One line, naming the key and the fix.
    """
    origin = Origin(name, PackError)
    return model_in_toml(PackVariants, data, origin, Bounds(_MOST_FILE))


def slot_faults(slots: Mapping[str, Sequence[str]], items: Sequence[FrozenItem]) -> list[str]:
    """Slots that stand in items and are not declared, or are declared and stand in none."""
    there = {name for each in items for name in _SLOT.findall(item_text(each))}
    return [
        *(f"slot {{{{{name}}}}}: no words are given for it" for name in sorted(there - {*slots})),
        *(f"slot {name}: stands in no item" for name in sorted({*slots} - there)),
    ]


@dataclass(frozen=True)
class Variation:
    """The items of a pack before anybody's words are put in, and what puts them in."""

    items: tuple[FrozenItem, ...]
    """As the authors registered them."""
    slots: Mapping[str, Sequence[str]]
    canary: str
    secret: bytes
    """32 bytes."""

    def word(self, recipient: str, item: FrozenItem, slot: str) -> str:
        """What a recipient gets in a slot of an item."""
        told = b"\0".join([recipient.encode(), item.digest.encode(), slot.encode()])
        drawn = hmac.digest(self.secret, b"touchstone/variant/1\0" + told, "sha256")
        words = self.slots[slot]
        return words[int.from_bytes(drawn, "big") % len(words)]

    def canary_of(self, recipient: str) -> str:
        """The canary in a recipient's items."""
        told = b"touchstone/canary/1\0" + recipient.encode()
        return f"{self.canary}-{hmac.digest(self.secret, told, 'sha256').hex()[:_TAG]}"

    def of(self, recipient: str) -> FrozenItems:
        """A recipient's items.

        Raises:
            PackError: two of them come out alike.
        """
        return item_set([self._filled(recipient, each) for each in self.items])

    def _filled(self, recipient: str, item: FrozenItem) -> Any:
        def word(found: re.Match[str]) -> str:
            # Within JSON: as its text has it, between the quotes.
            return json.dumps(self.word(recipient, item, found[1]))[1:-1]

        text = item_text(item).replace(self.canary, self.canary_of(recipient))
        return json.loads(_SLOT.sub(word, text))

    def alike_by_chance(self) -> float:
        """How likely two recipients' words are the same in every slot of every item."""
        chance = 1.0
        for item in self.items:
            for slot in {*_SLOT.findall(item_text(item))}:
                chance /= len(self.slots[slot])
        return chance

    @cached_property
    def _places(self) -> tuple["_Place", ...]:
        return tuple(place for item in self.items for place in self._places_in(item))

    def _places_in(self, item: FrozenItem) -> Iterator["_Place"]:
        for text in _texts(item.model_dump(mode="json")):
            parts = _SLOT.split(_plain(text))
            for number in range(1, len(parts), 2):
                before, after = parts[number - 1][-_CONTEXT:], parts[number + 1][:_CONTEXT]
                if len(before) + len(after) >= _LEAST_CONTEXT:
                    yield _Place(item, parts[number], before, after)

    def attribute(self, text: str, recipients: Sequence[str]) -> "tuple[Attribution, ...]":
        """Of each recipient, how far a text is of its variant; the least likely by chance first.

        Every slot that the text shows is looked at once. Where it shows several words in one, as a
        text that joins two variants does, each that agrees counts as what it then is by chance.
        Words and canaries are tested apart: by their number alone, a canary that nobody hits by
        accident would count no more than one of two words.

        Args:
            text: What was found somewhere.
            recipients: Who got a variant.
        """
        plain = _plain(text)
        shown: dict[tuple[str, str], tuple[FrozenItem, set[str]]] = {}
        for place in self._places:
            words = self.slots[place.slot]
            for word in place.words_in(plain, words):
                key = place.item.digest, place.slot
                shown.setdefault(key, (place.item, set()))[1].add(word)
        tags = set(re.findall(re.escape(self.canary) + rf"-([0-9a-f]{{{_TAG}}})", text))
        chances = [len(words) / len(self.slots[slot]) for (_, slot), (_, words) in shown.items()]
        by_canary = min(1.0, len(tags) / 16.0**_TAG)
        # Of two tests the better one is told, so its chance counts twice.
        tests = bool(chances) + bool(tags)
        found = []
        for name in recipients:
            agrees = sum(
                self.word(name, item, slot) in words for (_, slot), (item, words) in shown.items()
            )
            canary = self.canary_of(name).rpartition("-")[2] in tags
            least = min(chance_of_matches(chances, agrees), by_canary if canary else 1.0)
            # Of all who got one, so that many recipients make nobody look guilty.
            chance = min(1.0, least * max(tests, 1) * len(recipients))
            found.append(Attribution(name, agrees + canary, len(chances) + bool(tags), chance))
        return tuple(sorted(found, key=lambda each: (each.chance, each.recipient)))


@dataclass(frozen=True)
class Attribution:
    """How far a text is of one recipient's variant."""

    recipient: str
    agrees: int
    shown: int
    """Slots, and the canary, that the text shows."""
    chance: float
    """At most so likely is it that any recipient's variant agrees so far with a text that does not
    come from it."""


@dataclass(frozen=True)
class _Place:
    """Where a slot stands in an item."""

    item: FrozenItem
    slot: str
    before: str
    after: str

    def words_in(self, plain: str, words: Sequence[str]) -> Iterator[str]:
        """The words that a text shows in this place."""
        # First: most of a large pack is not in a text, and a plain search tells that at once.
        if self.before not in plain or self.after not in plain:
            return
        # The longest first: of two words, one may begin with the other.
        ordered = sorted(words, key=len, reverse=True)
        choice = "|".join(map(re.escape, ordered))
        wanted = re.escape(self.before) + f"({choice})" + re.escape(self.after)
        for found in re.finditer(wanted, plain):
            yield found[1]


def _plain(text: str) -> str:
    """Text with every run of white space as one blank: how a copy is set says nothing."""
    return _SPACE.sub(" ", text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
