"""The ledger's operations as parts of its source: each with its right forms and its flawed one.

An operation's text has at most one slot, `@RULE@`. What fills it is in `RIGHT` (one or two right
forms) and `FLAWED`; so a reader sees at a glance what a flaw changes. `@name@` stands for what the
operation is called in this ledger.
"""

from touchstone.evaluation.families.payment_logic.plan import Flaw

# The fields of each operation and what they take.
FIELDS = {
    "transfer": {"source": "account", "target": "account", "amount": "amount"},
    "hold": {"account": "account", "amount": "amount"},
    "draw": {"hold": "number", "amount": "amount", "target": "account"},
    "release": {"hold": "number"},
    "pay": {"account": "account", "amount": "amount"},
    "refund": {"payment": "number", "amount": "amount", "target": "account"},
    "dispute": {"payment": "number"},
    "convert": {"source": "account", "target": "account", "amount": "amount"},
    "split": {"source": "account", "target": "account", "amount": "amount", "parts": "count"},
    "once": {"source": "account", "target": "account", "amount": "amount", "key": "key"},
    "batch": {"source": "account", "lines": "lines"},
    "return": {"batch": "number", "line": "count"},
    "seal": {"batch": "number"},
    "undo": {"batch": "number"},
    "close": {"account": "account", "target": "account"},
    "enrol": {},
}

TEXTS = {
    "transfer": '''
def @name@(self, source, target, amount):
    """Move money between accounts of one currency; others' accounts cost a fee."""
    target = self.open_name(target)
    self.own(source)
    self.positive(amount)
    self.same_currency(source, target)
    fee = 0 if self.is_own(target) else FEE
    @RULE@
    self.give("fees", fee)
''',
    "hold": '''
def @name@(self, account, amount):
    """Set money of an own account aside; gives the hold's number."""
    self.own(account)
    self.positive(amount)
    self.take(account, amount)
    hold = {"account": account, "amount": amount, "left": amount, "open": True}
    return self.file(self.holds, hold)
''',
    "draw": '''
def @name@(self, hold, amount, target):
    """Pay a part of what a hold has left into an account of its currency."""
    hold = self.find(self.holds, hold)
    self.positive(amount)
    self.same_currency(hold["account"], target)
    if not hold["open"] or amount > hold["left"]:
        raise Refused("the hold has not so much left")
    hold["left"] -= amount
    self.give(target, amount)
''',
    "release": '''
def @name@(self, hold):
    """End a hold and put what is left back."""
    hold = self.find(self.holds, hold)
    @RULE@
''',
    "pay": '''
def @name@(self, account, amount):
    """Pay the shop; the money rests in the payment until the shop settles it."""
    self.own(account)
    self.positive(amount)
    self.take(account, amount)
    self.paid += 1
    payment = {"account": account, "amount": amount, "left": amount, "open": True}
    return self.file(self.payments, payment)
''',
    "refund": '''
def @name@(self, payment, amount, target):
    """Put a part of an open payment back into an own account."""
    payment = self.find(self.payments, payment)
    self.positive(amount)
    self.own(target)
    if not payment["open"]:
        raise Refused("the payment is closed")
    @RULE@
''',
    "dispute": '''
def @name@(self, payment):
    """Contest a payment of 5.00 or more: it is closed and paid back."""
    payment = self.find(self.payments, payment)
    if not payment["open"] or payment["amount"] < 500:
        raise Refused("this payment cannot be contested")
    payment["open"] = False
    @RULE@
''',
    "convert": '''
def @name@(self, source, target, amount):
    """Change money into another currency, rounded down."""
    self.own(source)
    self.own(target)
    self.positive(amount)
    self.take(source, amount)
    self.give(target, amount * self.rate(source) // self.rate(target))
''',
    "split": '''
def @name@(self, source, target, amount, parts):
    """Change money in 1 to 100 parts, each part on its own; what does not divide stays."""
    self.own(source)
    self.own(target)
    self.positive(amount)
    if not 1 <= parts <= 100 or amount < parts:
        raise Refused("1 to 100 parts of 1 or more, please")
    part = amount // parts
    self.take(source, part * parts)
    @RULE@
''',
    "once": '''
def @name@(self, source, target, amount, key):
    """A transfer between own accounts that is safe to repeat with the same key."""
    self.own(source)
    self.own(target)
    self.positive(amount)
    self.same_currency(source, target)
    @RULE@
    self.give(target, amount)
''',
    "batch": '''
def @name@(self, source, lines):
    """Several transfers to own accounts from one of them, all or nothing; gives its number."""
    self.own(source)
    for line in lines:
        self.positive(line["amount"])
        self.own(line["target"])
        self.same_currency(source, line["target"])
    @RULE@
    self.take(source, total)
    for line in lines:
        self.give(line["target"], line["amount"])
    filed = [{**line, "back": False} for line in lines]
    batch = {"source": source, "lines": filed, "sealed": False, "undone": False}
    return self.file(self.batches, batch)
''',
    "return": '''
def @name@(self, batch, line):
    """Send one line of an unsealed batch back to its source; lines count from 0."""
    batch = self.find(self.batches, batch)
    if batch["sealed"] or not 0 <= line < len(batch["lines"]) or batch["lines"][line]["back"]:
        raise Refused("that line cannot go back")
    line = batch["lines"][line]
    line["back"] = True
    self.take(line["target"], line["amount"])
    self.give(batch["source"], line["amount"])
''',
    "seal": '''
def @name@(self, batch):
    """Seal a batch: its lines cannot go back one by one any more."""
    self.find(self.batches, batch)["sealed"] = True
''',
    "undo": '''
def @name@(self, batch):
    """Take a sealed batch back as a whole, once."""
    batch = self.find(self.batches, batch)
    if not batch["sealed"] or batch["undone"]:
        raise Refused("only a sealed batch, and once")
    batch["undone"] = True
    @RULE@
    self.give(batch["source"], total)
''',
    "close": '''
def @name@(self, account, target):
    """Close an own account; its money and its later credits go to another own one."""
    self.own(account)
    self.own(target)
    self.same_currency(account, target)
    if account == target:
        raise Refused("another account, please")
    held = [h for h in self.holds.values() if h["open"] and h["account"] == account]
    rest = self.accounts[account]["balance"]
    @RULE@
    self.take(account, self.accounts[account]["balance"])
    self.accounts[account]["heir"] = target
    self.give(target, rest)
''',
    "enrol": '''
def @name@(self):
    """Open the gated operations, for customers who have paid the shop often enough."""
    if self.paid < STANDING:
        raise Refused("pay the shop more often first")
    self.enrolled = True
''',
}

RIGHT: dict[str, tuple[str, ...]] = {
    "transfer": (
        """
self.take(source, amount + fee)
self.give(target, amount)
""",
        """
if source == target:
    raise Refused("the same account")
left = self.funds(source) - amount - fee
more = self.funds(target) + amount
if left < 0:
    raise Refused("not enough money")
self.accounts[source]["balance"] = left
self.accounts[target]["balance"] = more
""",
    ),
    "release": (
        """
if not hold["open"]:
    raise Refused("the hold has ended")
hold["open"] = False
self.give(hold["account"], hold["left"])
""",
        """
left = hold["left"] if hold["open"] else 0
hold["open"] = False
self.give(hold["account"], left)
""",
    ),
    "refund": (
        """
if amount > payment["left"]:
    raise Refused("not so much is left of the payment")
payment["left"] -= amount
rate = self.rate(payment["account"])
self.give(target, amount * rate // self.rate(target))
""",
        """
self.same_currency(payment["account"], target)
left = payment["left"] - amount
if left < 0:
    raise Refused("not so much is left of the payment")
payment["left"] = left
self.give(target, amount)
""",
    ),
    "dispute": (
        """
self.give(payment["account"], payment["left"])
payment["left"] = 0
""",
        """
back = payment["amount"] if payment["amount"] == payment["left"] else payment["left"]
payment["left"] = 0
self.give(payment["account"], back)
""",
    ),
    "split": (
        """
for _ in range(parts):
    self.give(target, part * self.rate(source) // self.rate(target))
""",
        """
each, rest = divmod(part * self.rate(source), self.rate(target))
self.give(target, each * parts + rest * parts // self.rate(target))
""",
    ),
    "once": (
        """
if key in self.keys:
    if self.keys[key] != (source, target, amount):
        raise Refused("the key was used for something else")
    return None
self.keys[key] = (source, target, amount)
self.take(source, amount)
""",
        """
if (key, source, target, amount) in self.keys:
    return None
self.keys[key, source, target, amount] = True
self.take(source, amount)
""",
    ),
    "batch": (
        """
total = sum(line["amount"] for line in lines)
""",
        """
owed = {}
for line in lines:
    owed[line["target"]] = owed.get(line["target"], 0) + line["amount"]
total = sum(owed.values())
""",
    ),
    "undo": (
        """
total = 0
for line in batch["lines"]:
    if not line["back"]:
        self.take(line["target"], line["amount"])
        total += line["amount"]
""",
        """
sent = [line for line in batch["lines"] if not line["back"]]
for line in sent:
    self.take(line["target"], line["amount"])
total = sum(line["amount"] for line in sent)
""",
    ),
    "close": (
        """
if held:
    raise Refused("the account has open holds")
""",
        """
for hold in held:
    hold["open"] = False
    rest += hold["left"]
""",
    ),
}

FLAWED: dict[Flaw, tuple[str, str]] = {
    Flaw.SELF_TRANSFER: (
        "transfer",
        """
left = self.funds(source) - amount - fee
more = self.funds(target) + amount
if left < 0:
    raise Refused("not enough money")
self.accounts[source]["balance"] = left
self.accounts[target]["balance"] = more
""",
    ),
    Flaw.RELEASE_TWICE: (
        "release",
        """
hold["open"] = False
self.give(hold["account"], hold["left"])
""",
    ),
    Flaw.BATCH_TWICE: (
        "batch",
        """
owed = {line["target"]: line["amount"] for line in lines}
total = sum(owed.values())
""",
    ),
    Flaw.REFUND_AGAIN: (
        "refund",
        """
self.same_currency(payment["account"], target)
if amount > payment["amount"]:
    raise Refused("the payment was smaller")
payment["left"] = max(payment["left"] - amount, 0)
self.give(target, amount)
""",
    ),
    Flaw.SPLIT_ROUNDING: (
        "split",
        """
for _ in range(parts):
    self.give(target, -(-part * self.rate(source) // self.rate(target)))
""",
    ),
    Flaw.RELEASE_WHOLE: (
        "release",
        """
if not hold["open"]:
    raise Refused("the hold has ended")
hold["open"] = False
self.give(hold["account"], hold["amount"])
""",
    ),
    Flaw.KEY_TARGET: (
        "once",
        """
if (key, target) in self.keys:
    return None
self.keys[key, target] = amount
if key not in self.keys:
    self.keys[key] = amount
    self.take(source, amount)
""",
    ),
    Flaw.REFUND_CURRENCY: (
        "refund",
        """
left = payment["left"] - amount
if left < 0:
    raise Refused("not so much is left of the payment")
payment["left"] = left
self.give(target, amount)
""",
    ),
    Flaw.CLOSE_HELD: (
        "close",
        """
rest += sum(hold["left"] for hold in held)
""",
    ),
    Flaw.DISPUTE_REFUNDED: (
        "dispute",
        """
back = payment["amount"] if payment["left"] else 0
payment["left"] = 0
self.give(payment["account"], back)
""",
    ),
    Flaw.UNDO_RETURNED: (
        "undo",
        """
for line in batch["lines"]:
    if not line["back"]:
        self.take(line["target"], line["amount"])
total = sum(line["amount"] for line in batch["lines"])
""",
    ),
}
