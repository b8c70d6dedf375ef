"""What a pack says of itself in `pack.toml`: whose it is, and how its scores are to be read."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.people import PackPeople
from touchstone.evaluation.toml_models import model_in_toml
from touchstone.handin import Bounds, Origin

MANIFEST = "pack.toml"
MAX_MANIFEST = 64 * 1024
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect's letters count as: correct, partly correct, incorrect, no answer."""
_PATH = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", value):
        raise ValueError("write 1 to 64 of a-z, 0-9, '.', '_' and '-'")
    return value


def _path(value: str) -> str:
    if not _PATH.fullmatch(value) or len(value) > 200:  # noqa: PLR2004 - as long as a line may be
        raise ValueError("write a plain path below the pack's folder, without '..'")
    return value


Line = Annotated[str, Field(min_length=1, max_length=200)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Id = Annotated[str, AfterValidator(_id)]
RelativePath = Annotated[str, AfterValidator(_path)]


class PackTask(Frozen):
    """Which function makes the Inspect task."""

    file: RelativePath
    """The Python file in the pack's folder."""
    function: Identifier
    """The function in it that gives an Inspect `Task`."""
    arguments: Mapping[Identifier, JsonValue] = {}
    """What it is called with."""
    data: Annotated[tuple[RelativePath, ...], Field(max_length=1000)] = ()
    """Files of items, or folders of them. They are there when items are frozen, and never again."""


class PackScore(Frozen):
    """How a score of the pack is read. What is not as it is declared here is no score."""

    scorer: Line
    """The scorer's name, as Inspect's log has it."""
    key: Line | None = None
    """Where the scorer gives several values by name: the name of the one that counts."""
    values: Literal["letters", "number"]
    """`letters`: C, P, I and N; `number`: within `range`, true and false as 1 and 0."""
    range: tuple[float, float] = (0.0, 1.0)
    """The least and the largest number that can be a score."""
    solved_from: float | None = None
    """A score of at least so much is solved, one below is not. None: scores are only reported."""

    @model_validator(mode="after")
    def _possible(self) -> "PackScore":
        low, high = self.range
        if not low < high:
            raise ValueError("range: the second number must be the larger one")
        if self.values == "letters" and self.range != (0.0, 1.0):
            raise ValueError("range: letters count from 0 to 1; take the range out")
        # At the least score everything would be solved, whatever the subject did.
        if self.solved_from is not None and not low < self.solved_from <= high:
            raise ValueError(f"solved_from: write a number above {low} and up to {high}")
        return self


class PackLimits(Frozen):
    """Limits of one sample. What is not said here is as the task has it."""

    messages: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tokens: Annotated[int, Field(ge=1, le=10**12)] | None = None
    """Input and output together."""
    seconds: Annotated[int, Field(ge=1, le=10**7)] | None = None
    """Wall time."""
    working_seconds: Annotated[int, Field(ge=1, le=10**7)] | None = None
    """Time of work; waits for the endpoint's quota are none."""

    def over(self, own: "PackLimits") -> "PackLimits":
        """These, and where one is not said the other's."""
        return own.model_copy(update=self.model_dump(exclude_none=True))


class PackSandbox(Frozen):
    """The sandbox of each sample that wants one: Touchstone's own, whatever the task names."""

    use: Literal["", "touchstone"] = ""
    """`touchstone`: it may stand in the place of an environment that is described further, such as
    by a compose file or an image."""
    names: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=8)] = ("default",)
    """The environments of a sample, each a sandbox of its own; the first is the default one."""
    memory_mib: Annotated[int, Field(ge=64, le=65_536)] = 1024
    """Of each."""
    disk_mib: Annotated[int, Field(ge=1, le=16_384)] = 256
    """Everything that can be written in each; it is kept in memory."""
    processes: Annotated[int, Field(ge=8, le=4096)] = 256

    @model_validator(mode="after")
    def _apart(self) -> "PackSandbox":
        if len(set(self.names)) != len(self.names):
            raise ValueError("names: write each once")
        return self


class PackManifest(Frozen):
    """A pack's own statement of what it is."""

    format: Literal["touchstone pack 1"]
    id: Id
    version: Line
    owner: Line
    """Whose code and items these are; it stands beside every outcome."""
    description: Annotated[str, Field(max_length=4000)] = ""
    task: PackTask
    score: PackScore
    roles: Annotated[tuple[Id, ...], Field(max_length=8)] = ()
    """Models that the pack asks beside the subject, such as `grader`; each is given an endpoint."""
    limits: PackLimits = PackLimits()
    people: PackPeople | None = None
    """Of a private pack by people."""
    sandbox: PackSandbox = PackSandbox()


def parse_manifest(data: bytes) -> PackManifest:
    """Read `pack.toml`.

    Raises:
        PackError: it cannot be used. One line, naming the key and the fix.
    """
    origin = Origin(MANIFEST, PackError)
    return model_in_toml(PackManifest, data, origin, Bounds(MAX_MANIFEST))
