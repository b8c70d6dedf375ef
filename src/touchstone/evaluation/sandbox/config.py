"""Grades, and how large a sandbox may grow."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Grade = Literal["vm", "container", "confined", "limited", "none"]

GRADES: tuple[Grade, ...] = ("vm", "container", "confined", "limited", "none")
"""Strongest first."""


def at_least(grade: str, least: str) -> bool:
    """Whether `grade` is as strong as `least`, or stronger. Raises ValueError for another word."""
    order: tuple[str, ...] = GRADES
    return order.index(grade) <= order.index(least)


def stronger(one: str, other: str) -> str:
    """The stronger of two grades. Raises ValueError for another word."""
    return one if at_least(one, other) else other


class SandboxConfig(BaseModel):
    """One sample's sandboxes: the least grade that will do, and their bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grade: Grade = "limited"
    """The least grade that will do; the best that the machine gives is used. `none` allows a plain
    process in a temporary folder where nothing better can be had: for our own controls only."""
    memory_mib: int = Field(default=1024, ge=64, le=65536)
    """Memory of all processes of one sandbox together."""
    disk_mib: int = Field(default=256, ge=1, le=65536)
    """Everything writable together; it is kept in memory."""
    inodes: int = Field(default=20_000, ge=64, le=2_000_000)
    """Files and folders in everything writable together."""
    processes: int = Field(default=256, ge=8, le=8192)
    """Processes and threads alive at once."""
    cpus: float = Field(default=2.0, ge=0.1, le=256)
    """Processor time a second, where cgroups are to be had."""
