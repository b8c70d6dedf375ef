"""Tasks in which the subject compares how a generated application builds queries with a contract.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.web_injection.family import FAMILY, WebInjection

__all__ = ["FAMILY", "WebInjection"]
