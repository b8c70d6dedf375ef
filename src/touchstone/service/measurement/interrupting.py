"""Ctrl-C while samples run: the first lets those under way end, the second ends at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = "interrupted"
"""Why measuring stopped, as workers are told; it is no reason for the record: the run goes on."""
TOLD = (
    "Interrupted: no further sample begins, and those under way come to their own end and are "
    "recorded. Ctrl-C again ends at once; samples that were answered by then are lost for good"
)


@contextmanager
def interrupted_in_order() -> Iterator[threading.Event]:
    """Set once Ctrl-C was pressed; the next one raises KeyboardInterrupt, as the first did before.

    Where another part of the process has a way of its own with Ctrl-C, nothing is changed.
    """
    pressed = threading.Event()

    def heard(number: int, frame: FrameType | None) -> None:
        # Whoever presses again does not want to wait, and has been told what that costs.
        if pressed.is_set():
            signal.default_int_handler(number, frame)
        pressed.set()

    # Only the main thread may ask for signals, and a server has a handler of its own.
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not ours:
        yield pressed
        return
    signal.signal(signal.SIGINT, heard)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
