"""What the families have in common whose items can be made with their flaw mended."""

from abc import ABC, abstractmethod
from importlib import resources

from touchstone.evaluation.families.base import Item


class TwinFamily(ABC):
    """A family of which every item has a twin: the same words and terms, without the flaw."""

    @property
    def card(self) -> str:
        """The one-page card, Markdown."""
        return resource(type(self).__module__.rpartition(".")[0], "card.md").decode("utf-8")

    def generate(self, seed: int, difficulty: int) -> Item:
        """Make the item.

        Raises:
            ValueError: seed or difficulty out of range.
        """
        return self.make_item(seed, difficulty, mended=False)

    @abstractmethod
    def make_item(self, seed: int, difficulty: int, *, mended: bool) -> Item:
        """The item, or its twin. A twin is never drawn: it shows that solving takes the flaw."""


def resource(package: str, name: str) -> bytes:
    """A file that lies beside a family's modules. Raises FileNotFoundError."""
    return resources.files(package).joinpath(name).read_bytes()
