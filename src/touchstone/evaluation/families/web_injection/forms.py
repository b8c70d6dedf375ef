"""Python for the steps of a page.

What a program can have otherwise is which of two expressions a switch takes, with names of
switches that mean nothing and either order of the two; or which of two names stands there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from touchstone.evaluation.families.claims.planting import Part
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.web_injection.model import KINDS


class StepForms:
    """The forms of one program."""

    def __init__(
        self, facts: Mapping[str, Any], names: Mapping[str, str], own: str, draw: Draws
    ) -> None:
        """Draw what holds for all of the program."""
        self.facts, self.names, self._own = facts, names, own
        self.draw = Draws(f"forms {draw.below(2**32)}")
        self._queries: dict[str, str] = {}
        # One and none, by two names each: what a switch is called says nothing.
        self._ones = (names["one"], names["two"])
        self._noughts = (names["three"], names["four"])
        self._defined = self._definitions()

    def _begun(self, draw: Draws) -> tuple[str, list[str]]:
        """Where a page keeps its value while it prepares it, and how it begins."""
        value, holder = self.names["value"], self.names["holder"]
        return draw.pick(
            (
                (value, []),
                (f"{holder}[0]", [f"{holder} = [{value}]"]),
                (f"{holder}['text']", [f"{holder} = {{'text': {value}}}"]),
                (f"{holder}.text", [f"{holder} = SimpleNamespace(text={value})"]),
                (f"{holder}[-1]", [f"{holder} = ['', {value}]"]),
                (f"{holder}[0, 0]", [f"{holder} = {{(0, 0): {value}}}"]),
            )
        )

    def table(self, name: str) -> str:
        """What keeps values: `given` or `made`."""
        return f"{self._own}{self.names[name]}"

    def constants(self) -> list[str]:
        """Statements that name the special characters, the switches and the queries."""
        names, draw = self.names, Draws(f"constants {sorted(self.names.values())}")
        facts = self.facts
        switches = [f"{one} = 1" for one in self._ones] + [f"{no} = 0" for no in self._noughts]
        lines = [
            f"{names['specials']} = {facts['specials']!r}",
            f"{names['few']} = {facts['specials'][1:]!r}",
            f"{names['escape']} = {facts['escape']!r}",
            f"{names['mark']} = {facts['mark']!r}",
            f"{names['codes']} = {self._queries!r}",
            *switches,
        ]
        return draw.sample(lines, len(lines))

    def helpers(self, used: str) -> list[str]:
        """The helpers that some statements call, with two empty lines behind each."""
        made: list[str] = []
        for name, lines in self._defined.items():
            if f"{self.names[name]}(" in used:
                made += [*lines, "", ""]
        return ["", *made] if made else made

    def page(self, part: Part, draw: Draws) -> list[str]:
        """The statements of a page, which leave its prepared value or None."""
        self._queries[part["page"]] = part["query"]
        value, lines = self._begun(draw)
        if part["of"]:
            table = self.table("given" if part["given"] else "made")
            lines = [*lines, f"{value} = {table}.get('{part['of']}', '')"]
        for step in part["steps"]:
            lines = [*lines, *self._step(step, value, draw)]
        return [*lines, f"return {value}"]

    def _step(self, step: Part, value: str, draw: Draws) -> list[str]:
        wanted = step[KINDS[step["do"]]]
        if step["do"] == "guard":
            chars = self.names["specials" if wanted else "few"]
            return self._guard(value, chars, draw)
        yes, no = (draw.pick(_PAIRS[step["do"]][at]) for at in (0, 1))
        told = {
            "v": value,
            "c": repr(step.get("char")),
            "o": repr(step.get("other")),
            "n": step.get("size"),
            "d": self.names["decode"],
        }
        chosen = self._chosen(yes.format(**told), no.format(**told), wanted=wanted, draw=draw)
        if step["do"] == "bar":
            return [f"if {chosen}:", "    return None"]
        return [f"{value} = {chosen}"]

    def _chosen(self, yes: str, no: str, *, wanted: bool, draw: Draws) -> str:
        """One of two expressions by a switch; in either order, and by either switch."""
        first, second, at = yes, no, not wanted
        if draw.below(2):
            first, second, at = no, yes, wanted
        # Now `at` is the place, 0 or 1, of what is wanted.
        nought, one = draw.pick(self._noughts), draw.pick(self._ones)
        place, other = (one, nought) if at else (nought, one)
        return draw.pick(
            (
                f"({first}, {second})[{place}]",
                f"[{first}, {second}][{place}]",
                f"({second} if {place} else {first})",
                f"({first} if {other} else {second})",
                f"({first} if not {place} else {second})",
                f"(lambda: {first}, lambda: {second})[{place}]()",
                f"{{{one}: {second}, {nought}: {first}}}[{place}]",
                f"({second} if {place} == {one} else {first})",
                f"({first} if {nought} == {place} else {second})",
                f"[each for at, each in enumerate(({first}, {second})) if at == {place}][0]",
            )
        )

    def _guard(self, value: str, chars: str, draw: Draws) -> list[str]:
        escape, one, made = self.names["escape"], self.names["each"], self.names["other"]
        bare = f"{one} if {one} not in {chars} else {escape} + {one}"
        plain = f"{escape} + {one} if {one} in {chars} else {one}"
        return draw.pick(
            (
                [f"{value} = {self.names['guard']}({value}, {chars})"],
                [f"{value} = ''.join({plain} for {one} in {value})"],
                [f"{value} = ''.join({escape} * ({one} in {chars}) + {one} for {one} in {value})"],
                [
                    f"{made} = ''",
                    f"for {one} in {value}:",
                    f"    {made} += {plain}",
                    f"{value} = {made}",
                ],
                [f"{value} = ''.join(map(lambda {one}: {bare}, {value}))"],
            )
        )

    def _definitions(self) -> Mapping[str, list[str]]:
        draw, names = self.draw, self.names
        one, two, three = names["local"], names["other"], names["each"]
        mark, specials, escape = names["mark"], names["specials"], names["escape"]
        plain = f"{escape} + {three} if {three} in {two} else {three}"
        guard: Sequence[list[str]] = (
            [f"return ''.join({plain} for {three} in {one})"],
            [f"return ''.join([{escape} * ({three} in {two}) + {three} for {three} in {one}])"],
            [
                "done = []",
                f"for {three} in {one}:",
                f"    if {three} in {two}:",
                f"        done.append({escape})",
                f"    done.append({three})",
                "return ''.join(done)",
            ],
        )
        decode: Sequence[list[str]] = (
            [
                "done, at = '', 0",
                f"while at < len({one}):",
                f"    code = {one}[at + 1 : at + 2]",
                f"    if {one}[at] == {mark} and code.isdigit() and int(code) < len({specials}):",
                f"        done, at = done + {specials}[int(code)], at + 2",
                "    else:",
                f"        done, at = done + {one}[at], at + 1",
                "return done",
            ],
            [
                f"first, *rest = {one}.split({mark})",
                "done = [first]",
                "for part in rest:",
                f"    if part[:1].isdigit() and int(part[0]) < len({specials}):",
                f"        done.append({specials}[int(part[0])] + part[1:])",
                "    else:",
                f"        done.append({mark} + part)",
                "return ''.join(done)",
            ],
            [
                f"known = {{{mark} + str(at): {three} for at, {three} in enumerate({specials})}}",
                "done = ''",
                f"while {one}:",
                f"    size = 1 + ({one}[:2] in known)",
                f"    done += known.get({one}[:size], {one}[:size])",
                f"    {one} = {one}[size:]",
                "return done",
            ],
        )
        made = {
            "guard": (f"def {names['guard']}({one}, {two}):", draw.pick(guard)),
            "decode": (f"def {names['decode']}({one}):", draw.pick(decode)),
        }
        order = draw.sample(("guard", "decode"), 2)
        return {name: [made[name][0], *(f"    {line}" for line in made[name][1])] for name in order}


_PAIRS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cut": (
        ("{v}[:{n}]", "{v}[0:{n}]", "''.join(list({v})[:{n}])", "{v}[slice({n})]"),
        (
            "{v}[-{n}:]",
            "{v}[max(0, len({v}) - {n}):]",
            "''.join(list({v})[-{n}:])",
            "{v}[::-1][:{n}][::-1]",
        ),
    ),
    "trim": (
        (
            "{v}.lstrip({c})",
            "{v}[len({v}) - len({v}.lstrip({c})):]",
            "str.lstrip({v}, {c})",
            "{v}[::-1].rstrip({c})[::-1]",
        ),
        (
            "{v}.rstrip({c})",
            "{v}[:len({v}.rstrip({c}))]",
            "str.rstrip({v}, {c})",
            "{v}[::-1].lstrip({c})[::-1]",
        ),
    ),
    "case": (
        ("{v}.lower()", "str.lower({v})", "''.join(map(str.lower, {v}))", "{v}.swapcase().lower()"),
        ("{v}.upper()", "str.upper({v})", "''.join(map(str.upper, {v}))", "{v}.swapcase().upper()"),
    ),
    "wrap": (
        ("{c} + {v}", "''.join([{c}, {v}])", "'%s%s' % ({c}, {v})", "{c}.__add__({v})"),
        ("{v} + {c}", "''.join([{v}, {c}])", "'%s%s' % ({v}, {c})", "{v}.__add__({c})"),
    ),
    "swap": (
        (
            "{v}.replace({c}, {o})",
            "{o}.join({v}.split({c}))",
            "''.join({o} if x == {c} else x for x in {v})",
            "{v}.translate({{ord({c}): {o}}})",
        ),
        (
            "{v}.replace({o}, {c})",
            "{c}.join({v}.split({o}))",
            "''.join({c} if x == {o} else x for x in {v})",
            "{v}.translate({{ord({o}): {c}}})",
        ),
    ),
    "drop": (
        (
            "{v}.replace({c}, '')",
            "''.join({v}.split({c}))",
            "''.join(x for x in {v} if x != {c})",
            "{v}.translate({{ord({c}): None}})",
        ),
        (
            "{v}.replace({c}, '', 1)",
            "''.join({v}.split({c}, 1))",
            "''.join({v}.partition({c})[::2])",
            "({c} + {v}).replace({c}, '', 2)",
        ),
    ),
    "bar": (
        ("{c} in {v}", "{v}.count({c}) > 0", "{v}.find({c}) >= 0", "any(x == {c} for x in {v})"),
        ("{v}.startswith({c})", "{v}[:1] == {c}", "{v}.find({c}) == 0", "{c} in {v}[:1]"),
    ),
    "decode": (
        ("{d}({d}({v}))", "({d}({d}({v})))", "{d}(''.join({d}({v})))", "{d}(str({d}({v})))"),
        ("{d}({v})", "({d}({v}))", "''.join({d}({v}))", "str({d}({v}))"),
    ),
}
"""Of each kind of step the forms of its one way, and those of the other."""
