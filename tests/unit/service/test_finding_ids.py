"""Each crossed run has its own finding in the record, whatever the developer calls things."""

from pathlib import Path

import pytest

from support import small_case as small
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal

VARIANTS = ("v" * 64, "x.y", "x")
MODES = (("m" * 64, "v" * 64), ("z", "x.y"), ("y.z", "x"))


def submission() -> str:
    head = small.SUBMISSION.split("[[variants]]", maxsplit=1)[0]
    variants = [f'[[variants]]\nid = "{name}"\n' for name in VARIANTS]
    modes = [
        f'[[modes]]\nid = "{mode}"\nvariant = "{variant}"\nmodel = "openai-api/subject/{number}"\n'
        'base_url = "http://127.0.0.1:9/v1"\napi_key_env = "EXAMPLE_LAB_KEY"\n'
        for number, (mode, variant) in enumerate(MODES)
    ]
    return head + "".join(variants + modes)


def test_every_run_that_is_above_has_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With the longest ids, and with ids whose dots fall together."""
    monkeypatch.setattr(small, "SUBMISSION", submission())
    with small.small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=True)
        prepared = reopen(case)
        for variant in VARIANTS:
            small.probed(case, variant)
        for run in prepared.runs:
            size = len(prepared.battery.items[run.item_set])
            small.record_chunk(case, prepared, run, range(size), lambda _: True)
        state = conclude(case, prepared.name)
    above = [key for key, said in state.verdicts.items() if said.verdict == "above"]
    assert {key.mode for key in above} == {mode for mode, _ in MODES}
    assert len(state.findings) == len(above) == len(prepared.runs)


def test_a_second_battery_has_findings_of_its_own(tmp_path: Path):
    with small.small_case(tmp_path) as case:
        small.measure(case)
        conclude(case, "battery-1")
        seal(case, 6, "confined", accepted=True)
        prepared = reopen(case)
        for run in prepared.runs:
            size = len(prepared.battery.items[run.item_set])
            small.record_chunk(case, prepared, run, range(size), lambda _: True)
        state = conclude(case, prepared.name)
    assert len(state.findings) == len(state.verdicts) == 2 * len(prepared.runs)
