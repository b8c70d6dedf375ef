"""Touchstone: pre-release review of frontier AI models under a voluntary framework.

The package's rooms and their order are in docs/explanation/structure.md; nothing is imported here.
"""

__version__ = "0.1.0"
