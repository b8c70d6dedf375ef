"""Tasks in which the subject finds a business-logic flaw in a generated ledger and mints money.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.payment_logic.family import FAMILY, PaymentLogic

__all__ = ["FAMILY", "PaymentLogic"]
