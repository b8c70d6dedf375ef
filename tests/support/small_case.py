"""A small real case: opened, sealed, measured by invented outcomes, concluded and settled.

Everything goes through the service onto SQLite; only the outcomes are written by hand.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from support import shared
from support.drawn import of_one_seed
from touchstone.clearance import Audience
from touchstone.deeds.access import release_announced
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.designation import designation_made, finding_responded
from touchstone.deeds.known_case import Participants
from touchstone.editions.gathering import AudienceCase, gather
from touchstone.editions.page import ReportData, VerificationFacts
from touchstone.evaluation import Usage, load_submission, reveal
from touchstone.evaluation.digests import digest_value
from touchstone.records.settings import DATABASE
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.cases.opening import default_centre, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import open_installation
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.verdicts.runs import Run

SUBMISSION = """\
framework = "{framework}"
reasoning_access = "full"
[developer]
id = "example-lab"
name = "Example Lab"
[model]
id = "example-model-3"
name = "Example Model 3"
release_state = "in-development"
planned_release = {{ date = 2027-01-05 }}
[[variants]]
id = "final"
[[modes]]
id = "instant"
variant = "final"
model = "openai-api/subject/control"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
[[modes]]
id = "thinking"
variant = "final"
model = "openai-api/subject/control"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
settings = {{ reasoning_effort = "high" }}
"""
AGENCIES = ("example-agency", "example-treasury")
VERIFICATION = VerificationFacts("ab" * 32, 1, "cd" * 32, "SHA256:" + "ef" * 32, "bundle.jsonl")


@dataclass
class Minutes:
    """A clock that a test moves."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 11, 21, 10, tzinfo=UTC))

    def now(self) -> datetime:
        """The present moment."""
        return self.moment

    def pass_by(self, minutes: int = 1) -> None:
        """Let time go by."""
        self.moment += timedelta(minutes=minutes)


@contextmanager
def small_case(
    folder: Path,
    clock: Minutes | None = None,
    framework: str = "example",
    *,
    agencies: tuple[str, ...] = AGENCIES,
    instead: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Case]:
    """A case that has been opened, and no more; under a shipped framework or that of a file.

    `instead` says what stands in the submission in the place of a text. In one run of the tests
    a case is opened once for all that ask for the same, and copied.
    """
    standard = load_framework(framework)
    text = SUBMISSION.format(framework=standard.id)
    for old, new in instead.items():
        text = text.replace(old, new)
    agencies = agencies if standard.id == "example" else ()
    clock = clock or Minutes()

    def make(place: Path) -> None:
        path = place / "SUBMISSION.toml"
        path.write_text(text, "utf-8")
        participants = Participants("example-lab", default_centre(standard), agencies)
        with open_installation(place / "home", clock) as here:
            open_case(here, standard, load_submission(path), participants)

    # A clock of a test's own may tell another time at each look.
    if shared.FOLDER in os.environ and type(clock) is Minutes and DATABASE not in os.environ:
        told = [standard.digest, text, *agencies, clock.moment.isoformat()]
        shared.made_once(f"opened-{digest_value(told)[-16:]}", make, folder)
    else:
        make(folder)
    with _only_case(folder, clock) as case:
        yield case


@contextmanager
def copied_case(home: Path, folder: Path, clock: Minutes | None = None) -> Iterator[Case]:
    """The one case of `home`, the folder of a `small_case` that has ended, in a copy of its own."""
    shutil.copytree(home, folder, dirs_exist_ok=True)
    with _only_case(folder, clock or Minutes()) as case:
        yield case


@contextmanager
def _only_case(folder: Path, clock: Minutes) -> Iterator[Case]:
    with of_one_seed(), open_installation(folder / "home", clock) as here:
        (listed,) = here.records.cases()
        yield open_found(here, listed.case)


def measure(case: Case, items: int = 6, *, whole: bool = False) -> None:
    """Seal a battery and record outcomes of all of it: thinking solves all, instant a third."""
    seal(case, items, "confined", accepted=True, whole=whole)
    prepared = reopen(case)
    probed(case)
    for run in prepared.runs:
        size = len(prepared.battery.items[run.item_set])
        # Two chunks, as a scheduler would issue them.
        for indices in (range(size // 2), range(size // 2, size)):
            record_chunk(case, prepared, run, indices, solves(run.mode.id))


def probed(
    case: Case, variant: str = "final", moment: Literal["before", "during", "after"] = "before"
) -> None:
    """Record that what answers was identified: always alike, since no mode tells a name."""
    seen = measuring.SnapshotSeen(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        variant=variant,
        method="behaviour-probe",
        digest=digest_value({}),
        moment=moment,
    )
    case.record([Deed(seen, (Content({"probes": {}}, case.marks.pair),))])


def solves(mode: str) -> Callable[[int], bool]:
    """Which places of the sealed order a mode solves."""
    return lambda index: mode == "thinking" or index % 3 == 0


def record_chunk(
    case: Case,
    prepared: Prepared,
    run: Run,
    indices: Sequence[int],
    solved: Callable[[int], bool | measuring.Result],
    told: Sequence[dict[str, Any]] = (),
    *,
    reasoning: bool = True,
    log: Evidence | None = None,
) -> None:
    """Record outcomes of a chunk, with what opens its items and what is `told` of each sample.

    `solved` says whether each place of the order is solved, or what it met that measured nothing.
    A mode that asks for reasoning shows some unless `reasoning` is False. Whoever may read the
    `log` may read what is told.
    """
    shows = reasoning and run.mode.settings.asks_for_reasoning
    made, seed = prepared.battery.items[run.item_set], prepared.battery.seed
    committed = prepared.battery.sealed.find(run.item_set).commitments
    opened = reveal(seed, run.item_set, made, indices)
    event = measuring.OutcomesRecorded(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=prepared.name,
        criterion=run.criterion,
        variant=run.mode.variant,
        mode=run.mode.id,
        chunk=f"{run.item_set}-{run.mode.id}-{indices[0]}",
        outcomes=tuple(
            measuring.Outcome(
                index=index,
                item=committed[index],
                tokens=100,
                result=_result(solved(index)),
                reasoning=shows,
            )
            for index in indices
        ),
    )
    content = {"opened": [each.model_dump(mode="json") for each in opened]}
    used = Usage(input=100 * len(indices)).model_dump(mode="json")
    details = Content(
        {"outcomes": list(told), "used": used}, log.marking if log else case.marks.pair
    )
    logs = () if log is None else (log,)
    case.record([Deed(event, (Content(content, case.marks.case), details, *logs))])


def _result(said: bool | measuring.Result) -> measuring.Result:
    if isinstance(said, str):
        return said
    return "solved" if said else "unsolved"


def settle(case: Case) -> None:
    """What people do afterwards: respond, decide, keep silent, release."""
    state, lab = conclude(case, "battery-1"), "example-lab"
    said = "We confirm the result."
    responses = [finding_responded(case, lab, finding, "noted", said) for finding in state.findings]
    word = state.designating.proposals[-1].designation
    decided = designation_made(case, "example-agency", 1, word, "As proposed.")
    public, variants = case.marks.public, ("final",)
    released = release_announced(case, lab, "partners", variants, same_model="same", marking=public)
    case.record([*responses, decided, released])


def facts_for(case: Case, audience: Audience) -> ReportData:
    """The facts of an edition of the case as it stands."""
    entries = tuple(read_entries(case.installation.records.case(case.id), audience))
    shown = AudienceCase(case.id, entries, audience, case.example)
    return gather(shown, case.now(), VERIFICATION)
