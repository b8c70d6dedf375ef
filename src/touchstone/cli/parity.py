"""`touchstone parity`: runs held against one another on the same items, item by item."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, show, show_json, tell, waiting
from touchstone.errors import BadInputError
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.service.measurement.parity.comparing_items import ItemsCompared

DONE = 0
parity = App(
    name="parity", help="Hold runs against one another on the same items, paired, item by item."
)


@dataclass(frozen=True)
class _Compared:
    case: str
    found: "tuple[ItemsCompared, ...]"

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.found:
            yield "No two runs of this case are of the same items."
        for each in self.found:
            yield from each.lines()

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"case": self.case, "compared": [each.as_dict() for each in self.found]}


@parity.command
def compare(case: str, *, json: Json = False) -> int:
    """Compare variants, siblings and modes of a case on the items that both ran, paired.

    Each pair stands alone: p-values are of one question each, and nothing is decided by them.

    Args:
        case: The case's id, or enough of its beginning.
    """
    from touchstone.service.cases.case_admin import open_found
    from touchstone.service.measurement.parity.comparing_items import compare_runs
    from touchstone.service.measurement.parity.recorded import TYPES, recorded_runs

    with opened() as installation:
        found = open_found(installation, case)
        runs = recorded_runs(found.entries_of(*TYPES))
        tell(_Compared(found.id, compare_runs(runs)), json=json)
    return DONE


@parity.command(name="run")
def run_parity(
    case: str, *, criterion: str, submission: Path, mode: str, out: Path, json: Json = False
) -> int:
    """Run the items that a case has opened in its own elicitation, at an endpoint of one's own.

    For the developer: it checks each item against what was committed, and leaves logs that it can
    sign for by `touchstone document add`. The same command goes on where it was stopped.

    Args:
        case: The case's id, or enough of its beginning.
        criterion: Whose items are run.
        submission: A SUBMISSION.toml with the endpoint.
        mode: The mode of it that is run; the case has one of the same id and variant.
        out: Folder for journals and Inspect's logs.
    """
    from touchstone.evaluation import load_submission
    from touchstone.evaluation.errors import EndpointKeyMissingError
    from touchstone.service.cases.case_admin import open_found
    from touchstone.service.reviews.developers_run import run_opened

    modes = {each.id: each for each in load_submission(submission).modes}
    if mode not in modes:
        raise BadInputError(f"--mode {mode}: the submission has {', '.join(modes)}")
    asked = modes[mode]
    key = os.environ.get(asked.api_key_env, "")
    if not key:
        raise EndpointKeyMissingError(f"no key: set {asked.api_key_env} in the environment")
    with opened() as installation, waiting(f"running the items of {criterion} in mode {mode}"):
        found = open_found(installation, case)
        logs = run_opened(found, criterion, asked, key, out)
        about, developer = short_case(found.id), found.participants.developer
    if json:
        show_json([str(each) for each in logs])
        return DONE
    for each in logs:
        show(f"Written: {each}")
    for each in logs:
        show(f"next: touchstone document add {about} {each} --kind log --as {developer}")
    show(f"then, where the centre is: touchstone parity check {about} --log FILE")
    return DONE


@parity.command
def check(
    case: str,
    *,
    log: Annotated[list[Path], Parameter(negative="", consume_multiple=False)],
    json: Json = False,
) -> int:
    """Hold a developer's signed logs against the run on record: the difference, item by item.

    The developer signs for a log by handing it in (`touchstone document add`). One that was edited
    afterwards, or of another elicitation, is refused by name.

    Args:
        case: The case's id, or enough of its beginning.
        log: A log of `touchstone parity run`; may be repeated.
    """
    from touchstone.evaluation.parity_logs import take_log
    from touchstone.service.cases.case_admin import open_found
    from touchstone.service.reviews.developers_run import check_logs

    with opened() as installation:
        found = open_found(installation, case)
        tell(check_logs(found, [(each.name, take_log(each)) for each in log]), json=json)
    return DONE
