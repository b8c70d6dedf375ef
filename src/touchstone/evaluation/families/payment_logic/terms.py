"""The rules as people read them: a numbered paragraph an operation, said in one of several ways."""

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.draws import Draws

_HEAD = """\
{title}

Accounts, in this order: {accounts}. The house is {house}. At the beginning there are
{start}. All amounts are whole cents; nothing is held.

An operation has op (the name of its rule), from, to, amount, and ref: the number of an earlier
operation, counted from 1, or 0. What is free on an account is what is on it less what is held of
it. An operation from an account to itself changes nothing, nor does one that would take more from
an account than is free there, or whose ref is no operation that took place and is of the kind that
it needs.
The house always pays. What a payment paid is what arrived.

"""
_ROUND = {
    True: ("rounded up", "a begun cent counts as a whole one"),
    False: ("rounded down", "a begun cent is left away"),
}
_LEAST = {
    True: ("more than {n}", "over {n}", "above {n}"),
    False: ("at least {n}", "{n} or more", "not less than {n}"),
}
_TOP = {
    True: ("the payer bears it on top", "it comes on top of what the payer pays"),
    False: ("it is taken out of what arrives", "the receiver gets that much less"),
}
_BONUS = {
    True: ("what was on the receiver's account before", "the receiver's balance before it"),
    False: ("the amount", "the sum that is paid"),
}
_THERE = {
    True: ("what is free there covers it", "the free part of the account is enough"),
    False: ("what is on the account, held or not, covers it", "the whole balance is enough"),
}
_WHAT = {
    True: ("all that is left", "everything that remains"),
    False: ("the amount (at most what is left)", "as much as is asked, and no more than remains,"),
}
_BACK = {
    True: ("what has not been given back yet", "what remains of it"),
    False: ("what it once paid", "the sum of that payment"),
}
_FEE = {
    True: ("The house returns its charge, once.", "The charge goes back as well, once."),
    False: ("The house keeps its charge.", "The charge is not returned."),
}
_REST = {True: ("first", "earliest listed"), False: ("last", "latest listed")}
_BASE = {
    True: ("what is free on it", "its free part"),
    False: ("all that is on it", "its whole balance"),
}
_COUNTED = {
    True: ("with this amount", "this one counted in"),
    False: ("before this one", "this one not counted"),
}
_TURN = {True: ("last", "final"), False: ("first", "earliest")}
_PAYS = ("pays the amount from `from` to `to`", "moves the amount from `from` to `to`")


def rules_text(plan: ClaimPlan, draw: Draws) -> str:
    """RULES.txt."""
    facts = plan.facts
    head = _HEAD.format(
        title=plan.title,
        accounts=", ".join(facts["accounts"]),
        house=facts["house"],
        start=", ".join(f"{money} on {name}" for name, money in facts["start"].items()),
    )
    lines = [f"{n}. {part['op']}: {_said(part, draw)}" for n, part in enumerate(plan.parts, 1)]
    return head + "\n".join(lines) + "\n"


def _said(rule: Part, draw: Draws) -> str:
    return {
        "move": _shares,
        "bonus": _shares,
        "interest": _shares,
        "hold": _held,
        "capture": _captured,
        "refund": _refunded,
        "share": _shared,
        "capped": _capped,
        "turn": _turned,
    }[rule["kind"]](rule, draw)


def _held(rule: Part, draw: Draws) -> str:
    return f"holds the amount on `from`, if {draw.pick(_THERE[rule['free']])}."


def _captured(rule: Part, draw: Draws) -> str:
    return (
        f"pays {draw.pick(_WHAT[rule['whole']])} of the hold `ref` from its account to `to`, and "
        "that is held no longer. It takes place if so much is on the account, held or not."
    )


def _refunded(rule: Part, draw: Draws) -> str:
    most = draw.pick(_BACK[rule["remaining"]])
    return (
        f"gives the amount, at most {most}, of the payment `ref` back from its receiver to its "
        f"payer. {draw.pick(_FEE[rule['fee_back']])}"
    )


def _shared(rule: Part, draw: Draws) -> str:
    return (
        "splits the amount of `from` evenly among all the other accounts but the house; the cents "
        f"that do not divide go to the {draw.pick(_REST[rule['rest_first']])} of them."
    )


def _capped(rule: Part, draw: Draws) -> str:
    # A strict cap is one that may not be reached.
    bound = draw.pick(_LEAST[not rule["strict"]]).format(n=rule["limit"])
    counted = draw.pick(_COUNTED[rule["including"]])
    return f"{draw.pick(_PAYS)}, unless what `from` paid by this rule, {counted}, comes to {bound}."


def _turned(rule: Part, draw: Draws) -> str:
    return (
        f"{draw.pick(_PAYS)}; the house takes {rule['charge']} on top, save for the "
        f"{draw.pick(_TURN[rule['last']])} of every {rule['every']} payments of `from` by this "
        "rule."
    )


def _shares(rule: Part, draw: Draws) -> str:
    part, rounded = f"{rule['share']} in every {rule['of']} cents", draw.pick(_ROUND[rule["up"]])
    if rule["kind"] == "interest":
        base = draw.pick(_BASE[rule["on_free"]])
        return f"the house pays the account `to` {part} of {base} ({rounded}), or nothing below 0."
    pays = draw.pick(_PAYS)
    if rule["kind"] == "bonus":
        base = draw.pick(_BONUS[rule["of_balance"]])
        return f"{pays}, and the house adds {part} of {base} ({rounded}) for `to`."
    bound = draw.pick(_LEAST[rule["strict"]]).format(n=rule["limit"])
    return (
        f"{pays}. The house charges {part} of an amount that is {bound} ({rounded}); "
        f"{draw.pick(_TOP[rule['top']])}."
    )
