"""What the engine adds is measured on samples that run, alone and in the chunks of a review."""

import pytest

from touchstone.bench.engine import run

# Inspect's own, of a package of retries that it asks; elsewhere endpoints are asked by us.
pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning")


def test_the_engine_is_measured_on_samples_that_run():
    table = run(samples=2, items=20)
    alone, chunks, sealing = table.rows
    assert alone.value > 0
    assert chunks.value > 0
    assert chunks.ratio == chunks.value / alone.value
    assert sealing.value > 0
