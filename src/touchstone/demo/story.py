"""The demo's case: a lab submits, the centre measures, the agencies answer, the lab releases."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, count
from pathlib import Path

from touchstone.deeds.access import release_announced
from touchstone.deeds.designation import designation_made, finding_responded
from touchstone.demo.access import use_under_terms
from touchstone.editions.run_text import landed, remarks
from touchstone.editions.sentences import sentence
from touchstone.evaluation.controls.launch import start_subject
from touchstone.evaluation.sandbox import preflight
from touchstone.handin.shown_ids import short_case
from touchstone.keys import SystemClock
from touchstone.records import DATABASE
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import open_installation
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.service.reviews.reviewing import run_review
from touchstone.verdicts.run_progress import Observer

KEY = "EXAMPLE_LAB_KEY"
ITEMS = 48
PACE_MS = 20
"""Between two pieces of a streamed answer, as a real model takes its time."""
DAYS_TO_RELEASE = 45
AGENCIES = ("example-agency", "example-treasury")

SUBMISSION = """\
# Written by `touchstone demo`: an invented lab, and a control server in the place of a model.
framework = "example"
kind = "review"
access = "endpoint"
reasoning_access = "full"

[developer]
id = "example-lab"
name = "Example Lab"

[model]
id = "example-model-3"
name = "Example Model 3"
release_state = "in-development"
planned_release = {{ date = {release} }}

[[variants]]
id = "final"
purpose = "final"
description = "A scripted solver in the place of a model: it works through tool calls alone."

[[modes]]
id = "instant"
variant = "final"
model = "openai-api/subject/control-solver"
base_url = "{url}"
api_key_env = "{key}"
settings = {{ reasoning_effort = "none" }}

[[modes]]
id = "thinking"
variant = "final"
model = "openai-api/subject/control-solver"
base_url = "{url}"
api_key_env = "{key}"
settings = {{ reasoning_effort = "high" }}
"""


@dataclass(frozen=True)
class DemoResult:
    """What the demo left, in lines for people."""

    lines: tuple[str, ...]


def unused(folder: Path) -> Path:
    """The folder, or its name with the next number: what an earlier demo left stays as it is."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(each for each in chain([folder], numbered) if not each.exists())


def run_demo(out: Path, items: int | None, observer: Observer) -> DemoResult:
    """Run the invented case into a fresh folder of `out`; its own installation is kept there too.

    Args:
        out: Folder for reports, bundles and the demo's own TOUCHSTONE_HOME.
        items: Items per criterion and mode; None: 48.
        observer: Is told what happens.
    """
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    home = out / "home"
    # Said first: what a sandbox can promise on this machine bears on everything that follows.
    grade = preflight().grade
    observer.step(sentence("demo.grade", grade=grade))
    with (
        start_subject(["control-solver", "control-counter"], pace_ms=PACE_MS) as subject,
        _environment(KEY, subject.key),
        # Apart from the person's own: an invented case must never stand in a real record.
        open_installation(home, apart=True) as here,
    ):
        submission = out / "SUBMISSION.toml"
        # Counted from today, so that the window's days make sense whenever the demo runs.
        release = (SystemClock().now() + timedelta(days=DAYS_TO_RELEASE)).date()
        submission.write_text(
            SUBMISSION.format(release=release.isoformat(), url=subject.url, key=KEY), "utf-8"
        )
        options = ReviewOptions(
            # A demo runs wherever it is tried; that a weaker sandbox was accepted stands in its
            # record.
            items=items or ITEMS,
            workers=os.cpu_count() or 2,
            accept_grade=True,
            agencies=AGENCIES,
        )
        result = run_review(here, submission, out, options, observer)
        case = open_found(here, result.case)
        _designate(case, observer)
        # A new folder each time, as a gateway's state and receipts of an earlier run would be
        # another history.
        access = use_under_terms(case, subject.url, KEY, unused(out / "access"), observer)
        _release(case, observer)
        # Once more at the end: the first editions were made before officials decided and the lab
        # released.
        editions = issue_editions(case, out, audiences(case.participants))
    seconds = time.monotonic() - began
    centre = next(e for e in editions if e.audience == case.participants.centre)
    return DemoResult(
        (
            sentence("demo.done", seconds=round(seconds), designation=result.designation),
            *(f"  {landed(row)}" for row in result.rows),
            *(f"  {line}" for line in remarks(result.rows)),
            *([f"  {sentence('review.checks')}"] if result.checks else []),
            *access.lines,
            sentence("demo.open", report=str(centre.report)),
            sentence("demo.other", report=str(out / "report-public.html")),
            sentence("demo.check", bundle=str(centre.bundle), fingerprint=result.fingerprint),
            *sentence(
                "demo.look", variable=DATABASE, home=str(home), case=short_case(case.id)
            ).splitlines(),
        )
    )


def _designate(case: Case, observer: Observer) -> None:
    """What people do after the measuring: respond, dissent or keep silent, decide."""
    state = case.state
    answer = sentence("demo.says-confirmed")
    responses = [
        finding_responded(case, case.participants.developer, finding, "noted", answer)
        for finding in state.findings
    ]
    number, designation = (
        len(state.designating.proposals),
        state.designating.proposals[-1].designation,
    )
    why = sentence("demo.says-as-proposed")
    decided = designation_made(case, AGENCIES[0], number, designation, why)
    case.record([*responses, decided])
    if responses:
        observer.step(sentence("demo.responded"))
    observer.step(sentence("demo.decided", designation=designation))
    observer.step(sentence("demo.silent"))


def _release(case: Case, observer: Observer) -> None:
    """The developer releases, as it always may."""
    case.record(
        [
            release_announced(
                case,
                case.participants.developer,
                "partners",
                ("final",),
                same_model="same",
                review_delay_days=0,
                marking=case.marks.public,
            )
        ]
    )
    observer.step(sentence("demo.released"))


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        # Put back as it was: what runs in this process after the demo may have a key of that name.
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
