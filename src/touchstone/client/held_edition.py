"""What a party takes away of a case: its own bundle and page, as the server has them now.

    held = take_edition(server, "case-1", "example-lab", pinned, Path("held"))

The bundle is checked while it comes, and lies there whole or not at all; `touchstone verify` then
says of it what anybody would hear. The page is the server's own rendering and is checked by nobody:
it says what the bundle proves.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from touchstone.client.errors import WrongInstallationError
from touchstone.keys.files import write_file
from touchstone.ledger import AlteredError
from touchstone.ledger.contract2 import DeedBundleSummary, read_deed_bundle


class EditionServer(Protocol):
    """What is asked of a server for a party's edition; raises as `RecordServer`."""

    def bundle(self, case: str) -> Iterable[bytes]:
        """The party's bundle of a case, by lines without their line feeds."""

    def page(self, case: str) -> bytes:
        """The case as the party may read it, as one page (HTML)."""


@dataclass(frozen=True, slots=True)
class HeldEdition:
    """Where a party's edition lies, and of how many entries it is."""

    case: str
    bundle: str
    report: str
    entries: int
    fingerprint: str
    """That of the installation's first key, under which the bundle was checked."""
    held_back: str = ""
    """Why what models answered is not in it, where the agreement makes that view only."""

    def lines(self) -> list[str]:
        """For people."""
        held = [f"Not in it is what models answered: {self.held_back}"] if self.held_back else []
        return [
            f"Bundle of {self.entries} entries: {self.bundle}",
            f"Report: {self.report}",
            f"Check it: touchstone verify {self.bundle} --trust {self.fingerprint}",
            *held,
        ]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def take_edition(
    server: EditionServer, case: str, party: str, pinned: str, folder: Path
) -> HeldEdition:
    """Write a party's bundle and page of a case into a folder, which is made where it is missing.

    Args:
        server: The installation, for this party; untrusted.
        case: The case's id.
        party: Whose edition it is.
        pinned: The fingerprint of the installation's first key.
        folder: Where `bundle-PARTY.jsonl` and `report-PARTY.html` are put (0600).

    Raises:
        AlteredError: the bundle does not hold, or is another party's; nothing is kept.
        WrongInstallationError: another installation made it.
        UnpromisedError: there is no such case for this party.
        UnheardError: the server does not answer.
        OSError: it cannot be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bundle, report = folder / f"bundle-{party}.jsonl", folder / f"report-{party}.html"
    found: list[DeedBundleSummary] = []
    write_file(bundle, _checked(server.bundle(case), party, pinned, found))
    write_file(report, [server.page(case)])
    return HeldEdition(case, str(bundle), str(report), found[0].header.size, pinned)


def _checked(
    lines: Iterable[bytes], party: str, pinned: str, found: list[DeedBundleSummary]
) -> Iterator[bytes]:
    """The lines as they came, once what they say was read; the last ones once all of it holds."""
    passed: deque[bytes] = deque()

    def tapped() -> Iterator[bytes]:
        for line in lines:
            passed.append(line + b"\n")
            yield passed[-1]

    for item in read_deed_bundle(tapped()):
        if isinstance(item, DeedBundleSummary):
            _require_own(item, party, pinned)
            found.append(item)
        while passed:
            yield passed.popleft()
    yield from passed


def _require_own(summary: DeedBundleSummary, party: str, pinned: str) -> None:
    first = summary.keys.lines[0].fingerprint
    if first != pinned:
        raise WrongInstallationError(
            f"the bundle is by the installation {first}, and {pinned} is pinned"
        )
    if summary.header.audience != party:
        raise AlteredError(f"the bundle is for {summary.header.audience!a}, not for {party}")
