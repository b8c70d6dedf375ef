"""One program's plan: the handlers of its records, and the records that reach the flaw."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety.bugs import SLOTS, Bug, draw_bug
from touchstone.evaluation.families.memory_safety.layout import Layout, Record, draw_layout

_NAMES = (
    "amber",
    "basin",
    "cinder",
    "drift",
    "ember",
    "fallow",
    "garnet",
    "hollow",
    "inlet",
    "juniper",
    "kelp",
    "larch",
    "marrow",
    "nettle",
    "ochre",
    "pebble",
    "quarry",
    "rushes",
    "sedge",
    "thicket",
    "umber",
    "verge",
    "willow",
    "yarrow",
)
_VERBS = ("on", "take", "read", "do")
_FIELDS = ("mode", "phase", "stage", "state")
_COUNTS = ("seen", "marks", "beats", "hits")
_DEPTH = {1: 0, 2: 0, 3: 0, 4: 1, 5: 2}
_BYTE_GUARDS = {1: 0, 2: 1, 3: 1, 4: 2, 5: 2}
MODE_FROM, COUNTER_FROM, KEY_FROM = 3, 4, 5
"""The difficulties from which a mode, a counter, and a key with a sealed group are needed."""


@dataclass(frozen=True)
class Handler:
    """One kind of record."""

    name: str
    """Name of its C function."""
    tag: int
    text: str
    """Body of its C function."""
    sample: bytes
    """A body that it accepts in any state."""


@dataclass(frozen=True)
class Plan:
    """Everything that the program, the sample and the reference are written from."""

    title: str
    layout: Layout
    handlers: tuple[Handler, ...]
    mended: Handler
    """The flawed handler without its flaw; takes the place of the one of its name."""
    mixer: str
    """C function that turns the key into a token; empty where none is used."""
    sample: tuple[Record, ...]
    crash: tuple[Record, ...]
    mode: str
    """Name of the session's mode field."""
    counter: str
    """Name of the session's counter field."""
    flaw: str
    """Which flaw, in kebab case."""


@dataclass
class _Guarded:
    """A handler's guards while they are drawn: C text, and body bytes that pass them."""

    text: str
    data: bytes


class Planner:
    """Draws one plan. Used once."""

    def __init__(self, draws: Draws, difficulty: int) -> None:
        self._draws = draws
        self._difficulty = difficulty
        self._verb = draws.pick(_VERBS)
        self._names = iter(draws.sample(_NAMES, len(_NAMES)))
        self._tags = iter(draws.sample(range(0x10, 0xF0), len(_NAMES)))
        self._mode = draws.pick(_FIELDS)
        self._counter = draws.pick(_COUNTS)
        self._title = next(self._names)
        self._mixer = ""
        self._handlers: list[Handler] = []
        self._before: list[Record] = []

    def plan(self) -> Plan:
        """The whole plan."""
        guarded = self._guards()
        bug = draw_bug(self._draws, self._difficulty, len(guarded.data))
        layout = draw_layout(self._draws, self._difficulty, long_records=bug.long_records)
        head = self._require(guarded.data) + guarded.text
        flawed = self._handler(head + bug.core, guarded.data + bug.benign)
        self._handlers.append(flawed)
        mended = Handler(flawed.name, flawed.tag, head + bug.mended, flawed.sample)
        records = [*self._fill_slot(bug), (flawed.tag, guarded.data + bug.crash)]
        sound = self._decoys()
        self._handlers += sound
        records = self._nest(records, layout)
        sample = [(h.tag, h.sample) for h in self._draws.sample(sound, 3)]
        if self._difficulty < MODE_FROM:
            sample.insert(self._draws.below(3), (flawed.tag, flawed.sample))
        return Plan(
            self._title,
            layout,
            tuple(self._draws.sample(self._handlers, len(self._handlers))),
            mended,
            self._mixer,
            tuple(sample),
            (*self._before, *records),
            self._mode,
            self._counter,
            bug.name,
        )

    def _handler(self, text: str, sample: bytes) -> Handler:
        return Handler(f"{self._verb}_{next(self._names)}", next(self._tags), text, sample)

    @staticmethod
    def _require(data: bytes) -> str:
        if not data:
            return "    (void)s;\n"
        return (
            f'    (void)s;\n    if (len < {len(data)})\n        return fail("record too short");\n'
        )

    # ------------------------------------------------------------ guards

    def _byte_guard(self, at: int) -> _Guarded:
        """One condition on the body's bytes from `at`."""
        draws = self._draws
        value, second = draws.between(1, 254), draws.between(1, 254)
        refuse = '        return fail("not this kind");\n'
        match draws.below(4):
            case 0:
                return _Guarded(f"    if (body[{at}] != 0x{value:02x})\n{refuse}", bytes([value]))
            case 1:
                mask = draws.pick((0xF0, 0x0F, 0x3C, 0xE7))
                return _Guarded(
                    f"    if ((body[{at}] & 0x{mask:02x}) != 0x{value & mask:02x})\n{refuse}",
                    bytes([value]),
                )
            case 2:
                return _Guarded(
                    f"    if ((body[{at}] ^ 0x{second:02x}) != 0x{value:02x})\n{refuse}",
                    bytes([value ^ second]),
                )
            case _:
                total = (value + second) & 0xFF
                return _Guarded(
                    f"    if ((uint8_t)(body[{at}] + body[{at + 1}]) != 0x{total:02x})\n{refuse}",
                    bytes([value, second]),
                )

    def _guards(self) -> _Guarded:
        """All guards of the flawed handler; writes the handlers and records that satisfy them."""
        all_of = _Guarded("", b"")
        for _ in range(_BYTE_GUARDS[self._difficulty]):
            one = self._byte_guard(len(all_of.data))
            all_of.text += one.text
            all_of.data += one.data
        if self._difficulty >= MODE_FROM:
            all_of.text += self._mode_guard()
        if self._difficulty >= COUNTER_FROM:
            all_of.text += self._counter_guard()
        if self._difficulty >= KEY_FROM:
            token = self._token_guard(len(all_of.data))
            all_of.text += token.text
            all_of.data += token.data
        if depth := _DEPTH[self._difficulty]:
            all_of.text += f'    if (s->depth != {depth})\n        return fail("wrong depth");\n'
        return all_of

    def _mode_guard(self) -> str:
        guard = self._byte_guard(0)
        at, value = len(guard.data), self._draws.between(1, 250)
        text = f"    s->{self._mode} = body[{at}];\n"
        handler = self._handler(
            self._require(guard.data + b"?") + guard.text + text, guard.data + bytes([0])
        )
        self._handlers.append(handler)
        self._before.append((handler.tag, guard.data + bytes([value])))
        return f'    if (s->{self._mode} != 0x{value:02x})\n        return fail("wrong time");\n'

    def _counter_guard(self) -> str:
        guard = self._byte_guard(0)
        handler = self._handler(
            self._require(guard.data) + guard.text + f"    s->{self._counter}++;\n", guard.data
        )
        self._handlers.append(handler)
        wanted = self._draws.between(2, 5)
        self._before += [(handler.tag, guard.data)] * wanted
        return (
            f"    if (s->{self._counter} {self._draws.pick(('<', '!='))} {wanted})\n"
            '        return fail("too early");\n'
        )

    def _token_guard(self, at: int) -> _Guarded:
        """The body must repeat a token made from the key that another record sets."""
        key = self._draws.data(2, 1, 255)
        handler = self._handler(
            self._require(b"??") + "    s->key = (uint16_t)(body[0] << 8 | body[1]);\n", b"\1\1"
        )
        self._handlers.append(handler)
        self._before.append((handler.tag, key))
        number = int.from_bytes(key, "big")
        factor, added = self._draws.between(3, 999) | 1, self._draws.between(1, 999)
        if self._draws.below(2):
            wanted = (number * factor + added) & 0xFFFF
            made = f"(uint16_t)(s->key * {factor}u + {added}u)"
        else:
            rounds, wanted = self._draws.between(5, 12), number
            for step in range(rounds):
                wanted = (wanted * factor ^ wanted >> 7 ^ step + added) & 0xFFFF
            self._mixer = (
                "static uint16_t blend(uint16_t v)\n{\n"
                f"    for (unsigned i = 0; i < {rounds}; i++)\n"
                f"        v = (uint16_t)((v * {factor}u) ^ (v >> 7) ^ (i + {added}u));\n"
                "    return v;\n}\n\n"
            )
            made = "blend(s->key)"
        text = (
            f"    if ((uint16_t)(body[{at}] << 8 | body[{at + 1}]) != {made})\n"
            '        return fail("wrong token");\n'
        )
        return _Guarded(
            '    if (!s->key)\n        return fail("no key");\n' + text, wanted.to_bytes(2, "big")
        )

    # ------------------------------------------------------------ records around the flaw

    def _fill_slot(self, bug: Bug) -> list[Record]:
        """Where the flaw is one of lifetime: handlers that fill and drop a slot, both records."""
        if not bug.lifetime:
            return []
        keep = self._handler(
            self._require(b"??") + f"    unsigned i = body[0];\n    if (i >= {SLOTS})\n"
            '        return fail("no such slot");\n'
            "    uint8_t *fresh = malloc(len - 1);\n"
            '    if (!fresh)\n        return fail("no memory");\n'
            "    memcpy(fresh, body + 1, len - 1);\n"
            "    if (s->live[i])\n        free(s->slot[i]);\n"
            "    s->slot[i] = fresh;\n    s->filled[i] = len - 1;\n    s->live[i] = 1;\n",
            bytes([0]) + self._draws.data(5),
        )
        drop = self._handler(
            self._require(b"?")
            + f"    unsigned i = body[0];\n    if (i >= {SLOTS} || !s->live[i])\n"
            '        return fail("nothing to drop");\n'
            "    free(s->slot[i]);\n    s->live[i] = 0;\n",
            bytes([0]),
        )
        self._handlers += [keep, drop]
        slot = bug.crash[:1]
        return [(keep.tag, slot + self._draws.data(self._draws.between(4, 20))), (drop.tag, slot)]

    def _nest(self, records: Sequence[Record], layout: Layout) -> list[Record]:
        """Wrap records in as many groups as the flaw asks for; the outer of two is sealed."""
        wrapped = list(records)
        for level in range(_DEPTH[self._difficulty]):
            inner = layout.records(wrapped)
            if level == 1:
                mask = self._draws.between(1, 255)
                salt, sealed = self._sealed_group()
                self._before.append((salt.tag, bytes([mask])))
                wrapped = [(sealed.tag, bytes(byte ^ mask for byte in inner))]
            else:
                group = self._group()
                wrapped = [(group.tag, self._draws.data(1) + inner)]
        return wrapped

    def _group(self) -> Handler:
        group = self._handler(
            self._require(b"?")
            + '    if (s->depth > s->sealed)\n        return fail("group in a group");\n'
            "    s->depth++;\n    int r = walk(s, body + 1, len - 1);\n    s->depth--;\n"
            "    if (r)\n        return r;\n",
            b"-",
        )
        self._handlers.append(group)
        return group

    def _sealed_group(self) -> tuple[Handler, Handler]:
        salt = self._handler(self._require(b"?") + "    s->mask = body[0];\n", b"\0")
        sealed = self._handler(
            self._require(b"?") + "    if (!s->mask || s->sealed)\n"
            '        return fail("cannot unseal");\n'
            "    uint8_t *plain = malloc(len);\n"
            '    if (!plain)\n        return fail("no memory");\n'
            "    for (size_t i = 0; i < len; i++)\n        plain[i] = body[i] ^ s->mask;\n"
            "    s->depth++;\n    s->sealed++;\n    int r = walk(s, plain, len);\n"
            "    s->sealed--;\n    s->depth--;\n    free(plain);\n"
            "    if (r)\n        return r;\n",
            b"",
        )
        self._handlers += [salt, sealed]
        return salt, sealed

    # ------------------------------------------------------------ decoys

    def _decoys(self) -> list[Handler]:
        """Handlers that look like the flawed ones and are sound."""
        makers = (self._sound_copy, self._sound_index, self._sound_block, self._sound_sum)
        chosen = [*makers, *makers][: 2 + self._difficulty]
        return [make() for make in chosen]

    def _sound_copy(self) -> Handler:
        room = self._draws.between(16, 64)
        return self._handler(
            self._require(b"?") + f"    char label[{room}];\n    size_t n = body[0];\n"
            "    if (n > len - 1 || n >= sizeof label)\n"
            '        return fail("label out of bounds");\n'
            "    memcpy(label, body + 1, n);\n    label[n] = 0;\n"
            '    printf("label %u\\n", (unsigned)strlen(label));\n',
            bytes([6]) + self._draws.data(6),
        )

    def _sound_index(self) -> Handler:
        room = self._draws.between(6, 40)
        return self._handler(
            self._require(b"??")
            + f"    uint16_t table[{room}] = {{0}};\n    unsigned cell = body[0];\n"
            f'    if (cell >= {room})\n        return fail("no such cell");\n'
            '    table[cell] = body[1];\n    printf("cell %u\\n", (unsigned)table[0]);\n',
            bytes([self._draws.below(room)]) + self._draws.data(1),
        )

    def _sound_block(self) -> Handler:
        return self._handler(
            self._require(b"??") + "    size_t room = body[0], used = body[1];\n"
            '    if (used > room || used > len - 2)\n        return fail("block out of bounds");\n'
            "    uint8_t *block = malloc(room + 1);\n"
            '    if (!block)\n        return fail("no memory");\n'
            "    memcpy(block, body + 2, used);\n"
            '    printf("block %u\\n", (unsigned)total(block, used));\n    free(block);\n',
            bytes([9, 7]) + self._draws.data(7),
        )

    def _sound_sum(self) -> Handler:
        factor = self._draws.between(2, 9)
        return self._handler(
            self._require(b"")
            + f'    printf("weight %u\\n", (unsigned)total(body, len) * {factor});\n',
            self._draws.data(4),
        )


def draw_plan(draws: Draws, difficulty: int) -> Plan:
    """Invent one program."""
    return Planner(draws, difficulty).plan()
