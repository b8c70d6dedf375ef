"""From a reading of the source to input files worth trying: reach each record, push its limits."""

import re
from collections.abc import Iterator, Sequence

from touchstone.evaluation.families.memory_safety.solvers.reading import (
    ReadHandler,
    SourceReading,
    UnreadableError,
)

Record = tuple[int, bytes]
KEY = 0x0101
MASK = 0x01
SLOT = 1
SHORT_TAIL, LONG_TAIL = 150, 330
"""Filler bytes after the fields: what a one-byte length leaves room for, and a two-byte one."""


def _byte_conditions(text: str) -> dict[int, int]:
    """Offset -> a value that passes the conditions on single bytes and pairs of the body."""
    values: dict[int, int] = {}
    for at, wanted in re.findall(r"if \(body\[(\d+)\] != 0x([0-9a-f]{1,2})\)", text):
        values[int(at)] = int(wanted, 16)
    for at, wanted in re.findall(
        r"if \(\(body\[(\d+)\] & 0x[0-9a-f]{1,2}\) != 0x([0-9a-f]{1,2})\)", text
    ):
        values[int(at)] = int(wanted, 16)
    for at, other, wanted in re.findall(
        r"if \(\(body\[(\d+)\] \^ 0x([0-9a-f]{1,2})\) != 0x([0-9a-f]{1,2})\)", text
    ):
        values[int(at)] = int(other, 16) ^ int(wanted, 16)
    pairs = r"if \(\(uint8_t\)\(body\[(\d+)\] \+ body\[(\d+)\]\) != 0x([0-9a-f]{1,2})\)"
    for first, second, wanted in re.findall(pairs, text):
        values[int(first)], values[int(second)] = int(wanted, 16), 0
    repeated = (
        r"if \(\(uint16_t\)\(body\[(\d+)\] << 8 \| body\[(\d+)\]\) "
        r"!= \(uint16_t\)\(s->\w+ \* (\d+)u \+ (\d+)u\)\)"
    )
    for high, low, factor, added in re.findall(repeated, text):
        number = KEY * int(factor) + int(added) & 0xFFFF
        values[int(high)], values[int(low)] = number >> 8, number & 0xFF
    return values


class Candidates:
    """Makes input files for one program, most promising first."""

    def __init__(self, reading: SourceReading) -> None:
        self._reading = reading
        self._handlers = tuple(reading.handlers.values())

    def files(self) -> Iterator[bytes]:
        """Whole files, without checksum."""
        # A record that refuses for many reasons is the one that its author made hard to reach.
        ranked = sorted(self._handlers, key=lambda handler: -handler.conditions)
        streams = [self._lifetime(handler) for handler in ranked]
        streams += [self._limits(handler) for handler in ranked]
        for stream in streams:
            for before, records in stream:
                try:
                    yield self._reading.header + self._join(before) + self._join(records)
                except UnreadableError:
                    continue

    def _join(self, records: Sequence[Record]) -> bytes:
        return b"".join(self._reading.record(tag, body) for tag, body in records)

    def _setter(self, field: str, form: str) -> ReadHandler:
        for handler in self._handlers:
            if re.search(rf"s->{field}{form}", handler.text):
                return handler
        raise UnreadableError(f"nothing sets {field}")

    # ------------------------------------------------------------ reaching a record

    def _reach(self, handler: ReadHandler) -> list[Record]:
        """Records that bring the session into the state that the handler asks for."""
        records: list[Record] = []
        for field, value in re.findall(r"if \(s->(\w+) != 0x([0-9a-f]{1,2})\)", handler.text):
            setter = self._setter(field, r" = body\[\d+\];")
            at = int(re.findall(rf"s->{field} = body\[(\d+)\];", setter.text)[0])
            records.append((setter.tag, self._body(setter, {at: int(value, 16)})))
        for field, count in re.findall(r"if \(s->(\w+) (?:<|!=) (\d+)\)", handler.text):
            counter = self._setter(field, r"\+\+;")
            if "walk(s," not in counter.text:
                records += [(counter.tag, self._body(counter, {}))] * int(count)
        if re.search(r"if \(!s->key\)", handler.text):
            setter = self._setter("key", r" = \(uint16_t\)")
            records.append((setter.tag, self._body(setter, {0: KEY >> 8, 1: KEY & 0xFF})))
        return records

    def _body(self, handler: ReadHandler, extra: dict[int, int], tail: bytes = b"") -> bytes:
        """The least body that passes the handler's conditions, with `extra` bytes set."""
        values = _byte_conditions(handler.text) | extra
        size = max(handler.least, *(at + 1 for at in values), 0)
        return bytes(values.get(at, 1) for at in range(size)) + tail

    def _nest(
        self, handler: ReadHandler, records: list[Record]
    ) -> tuple[list[Record], list[Record]]:
        """Records, and what must stand before them, wrapped as deep as the handler asks."""
        groups = [group for group in self._handlers if "walk(s," in group.text]
        depth = next(
            (
                int(level)
                for field, level in re.findall(r"if \(s->(\w+) != (\d+)\)", handler.text)
                if groups and f"s->{field}++" in groups[0].text
            ),
            0,
        )
        groups.sort(key=lambda group: "^ s->" in group.text)
        before: list[Record] = []
        for group in (groups * depth)[:depth]:
            inner = self._join(records)
            if mask := re.search(r"\^ s->(\w+)", group.text):
                setter = self._setter(mask[1], r" = body\[0\];")
                before.append((setter.tag, bytes([MASK])))
                records = [(group.tag, bytes(byte ^ MASK for byte in inner))]
            else:
                records = [(group.tag, bytes([1]) + inner)]
        return before, records

    def _placed(
        self, handler: ReadHandler, records: list[Record]
    ) -> tuple[list[Record], list[Record]]:
        before, wrapped = self._nest(handler, records)
        return self._reach(handler) + before, wrapped

    # ------------------------------------------------------------ pushing a record

    def _limits(self, handler: ReadHandler) -> Iterator[tuple[list[Record], list[Record]]]:
        """The handler with each field at and around each limit, and with bodies of each size."""
        fixed = _byte_conditions(handler.text)
        fields = sorted({int(at) for at in re.findall(r"body\[(\d+)\]", handler.text)} - set(fixed))
        steps = {value + by for value in handler.constants for by in (0, 1)}
        steps |= {256 // value + 1 for value in handler.constants if value > 1}
        values = sorted({v for v in steps if 1 < v < 256} | {0x7F, 0x80, 0xFF})  # noqa: PLR2004 - a byte
        tail = LONG_TAIL if self._reading.length_width > 1 else SHORT_TAIL
        try:
            for at in fields:
                for value in values:
                    body = self._body(handler, {at: value}, b"A" * tail)
                    yield self._placed(handler, [(handler.tag, body)])
            for value in values:
                body = self._body(handler, {}, b"A" * value)
                yield self._placed(handler, [(handler.tag, body)])
        except UnreadableError:
            return

    def _lifetime(self, handler: ReadHandler) -> Iterator[tuple[list[Record], list[Record]]]:
        """Fill a slot, drop it, then let the handler use it."""
        used = re.search(r"s->(\w+)\[i\]", handler.text)
        if not used or re.search(r"malloc|free", handler.text):
            return
        fill = [
            h for h in self._handlers if "malloc" in h.text and re.search(r"s->\w+\[i\] =", h.text)
        ]
        drop = [h for h in self._handlers if "free(s->" in h.text and "malloc" not in h.text]
        if not fill or not drop:
            return
        fields = {int(at) for at in re.findall(r"body\[(\d+)\]", handler.text)}
        slot = max(fields - set(_byte_conditions(handler.text)), default=0)
        try:
            yield self._placed(
                handler,
                [
                    (fill[0].tag, self._body(fill[0], {0: SLOT}, b"A" * 8)),
                    (drop[0].tag, self._body(drop[0], {0: SLOT})),
                    (handler.tag, self._body(handler, {slot: SLOT})),
                ],
            )
        except UnreadableError:
            return
