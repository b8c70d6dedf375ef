"""What the engine adds is measured on samples that run, alone and in the chunks of a review."""

import pytest

from touchstone.bench.engine import run

# Inspect's own, of a package of retries that it asks; elsewhere endpoints are asked by us.
pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")


def test_the_engine_is_measured_on_samples_that_run():
    table = run(samples=2, calls=5, trivial=2, items=20, loading=False)
    alone, chunks, one, once, sealing = table.rows
    for plain, engine, calls in ((alone, chunks, 5), (one, once, 1)):
        assert f"{calls} call" in plain.name.replace("one", "1")
        assert plain.value > 0
        assert engine.ratio == engine.value / plain.value
    assert (chunks.goal, once.goal) == ("at most 1.15x", "")
    # More calls cost more: they were made.
    assert alone.value > one.value
    assert sealing.value > 0
