"""A record as versions wrote it that did not look at what goes with a deed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from touchstone.service import taking


@contextmanager
def unchecked() -> Iterator[None]:
    """While it lasts, deeds are recorded whatever goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taking, "check_deed", lambda *_: None)
        yield
