"""The file format of one program: header, checksum and record heads, in C and in bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws

Record = tuple[int, bytes]
"""(tag, body)."""


@dataclass(frozen=True)
class Checksum:
    """One checksum, twice: as C source and as Python."""

    source: str
    """Body of a C function over `p` and `n`, returning the value."""
    compute: Callable[[bytes], int]
    width: int
    """Bytes in the header: 1, 2 or 4."""


def _xor8(start: int) -> Checksum:
    def compute(data: bytes) -> int:
        value = start
        for byte in data:
            value ^= byte
        return value

    source = (
        f"    uint8_t v = 0x{start:02x};\n    for (size_t i = 0; i < n; i++)\n        v ^= p[i];\n"
    )
    return Checksum(source + "    return v;", compute, 1)


def _sum16(start: int) -> Checksum:
    source = (
        f"    uint16_t v = 0x{start:04x};\n    for (size_t i = 0; i < n; i++)\n"
        "        v = (uint16_t)(v + p[i]);\n    return v;"
    )
    return Checksum(source, lambda data: (start + sum(data)) & 0xFFFF, 2)


def _fletcher(start: int) -> Checksum:
    def compute(data: bytes) -> int:
        low, high = start & 0xFF, 0
        for byte in data:
            low = (low + byte) % 255
            high = (high + low) % 255
        return high << 8 | low

    source = (
        f"    unsigned a = 0x{start & 0xFF:02x}, b = 0;\n    for (size_t i = 0; i < n; i++) {{\n"
        "        a = (a + p[i]) % 255;\n        b = (b + a) % 255;\n    }\n    return b << 8 | a;"
    )
    return Checksum(source, compute, 2)


def _turning(start: int) -> Checksum:
    def compute(data: bytes) -> int:
        value = start
        for byte in data:
            value = ((value << 5 | value >> 11) ^ byte) & 0xFFFF
        return value

    source = (
        f"    uint16_t v = 0x{start:04x};\n    for (size_t i = 0; i < n; i++)\n"
        "        v = (uint16_t)((v << 5 | v >> 11) ^ p[i]);\n    return v;"
    )
    return Checksum(source, compute, 2)


def _fnv(start: int) -> Checksum:
    def compute(data: bytes) -> int:
        value = start
        for byte in data:
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
        return value

    source = (
        f"    uint32_t v = 0x{start:08x}u;\n    for (size_t i = 0; i < n; i++) {{\n"
        "        v ^= p[i];\n        v *= 16777619u;\n    }\n    return v;"
    )
    return Checksum(source, compute, 4)


def _crc(start: int) -> Checksum:
    def compute(data: bytes) -> int:
        value = start
        for byte in data:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ 0xEDB88320 if value & 1 else value >> 1
        return value

    source = (
        f"    uint32_t v = 0x{start:08x}u;\n    for (size_t i = 0; i < n; i++) {{\n"
        "        v ^= p[i];\n        for (int k = 0; k < 8; k++)\n"
        "            v = v & 1 ? v >> 1 ^ 0xedb88320u : v >> 1;\n    }\n    return v;"
    )
    return Checksum(source, compute, 4)


# By difficulty; 1 and 2 have none.
_CHECKSUMS: dict[int, Sequence[tuple[Callable[[int], Checksum], int]]] = {
    3: ((_xor8, 0xFF), (_sum16, 0xFFFF)),
    4: ((_fletcher, 0xFE), (_turning, 0xFFFF), (_sum16, 0xFFFF)),
    5: ((_turning, 0xFFFF), (_fnv, 0xFFFFFFF0), (_crc, 0xFFFFFFF0)),
}


@dataclass(frozen=True)
class Layout:
    """Header: magic, perhaps a version byte, perhaps a checksum of all records. Then records."""

    magic: bytes
    version: int | None
    checksum: Checksum | None
    length_width: int
    """Bytes of a record's length: 1 or 2."""
    big_endian: bool
    tag_first: bool
    """Whether a record begins with its tag (else with its length)."""

    @property
    def order(self) -> str:
        """C text that reads a 16-bit number at p."""
        return "p[0] << 8 | p[1]" if self.big_endian else "p[0] | p[1] << 8"

    @property
    def check_at(self) -> int:
        """Offset of the checksum."""
        return len(self.magic) + (self.version is not None)

    @property
    def header(self) -> int:
        """Bytes before the first record."""
        return self.check_at + (self.checksum.width if self.checksum else 0)

    def number(self, value: int, width: int) -> bytes:
        """A number in the format's byte order."""
        return value.to_bytes(width, "big" if self.big_endian else "little")

    def records(self, records: Sequence[Record]) -> bytes:
        """Records one after the other."""
        written = b""
        for tag, body in records:
            size = self.number(len(body), self.length_width)
            written += (bytes([tag]) + size if self.tag_first else size + bytes([tag])) + body
        return written

    def file(self, records: Sequence[Record]) -> bytes:
        """A whole file."""
        rest = self.records(records)
        head = self.magic + (bytes([self.version]) if self.version is not None else b"")
        if self.checksum:
            head += self.number(self.checksum.compute(rest), self.checksum.width)
        return head + rest


def draw_layout(draws: Draws, difficulty: int, *, long_records: bool) -> Layout:
    """Invent a format. `long_records` asks for bodies above 255 bytes."""
    checksum = None
    if difficulty in _CHECKSUMS:
        make, top = draws.pick(_CHECKSUMS[difficulty])
        checksum = make(draws.between(1, top))
    wide = long_records or difficulty >= 4 or (difficulty >= 2 and draws.below(2) == 1)  # noqa: PLR2004 - difficulties
    return Layout(
        magic=draws.data(draws.between(3, 6), 0x41, 0x5A) + bytes([draws.between(0x80, 0xFF)]),
        version=draws.between(1, 9) if difficulty > 1 else None,
        checksum=checksum,
        length_width=2 if wide else 1,
        big_endian=draws.below(2) == 1,
        tag_first=draws.below(3) > 0,
    )
