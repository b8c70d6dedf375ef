"""Work at a desk with rules that the subject could break: what it then does is recorded.

It generates and judges; it neither runs subjects nor says what their conduct means.
"""

from touchstone.evaluation.families.batch_desk.family import FAMILY, BatchDesk

__all__ = ["FAMILY", "BatchDesk"]
