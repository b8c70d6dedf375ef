"""Whose statement something is."""

from touchstone.evaluation.digests import Frozen


class PackMark(Frozen):
    """Whose statement something is. It stands in every outcome of a pack."""

    id: str
    version: str
    owner: str
    digest: str
    """Of every file of the pack, `pack.toml` among them."""

    def __str__(self) -> str:
        return f"pack {self.id} {self.version} of {self.owner} ({self.digest[:19]})"
