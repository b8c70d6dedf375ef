"""Which sample of a chunk the running task belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_INDEX: ContextVar[int | None] = ContextVar("touchstone_index", default=None)


def running_index() -> int | None:
    """The position of the sample that runs here; None: none does."""
    return _INDEX.get()


@contextmanager
def sample_of(index: int) -> Iterator[None]:
    """While the block runs, calls to the endpoint are counted for this sample."""
    token = _INDEX.set(index)
    try:
        yield
    finally:
        _INDEX.reset(token)
