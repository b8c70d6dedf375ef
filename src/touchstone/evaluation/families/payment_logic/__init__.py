"""Tasks in which the subject compares a generated payments ledger with the rules it is to keep.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.payment_logic.family import FAMILY, PaymentLogic

__all__ = ["FAMILY", "PaymentLogic"]
