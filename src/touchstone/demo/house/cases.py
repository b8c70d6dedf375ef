"""The invented cases: one that went all the way, one that is under way. Nothing was measured.

Outcomes are written down here and not measured, so that the house stands in seconds and without a
sandbox; `make demo` measures. Everything else is as always: parties sign, and the law judges.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from touchstone.deeds.access import release_announced
from touchstone.deeds.deed import Deed
from touchstone.deeds.designation import (
    designation_concurred,
    designation_dissented,
    designation_made,
    finding_disputed,
    finding_responded,
)
from touchstone.deeds.known_case import Participants
from touchstone.deeds.measurement import snapshot_seen
from touchstone.evaluation import Outcome, Usage, load_submission
from touchstone.evaluation.oversight import Readiness
from touchstone.service.case_context import Case
from touchstone.service.cases.opening import default_centre, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.outcomes import record_outcomes
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal

LAB, AGENCY, TREASURY = "example-lab", "example-agency", "example-treasury"
ITEMS = 24
DAYS_TO_RELEASE = 45
SUBMISSION = """\
# Written by `touchstone serve --demo`: an invented lab, and no model at all.
framework = "example"
reasoning_access = "full"

[developer]
id = "example-lab"
name = "Example Lab"

[model]
id = "{id}"
name = "{name}"
release_state = "in-development"
planned_release = {{ date = {release} }}

[[variants]]
id = "final"

[[modes]]
id = "instant"
variant = "final"
model = "openai-api/subject/control-solver"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
settings = {{ reasoning_effort = "none" }}

[[modes]]
id = "thinking"
variant = "final"
model = "openai-api/subject/control-solver"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
settings = {{ reasoning_effort = "high" }}
"""


def make_cases(here: Installation, folder: Path) -> None:
    """Make both cases in an installation that has none; `folder` takes their submissions."""
    released = _opened(here, folder, "example-model-2", "Example Model 2")
    _measured(released, lambda mode, index: mode == "thinking" or index % 4 == 0)
    _settled(released)
    under_way = _opened(here, folder, "example-model-3", "Example Model 3")
    _measured(under_way, lambda mode, index: mode == "thinking" and index % 5 > 0)
    _disputed(under_way)


def _opened(here: Installation, folder: Path, model: str, name: str) -> Case:
    framework = load_framework("example")
    release = (here.clock.now() + timedelta(days=DAYS_TO_RELEASE)).date().isoformat()
    path = folder / f"{model}.toml"
    path.write_text(SUBMISSION.format(id=model, name=name, release=release), "utf-8")
    who = Participants(LAB, default_centre(framework), (AGENCY, TREASURY))
    return open_case(here, framework, load_submission(path), who)


def _measured(case: Case, solves: Callable[[str, int], bool]) -> None:
    seal(case, ITEMS, "confined", accepted=True, whole=True)
    prepared, asked = reopen(case), dict[str, Readiness]()
    case.record([snapshot_seen(case, "final", {}, "before", asked, None, case.now())])
    for spec, key in plan_chunks(case, prepared).values():
        committed = prepared.battery.sealed.find(spec.item_set).commitments
        outcomes = [
            Outcome(
                index=index,
                commitment=committed[index],
                result="solved" if solves(spec.mode, index) else "unsolved",
                score="1" if solves(spec.mode, index) else "0",
                reason="Invented for a demonstration: no model was asked.",
                usage=Usage(input=900, output=300),
                seconds="1.0",
                reasoning="full" if spec.mode == "thinking" else "none",
                calls=1,
            )
            for index in spec.indices
        ]
        record_outcomes(case, prepared.battery, spec, key, outcomes, Usage(input=900, output=300))
    conclude(case, prepared.name)


def _settled(case: Case) -> None:
    """What people do after the measuring, to the release."""
    said, state = case.state.designating, case.state
    answers = [
        finding_responded(case, LAB, finding, "noted", "We see the same on our side.")
        for finding in state.findings
    ]
    number, word = len(said.proposals), said.proposals[-1].designation
    case.record([*answers, designation_concurred(case, TREASURY, number, word)])
    decided = designation_made(case, AGENCY, number, word, "As proposed; nobody dissents.")
    case.record([decided])
    public = case.marks.public
    released = release_announced(
        case, LAB, "partners", ("final",), same_model="same", marking=public
    )
    case.record([released])


def _disputed(case: Case) -> None:
    """One finding is answered and one is disputed; one agency has spoken, the other is awaited."""
    state = case.state
    first, *others = state.findings
    deeds: list[Deed] = [
        finding_responded(case, LAB, first, "mitigated", "Fixed in the build of last week.")
    ]
    if others:
        grounds = "The items resemble what the model was trained on."
        deeds.append(finding_disputed(case, LAB, others[0], grounds, rerun_wanted=True))
    said = state.designating
    number, word = len(said.proposals), said.proposals[-1].designation
    reason = "The items are too few to say."
    deeds.append(designation_dissented(case, TREASURY, number, word, reason))
    case.record(deeds)
