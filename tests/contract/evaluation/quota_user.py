"""Run by a test in its own process: asks an endpoint 12 times, as fast as the quota lets it."""

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio

from support.toys import toy_mode
from touchstone.evaluation.endpoint_watch import EndpointWatch
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.quota import Quota

url, home = sys.argv[1:]


class Shared(EndpointWatch):
    quota = Quota(Path(home), url, slots=2)

    def slot(self) -> AbstractAsyncContextManager[None]:
        return self.quota.slot()


async def ask() -> None:
    model = open_endpoint(toy_mode(url), "key", EndpointLimits(max_connections=32), Shared())
    async with model, anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(model.generate, "word-0000000000000000")


anyio.run(ask)
