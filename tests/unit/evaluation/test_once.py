"""What is made once is made once, whoever asks at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from touchstone.evaluation.once import made_once


def test_two_threads_get_one():
    # Both pass where both are within the function; where one waits outside, it breaks.
    both = threading.Barrier(2)
    made: list[object] = []

    @made_once
    def thing() -> object:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(2) as pool:
        one, other = [each.result(10) for each in [pool.submit(thing) for _ in range(2)]]
    assert one is other
    assert len(made) == 1


def test_what_failed_is_tried_again():
    tries: list[int] = []

    @made_once
    def thing() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return len(tries)

    with suppress(OSError):
        thing()
    assert (thing(), thing()) == (2, 2)
