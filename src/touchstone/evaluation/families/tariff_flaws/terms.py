"""The terms as people read them: a numbered sentence a clause, said in one of several ways."""

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.tariff_flaws.plan import Plan
from touchstone.evaluation.families.tariff_flaws.rules import (
    Act,
    Condition,
    TariffClause,
    TariffEffect,
    Test,
)

_BOUNDS = {
    (True, False): ("at least {n} {f}", "{n} {f} or more", "not fewer than {n} {f}"),
    (True, True): ("more than {n} {f}", "over {n} {f}", "{f} in excess of {n}"),
    (False, False): ("at most {n} {f}", "{n} {f} or fewer", "not more than {n} {f}"),
    (False, True): ("fewer than {n} {f}", "under {n} {f}", "{f} short of {n}"),
}
_ORDINALS = {2: "two", 3: "three", 4: "four"}


def terms_text(plan: Plan, draw: Draws) -> str:
    """TERMS.txt."""
    lines = [
        plan.title,
        "",
        (
            f"An order has a kind ({', '.join(plan.kinds)}) and whole numbers of "
            f"{', '.join(plan.fields)}."
        ),
        "All amounts are cents. The clauses are applied to each order in turn, from clause 1 on;",
        "what is due begins at 0 and never falls below 0. Orders are one customer's, oldest first.",
        "",
    ]
    lines += [f"{n}. {_sentence(clause, draw)}" for n, clause in enumerate(plan.clauses, start=1)]
    return "\n".join(lines) + "\n"


def _sentence(clause: TariffClause, draw: Draws) -> str:
    done = _effect(clause.effect, draw)
    if not clause.conditions:
        text = draw.pick(("{done}.", "In every case {done}.", "For each order {done}."))
        return _capital(text.format(done=done))
    joint = draw.pick((" or", ", or else") if clause.either else (" and", ", and also"))
    held = f"{joint} ".join(_condition(each, draw) for each in clause.conditions)
    text = draw.pick(
        ("If {held}: {done}.", "{done}, provided that {held}.", "Where {held}, {done}.")
    )
    return _capital(text.format(held=held, done=done))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _condition(condition: Condition, draw: Draws) -> str:
    if condition.test is Test.KIND:
        text = draw.pick(("the kind is {w}", "the order is of kind {w}"))
        return text.format(w=" or ".join(condition.words))
    if condition.test is Test.TURN:
        number = _ORDINALS[condition.number]
        which = draw.pick(("last", "final") if condition.last else ("first", "earliest"))
        return f"the order is the {which} of every {number} of the customer"
    bound = draw.pick(_BOUNDS[condition.low, condition.strict])
    bound = bound.format(n=condition.number, f=condition.field)
    if condition.test is Test.COMPARE:
        return draw.pick(("the order has {b}", "it comes with {b}")).format(b=bound)
    when = draw.pick(
        ("together with this order", "this order counted in")
        if condition.including
        else ("before this order", "this order not counted")
    )
    return f"the customer's orders, {when}, come to {bound}"


def _effect(effect: TariffEffect, draw: Draws) -> str:
    if effect.act is Act.LIMIT:
        low = ("no less than {a} is due", "what is due is lifted to {a} if it is below")
        high = ("no more than {a} is due", "what is due is cut to {a} if it is above")
        return draw.pick(low if effect.up else high).format(a=effect.amount)
    if effect.act is Act.FLAT:
        more, less = ("add {a}", "{a} is added"), ("take off {a}", "{a} is taken off")
        return draw.pick(more if effect.up else less).format(a=effect.amount)
    if effect.act is Act.PERCENT:
        return _percent(effect, draw)
    unit = {"a": effect.amount, "f": effect.field, "n": effect.size}
    if effect.act is Act.UNIT:
        begun = ("add {a} for each {n} {f} or part of them", "each {n} {f} begun cost {a}")
        full = ("add {a} for each full {n} {f}", "each {n} {f} completed cost {a}")
        return draw.pick(begun if effect.started else full).format(**unit)
    if effect.act is Act.BEYOND:
        beyond = (
            "above {n} {f}, add {a} for each of those beyond {n}",
            "the {f} beyond the first {n} cost {a} each",
        )
        whole = (
            "above {n} {f}, add {a} for each of them, from the first on",
            "once there are more than {n} {f}, all of the {f} cost {a} each",
        )
        return draw.pick(whole if effect.whole else beyond).format(**unit)
    greater, lesser = ("the greater", "the larger"), ("the lesser", "the smaller")
    which = draw.pick(greater if effect.greater else lesser)
    return (
        f"add {which} of {effect.amount} for each of the {effect.field} and "
        f"{effect.other_amount} for each of the {effect.other}"
    )


def _percent(effect: TariffEffect, draw: Draws) -> str:
    first = ("what clause 1 came to", "the charge of clause 1")
    so_far = ("what is due so far", "the amount reached")
    base = draw.pick(first if effect.of_first else so_far)
    rounding = draw.pick(
        ("rounded up to a whole cent", "any part of a cent counted as a whole one")
        if effect.round_up
        else ("rounded down to a whole cent", "any part of a cent left away")
    )
    text = "add {p} percent of {b}" if effect.up else "take off {p} percent of {b}"
    return f"{text.format(p=effect.amount, b=base)} ({rounding})"
