import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import toybox  # noqa: F401 - registers the provider
from support.toys import ToyFamily, toy_battery, toy_mode, toy_spec
from touchstone.evaluation import ChunkSpec, Elicitation, EndpointLimits
from touchstone.evaluation.batteries import Battery
from touchstone.evaluation.chunk_session import ChunkItem
from touchstone.evaluation.runner import ChunkResult, SandboxChoice, run_chunk

# Quick where nothing hangs, and patient with a busy machine.
QUICK = EndpointLimits(attempt_seconds=60, retries=2, backoff_seconds=0, response_bytes=200_000)
OVER_LOOPBACK = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    # Inspect does not close its streams where a sample ends in an error.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
]
KEY = "key-of-the-toy-endpoint-7f3a"

Run = Callable[..., ChunkResult]


def chunk_items(battery: Battery, spec: ChunkSpec) -> tuple[ChunkItem, ...]:
    """The items of a chunk of this battery, as a worker is handed them."""
    commitments = battery.sealed.find(spec.item_set).commitments
    items = battery.items[spec.item_set]
    return tuple(ChunkItem(index, commitments[index], items[index]) for index in spec.indices)


@pytest.fixture
def toy_run(tmp_path: Path) -> Iterator[Run]:
    """Run a chunk of toy items against a URL; any argument of `run_chunk` may be given."""

    def run(
        url: str, size: int = 2, *, family: ToyFamily | None = None, **more: Any
    ) -> ChunkResult:
        battery = toy_battery(size, family)
        mode = more.pop("mode", None) or toy_mode(url)
        elicitation = more.pop("elicitation", Elicitation(id="e1"))
        spec = toy_spec(battery, mode, elicitation)
        given: dict[str, Any] = {
            "folder": tmp_path / "chunks" / spec.id,
            "home": tmp_path / "home",
            "mode": mode,
            "api_key": KEY,
            "items": chunk_items(battery, spec),
            "elicitation": elicitation,
            "asking": QUICK,
            "sandbox": SandboxChoice(provider="toybox"),
        }
        return run_chunk(spec, **(given | more))

    yield run
    # Inspect leaves streams to the collector: let it find them here, where that is expected.
    gc.collect(1)
