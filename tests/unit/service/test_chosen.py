"""What changes what is measured, or by whom, is in the report and in `--json`.

Every option of `review run` and every field of what it reads is either changed here, and the report
must then say the new value, or stands below with the reason why it changes nothing that is
measured. That list only shrinks.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from support.small_case import (
    SUBMISSION,
    Minutes,
    facts_for,
    probed,
    record_chunk,
    small_case,
    solves,
)
from touchstone.clearance import party_audience
from touchstone.cli.review_running import review_run
from touchstone.deeds.drafting import worded
from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import ReportData
from touchstone.editions.sections.conditions import chosen_values
from touchstone.editions.sections.scope import model_facts
from touchstone.evaluation import Elicitation
from touchstone.evaluation.elicitation import AgentCode, AsSent
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.oversight import Probe, Readiness
from touchstone.evaluation.sandbox import SandboxConfig
from touchstone.evaluation.submission import (
    Caps,
    Mode,
    ModeSettings,
    Submission,
    SubmittedModel,
    SubmittedVariant,
)
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.probing import take_snapshots
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.service.measurement.stopping import record_stop
from touchstone.service.reviews.measuring import run_conditions
from touchstone.service.reviews.results import shown_to_centre
from touchstone.verdicts.conditions import Conditions

CENTRE, AGENCY = party_audience("example-centre"), party_audience("example-agency")
NOT_MEASURED: Mapping[str, str] = {
    "option submission": "which file was read; what it says is walked field by field",
    "option out": "where the editions are written",
    "option json": "how the answer is printed",
    "mode base_url": "in the report as the endpoint's digest: an address is not for every party",
    "mode api_key_env": "the name of a variable; whose key it is, the endpoint knows",
    "mode description": "words for people, sent to nobody",
    "variant description": "words for people, sent to nobody",
    "submission agreement": "how long and to whom results are shown, agreed apart",
    "submission still_to_come": "documents that are promised",
    "submission documents": "read by people; in the report with their digests",
    "submission developer": "in the report by name, as every party",
    "caps currency": "shown with the prices",
    "elicitation id": "a name; its digest is in the report",
    "elicitation system_prompt": "in the report as the digest of both prompts",
    "elicitation continue_prompt": "in the report as the digest of both prompts",
}
SEEN = Probe(
    when="before",
    at="2026-11-21T10:00:00Z",
    endpoint="sha256:" + "11" * 32,
    models=("control",),
    fingerprints=(),
    behaviour="sha256:" + "22" * 32,
)


def said(data: ReportData) -> str:
    """All facts of a report that are no digests, as one text."""
    rows: list[Any] = [*data.model, *data.framework, *data.elicitation, *data.modes, *data.parties]
    lines = [" ".join(map(str, asdict(row).values())) for row in rows]
    return re.sub("sha256:[0-9a-f]+", "", "\n".join(lines))


def run_begins(case: Case, options: ReviewOptions, **changed: Any) -> None:
    """What `review run` records when it begins to measure."""
    setting = Setting(
        case=case,
        prepared=reopen(case),
        keys={},
        expected_models={},
        workers=options.workers,
        sandbox=changed.pop("sandbox", SandboxConfig().model_dump(mode="json")),
        asking=EndpointLimits(**changed),
    )
    probes = {mode.id: SEEN for mode in case.submission.modes}
    take_snapshots(case, {}, "during", probes, {}, run_conditions(setting, options))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Sealed, and one run of the command begun with every default."""
    with small_case(tmp_path_factory.mktemp("plain")) as case:
        seal(case, 8, "confined", accepted=False)
        run_begins(case, ReviewOptions())
        yield case


def again(folder: Path, options: ReviewOptions, **changed: Any) -> tuple[str, str, dict[str, Any]]:
    """What centre and agency read, and `--json`, where a second run chose otherwise."""
    clock = Minutes()
    with small_case(folder, clock) as case:
        seal(case, 8, "confined", accepted=False)
        run_begins(case, ReviewOptions())
        clock.pass_by()
        run_begins(case, options, **changed)
        values = chosen_values(shown_to_centre(case))
        return said(facts_for(case, CENTRE)), said(facts_for(case, AGENCY)), values


ASKED = {name: 2 + place for place, name in enumerate(EndpointLimits.model_fields)} | {
    "response_bytes": 3 * 1024 * 1024,
    "sample_seconds": 77,
}


def test_how_endpoints_are_asked_and_what_a_sandbox_gives_is_said_value_by_value(
    tmp_path: Path, plain: Case
):
    assert set(ASKED) == set(EndpointLimits.model_fields)
    config = SandboxConfig(
        grade="none", memory_mib=65, disk_mib=66, inodes=67, processes=68, cpus=6.5
    ).model_dump(mode="json")
    before = SandboxConfig().model_dump(mode="json")
    assert {name for name, value in config.items() if value != before[name]} == set(config)
    centre, agency, values = again(tmp_path, ReviewOptions(workers=9), sandbox=config, **ASKED)
    first = said(facts_for(plain, CENTRE))
    for line in (
        "nine workers, each with up to two samples; at most three requests in flight",
        "to one endpoint, 4 begun in a second",
        "5 s an attempt, six further attempts after a fault, 7 s before the first of them",
        "answers of at most 3 MiB; 77 s a sample, waits included",
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(config.items())),
    ):
        assert line in centre
        assert line in agency
        assert line not in first
    assert "At the same time, from 2026-11-21 10:01 UTC on" in centre
    assert [each["workers"] for each in values["runs"]] == [2, 9]
    assert values["runs"][1]["asking"] == ASKED
    assert values["runs"][1]["sandbox"] == config | {"cpus": "6.5"}


def test_what_did_not_change_is_said_once(tmp_path: Path):
    centre, _, values = again(tmp_path, ReviewOptions())
    assert "UTC on" not in centre
    assert len(values["runs"]) == 2
    assert "Run by Touchstone" in centre


class Seconds(Minutes):
    """A clock that goes on whenever it is looked at."""

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def test_a_run_that_probes_two_variants_is_told_as_one(tmp_path: Path):
    """With the conditions beside each probe, one run of the command read as two."""
    instead = {
        "[[variants]]": '[[variants]]\nid = "other"\npurpose = "restricted"\n[[variants]]',
        'id = "thinking"\nvariant = "final"': 'id = "thinking"\nvariant = "other"',
    }
    with small_case(tmp_path, Seconds(), instead=instead) as case:
        assert len(case.submission.variants) == 2
        seal(case, 8, "confined", accepted=False)
        run_begins(case, ReviewOptions())
        assert len(chosen_values(shown_to_centre(case))["runs"]) == 1


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"workers": 9}, "nine workers"),
        ({"accept_grade": True}, "--accept-grade"),
        ({"accept_no_tools": True}, "--accept-no-tools"),
        ({"resume": "looked at and found sound"}, "looked at and found sound"),
    ],
)
def test_what_each_run_may_choose_anew_is_said(
    tmp_path: Path, plain: Case, given: dict[str, Any], line: str
):
    centre, agency, values = again(tmp_path, ReviewOptions(**given))
    for text in (centre, agency):
        assert line in text
        assert "from 2026-11-21 10:01 UTC on" in text
    assert line not in said(facts_for(plain, CENTRE))
    assert values["runs"][0] != values["runs"][1]


def test_what_is_sealed_once_is_said(tmp_path: Path, plain: Case):
    unready = Readiness(calls_tools=False, answers_at_length=True, why=("it called no tool",))
    with small_case(tmp_path) as case:
        seal(case, 10, "limited", accepted=True, whole=True, readiness={"instant": unready})
        text, values = said(facts_for(case, AGENCY)), chosen_values(shown_to_centre(case))
    before, plainly = said(facts_for(plain, AGENCY)), chosen_values(shown_to_centre(plain))
    for line in (
        "10 items for",
        "every item runs before any verdict",
        "limited: bubblewrap",
        "a sandbox weaker than the cards ask for",
        "it called no tool",
    ):
        assert line in text
        assert line not in before
    for name in ("items", "designs", "grade", "weaker_grade_accepted", "readiness"):
        assert values[name] != plainly[name]


def test_how_a_model_was_drawn_out_is_said(tmp_path: Path, plain: Case):
    code = AgentCode(
        package="example-agents",
        version="1.2",
        digest="sha256:" + "ab" * 32,
        entry="example:made",
        arguments={},
        harness="sha256:" + "cd" * 32,
    )
    how = Elicitation(
        id="x",
        agent="lead",
        attempts=3,
        reasoning_effort="low",
        compaction="trim",
        compaction_tokens=5000,
        budget_text="You have\nan hour.",
        checkpoints=(500, 700),
        code=code,
        sent=AsSent(system="sha256:" + "01" * 32, tools="sha256:" + "02" * 32, helpers=("helped",)),
    )
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=False, elicitation=how)
        assert reopen(case).elicitation == how
        sealed = next(iter(case.state.batteries.values()))
        text = said(facts_for(case, AGENCY))
    before = said(facts_for(plain, AGENCY))
    # The mode that says nothing of reasoning is asked for it now, as the one that always was.
    assert sealed.reasoning == ("instant", "thinking")
    for line in (
        "lead: think",
        "Answers that it may submit in a sample 3",
        "Reasoning effort where a mode says none low",
        "trim, at 5,000 tokens of conversation",
        "Told of its budget You have an hour.",
        "500 tokens, 700 tokens",
        "The agent's code example:made of example-agents 1.2",
        "helped",
    ):
        assert line in text
        assert line not in before


WITH = {
    "framework": 'framework = "example"',
    "kind": 'kind = "screening"',
    "access": 'access = "weights"',
    "reasoning_access": 'reasoning_access = "none"',
}
SUBMITTED = {
    "submission access": (
        ("reasoning_access =", 'access = "weights"\nreasoning_access ='),
        "Access weights",
    ),
    "submission reasoning_access": (
        ('reasoning_access = "full"', 'reasoning_access = "none"'),
        "Reasoning that may be seen none",
    ),
    "model name": (("Example Model 3", "Another Name"), "Another Name"),
    "model release_state": (("in-development", "restricted"), "restricted"),
    "model planned_release": (("2027-01-05", "2027-02-06"), "2027-02-06"),
    "variant id": (('"final"', '"another"'), "another (final)"),
    "mode id": (('id = "instant"', 'id = "quick"'), "quick"),
    "mode model": (
        ("openai-api/subject/control", "openai-api/subject/other"),
        "openai-api/subject/other",
    ),
    "mode format": (
        ('settings = { reasoning_effort = "high" }', 'format = "openai-responses"\nsettings = {}'),
        "format openai-responses",
    ),
    "settings reasoning_effort": (('"high"', '"low"'), "reasoning effort low"),
    **{
        f"settings {name}": (
            ('{ reasoning_effort = "high" }', f"{{ {name} = {value} }}"),
            f"{name.replace('_', ' ')} {value}",
        )
        for name, value in (
            ("reasoning_tokens", 777),
            ("max_tokens", 888),
            ("temperature", "0.3"),
            ("top_p", "0.4"),
            ("seed", 999),
        )
    },
    "caps tokens": (("", "\n[caps]\ntokens = 77777777\n"), "77,777,777 tokens at most"),
    "caps wall_seconds": (("", "\n[caps]\nwall_seconds = 8888\n"), "8,888 s by the clock"),
    "caps money": (
        ("", "\n[caps]\nmoney = 55\nprice_input = 2\nprice_output = 3\n"),
        "55 USD at most",
    ),
    "caps price_input": (
        ("", "\n[caps]\nmoney = 5\nprice_input = 22\nprice_output = 3\n"),
        "22 USD for a million tokens in",
    ),
    "caps price_output": (
        ("", "\n[caps]\nmoney = 5\nprice_input = 2\nprice_output = 33\n"),
        "33 USD for a million tokens out",
    ),
}


@pytest.mark.parametrize("name", SUBMITTED)
def test_what_a_submission_says_is_in_the_report(
    name: str, tmp_path: Path, plain: Case, monkeypatch: pytest.MonkeyPatch
):
    (old, new), line = SUBMITTED[name]
    changed = SUBMISSION.replace("{{", "{").replace("}}", "}").replace("{framework}", "example")
    changed = changed.replace(old, new) if old else changed + new
    monkeypatch.setattr(
        "support.small_case.SUBMISSION", changed.replace("{", "{{").replace("}", "}}")
    )
    with small_case(tmp_path) as case:
        assert line in said(facts_for(case, CENTRE))
    assert line not in said(facts_for(plain, CENTRE))


def test_stops_and_halts_stay_in_the_report_when_measuring_has_gone_on(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=True)
        prepared = reopen(case)
        probed(case)
        record_stop(case, "battery-1", StoppedError("why", "endpoint-failing"))
        centre = case.participants.centre
        case.record([worded(case, measuring.ReviewHalted, centre, texts={"reason": "a look"})])
        case.record([worded(case, measuring.ReviewResumed, centre, texts={"reason": "seen"})])
        record_chunk(case, prepared, prepared.runs[0], range(2), solves("instant"))
        conclude(case, "battery-1")
        data, values = facts_for(case, AGENCY), chosen_values(shown_to_centre(case))
        text = said(data)
    # Beside the designation too: who stopped a review may have had a wish about what it says.
    assert data.designation is not None
    assert data.designation.notes[0] == (
        "Measuring was broken off: 2026-11-21 10:00 UTC, endpoint failing; 2026-11-21 10:00 UTC, "
        "halted by Example Centre: a look."
    )
    assert "Broken off 2026-11-21 10:00 UTC, endpoint failing; 2026-11-21 10:00 UTC, halted by" in (
        text
    )
    assert [each["reason"] for each in values["stops"]] == ["endpoint-failing"]
    assert [(e["by"], e["reason"]) for e in values["halts"]] == [("example-centre", "a look")]


SAID_ELSEWHERE = {
    "option framework": "test_gathering: title, version and digest of the framework",
    "option battery": "e2e/review/test_battery_file.py: by name and digest of the file",
    "option items": "test_what_is_sealed_once_is_said",
    "option whole_battery": "test_what_is_sealed_once_is_said",
    "option elicitation": "test_how_a_model_was_drawn_out_is_said",
    "option agency": "test_gathering: the parties; in --json `agencies`",
    "option workers": "test_what_each_run_may_choose_anew_is_said",
    "option accept_grade": "test_what_each_run_may_choose_anew_is_said",
    "option accept_no_tools": "test_what_each_run_may_choose_anew_is_said",
    "option scanner": "test_graded_scans: its name beside what it flagged; no sample rests on it",
    "option accept_own_scanner": "test_graded_scans: whose model it is",
    "option resume": "test_what_each_run_may_choose_anew_is_said",
    "submission framework": "the framework section",
    "submission kind": "below",
    "submission model": "walked as model ...",
    "submission variants": "walked as variant ...",
    "submission modes": "walked as mode ...",
    "submission caps": "walked as caps ...",
    "model id": "not sent; the name is shown, and the endpoint's own name in the modes",
    "variant purpose": "below",
    "variant weights": "test_the_weights_of_a_variant_are_said_by_their_digest",
    "mode variant": "below",
    "mode settings": "walked as settings ...",
}


def walked() -> Iterator[str]:
    """Every option of the command, and every field of what it reads."""
    yield from (f"option {name}" for name in inspect.signature(review_run).parameters)
    models: dict[str, type[BaseModel]] = {
        "submission": Submission,
        "model": SubmittedModel,
        "variant": SubmittedVariant,
        "mode": Mode,
        "settings": ModeSettings,
        "caps": Caps,
        "elicitation": Elicitation,
    }
    for word, model in models.items():
        yield from (f"{word} {name}" for name in model.model_fields)


def test_nothing_that_can_be_chosen_is_left_out():
    elicited = {f"elicitation {name}" for name in Elicitation.model_fields}
    known = {*NOT_MEASURED, *SUBMITTED, *SAID_ELSEWHERE, *elicited}
    assert set(walked()) - known == set()
    assert known - set(walked()) == set()
    assert len(NOT_MEASURED) == 15


def test_every_field_of_conditions_is_said_and_every_option_reaches_the_command():
    assert set(Conditions.model_fields) == {
        "workers",
        "asking",
        "sandbox",
        "accepted",
        "resumed",
        "engine",
        "detectors",
        "calibration",
    }
    named = {"agency" if each.name == "agencies" else each.name for each in fields(ReviewOptions)}
    assert named == set(inspect.signature(review_run).parameters) - {"submission", "out", "json"}


def test_the_weights_of_a_variant_are_said_by_their_digest(plain: Case):
    entries = tuple(read_entries(plain.installation.records.case(plain.id), CENTRE))
    received = plain.state.submission
    assert received is not None
    weights = "sha256:" + "ab" * 32
    weighed = [each.model_copy(update={"weights": weights}) for each in received.variants]
    for variants, shown in ((received.variants, False), (tuple(weighed), True)):
        handed_in = received.model_copy(update={"variants": variants})
        page = AudienceCase(plain.id, entries, CENTRE)
        # In the place of what is made of the entries once.
        vars(page)["state"] = replace(page.state, submission=handed_in)
        facts = " ".join(map(str, model_facts(page)))
        assert (weights in facts) == shown


def test_kind_purpose_and_elicitation_are_said(plain: Case):
    text = said(facts_for(plain, CENTRE))
    sealed = Elicitation.model_validate(chosen_values(shown_to_centre(plain))["elicitation"])
    assert "Kind review" in text
    assert "Variants final (final)" in text
    for line in (
        sealed.agent,
        *sealed.tools,
        f"{sealed.message_limit} messages",
        f"{sealed.token_limit:,} tokens",
        f"{sealed.working_seconds} s of work",
        f"{sealed.tool_seconds} s a tool call",
        "go on, two times",
    ):
        assert line in text
