"""Reads the C programs of the memory-safety tasks: the file format, and what each record wants.

Patterns only, no C parser: it knows the idioms of a simple record reader, not any program.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HEADER_LIMIT = 256


class UnreadableError(ValueError):
    """The source does not follow the idioms that this reader knows."""


@dataclass(frozen=True)
class HeaderChecksum:
    """A checksum in the header."""

    function: str
    at: int
    width: int
    big: bool
    begin: int
    """Offset of the first byte that it covers; it covers all to the end."""


@dataclass(frozen=True)
class ReadHandler:
    """The function of one kind of record."""

    name: str
    tag: int
    text: str

    @property
    def conditions(self) -> int:
        """How many ways it has to refuse."""
        return self.text.count("return fail(")

    @property
    def least(self) -> int:
        """The body length that it asks for first."""
        found = re.search(r"if \(len < (\d+)", self.text)
        return int(found[1]) if found else 0

    @property
    def constants(self) -> tuple[int, ...]:
        """Decimal constants in its text, in rising order."""
        return tuple(
            sorted({int(n) for n in re.findall(r"(?<![\w.])(\d{1,3})(?![\w])", self.text)})
        )


@dataclass(frozen=True)
class SourceReading:
    """What the source says about the format."""

    header: bytes
    """Magic, fixed bytes, zeros for the checksum."""
    check: HeaderChecksum | None
    length_width: int
    big: bool
    tag_first: bool
    handlers: Mapping[str, ReadHandler]

    def record(self, tag: int, body: bytes) -> bytes:
        """One record.

        Raises:
            UnreadableError: the body is too long for the length field.
        """
        if len(body) >= 256**self.length_width:
            raise UnreadableError("the body is too long")
        size = len(body).to_bytes(self.length_width, "big" if self.big else "little")
        return (bytes([tag]) + size if self.tag_first else size + bytes([tag])) + body


def _find(pattern: str, text: str, what: str) -> re.Match[str]:
    found = re.search(pattern, text, re.DOTALL)
    if not found:
        raise UnreadableError(f"cannot find {what}")
    return found


def _check(source: str, *, big: bool) -> HeaderChecksum | None:
    found = re.search(r"if \((.+) != (\w+)\(data \+ (\d+), size - \d+\)\)", source)
    if not found:
        return None
    places = [int(place) for place in re.findall(r"data \+ (\d+)", found[1])]
    if not places:
        raise UnreadableError("cannot see where the checksum is stored")
    width = 1 if found[1].startswith("*") else 2 * len(places)
    return HeaderChecksum(found[2], min(places), width, big, int(found[3]))


def read_source(source: str) -> SourceReading:
    """Read a whole program.

    Raises:
        UnreadableError: something needed is not where this reader looks for it.
    """
    begin = int(_find(r"walk\(s, data \+ (\d+),", source, "the first record")[1])
    if begin > HEADER_LIMIT:
        raise UnreadableError("the header is too long")
    header = bytearray(begin)
    magic = _find(r'memcmp\(data, "((?:\\[0-3][0-7]{2})+)"', source, "the magic")[1]
    letters = bytes(int(letter, 8) for letter in re.findall(r"\\([0-3][0-7]{2})", magic))
    if len(letters) > begin:
        raise UnreadableError("the magic is longer than the header")
    header[: len(letters)] = letters
    for place, value in re.findall(r"data\[(\d+)\] != (\d+)", source):
        if int(place) >= begin or int(value) > 255:  # noqa: PLR2004 - a byte
            raise UnreadableError("a fixed byte lies outside the header")
        header[int(place)] = int(value)
    big = "p[0] << 8 | p[1]" in source
    walk = _find(r"\nstatic int walk\([^;]*?\n\{(.*?)\n\}", source, "the record loop")[1]
    tag_at = int(_find(r"tag = p\[(\d+)\]", walk, "the tag")[1])
    width = 1 if _find(r"size_t len = (.*?);", walk, "the length")[1].startswith("*") else 2
    bodies = dict(
        re.findall(
            r"\nstatic int (\w+)\(struct \w+ \*s, const uint8_t \*body, size_t len\)\n\{(.*?)\n\}",
            source,
            re.DOTALL,
        )
    )
    cases = re.findall(r"case (0x[0-9a-f]+):\s*r = (\w+)\(", walk)
    if not cases or any(name not in bodies for _, name in cases):
        raise UnreadableError("cannot find the record handlers")
    handlers = {name: ReadHandler(name, int(tag, 16), bodies[name]) for tag, name in cases}
    check = _check(source, big=big)
    return SourceReading(bytes(header), check, width, big, tag_at == 0, handlers)
