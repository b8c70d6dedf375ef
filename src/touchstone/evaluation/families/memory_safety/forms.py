"""C for the records of a layout.

What a program can have otherwise is which of two names stands there, the sense of a switch, or a
number moved by one; and all numbers that are said are moved first.
"""

from collections.abc import Mapping, Sequence

from touchstone.evaluation.families.claims.planting import Part
from touchstone.evaluation.families.draws import Draws


class RecordForms:
    """The statements of one record."""

    def __init__(
        self, part: Part, names: Mapping[str, str], told: Mapping[str, str], draw: Draws
    ) -> None:
        """Draw what holds for all of the record.

        Args:
            part: The record.
            names: What the program calls things, by what they are for.
            told: Expressions of the record's two numbers, `a` and `b`.
            draw: Where the forms come from.
        """
        self._part, self._names, self._draw = part, names, draw
        self._a, self._b = told["a"], told["b"]
        self._ones, self._noughts = ("one", "two"), ("three", "four")

    def lines(self) -> list[str]:
        """The statements, which end early by `return`."""
        part, aliases = self._part, self._aliases()
        if part["kind"] == "gate":
            return [*aliases, *self._gate()]
        made = {"put": self._put, "span": self._span, "fill": self._fill, "pour": self._pour}
        lines = made[part["kind"]]()
        return [*aliases, *(self._if(self._open(), lines) if part["gate"] else lines)]

    def _number(self, value: int) -> str:
        """A number, at times as what it is the sum, the difference or the product of."""
        one, two = self._draw.between(2, 9), self._draw.between(2, 9)
        return self._draw.pick(
            (
                str(value),
                str(value),
                f"({value - one} + {one})",
                f"({one} + {value - one})",
                f"({value + two} - {two})",
                f"({one} * {two} + {value - one * two})",
                f"({value + one * two} - {one} * {two})",
            )
        )

    def _type(self) -> str:
        return self._draw.pick(("int", "long", "short", "signed", "long int", "short int", "int"))

    def _aliases(self) -> list[str]:
        """Names of its own for the two numbers, at times."""
        if self._draw.below(3) == 0:
            return []
        lines = []
        for key in self._draw.sample(("a", "b"), self._draw.between(1, 2)):
            given = self._a if key == "a" else self._b
            name = self._names[f"own {key}"]
            lines.append(f"{self._type()} {name} = {given};")
            self._a, self._b = (name, self._b) if key == "a" else (self._a, name)
        return lines

    def _name(self, *wanted: str) -> str:
        return self._names[self._draw.pick(wanted)]

    def _switch(self, on: object) -> str:
        return self._name(*(self._ones if on else self._noughts))

    def _chosen(self, yes: str, no: str, wanted: object) -> str:
        """One of two values by a switch, in either order."""
        first, second, at = (yes, no, not wanted) if self._draw.below(2) else (no, yes, wanted)
        place, other = self._switch(at), self._switch(not at)
        return self._draw.pick(
            (
                f"({place} ? {second} : {first})",
                f"({other} ? {first} : {second})",
                f"((int[]){{{first}, {second}}})[{place}]",
                f"({second} * {place} + {first} * {other})",
                f"({first} * {other} + {second} * {place})",
                f"({place} == {self._switch(1)} ? {second} : {first})",
                f"(!{place} ? {first} : {second})",
            )
        )

    def _true_if(self, wanted: object) -> str:
        """A condition of switches alone."""
        one, other = self._switch(1), self._switch(0)
        same, twice = self._switch(1), self._switch(0)
        if wanted:
            return self._draw.pick((f"{one} == {same}", f"{other} == {twice}", one, f"!{other}"))
        return self._draw.pick((f"{one} == {other}", f"{other} == {same}", other, f"!{one}"))

    def _reached(self, value: str, bound: int) -> str:
        """That a value is a bound or more."""
        by = self._draw.between(2, 9)
        if self._draw.below(2):
            value, least = f"({value}) + {self._number(by)}", bound + by
            low, less = self._number(least), self._number(least - 1)
        else:
            # Between two multiples any number parts them.
            low = self._number(bound * by - self._draw.below(by))
            less = self._number(bound * by - 1 - self._draw.below(by))
            value = f"({value}) * {self._number(by)}"
        return self._draw.pick(
            (
                f"{value} >= {low}",
                f"{value} > {less}",
                f"{low} <= {value}",
                f"{less} < {value}",
                f"!({value} < {low})",
                f"!({value} <= {less})",
                f"{value} - {low} >= 0",
                f"0 < {value} - {less}",
                f"({value} < {low}) == 0",
                f"({value} > {less}) != 0",
            )
        )

    def _if(self, held: str, rest: Sequence[str]) -> list[str]:
        """The rest, where a condition holds."""
        inner, named = [f"    {line}" for line in rest], self._names["held"]
        block = ["{", f"    int {named} = {held};", f"    if (!{named})", "        return;", "}"]
        return self._draw.pick(
            (
                [f"if (!({held}))", "    return;", *rest],
                [f"if ({held}) {{", *inner, "}"],
                [*block, *rest],
                [f"if ({held})", "    ;", "else", "    return;", *rest],
                [f"switch ({held}) {{", "case 0:", "    return;", "}", *rest],
                [f"while (!({held}))", "    return;", *rest],
                [f"for (int once = {held}; once; once = 0) {{", *inner, "}"],
            )
        )

    def _touch(self, cell: str) -> str:
        value = self._draw.pick((self._b, self._a, "1", f"{self._a} + {self._b}"))
        return self._draw.pick(
            (f"put({cell}, {value});", f"*at({cell}) = {value};", f"at({cell})[0] = {value};")
        )

    def _each(self, count: str, cell: str) -> list[str]:
        """Touch `cell` (with a {j} in it) for each j from 0 to a count less one."""
        j, kind = self._name("j", "i"), self._type()
        here = self._touch(cell.format(j=j))
        before = self._touch(cell.format(j=f"({j} - 1)"))
        return self._draw.pick(
            (
                [f"for ({kind} {j} = 0; {j} < {count}; {j}++)", f"    {here}"],
                [f"for ({kind} {j} = {count}; {j} > 0; {j}--)", f"    {before}"],
                [f"{kind} {j} = {count};", f"while ({j}-- > 0)", f"    {here}"],
                [
                    f"{kind} {j} = 0;",
                    f"while ({j} != {count}) {{",
                    f"    {here}",
                    f"    {j} += 1;",
                    "}",
                ],
                [f"for ({kind} {j} = 1; {j} <= {count}; ++{j}) {{", f"    {before}", "}"],
                [f"{kind} {j} = 0;", f"for (; {count} > {j}; {j} = {j} + 1)", f"    {here}"],
                [f"for ({kind} {j} = {count}; {j}--;) {{", f"    {here}", "}"],
            )
        )

    def _elements(self, number: str, count: str) -> list[str]:
        """Touch `count` cells from element `number` on."""
        part, by = self._part, self._draw.between(1, 9)
        width, sign = part["width"], 1 if part["upward"] else -1
        start = part["first"] if part["upward"] else part["last"]
        # Where element 0 would be if they were numbered from 0, moved.
        base = start - sign * (part["from_one"] * width + by)
        way = self._names["plus" if part["upward"] else "minus"]
        wide, start_at, moved = self._number(width), self._number(base), self._number(by)
        offset = self._draw.pick(
            (
                f"({number} * {wide} + {{j}} + {moved})",
                f"({moved} + {wide} * {number} + {{j}})",
                f"({{j}} + {moved} + {number} * {wide})",
                f"({{j}} - -({wide} * {number}) + {moved})",
            )
        )
        cell = self._draw.pick(
            (
                f"{start_at} + {way} * {offset}",
                f"{offset} * {way} + {start_at}",
                f"{start_at} - -{way} * {offset}",
                f"{way} * {offset} - -{start_at}",
            )
        )
        if self._draw.below(2):
            from_here = self._names["from"]
            further = self._draw.pick(
                (f"{from_here} + {way} * {{j}}", f"{{j}} * {way} + {from_here}")
            )
            return [
                f"{self._type()} {from_here} = {cell.format(j=0)};",
                *self._each(count, further),
            ]
        return self._each(count, cell)

    def _within(self, number: str, rest: list[str], *, first: bool) -> list[str]:
        """The rest, where a number is neither below the first (if asked) nor too great."""
        part = self._part
        high = f"!({self._reached(number, part['limit'] + part['closed'])})"
        if not first:
            return self._if(high, rest)
        low = self._reached(self._a, int(part["from_one"]))
        if self._draw.below(2):
            return self._if(low, self._if(high, rest))
        both = self._draw.sample((f"({low})", f"({high})"), 2)
        return self._if(" && ".join(both), rest)

    def _put(self) -> list[str]:
        count = self._number(self._part["width"])
        return self._within(self._a, self._elements(self._a, count), first=True)

    def _span(self) -> list[str]:
        wide = self._number(self._part["width"])
        count = self._draw.pick((f"{self._b} * {wide}", f"{wide} * {self._b}"))
        last = self._draw.pick((f"{self._a} + {self._b} - 1", f"{self._b} - 1 + {self._a}"))
        return self._within(last, self._elements(self._a, count), first=True)

    def _fill(self) -> list[str]:
        part, by, count = self._part, self._draw.between(1, 9), self._names["count"]
        j, kind = self._name("j", "i"), self._type()
        wide = f"{self._a} * {self._number(part['width'])}"
        cells = self._chosen(wide, self._a, part["wide"])
        begin = by + (not part["headed"])
        first, last = self._number(begin), self._number(by)
        touch = self._touch(
            self._draw.pick(
                (
                    f"{self._number(part['first'] - by)} + {j}",
                    f"{j} + {self._number(part['first'] - by)}",
                    f"{j} - -{self._number(part['first'] - by)}",
                )
            )
        )
        beyond = self._number(by + 1)
        loop = self._draw.pick(
            (
                [f"for ({kind} {j} = {first}; {j} <= {count} + {last}; {j}++)", f"    {touch}"],
                [f"for ({kind} {j} = {count} + {last}; {j} >= {first}; {j}--)", f"    {touch}"],
                [
                    f"{kind} {j} = {first};",
                    f"while ({j} < {count} + {beyond}) {{",
                    f"    {touch}",
                    f"    {j}++;",
                    "}",
                ],
                [
                    f"{kind} {j} = {count} + {beyond};",
                    f"while (--{j} > {self._number(begin - 1)})",
                    f"    {touch}",
                ],
            )
        )
        return self._within(self._a, [f"{self._type()} {count} = {cells};", *loop], first=False)

    def _pour(self) -> list[str]:
        part, names = self._part, self._names
        end, start, more = names[f"end {part['record']}"], names["from"], names["count"]
        beyond = self._reached(f"{start} + {more}", part["limit"] + 1)
        by = self._draw.between(1, 9)
        here, moved = self._number(part["first"]), self._number(by)
        cell = self._draw.pick(
            (
                f"{self._number(part['first'] - by)} + {start} + {{j}} + {moved}",
                f"{start} + {here} + {{j}}",
                f"{{j}} + {here} + {start}",
                f"{here} - -({{j}} + {start})",
            )
        )
        left = f"{more} = {self._number(part['limit'])} - {start};"
        refused = self._true_if(not part["clipped"])
        cut = self._draw.pick(
            (
                [f"if ({beyond}) {{", f"    if ({refused})", "        return;", f"    {left}", "}"],
                [f"if (({beyond}) && ({refused}))", "    return;", f"if ({beyond})", f"    {left}"],
                [
                    f"while ({beyond}) {{",
                    f"    if ({refused})",
                    "        return;",
                    f"    {left}",
                    "}",
                ],
            )
        )
        return [
            f"{self._type()} {start} = {self._chosen(end, '0', part['kept'])};",
            f"{self._type()} {more} = {self._a};",
            *cut,
            self._draw.pick((f"{end} = {start} + {more};", f"{end} = {more} + {start};")),
            *self._each(more, cell),
        ]

    def _flag(self) -> str:
        gate = self._part["gate"] or self._part["record"]
        return self._names[f"flag {gate}"]

    def _gate(self) -> list[str]:
        moved = self._number(2 * self._draw.between(1, 9) + (not self._part["odd"]))
        flag, a = self._flag(), self._a
        return [
            self._draw.pick(
                (
                    f"{flag} = ({a} + {moved}) % 2;",
                    f"{flag} = ({a} ^ {moved}) & 1;",
                    f"{flag} = {moved} + {a} & 1;",
                    f"{flag} = ({a} + {moved}) - ({a} + {moved}) / 2 * 2;",
                )
            )
        ]

    def _open(self) -> str:
        flag, lent = self._flag(), self._part["lent"]
        this, other = self._switch(lent), self._switch(not lent)
        return self._draw.pick(
            (
                f"{flag} == {this}",
                f"{this} == {flag}",
                f"{flag} != {other}",
                f"!({flag} == {other})",
                f"({flag} ^ {other}) == {self._switch(1)}",
                f"({flag} ^ {this}) == {self._switch(0)}",
            )
        )
