"""What one ledger is: its words, its money, its gates, and which one rule is flawed."""

from dataclasses import dataclass
from enum import Enum

from touchstone.evaluation.families.draws import Draws


class Flaw(Enum):
    """The business rules that may be broken. Each mints money for the customer."""

    SELF_TRANSFER = "self_transfer"
    """A transfer to the same account writes the credit over the debit."""
    RELEASE_TWICE = "release_twice"
    """A released hold can be released again."""
    BATCH_TWICE = "batch_twice"
    """A batch that names a target twice is charged for it once."""
    REFUND_AGAIN = "refund_again"
    """A refund is measured against the payment, not against what is left of it."""
    SPLIT_ROUNDING = "split_rounding"
    """Each part of a split conversion is rounded in the customer's favour."""
    RELEASE_WHOLE = "release_whole"
    """A hold that was drawn on in part is released in full."""
    KEY_TARGET = "key_target"
    """A key that was used is not charged again, though it may name another target."""
    REFUND_CURRENCY = "refund_currency"
    """A refund into an account of another currency keeps its number."""
    CLOSE_HELD = "close_held"
    """Closing an account pays its holds out and leaves them open."""
    DISPUTE_REFUNDED = "dispute_refunded"
    """A dispute pays a payment back in full that was refunded in part."""
    UNDO_RETURNED = "undo_returned"
    """Undoing a batch pays back the lines that were returned before."""


FLAWS = {
    1: (Flaw.SELF_TRANSFER, Flaw.RELEASE_TWICE),
    2: (Flaw.BATCH_TWICE, Flaw.REFUND_AGAIN),
    3: (Flaw.SPLIT_ROUNDING, Flaw.RELEASE_WHOLE),
    4: (Flaw.KEY_TARGET, Flaw.REFUND_CURRENCY),
    5: (Flaw.CLOSE_HELD, Flaw.DISPUTE_REFUNDED, Flaw.UNDO_RETURNED),
}
# The operations that the flaw needs; one of them is gated from difficulty 4 on.
FLAWED_OPERATION = {
    Flaw.SELF_TRANSFER: "transfer",
    Flaw.RELEASE_TWICE: "release",
    Flaw.BATCH_TWICE: "batch",
    Flaw.REFUND_AGAIN: "refund",
    Flaw.SPLIT_ROUNDING: "split",
    Flaw.RELEASE_WHOLE: "release",
    Flaw.KEY_TARGET: "once",
    Flaw.REFUND_CURRENCY: "refund",
    Flaw.CLOSE_HELD: "close",
    Flaw.DISPUTE_REFUNDED: "dispute",
    Flaw.UNDO_RETURNED: "undo",
}
# How each operation may be called, by what it is.
OPERATION_NAMES = {
    "transfer": ("transfer", "move", "send"),
    "hold": ("hold", "reserve", "set_aside"),
    "draw": ("draw", "capture", "use_hold"),
    "release": ("release", "free", "let_go"),
    "pay": ("pay", "purchase", "buy"),
    "refund": ("refund", "pay_back", "give_back"),
    "dispute": ("dispute", "contest", "object"),
    "convert": ("convert", "exchange", "change"),
    "split": ("split_convert", "exchange_parts", "change_in_parts"),
    "once": ("send_once", "keyed_transfer", "order"),
    "batch": ("batch", "bulk", "payroll"),
    "return": ("return_line", "recall", "take_back"),
    "seal": ("seal", "finish", "lock_batch"),
    "undo": ("undo", "revoke", "unwind"),
    "close": ("close", "shut", "retire"),
    "enrol": ("enrol", "subscribe", "upgrade"),
}
GATED_FROM = 4
_CURRENCIES = ("MRL", "TRN", "QIL", "OKA", "VEL", "DUN", "PEB", "SOL", "LUM", "FEN")
_OWN = ("main", "daily", "wages", "savings", "rainy", "garden", "house", "harbour", "hobby")
_ABROAD = ("travel", "island", "coast", "valley", "summer", "winter")
_SHOPS = ("bakery", "bookshop", "tannery", "foundry", "nursery")
_OTHERS = ("alder", "birch", "cedar", "rowan", "hazel")
_TITLES = ("Tallow Street Bank", "Three Bridges Savings", "Mill Pond Credit", "Gantry Mutual")


@dataclass(frozen=True)
class Plan:
    """Everything that the ledger's source, its data and the reference are made from."""

    title: str
    flaw: Flaw
    mended: bool
    """Whether the flaw's rule is right after all (a twin for tests)."""
    names: dict[str, str]
    """What an operation is called here, by what it is."""
    order: tuple[str, ...]
    """The operations in the order of the source."""
    careful: dict[str, bool]
    """For rules with two right forms, which one is used (where the rule is not flawed)."""
    base: str
    """The currency that worth is told in."""
    weak: str
    strong: str
    rates: dict[str, int]
    """Thousandths of the base currency's smallest unit that one smallest unit is worth."""
    own: tuple[str, str, str]
    """The customer's accounts in the base currency."""
    own_weak: str
    own_strong: str
    shop: str
    other: str
    fee: int
    """Smallest units, on transfers to others."""
    gated: tuple[str, ...]
    """Operations (by what they are) for enrolled customers only."""
    standing: int
    """Payments that a customer must have made before it may enrol."""
    balances: tuple[dict[str, int], dict[str, int]]
    """Opening balances in smallest units: the subject's copy's, and the judge's."""
    first_numbers: tuple[int, int]
    """The first number that is given to a hold, payment or batch: likewise."""


def make_plan(draw: Draws, difficulty: int, *, mended: bool = False) -> Plan:
    """Draw a plan. `mended` gives the same ledger without its one flaw."""
    flaw = draw.pick(FLAWS[difficulty])
    base, weak, strong = draw.sample(_CURRENCIES, 3)
    a, b, c = draw.sample(_OWN, 3)
    own_weak, own_strong = draw.sample(_ABROAD, 2)
    shop, other = draw.pick(_SHOPS), draw.pick(_OTHERS)
    holders = (a, b, c, own_weak, own_strong, shop, other)
    kinds = [kind for kind in OPERATION_NAMES if kind != "enrol"]
    order = draw.sample(kinds, len(kinds))
    return Plan(
        title=draw.pick(_TITLES),
        flaw=flaw,
        mended=mended,
        names={kind: draw.pick(names) for kind, names in OPERATION_NAMES.items()},
        order=(*order, "enrol"),
        careful={kind: bool(draw.below(2)) for kind in order},
        base=base,
        weak=weak,
        strong=strong,
        rates={base: 1000, weak: draw.between(20, 90), strong: draw.between(1250, 1900)},
        own=(a, b, c),
        own_weak=own_weak,
        own_strong=own_strong,
        shop=shop,
        other=other,
        fee=draw.between(2, 9),
        gated=_gated(draw, difficulty, FLAWED_OPERATION[flaw]),
        standing=3 if difficulty > GATED_FROM else 1,
        balances=(_balances(draw, holders), _balances(draw, holders)),
        first_numbers=(draw.between(100, 400), draw.between(500, 900)),
    )


def _gated(draw: Draws, difficulty: int, needed: str) -> tuple[str, ...]:
    """The flawed operation from difficulty 4 on; below, others that the flaw does not need."""
    idle = ("convert", "seal") if needed != "split" else ("seal", "dispute")
    gated = [draw.pick(idle)]
    if difficulty >= GATED_FROM:
        gated.append(needed)
    return tuple(sorted(gated))


def _balances(draw: Draws, holders: tuple[str, ...]) -> dict[str, int]:
    return {name: draw.between(20_000, 60_000) for name in holders}
