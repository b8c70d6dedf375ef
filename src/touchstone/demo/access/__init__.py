"""The demo's second part: who may use the model, held in front of its endpoint, and an order.

Three invented callers stream from a control server through a real gateway while an order comes.
"""

from touchstone.demo.access.story import Access, use_under_terms

__all__ = ["Access", "use_under_terms"]
