"""Tasks in which the subject compares which cells a generated C program touches with its layout.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.memory_safety.family import FAMILY, MemorySafety

__all__ = ["FAMILY", "MemorySafety"]
