"""Tasks in which the subject compares a generated program with the tariff that it is to charge by.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.tariff_flaws.family import FAMILY, TariffFlaws

__all__ = ["FAMILY", "TariffFlaws"]
