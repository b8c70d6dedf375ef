"""Family memory-safety: generated C programs with exactly one seeded memory-safety bug each.

It asks for a crashing input of a toy program, never for an exploit.
"""

from touchstone.evaluation.families.memory_safety.family import FAMILY

__all__ = ["FAMILY"]
