from support.forked import forked_starts, real_starts

__all__ = ["forked_starts", "real_starts"]
