"""An observer of a review for tests that do not look at what is shown."""

from collections.abc import Sequence

from touchstone.verdicts.run_progress import RunProgress


class Silent:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Nothing."""

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Nothing."""
