"""Terms and directives as a party may read them, on its own machine or by its eyes alone.

The bytes of bundles are evidence, which no server sends back: the developer has its own, where its
gateways look for them.
"""

from touchstone.review.events.settling import BundlePublished
from touchstone.service.access.access_texts import COUNTED, TEXTS, AccessTexts
from touchstone.service.access.bundles import BundleShelf, bundle_name
from touchstone.service.access.offers import TableCase
from touchstone.service.errors import CannotOrderError
from touchstone.terms import bundle_digest

NOT_HERE = "not in the folder of bundles that was named, as it was published"


class PartyTexts(AccessTexts):
    """What the entries that are open to a party say."""

    def __init__(self, known: TableCase, shelf: BundleShelf | None = None) -> None:
        """`shelf` is where the developer's own bundles lie."""
        super().__init__(known.id, known.state)
        self._known = known
        self._shelf = shelf

    def _recorded(self, digest: str) -> str:
        for entry in self._known.entries_of(*TEXTS):
            fact, part = TEXTS[entry.event.type]
            if entry.event.facts().get(fact) != digest:
                continue
            content = entry.content(part)
            if content is not None:
                return str(content["text"])
        raise CannotOrderError("text-lacking", digest=digest, why="not open to this party")

    def bundle(self, published: BundlePublished) -> bytes:
        """A policy bundle's bytes, from the folder. Raises CannotOrderError."""
        data = self._shelf.read(bundle_name(published.number)) if self._shelf else None
        # By digest: another stream's bundle of that number may lie there.
        if data is None or bundle_digest(data) != published.bundle:
            raise CannotOrderError("bundle-lacking", number=published.number, why=NOT_HERE)
        return data

    def counts(self, directive: str) -> dict[str, int] | None:
        """How many people a directive affects, as went into the record with its newest deed."""
        for entry in reversed([*self._known.entries_of(*COUNTED)]):
            content = entry.content("people")
            if entry.event.facts().get("directive") == directive and content is not None:
                return dict(content["people"])
        return None
