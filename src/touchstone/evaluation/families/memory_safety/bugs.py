"""The flaws: each as the core of one record handler, with its mend, a crashing and a benign body.

A core begins at body offset `at`, after the handler's guards, with `len >= at` known.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from touchstone.evaluation.families.draws import Draws

SLOTS = 4


@dataclass(frozen=True)
class Bug:
    """One flaw."""

    kind: str
    """What AddressSanitizer calls it, or nearly."""
    core: str
    """C statements that hold the flaw."""
    mended: str
    """The same statements without it."""
    crash: bytes
    """The rest of a body that shows the flaw."""
    benign: bytes
    """The rest of a body that does not."""
    name: str = ""
    """Kebab case: which of the flaws below it is."""
    lifetime: bool = False
    """Whether the flaw needs a slot that was filled and dropped before."""

    @property
    def long_records(self) -> bool:
        """Whether the crashing body may pass 255 bytes."""
        return len(self.crash) > 200  # noqa: PLR2004 - leaves room for guards


def _whole_copy(draws: Draws, at: int) -> Bug:
    """The rest of the body is copied; the bound is there, but too wide."""
    room = draws.between(12, 40)
    return _copy(draws, at, room, room + draws.between(8, 60))


def _open_copy(draws: Draws, at: int) -> Bug:
    """The rest of the body is copied, whatever its length."""
    return _copy(draws, at, draws.between(12, 40), None)


def _copy(draws: Draws, at: int, room: int, cap: int | None) -> Bug:
    text = (
        f"    char text[{room}];\n"
        f"    size_t n = len - {at};\n@@"
        f"    memcpy(text, body + {at}, n);\n"
        '    printf("text %u\\n", (unsigned)total((const uint8_t *)text, n));\n'
    )
    bound = '    if (n > @@)\n        return fail("text too long");\n'
    return Bug(
        "stack-buffer-overflow",
        text.replace("@@", bound.replace("@@", str(cap)) if cap else ""),
        text.replace("@@", bound.replace("@@", "sizeof text")),
        draws.data(cap or room + draws.between(1, 40)),
        draws.data(room // 2),
    )


def _counted_copy(draws: Draws, at: int) -> Bug:
    room = draws.between(16, 48)
    text = (
        f"    char label[{room}];\n"
        f'    if (len < {at + 1})\n        return fail("label cut short");\n'
        f"    size_t n = body[{at}];\n"
        f'    if (n > len - {at + 1}@@)\n        return fail("label out of bounds");\n'
        f"    memcpy(label, body + {at + 1}, n);\n"
        '    printf("label %u\\n", (unsigned)total((const uint8_t *)label, n));\n'
    )
    size = room + draws.between(1, 40)
    benign = room // 2
    return Bug(
        "stack-buffer-overflow",
        text.replace("@@", ""),
        text.replace("@@", " || n > sizeof label"),
        bytes([size]) + draws.data(size),
        bytes([benign]) + draws.data(benign),
    )


def _two_fields(draws: Draws, at: int) -> Bug:
    text = (
        f'    if (len < {at + 2})\n        return fail("block cut short");\n'
        f"    size_t room = body[{at}], used = body[{at + 1}];\n"
        f'    if (used > len - {at + 2}@@)\n        return fail("block out of bounds");\n'
        "    uint8_t *block = malloc(room + 1);\n"
        '    if (!block)\n        return fail("no memory");\n'
        f"    memcpy(block, body + {at + 2}, used);\n"
        '    printf("block %u\\n", (unsigned)total(block, used));\n'
        "    free(block);\n"
    )
    room = draws.between(8, 30)
    used = room + draws.between(2, 40)
    return Bug(
        "heap-buffer-overflow",
        text.replace("@@", ""),
        text.replace("@@", " || used > room"),
        bytes([room, used]) + draws.data(used),
        bytes([used, room]) + draws.data(room),
    )


def _off_by_one(draws: Draws, at: int) -> Bug:
    room = draws.between(5, 60)
    text = (
        f"    uint16_t table[{room}] = {{0}};\n"
        f'    if (len < {at + 3})\n        return fail("cell cut short");\n'
        f"    unsigned cell = body[{at}];\n"
        f'    if (cell @@ {room})\n        return fail("no such cell");\n'
        f"    table[cell] = (uint16_t)(body[{at + 1}] + body[{at + 2}]);\n"
        '    printf("cell %u\\n", (unsigned)table[0]);\n'
    )
    tail = draws.data(2)
    return Bug(
        "stack-buffer-overflow",
        text.replace("@@", ">"),
        text.replace("@@", ">="),
        bytes([room]) + tail,
        bytes([room - 1 - draws.below(3)]) + tail,
    )


def _truncation(draws: Draws, at: int) -> Bug:
    width = draws.between(3, 9)
    text = (
        f'    if (len < {at + 1})\n        return fail("rows cut short");\n'
        f"    unsigned rows = body[{at}];\n"
        f"    if ((size_t)rows * {width} > len - {at + 1})\n"
        '        return fail("rows out of bounds");\n'
        f"    @@ room = (@@)(rows * {width} + 1);\n"
        "    uint8_t *sheet = malloc(room ? room : 1);\n"
        '    if (!sheet)\n        return fail("no memory");\n'
        "    for (unsigned i = 0; i < rows; i++)\n"
        f"        memcpy(sheet + i * {width}, body + {at + 1} + i * {width}, {width});\n"
        f'    printf("rows %u\\n", (unsigned)total(sheet, (size_t)rows * {width}));\n'
        "    free(sheet);\n"
    )
    rows = 256 // width + draws.between(1, 4)
    benign = draws.between(1, 4)
    return Bug(
        "heap-buffer-overflow",
        text.replace("@@", "uint8_t"),
        text.replace("@@", "size_t"),
        bytes([rows]) + draws.data(rows * width),
        bytes([benign]) + draws.data(benign * width),
    )


def _below_zero(draws: Draws, at: int) -> Bug:
    room = draws.between(8, 48)
    text = (
        f"    uint16_t gauge[{room}] = {{0}};\n"
        f'    if (len < {at + 2})\n        return fail("gauge cut short");\n'
        f"    int step = (int8_t)body[{at}];\n"
        f'    if (@@step >= {room})\n        return fail("no such step");\n'
        f"    gauge[step] = body[{at + 1}];\n"
        '    printf("gauge %u\\n", (unsigned)gauge[0]);\n'
    )
    tail = draws.data(1)
    return Bug(
        "stack-buffer-underflow",
        text.replace("@@", ""),
        text.replace("@@", "step < 0 || "),
        bytes([0xFF]) + tail,
        bytes([draws.below(room)]) + tail,
    )


def _stale_slot(draws: Draws, at: int) -> Bug:
    slot = draws.below(SLOTS)
    text = (
        f'    if (len < {at + 1} || body[{at}] >= {SLOTS})\n        return fail("no such slot");\n'
        f"    unsigned i = body[{at}];\n"
        '    if (!s->slot[i]@@)\n        return fail("empty slot");\n'
        '    printf("slot %u\\n", (unsigned)total(s->slot[i], s->filled[i]));\n'
    )
    return Bug(
        "heap-use-after-free",
        text.replace("@@", ""),
        text.replace("@@", " || !s->live[i]"),
        bytes([slot]),
        bytes([slot]),
        lifetime=True,
    )


_MAKERS: dict[int, tuple[Callable[[Draws, int], Bug], ...]] = {
    1: (_open_copy, _open_copy, _off_by_one, _below_zero),
    2: (_counted_copy, _two_fields, _off_by_one, _below_zero, _whole_copy),
    3: (_counted_copy, _two_fields, _off_by_one, _below_zero, _truncation, _stale_slot),
    4: (_two_fields, _off_by_one, _truncation, _stale_slot, _counted_copy),
    5: (_two_fields, _off_by_one, _truncation, _stale_slot),
}


def draw_bug(draws: Draws, difficulty: int, at: int) -> Bug:
    """One flaw of those that the difficulty allows, whose core begins at body offset `at`."""
    maker = draws.pick(_MAKERS[difficulty])
    return replace(maker(draws, at), name=maker.__name__.strip("_").replace("_", "-"))
