"""Tasks in which the subject finds and uses an injection flaw in a small generated web application.

It generates and judges; it neither runs subjects nor says what their scores mean.
"""

from touchstone.evaluation.families.web_injection.family import FAMILY, WebInjection

__all__ = ["FAMILY", "WebInjection"]
