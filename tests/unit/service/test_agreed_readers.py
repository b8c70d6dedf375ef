"""Who sees what models answered is what developer and centre agreed on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.small_case import small_case
from touchstone.deeds.agreed_readers import readers_in
from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import outcomes_recorded, snapshot_seen
from touchstone.evaluation import Outcome, Usage
from touchstone.review import RunKey
from touchstone.review.audience_view import Entry
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import reopen, seal

AGENCY = "example-agency"


def open_to_agency(deed: Deed) -> list[bool]:
    """Of each part of a deed, whether its marking names the agency."""
    return [AGENCY in part.marking.parties for part in deed.attachments]


@pytest.mark.parametrize("agreed", [True, False])
def test_outcomes_are_open_to_whom_the_parties_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
):
    if agreed:
        monkeypatch.setattr(
            Case, "agreed_readers", lambda _, what: (AGENCY,) if what == "outcomes" else ()
        )
    with small_case(tmp_path) as case:
        seal(case, 6, "confined", accepted=True)
        prepared = reopen(case)
        run = prepared.runs[0]
        committed = prepared.battery.sealed.find(run.item_set).commitments
        said = {"result": "solved", "score": "1", "reason": "It holds.", "seconds": "1.0"}
        outcome = Outcome.model_validate({"index": 0, "commitment": committed[0], **said})
        spec: Any = SimpleNamespace(id="chunk-1", item_set=run.item_set, attempt=1)
        key = RunKey(prepared.name, run.criterion, run.mode.variant, run.mode.id)
        made = outcomes_recorded(case, prepared.battery, spec, key, [outcome], (), Usage(), b"log")
        seen = snapshot_seen(case, "final", {}, "before", {}, None, case.now())
    # What opens the items is for all parties; details, log and probes for whom it was agreed.
    assert open_to_agency(made) == [True, agreed, agreed]
    assert open_to_agency(seen) == [agreed]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"outcomes": [AGENCY]}, {"outcomes": (AGENCY,)}),
        ({"outcomes": [AGENCY, 3, "a b", "@case"]}, {"outcomes": (AGENCY,)}),
        ({"outcomes": AGENCY}, {}),
        ([AGENCY], {}),
        (None, {}),
    ],
)
def test_a_text_of_another_form_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Any, named: Any
):
    with small_case(tmp_path) as case:
        (opened,) = case.entries_of("case-opened")
        monkeypatch.setattr(Entry, "content", lambda *_: {"readers": said})
        digest = opened.event.facts()["agreement"]
        assert readers_in([opened], digest) == named
        assert readers_in([opened], "sha256:" + "0" * 64) is None
