"""Python for each rule. What a program can have otherwise is which of two names stands there.

Both names are always at hand, drawn and without meaning, or a bound is one further off. So the
statements of a flawed rule have the form of a right one's, and say nothing by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.evaluation.families.claims.planting import Part
from touchstone.evaluation.families.draws import Draws

TABLES = (
    "money",
    "held",
    "sent",
    "turns",
    "paid",
    "left",
    "fees",
    "payer",
    "payee",
    "stock",
    "owner",
)
"""What a program remembers; `stock` and `owner` are of holds, by number."""


@dataclass(frozen=True)
class LedgerScope:
    """How the parts of a program name and reach one another."""

    names: Mapping[str, str]
    given: Mapping[str, str]
    """Expressions of what a rule is told: source, target, amount, ref, place."""
    store: str
    """How tables are kept: tables (each for itself), nested (in one), pairs (one for all)."""
    own: str
    """What stands before a table's name."""
    first: str
    """What every function is told first, if anything."""
    calls: str
    """What stands before a helper's name."""
    leave: str
    """The statement that ends a rule early."""
    turned: Mapping[str, bool]
    """Of each helper with a switch whether off means what the rules call true."""
    turns_from: int
    """From what the payments of a turn are counted, 0 or 1."""

    def table(self, table: str) -> str:
        """What holds a table, by what it is for."""
        if self.store == "tables":
            return f"{self.own}{self.names[table]}"
        books = f"{self.own}{self.names['books']}"
        return books if self.store == "pairs" else f"{books}[{self.names[table]!r}]"

    def key(self, table: str, key: str) -> str:
        """What an entry of a table stands under."""
        return f"({key}, {self.names[table]!r})" if self.store == "pairs" else key

    def cell(self, table: str, key: str) -> str:
        """An entry of a table."""
        return f"{self.table(table)}[{self.key(table, key)}]"

    def got(self, table: str, key: str, otherwise: object) -> str:
        """An entry of a table, or something else."""
        key = f"({key})" if "," in key and self.store != "pairs" else key
        return f"{self.table(table)}.get({self.key(table, key)}, {otherwise})"

    def has(self, table: str, key: str) -> str:
        """Whether a table has an entry."""
        return f"{self.key(table, key)} in {self.table(table)}"

    def switched(self, helper: str, value: bool, *given: str) -> str:
        """A call of a helper that does one of two things, by a switch behind what it is told."""
        switch = "on" if value != self.turned[helper] else "off"
        return self.call(helper, *given, self.names[switch])

    def call(self, helper: str, *given: str) -> str:
        """A call of a helper."""
        told = [*([self.first] if self.first else []), *given]
        return f"{self.calls}{self.names[helper]}({', '.join(told)})"


def body(rule: Part, at: int, scope: LedgerScope, draw: Draws) -> list[str]:
    """The statements of a rule."""
    return _Body(rule, at, scope, draw).lines()


def bound_reached(value: str, bound: int, draw: Draws) -> str:
    """That a value is a bound or more, a bound from 2 on; to be put in brackets.

    Both sides are moved or stretched first, so that the numbers that are said stand nowhere.
    """
    by = draw.between(2, 9)
    if draw.below(2):
        value, low, less = f"({value} + {by})", bound + by, bound + by - 1
    else:
        # Between two multiples any number parts them.
        value, low = f"{value} * {by}", bound * by - draw.below(by)
        less = bound * by - 1 - draw.below(by)
    return draw.pick(
        (
            f"{value} >= {low}",
            f"{value} > {less}",
            f"{low} <= {value}",
            f"{less} < {value}",
            f"not {value} < {low}",
            f"not {value} <= {less}",
            f"{value} - {low} >= 0",
            f"{value} - {less} > 0",
            f"{value} // {low} > 0",
            f"max({value}, {low}) == {value}",
            f"min({value}, {low}) == {low}",
            f"min({value}, {less}) != {value}",
        )
    )


class _Body:
    def __init__(self, rule: Part, at: int, scope: LedgerScope, draw: Draws) -> None:
        self._rule, self._at, self._scope, self._draw = rule, at, scope, draw
        self._names = scope.names
        self._src, self._dst = scope.given["source"], scope.given["target"]
        self._amount, self._ref, self._place = (scope.given[n] for n in ("amount", "ref", "place"))
        self._house = scope.names["house"]

    def lines(self) -> list[str]:
        """The statements, at times after local names for what the rule is told."""
        made = {
            "move": self._move,
            "bonus": self._bonus,
            "hold": self._hold,
            "capture": self._capture,
            "refund": self._refund,
            "share": self._share,
            "interest": self._interest,
            "capped": self._capped,
            "turn": self._turn,
        }
        aliases = self._aliases()
        return [*aliases, *made[self._rule["kind"]]()]

    def _aliases(self) -> list[str]:
        """Names of its own for the things that it is told, where they stand in something."""
        names, given = self._names, self._scope.given
        if given["source"] == names["source"] or self._draw.below(3) == 0:
            return []
        wanted = ["source", "target", "amount", "ref"]
        chosen = self._draw.sample(wanted, self._draw.between(1, 4))
        self._src, self._dst, self._amount, self._ref = (
            names[each] if each in chosen else given[each] for each in wanted
        )
        if self._draw.below(2):
            return [f"{names[each]} = {given[each]}" for each in chosen]
        told = ", ".join(names[each] for each in chosen)
        return [f"{told} = {', '.join(given[each] for each in chosen)}"]

    def _t(self, table: str, key: str) -> str:
        return self._scope.cell(table, key)

    def _pay(self, source: str, target: str, amount: str) -> list[str]:
        one, two = self._t("money", source), self._t("money", target)
        changed = ", ".join(
            self._draw.sample(
                [
                    f"{self._scope.key('money', source)}: {one} - {amount}",
                    f"{self._scope.key('money', target)}: {two} + {amount}",
                ],
                2,
            )
        )
        both = ", ".join(self._draw.sample([f"({source}, -{amount})", f"({target}, {amount})"], 2))
        helper = [self._scope.call("pay", source, target, amount)]
        return self._draw.pick(
            (
                [f"{one}, {two} = {one} - {amount}, {two} + {amount}"],
                [f"{self._scope.table('money')}.update({{{changed}}})"],
                [f"for who, more in ({both}):", f"    {self._t('money', 'who')} += more"],
                [f"{one} = {one} - {amount}", f"{two} = {amount} + {two}"],
                [f"{two} += {amount}", f"{one} -= {amount}"],
                helper,
                helper,
            )
        )

    def _if(self, held: str, rest: list[str]) -> list[str]:
        """The rest, where a condition holds."""
        inner, named = [f"    {line}" for line in rest], self._names["due"]
        return self._draw.pick(
            (
                [f"if not ({held}):", f"    {self._scope.leave}", *rest],
                [f"{named} = {held}", f"if not {named}:", f"    {self._scope.leave}", *rest],
                [f"{named} = {held}", f"if {named}:", *inner],
                [f"if {held}:", *inner],
                [f"for _ in range(bool({held})):", *inner],
                [f"if not ({held}):", "    pass", "else:", *inner],
            )
        )

    def _free(self, name: str) -> str:
        return self._scope.switched("there", True, name)  # noqa: FBT003 - what is free

    def _covered(self, amount: str, there: str) -> str:
        return self._draw.pick(
            (
                f"{amount} <= {there}",
                f"{there} >= {amount}",
                f"{there} - {amount} >= 0",
                f"not {amount} > {there}",
                f"not {there} < {amount}",
                f"{amount} - {there} <= 0",
                f"{amount} < {there} + 1",
                f"max({amount}, {there}) == {there}",
                f"min({there}, {amount}) == {amount}",
            )
        )

    def _share_of(self, base: str) -> str:
        rule = self._rule
        raw = self._draw.pick((f"{base} * {rule['share']}", f"{rule['share']} * {base}"))
        return self._scope.switched("part", rule["up"], raw, str(rule["of"]))

    def _noted(self, paid: str, fee: str) -> list[str]:
        """That a payment took place."""
        values = {"paid": paid, "left": paid, "fees": fee, "payer": self._src, "payee": self._dst}
        if self._draw.below(2):
            return [self._scope.call("note", self._place, *values.values())]
        drawn = self._draw.sample(list(values), len(values))
        if self._draw.below(2):
            return [f"{self._t(table, self._place)} = {values[table]}" for table in drawn]
        targets = ", ".join(self._t(table, self._place) for table in drawn)
        return [f"{targets} = {', '.join(values[table] for table in drawn)}"]

    def _move(self) -> list[str]:
        rule, fee, amount = self._rule, self._names["fee"], self._amount
        taken, given = self._names["taken"], self._names["given"]
        above = bound_reached(amount, rule["limit"] + rule["strict"], self._draw)
        share = self._share_of(amount)
        first = self._draw.pick(
            (
                [f"{fee} = {share} if {above} else 0"],
                [f"{fee} = 0", f"if {above}:", f"    {fee} = {share}"],
                [f"{fee} = ({above}) * {share}"],
                [f"{fee} = {share}", f"if not ({above}):", f"    {fee} = 0"],
            )
        )
        which = self._scope.switched("split", rule["top"], amount, fee)
        rest = [
            *self._pay(self._src, self._dst, given),
            *self._pay(self._src, self._house, fee),
            *self._noted(given, fee),
        ]
        free = self._free(self._src)
        return [*first, f"{taken}, {given} = {which}", *self._if(self._covered(taken, free), rest)]

    def _bonus(self) -> list[str]:
        before, base = self._names["before"], self._names["base"]
        money = self._t("money", self._dst)
        chosen = before if self._rule["of_balance"] else self._amount
        share = self._share_of(chosen)
        more = self._names["fee"]
        rest = [
            *self._draw.pick(
                (
                    [f"{before} = {money}", f"{more} = {share}"],
                    [f"{before} = {self._scope.got('money', self._dst, 0)}", f"{more} = {share}"],
                    [f"{before} = sum([{money}])", f"{more} = {share}"],
                )
            ),
            *self._pay(self._src, self._dst, self._amount),
            *self._pay(self._house, self._dst, more),
        ]
        free = self._free(self._src)
        if self._draw.below(2):
            return [f"{base} = {free}", *self._if(self._covered(self._amount, base), rest)]
        return self._if(self._covered(self._amount, free), rest)

    def _hold(self) -> list[str]:
        there = self._scope.switched("there", self._rule["free"], self._src)
        held, stock = self._t("held", self._src), self._t("stock", self._place)
        owner, amount = self._t("owner", self._place), self._amount
        changed = f"{self._scope.key('held', self._src)}: {held} + {amount}"
        rest = [
            self._draw.pick(
                (
                    f"{held} += {amount}",
                    f"{held} = {amount} + {held}",
                    f"{self._scope.table('held')}.update({{{changed}}})",
                )
            ),
            *self._draw.pick(
                (
                    [f"{stock} = {amount}", f"{owner} = {self._src}"],
                    [f"{owner} = {self._src}", f"{stock} = {amount}"],
                    [f"{stock}, {owner} = {amount}, {self._src}"],
                )
            ),
        ]
        return self._if(self._covered(amount, there), rest)

    def _capture(self) -> list[str]:
        stock, owner = self._t("stock", self._ref), self._t("owner", self._ref)
        due, asked, payer = self._names["rest"], self._names["asked"], self._names["each"]
        chosen = due if self._rule["whole"] else asked
        there = self._t("money", payer)
        rest = [
            *self._draw.sample((f"{due} = {stock}", f"{payer} = {owner}"), 2),
            self._draw.pick(
                (
                    f"{asked} = min({self._amount}, {due})",
                    f"{asked} = {self._amount} if {self._amount} < {due} else {due}",
                    f"{asked} = sorted([{due}, {self._amount}])[0]",
                )
            ),
            *self._if(
                f"{payer} != {self._dst} and {self._covered(chosen, there)}",
                [
                    *self._draw.sample(
                        (f"{stock} -= {chosen}", f"{self._t('held', payer)} -= {chosen}"), 2
                    ),
                    *self._pay(payer, self._dst, chosen),
                ],
            ),
        ]
        return self._if(self._scope.has("stock", self._ref), rest)

    def _refund(self) -> list[str]:
        ref, names = self._ref, self._names
        most = self._t("left" if self._rule["remaining"] else "paid", ref)
        fees, left = self._t("fees", ref), self._t("left", ref)
        by, to = self._t("payer", ref), self._t("payee", ref)
        back, payer, payee = names["asked"], names["each"], names["others"]
        switch = names["on" if self._rule["fee_back"] else "off"]
        extra = names["fee"]
        inner = [
            *self._pay(payee, payer, back),
            self._draw.pick(
                (
                    f"{left} = max(0, {left} - {back})",
                    f"{left} -= min({back}, {left})",
                )
            ),
            *self._draw.pick(
                (
                    [f"{extra} = {fees} * {switch}"],
                    [f"{extra} = {switch} * {fees}"],
                    [f"{extra} = sum([{fees}] * {switch})"],
                )
            ),
            *self._pay(self._house, payer, extra),
            f"{fees} -= {extra}",
        ]
        rest = [
            *self._draw.pick(
                (
                    [f"{payer} = {by}", f"{payee} = {to}"],
                    [f"{payee} = {to}", f"{payer} = {by}"],
                    [f"{payer}, {payee} = {by}, {to}"],
                )
            ),
            self._draw.pick(
                (
                    f"{back} = min({self._amount}, {most})",
                    f"{back} = sorted(({self._amount}, {most}))[0]",
                    f"{back} = {self._amount} if {self._amount} < {most} else {most}",
                )
            ),
            *self._if(self._covered(back, self._free(payee)), inner),
        ]
        return self._if(self._scope.has("paid", ref), rest)

    def _share(self) -> list[str]:
        names, amount = self._names, self._amount
        others, each, rest = names["others"], names["each"], names["rest"]
        who = self._scope.switched("end", self._rule["rest_first"], others)
        people = names["people"]
        inner = [
            self._draw.pick(
                (
                    f"{others} = [name for name in {people} if name != {self._src}]",
                    f"{others} = list(filter({self._src}.__ne__, {people}))",
                    f"{others} = [name for name in {people} if not name == {self._src}]",
                )
            ),
            *self._draw.pick(
                (
                    [f"{each}, {rest} = divmod({amount}, len({others}))"],
                    [f"{each} = {amount} // len({others})", f"{rest} = {amount} % len({others})"],
                    [f"{each} = {amount} // 3", f"{rest} = {amount} - 3 * {each}"],
                )
            ),
            f"for name in {others}:",
            *(f"    {line}" for line in self._pay(self._src, "name", each)),
            f"{names['given']} = {who}",
            *self._pay(self._src, names["given"], rest),
        ]
        return self._if(self._covered(amount, self._free(self._src)), inner)

    def _interest(self) -> list[str]:
        base = self._names["base"]
        there = self._scope.switched("there", self._rule["on_free"], self._dst)
        share = self._share_of(base)
        more = self._names["fee"]
        return self._draw.pick(
            (
                [f"{base} = max(0, {there})", *self._pay(self._house, self._dst, share)]
                if self._draw.below(2)
                else [
                    f"{base} = max(0, {there})",
                    f"{more} = {share}",
                    *self._pay(self._house, self._dst, more),
                ],
                [
                    f"{base} = {there}",
                    f"{more} = {share} if {base} > 0 else 0",
                    *self._pay(self._house, self._dst, more),
                ],
                [
                    f"{base} = {there}",
                    *self._if(
                        f"{base} >= 0",
                        [f"{more} = {share}", *self._pay(self._house, self._dst, more)],
                    ),
                ],
            )
        )

    def _capped(self) -> list[str]:
        names, amount = self._names, self._amount
        before, now, key = names["before"], names["now"], f"{self._at}, {self._src}"
        counted = now if self._rule["including"] else before
        over = bound_reached(counted, self._rule["limit"] + (not self._rule["strict"]), self._draw)
        free = self._free(self._src)
        rest = [
            f"{self._t('sent', key)} = {now}",
            *self._pay(self._src, self._dst, amount),
            *self._noted(amount, "0"),
        ]
        return [
            f"{before} = {self._scope.got('sent', key, 0)}",
            self._draw.pick((f"{now} = {before} + {amount}", f"{now} = sum([{amount}, {before}])")),
            *self._if(f"not ({over}) and {self._covered(amount, free)}", rest),
        ]

    def _turn(self) -> list[str]:
        names, amount = self._names, self._amount
        done, charge, few = names["now"], names["fee"], self._rule["every"]
        start, key = self._scope.turns_from, f"{self._at}, {self._src}"
        wanted = (start + (few - 1 if self._rule["last"] else 0)) % few
        free_turn = self._draw.pick(
            (
                f"{done} % {few} == {wanted}",
                f"({done} - {wanted}) % {few} == 0",
                f"not ({done} + {few - wanted}) % {few}",
                f"divmod({done}, {few})[1] == {wanted}",
                f"{done} % {few} in ({wanted},)",
            )
        )
        charged = self._rule["charge"]
        rest = [
            f"{self._t('turns', key)} = {done} + 1",
            *self._pay(self._src, self._dst, amount),
            *self._pay(self._src, self._house, charge),
            *self._noted(amount, charge),
        ]
        free = self._free(self._src)
        return [
            f"{done} = {self._scope.got('turns', key, start)}",
            *self._draw.pick(
                (
                    [f"{charge} = 0 if {free_turn} else {charged}"],
                    [f"{charge} = {charged}", f"if {free_turn}:", f"    {charge} = 0"],
                    [f"{charge} = {charged} * (not ({free_turn}))"],
                )
            ),
            *self._if(self._covered(f"({amount} + {charge})", free), rest),
        ]
