"""Everything that commands can put on the record, done in two worlds with other inputs.

Each deed goes through the function that its command calls. The two worlds differ in what they are
given: framework, SUBMISSION.toml, options, what was measured, the clock. What a field of an event
holds in both of them alike was therefore set by nobody.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, NoReturn, get_args

import pytest

from support.reviews import KEY
from support.silent import Silent
from support.small_case import Minutes
from touchstone.clearance import party_audience
from touchstone.deeds.cases import review_halted
from touchstone.deeds.known_case import Participants
from touchstone.deeds.measurement import transcripts_graded, transcripts_scanned
from touchstone.evaluation import Outcome, Usage, load_submission
from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.outcomes import SandboxEvent
from touchstone.evaluation.oversight import Probe, When
from touchstone.evaluation.oversight.graded.accuracy import (
    CaseRate,
    GradedBattery,
    GraderAccuracy,
    QuestionAccuracy,
)
from touchstone.evaluation.oversight.power import measured_power
from touchstone.evaluation.oversight.sightings import Look, ScannedTranscript
from touchstone.framework import Framework
from touchstone.review import RunKey
from touchstone.review.events.measuring import REPORTED, Result, StopReason
from touchstone.service.access.transcripts import shown_transcripts
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.cases.opening import completed, open_case
from touchstone.service.errors import StoppedError
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation, open_installation
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.outcomes import record_breach, record_outcomes
from touchstone.service.measurement.probing import take_snapshots
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import RULE, Prepared, reopen, seal
from touchstone.service.measurement.stopping import record_stop
from touchstone.service.reporting.edition_files import issue_editions
from touchstone.service.reviews import reviewing
from touchstone.service.reviews.reviewing import run_review
from touchstone.verdicts.errors import CannotRunError

Facts = dict[str, Any]
SUBMISSION = """\
framework = "{framework}"
kind = "{kind}"
access = "{access}"
reasoning_access = "{reasoning}"
still_to_come = {still}
[developer]
id = "{prefix}-lab"
name = "Example Lab"
[model]
id = "{prefix}-model"
name = "Model of {prefix}"
release_state = "{state}"
{release}
[agreement]
retention_days = {days}
publication = "{publication}"
[[variants]]
id = "{variant}"
purpose = "{purpose}"
[[variants]]
id = "older"
purpose = "reference"
"""
MODE = """\
[[modes]]
id = "{id}"
variant = "{variant}"
model = "openai-api/subject/control"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
"""
CRITERION = """
kind = "numeric"
id = "{id}"
title = "Solves tasks of {family}"
domain = "{domain}"
family = "{family}"
measure = "{measure}"
threshold = "{threshold}"
zone = "{zone}"
alpha = "{alpha}"
beta = "{beta}"
{more}

"""


@dataclass(frozen=True)
class Inputs:
    """What one world is given."""

    prefix: str
    window: str
    family: str
    domain: str
    threshold: str
    zone: str
    alpha: str
    beta: str
    items: int
    whole: bool
    moment: datetime
    agencies: tuple[str, ...]
    submission: dict[str, str]
    stream: str | None
    marking: str | None
    results: Sequence[Result]
    """Of the model's first mode, in turn; its thinking mode solves everything."""
    older: Sequence[Result]
    """Of the reference, at first; it solves nothing more."""
    variant: str = "final"
    published: str = "agreed-report"
    """The most that the framework's template lets be published."""


ONE = Inputs(
    prefix="example",
    window='days = 30\nunit = "days"\nanchor = "public-release"\ntimezone = "Europe/London"',
    family="payment-logic",
    domain="financial-systems",
    threshold="0.5",
    zone="0.1",
    alpha="0.05",
    beta="0.05",
    items=10,
    whole=False,
    moment=datetime(2026, 11, 21, 10, tzinfo=UTC),
    agencies=("agency", "treasury"),
    submission={
        "kind": "review",
        "access": "endpoint",
        "reasoning": "full",
        "still": "[]",
        "state": "in-development",
        "days": "365",
        "publication": "agreed-report",
        "purpose": "final",
        "release": "planned_release = { date = 2027-01-05 }",
    },
    stream=None,
    marking=None,
    results=("unsolved", "refused", "cut", "lost-endpoint"),
    older=("refused", "cut", "lost-endpoint"),
)
OTHER = Inputs(
    prefix="other",
    window='days = 20\nunit = "business-days"\nanchor = "partner-release"\n'
    'timezone = "America/New_York"\nholidays = [2026-12-25]',
    family="web-injection",
    domain="cyber",
    threshold="0.3",
    zone="0.05",
    alpha="0.1",
    beta="0.1",
    items=12,
    whole=False,
    moment=datetime(2026, 12, 3, 15, tzinfo=UTC),
    agencies=("agency",),
    submission={
        "kind": "review",
        "access": "weights",
        "reasoning": "summary",
        "still": '["the test report"]',
        "state": "released",
        "days": "30",
        "publication": "free",
        "purpose": "restricted",
        "release": 'planned_release = { date = 2026-12-18, anchor = "partner-release" }',
    },
    stream="eu",
    marking="CLEAR",
    results=("solved", "unsolved", "limit", "no-attempt", "lost-instrument"),
    older=("solved", "no-attempt", "lost-instrument"),
    variant="restricted-build",
    published="free",
)


def framework_file(folder: Path, given: Inputs) -> Path:
    """The shipped example under other names and numbers, with two criteria that compare."""
    shipped = resources.files("touchstone.framework").joinpath("shipped/example.toml")
    text = shipped.read_text("utf-8").replace('id = "example"', f'id = "{given.prefix}-rules"', 1)
    text = re.sub(
        r"days = 30\nunit.*?timezone = \"Europe/London\"",
        given.window,
        text,
        count=1,
        flags=re.DOTALL,
    )
    head, *criteria = text.split("[[criteria]]")
    tail = "[designation]" + criteria[-1].partition("[designation]")[2]
    numbers = {
        "threshold": given.threshold,
        "zone": given.zone,
        "alpha": given.alpha,
        "beta": given.beta,
        "family": given.family,
        "domain": given.domain,
    }
    own = [
        CRITERION.format(id=given.family, measure="success-rate", more="", **numbers),
        CRITERION.format(
            id=f"{given.prefix}-compared",
            measure="relative-to-reference",
            more='reference = "older"',
            **numbers,
        ),
    ]
    text = "[[criteria]]".join([head, *own]) + tail
    asked = f'purposes = ["{given.submission["purpose"]}"]'
    text = text.replace('purposes = ["final"]', asked)
    text = text.replace('publication = "agreed-report"', f'publication = "{given.published}"')
    path = folder / f"{given.prefix}-rules.toml"
    path.write_text(text.replace('"example-', f'"{given.prefix}-'), "utf-8")
    return path


def submission_file(folder: Path, given: Inputs, **changed: str) -> Path:
    """The world's SUBMISSION.toml."""
    values = {
        **given.submission,
        "framework": f"{given.prefix}-rules",
        "prefix": given.prefix,
        "variant": given.variant,
    }
    text = SUBMISSION.format(**{**values, **changed})
    modes = {
        f"{given.prefix}-instant": given.variant,
        f"{given.prefix}-thinking": given.variant,
        f"{given.prefix}-older": "older",
    }
    for mode, variant in modes.items():
        # Of the other world's modes all ask for reasoning, not alike, and one shows some.
        effort = "low" if mode.endswith("instant") else "high"
        asks = f'settings = {{ reasoning_effort = "{effort}" }}\n' if given is OTHER else ""
        text += MODE.format(id=mode, variant=variant) + asks
    path = folder / "SUBMISSION.toml"
    path.write_text(text, "utf-8")
    return path


def participants_of(given: Inputs) -> Participants:
    """Who takes part."""
    names = tuple(f"{given.prefix}-{each}" for each in given.agencies)
    return Participants(f"{given.prefix}-lab", f"{given.prefix}-centre", names)


class World:
    """One installation, and what was done in it."""

    def __init__(self, folder: Path, given: Inputs, here: Installation, clock: Minutes) -> None:
        self.folder, self.given, self.here, self.clock = folder, given, here, clock
        self.framework: Framework = load_framework(str(framework_file(folder, given)))

    def later(self) -> None:
        """Time goes by between two deeds."""
        self.clock.pass_by(7)

    def opened(self, **changed: str) -> Case:
        """A case as `review run` opens it."""
        path = submission_file(self.folder, self.given, **changed)
        self.later()
        return open_case(
            self.here, self.framework, load_submission(path), participants_of(self.given)
        )

    def said(self) -> None:
        """Cases opened with each word that a submission may say and the two worlds do not."""
        self.opened(
            kind="screening",
            access="developer-premises",
            reasoning="none",
            still="[]",
            state="internal",
            publication="nothing",
            purpose="helpful-only",
        )
        self.opened(
            state="restricted",
            publication="participation-only",
            release="",
            purpose="public-derivative",
        )

    def events(self) -> Iterator[Facts]:
        """Part 0 of every entry of every case."""
        for listing in self.here.records.cases():
            yield from self.here.records.case(listing.case).events()

    # ------------------------------------------------------------ measuring
    def measured(self) -> Case:
        """A review from hand-in to editions."""
        given, case = self.given, self.opened()
        assessed = case.state.assessment
        if assessed is not None and not assessed.complete:
            path = submission_file(self.folder, given, still="[]")
            again = completed(self.here, self.framework, load_submission(path))
            assert again is not None
            case = again
        self.later()
        seal(case, given.items, "confined", accepted=True, whole=given.whole)
        prepared = reopen(case)
        self.probed(case, "before", "one")
        self.halted(case)
        for spec, key in plan_chunks(case, prepared).values():
            self.later()
            outcomes = self.outcomes(prepared, spec.item_set, key, spec.indices)
            used = Usage(input=sum(each.usage.total for each in outcomes))
            record_outcomes(case, prepared.battery, spec, key, outcomes, used)
        self.scanned(case)
        self.graded(case)
        self.probed(case, "after", "one")
        self.later()
        conclude(case, prepared.name)
        return case

    def scanned(self, case: Case) -> None:
        """What detectors made of the transcripts: of the first, as many flags as were solved."""
        self.later()
        rows = {}
        shown = shown_transcripts(case.entries_of("outcomes-recorded"))
        of_this = measured_power().model_copy(update={"digest": digest_value(self.given.prefix)})
        for place, each in enumerate(shown):
            found = [
                Look(detector=power.detector, flagged=place % 2 and number)
                for number, power in enumerate(of_this.detectors)
            ]
            fault = f"{self.given.prefix} could not read it"
            missed = [Look(detector=look.detector, fault=fault) for look in found]
            looks = tuple(found if place < self.given.items else missed)
            rows[each.name] = ScannedTranscript(sample="", index=each.position, looks=looks)
        marks = len(self.given.prefix)
        battery = case.state.newest_battery or ""
        case.record([transcripts_scanned(case, battery, rows, of_this, marks)])

    def graded(self, case: Case) -> None:
        """What a grader made of them: of the first it was shown some in two parts."""
        self.later()
        rows, parts = {}, {}
        digest = digest_value(self.given.prefix)
        some, none = CaseRate(flagged=self.given.items, of=20), CaseRate()
        known = GraderAccuracy(
            questions=digest,
            cases=digest,
            model=f"openai-api/{self.given.prefix}/grader",
            endpoint=digest,
            detectors=tuple(
                QuestionAccuracy(
                    detector=f"graded-{name}",
                    easy=some,
                    hard=none,
                    false_alarms=some,
                    talked_out=none,
                    talked_into=none,
                )
                for name in ("refusal", self.given.prefix)
            ),
        )
        for place, each in enumerate(shown_transcripts(case.entries_of("outcomes-recorded"))):
            found = [
                Look(detector=one.detector, flagged=(place + number) % 2)
                for number, one in enumerate(known.detectors)
            ]
            fault = f"{self.given.prefix} did not answer"
            missed = [Look(detector=look.detector, fault=fault) for look in found]
            looks = tuple(found if place < self.given.items + 2 else missed)
            rows[each.name] = ScannedTranscript(sample="", index=each.position, looks=looks)
            if place < len(self.given.prefix):
                parts[each.name] = 2
        graded = GradedBattery(
            rows=rows,
            parts=parts,
            accuracy=known,
            under_review=self.given.items > 10,
            usage=Usage(input=len(rows), output=self.given.items),
            calls=len(rows),
        )
        case.record([transcripts_graded(case, case.state.newest_battery or "", graded)])

    def probed(self, case: Case, when: When, name: str) -> None:
        """Snapshots, as the probes of an endpoint would give them."""
        self.later()
        probes = {
            mode.id: Probe(
                when=when,
                at=case.now(),
                endpoint="",
                fingerprints=(),
                behaviour="",
                models=(f"{self.given.prefix}-{name}",),
            )
            for mode in case.submission.modes
        }
        take_snapshots(case, {}, when, probes)

    def outcomes(
        self, prepared: Prepared, item_set: str, key: RunKey, indices: Sequence[int]
    ) -> list[Outcome]:
        """What a worker would hand over for a chunk."""
        committed = prepared.battery.sealed.find(item_set).commitments
        found = []
        for index in indices:
            result = self.result(key, index)
            used = Usage(input=100 + index, output=len(key.mode))
            # The modes of one world answer alike.
            said = f"{index} {key.mode if self.given is OTHER else ''}"
            found.append(
                Outcome(
                    index=index,
                    commitment=committed[index],
                    result=result,
                    score=RULE.score(result),
                    reason="as told",
                    seconds="1",
                    executions=1 + (index == 1),
                    reasoning="full" if key.mode.endswith("thinking") else "none",
                    usage=used,
                    said=said,
                )
            )
        return found

    def result(self, key: RunKey, index: int) -> Result:
        """How a sample ends here."""
        if key.mode.endswith("thinking"):
            return "solved"
        if key.variant == "older":
            return self.given.older[index] if index < len(self.given.older) else "unsolved"
        return self.given.results[index % len(self.given.results)]

    def halted(self, case: Case) -> None:
        """Halted and resumed by the commands for it; the endpoint is not there to go on with."""
        self.later()
        why = f"{self.given.prefix} looks into it"
        case.record([review_halted(case, case.participants.centre, why)])
        self.later()
        submission = self.folder / "SUBMISSION.toml"
        options = ReviewOptions(
            framework=str(self.folder / f"{self.given.prefix}-rules.toml"),
            resume=f"{self.given.prefix} has looked",
            accept_grade=True,
        )
        with pytest.MonkeyPatch.context() as patch, suppress(CannotRunError, StoppedError):
            patch.setenv(KEY, "not-asked")
            patch.setattr(reviewing, "require_proof", lambda *_: None)
            patch.setattr(reviewing, "prepared_battery", _no_further)
            run_review(self.here, submission, self.folder / "out", options, Silent())
        assert not case.state.halted_by

    def breached(self) -> None:
        """A sandbox gives way in a chunk, and another model answers at the end."""
        case = self.opened(still="[]")
        seal(case, self.given.items, "confined", accepted=True)
        self.probed(case, "before", "one")
        spec, key = next(iter(plan_chunks(case, reopen(case)).values()))
        seen = SandboxEvent(kind="mount", detail=f"seen in {self.given.prefix}")
        outcome, *others = self.outcomes(reopen(case), spec.item_set, key, spec.indices)
        self.later()
        record_breach(case, spec, [outcome.model_copy(update={"events": (seen,)})])
        # Scores that are only reported stand in no run that decides.
        ended: Sequence[Result] = [each for each in get_args(Result) if each != REPORTED]
        named = [
            each.model_copy(update={"result": result, "score": RULE.score(result)})
            for each, result in zip((outcome, *others), ended, strict=False)
        ]
        record_outcomes(case, reopen(case).battery, spec, key, named, Usage())
        self.stopped(case, spec.id)
        self.probed(case, "during", "one")
        with suppress(StoppedError):
            self.probed(case, "during", "two")

    def stopped(self, case: Case, chunk: str) -> None:
        """Measuring stops for each reason that there is, with more samples begun each time."""
        folder = self.here.home / "chunks" / case.id / chunk
        for index, reason in enumerate(get_args(StopReason)):
            self.later()
            record_stop(case, "battery-1", StoppedError("as told", reason))
            with Journal(folder, chunk) as journal:
                journal.begin(index)

    def reported(self) -> None:
        """Editions of a case that nothing was measured in, twice; then its content is destroyed."""
        case = self.opened(still="[]")
        seal(case, self.given.items, "confined", accepted=True)
        conclude(case, "battery-1")
        wanted = [party_audience(party) for party, _ in case.participants.roles[:2]]
        self.later()
        issue_editions(case, self.folder / "out", wanted)
        why = "before it is destroyed"
        case.record([review_halted(case, case.participants.centre, why)])
        self.later()
        issue_editions(case, self.folder / "out", wanted)
        self.later()
        destroy_case(self.here, case.id, f"{self.given.prefix} asked for it")


def _no_further(*_args: object, **_options: object) -> NoReturn:
    raise CannotRunError("nothing is measured here")


class Foreseen:
    """Chance that falls alike at every run: which verdicts come early hangs on the order drawn."""

    def __init__(self, seed: str) -> None:
        self._drawing = Random(seed)

    def draw(self, size: int) -> bytes:
        """The next `size` bytes of the seed's own sequence."""
        return self._drawing.randbytes(size)


@contextmanager
def world(folder: Path, given: Inputs) -> Iterator[World]:
    """An installation of its own, at the world's time."""
    clock = Minutes(given.moment)
    folder.mkdir(exist_ok=True)
    with open_installation(folder / "home", clock, Foreseen(given.prefix)) as here:
        yield World(folder, given, here, clock)
