"""Released open-source packages with one planted flaw; the answer mends it, or says "none".

Sources come from assets, by digest: nothing of a package is in Touchstone.
"""

from touchstone.evaluation.families.planted_packages.family import FAMILY

__all__ = ["FAMILY"]
