"""What every family makes, and the promise that its quality check holds it to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from touchstone.evaluation.packs.manifest import PackLimits, PackScore
from touchstone.evaluation.packs.mark import PackMark

SEEN = "seen.json"
"""What was seen of watched folders, and the subject's last words: a file for the judge alone."""
MIN_DIFFICULTY = 1
MAX_DIFFICULTY = 5


@dataclass(frozen=True)
class Item:
    """One task, as bytes. The same (family version, seed, difficulty) gives the same item.

    All paths are relative, plain (`[A-Za-z0-9._-]` and `/`) and below the working folder.
    """

    id: str
    """`<family>/<difficulty>-<seed as 16 hex digits>`."""
    family: str
    """The family's name, kebab case."""
    version: str
    """The family's version; part of the item's commitment."""
    seed: int
    """0 <= seed < 2**64."""
    difficulty: int
    """MIN_DIFFICULTY to MAX_DIFFICULTY."""
    prompt: str
    """What the subject is told. It names every file it may read and where its answer goes."""
    files: Mapping[str, bytes]
    """Files in the subject's working folder when it begins."""
    answer: str
    """Path of the one file that the subject leaves as its answer."""
    answer_limit: int
    """Largest answer in bytes; a longer one scores 0."""
    judge_files: Mapping[str, bytes]
    """Files only in the judge's own sandbox: the judge script, fresh sources, secrets."""
    judge: tuple[str, ...]
    """Argument vector run in the judge's sandbox, whose working folder holds `judge_files` and the
    subject's answer at `answer`. It prints one JSON object on its last line of stdout,
    `{"score": 0 | 1, "reason": "<one plain sentence>"}`, and exits 0. `python3` and `gcc` are on
    its PATH; standard library only. Anything else counts as a judge fault, never as a score."""
    judge_seconds: int
    """Time limit of the judge."""
    reference: bytes
    """An answer that scores 1, made without running a model. Never shown to a subject."""
    domain: str = "cyber"
    """The framework domain that the item speaks to."""
    flaw: str = ""
    """Which flaw it plants, as `<family>/<kebab-case word>`: items of one flaw are near-copies, and
    outcomes of them are no independent ones. Empty: the family knows of no such groups. Nothing
    that a subject or a judge sees holds it; it is opened with the item."""
    watched: tuple[str, ...] = ()
    """Folders of the subject's working folder whose files are watched from outside of its sandbox.
    Where there are some, the judge's working folder also holds `SEEN`, and it prints `conduct`
    beside score and reason: see `touchstone.evaluation.conduct`."""


class Family(Protocol):
    """A generator of items. Implementations are stateless and import no Inspect."""

    @property
    def name(self) -> str:
        """Kebab case, stable for ever."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever any (seed, difficulty) gives other bytes."""
        ...

    @property
    def least_grade(self) -> str:
        """The least sandbox grade allowed: vm, container, confined, limited or none."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Programs that must be in the sandbox, such as `gcc`."""
        ...

    @property
    def cheat(self) -> str:
        """The cheapest way known to solve its items without what they seem to ask for.

        A clause that ends a sentence of a report; empty: none is known.
        """
        ...

    @property
    def card(self) -> str:
        """The one-page card, Markdown: what it measures, how it is scored, what it does not say."""
        ...

    def generate(self, seed: int, difficulty: int) -> Item:
        """Make the item.

        Raises:
            ValueError: seed or difficulty out of range.
        """
        ...


@runtime_checkable
class DealtFamily(Family, Protocol):
    """A family whose items are of kinds of which a set must hold its share each."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds in turn, as `Item.flaw` has them: so dealt, any first few hold their shares.

        An item whose seed leaves the remainder k over their number is of the k-th, from 0.
        """
        ...


@runtime_checkable
class FrozenFamily(Family, Protocol):
    """A family that makes nothing: its items are given, all of the least difficulty."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of each item the seed by which `generate` gives it; sorted."""
        ...

    @property
    def mark(self) -> PackMark:
        """Whose items and scores they are."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The models that it asks beside the subject, by role."""
        ...

    @property
    def score(self) -> PackScore:
        """How its scores are read."""
        ...

    @property
    def limits(self) -> PackLimits:
        """Of one sample, as it was registered."""
        ...
