"""What /status of a gateway says, as far as it is shown: whatever else answers there is none."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

MAX_BYTES = 1 << 22


class _Said(BaseModel):
    model_config = ConfigDict(strict=True)


class _Bundle(_Said):
    number: int
    digest: str
    directives: list[str]


class _Worker(_Said):
    worker: int
    serves: bool
    why: str | None
    applied_ms: int | None
    waited_for: str | None


class _Feed(_Said):
    refused: dict[str, int]
    lost: dict[str, str]


class _Member(_Said):
    gateway: str
    obeys: int
    alive: bool


class _Fleet(_Said):
    leased: bool
    members: list[_Member]
    applied_everywhere: bool


class _Status(_Said):
    gateway: str
    stream: str
    serving: bool
    why_not: str | None
    bundle: _Bundle | None
    served_for_seconds: int | None
    workers: list[_Worker]
    kills: int
    unwritten: str | None
    feed: _Feed
    fleet: _Fleet | None


def read_status(data: bytes) -> dict[str, Any]:
    """The status that an answer holds, with whatever else it says. Raises ValueError."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it answered more than {MAX_BYTES} bytes")
    try:
        found: dict[str, Any] = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError("it did not answer JSON") from error
    try:
        _Status.model_validate(found)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise ValueError(f"its answer is not a gateway's: {where}") from error
    return found
