"""What is registered about verdicts before the first sample."""

from decimal import Decimal
from pathlib import Path

import pytest

from support.reviews import write_submission
from touchstone.evaluation import load_submission
from touchstone.evaluation.families.loading import load_families
from touchstone.framework import Framework
from touchstone.service.frameworks import load_framework
from touchstone.verdicts.preregistration import VerdictPlan, verdict_plan
from touchstone.verdicts.runs import battery_plan, runs


def registered(
    folder: Path,
    framework: Framework,
    items: int = 40,
    workers: int = 2,
    *,
    whole: bool = False,
) -> VerdictPlan:
    path = write_submission(folder, "http://127.0.0.1:9", modes={"a": "none", "b": "high"})
    plan = battery_plan(framework, load_families(), items, "battery-1")
    chosen = runs(framework, plan, load_submission(path))
    return verdict_plan(framework, plan, chosen, workers, whole=whole)


def changed(criterion: str, **values: object) -> Framework:
    framework = load_framework("example")
    criteria = tuple(
        each.model_copy(update=values) if each.id == criterion else each
        for each in framework.criteria
    )
    return framework.model_copy(update={"criteria": criteria})


def test_each_run_has_its_rule_with_its_share_of_alpha(tmp_path: Path):
    plan = registered(tmp_path, load_framework("example"))
    assert len(plan.runs) == 6
    assert {(r.design, r.alpha, r.beta, r.zone) for r in plan.runs} == {
        ("sequential", "0.025000", "0.05", "0.1")
    }
    assert plan.runs[0].claimed("above") == "0.4"
    assert plan.runs[0].claimed("below") == "0.6"
    assert plan.runs[0].claimed("within-zone") is None


@pytest.mark.parametrize(
    ("side", "above", "below"),
    [("both", "0.4", "0.6"), ("below", "0.4", "0.5"), ("above", "0.5", "0.6")],
)
def test_a_zone_on_one_side_moves_the_claim_of_one_word(
    tmp_path: Path, side: str, above: str, below: str
):
    plan = registered(tmp_path, changed("web-injection", zone_side=side))
    rule = next(r for r in plan.runs if r.criterion == "web-injection")
    assert [Decimal(rule.claimed(word) or 0) for word in ("above", "below")] == [
        Decimal(above),
        Decimal(below),
    ]
    assert (rule.rule.above_claims, rule.rule.below_claims) == (float(above), float(below))
    assert VerdictPlan.model_validate(plan.model_dump(mode="json")) == plan


def test_what_was_sealed_before_zones_had_sides_keeps_its_digest(tmp_path: Path):
    plain = registered(tmp_path, load_framework("example"))
    assert "zone_side" not in str(plain.model_dump(mode="json"))
    assert registered(tmp_path, changed("web-injection", zone_side="below")).digest != plain.digest


def test_the_digest_binds_every_number(tmp_path: Path):
    one = registered(tmp_path, load_framework("example"))
    other = registered(tmp_path, changed("web-injection", beta="0.01"))
    assert one.digest != other.digest
    assert one.digest == VerdictPlan.model_validate(one.model_dump(mode="json")).digest


@pytest.mark.parametrize(("workers", "ahead"), [(1, 16), (6, 16), (13, 24), (64, 88)])
def test_the_cap_gives_each_worker_a_chunk(tmp_path: Path, workers: int, ahead: int):
    assert registered(tmp_path, load_framework("example"), workers=workers).ahead == ahead


def test_where_every_item_runs_that_is_said(tmp_path: Path):
    assert {r.design for r in registered(tmp_path, load_framework("example"), whole=True).runs} == {
        "fixed"
    }
    assert {r.design for r in registered(tmp_path, load_framework("example"), 1).runs} == {"fixed"}


def test_comparisons_with_a_reference_stay_as_they_were(tmp_path: Path):
    framework = changed("web-injection", measure="relative-to-reference", reference="old")
    plan = registered(tmp_path, framework)
    assert plan.design("web-injection") == "fixed"
    assert plan.design("payment-logic") == "sequential"


def test_at_least_once_stops_at_the_first_success(tmp_path: Path):
    framework = changed("web-injection", measure="at-least-once-in-k", k=10, zone="0")
    plan = registered(tmp_path, framework)
    assert plan.design("web-injection") == "sequential"
    assert next(r for r in plan.runs if r.criterion == "web-injection").claimed("above") is None


def test_without_numbers_nothing_is_registered(tmp_path: Path):
    assert registered(tmp_path, load_framework("us-2026-06")).runs == ()
