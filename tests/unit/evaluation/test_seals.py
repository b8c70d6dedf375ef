"""Batteries: the same seed gives the same battery; a reveal proves what ran and nothing else."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.toys import SEED, ToyFamily, toy_battery
from touchstone.evaluation import (
    BatteryPlan,
    ItemSetPlan,
    check_code,
    check_reveal,
    check_seed,
    draw_battery,
    reveal,
)
from touchstone.evaluation.errors import FamilyError, PlanError, RevealError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.code import FamilyCode
from touchstone.evaluation.seals import SealedBattery, commitments, item_digest, permutation

FAMILIES = {"toy": ToyFamily()}


def plan(*counts: dict[int, int]) -> BatteryPlan:
    return BatteryPlan(
        id="b",
        sets=tuple(
            ItemSetPlan(id=f"set-{n}", criterion="c", family="toy", counts=count)
            for n, count in enumerate(counts)
        ),
    )


@given(st.binary(min_size=32, max_size=32), st.integers(1, 40))
def test_drawing_is_a_function_of_the_seed(seed: bytes, size: int):
    first, second = (draw_battery(plan({1: size}), FAMILIES, seed) for _ in range(2))
    assert first.sealed == second.sealed
    assert sorted(permutation(seed, "set-0", size)) == list(range(size))
    assert check_seed(first.sealed, first.plan, FAMILIES, seed).items == first.items


def test_another_seed_set_or_position_gives_another_commitment():
    battery = draw_battery(plan({1: 20}, {1: 20}), FAMILIES, SEED)
    other = draw_battery(plan({1: 20}), FAMILIES, bytes(32))
    all_commitments = [c for s in battery.sealed.sets for c in s.commitments]
    all_commitments += other.sealed.sets[0].commitments
    assert len(set(all_commitments)) == 60


def test_the_order_of_running_mixes_difficulties():
    battery = draw_battery(plan({1: 50, 5: 50}), FAMILIES, SEED)
    levels = [item.difficulty for item in battery.items["set-0"]]
    assert 10 < sum(level == 5 for level in levels[:50]) < 40


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "another"},
        {"files": {"word.txt": b"x"}},
        {"judge_files": {}},
        {"judge": ("true",)},
        {"reference": b"x"},
        {"answer": "b.txt"},
        {"answer_limit": 99},
        {"judge_seconds": 1},
        {"domain": "autonomy"},
        {"version": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_of_an_item_is_committed(change: dict[str, object]):
    item = ToyFamily().generate(7, 1)
    assert item_digest(dataclasses.replace(item, **change)) != item_digest(item)  # type: ignore[arg-type]  # one field each


def test_a_reveal_is_checked():
    battery = toy_battery(12)
    items = battery.items["copying"]
    for opened in reveal(SEED, "copying", items, range(12)):
        check_reveal(battery.sealed, opened, items[opened.index])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"index": 1}, "not what was committed"),
        ({"index": 99}, "the set has 12 positions"),
        ({"salt": "00" * 32}, "not what was committed"),
        ({"salt": "00" * 31}, "not what was committed"),
        ({"salt": "zz"}, "not hex"),
        ({"item": "sha256:" + "0" * 64}, "not what was committed"),
        ({"item_set": "other"}, "no item set 'other'"),
    ],
)
def test_a_false_reveal_is_found(change: dict[str, object], says: str):
    battery = toy_battery(12)
    (opened,) = reveal(SEED, "copying", battery.items["copying"], [0])
    with pytest.raises(RevealError, match=says):
        check_reveal(battery.sealed, opened.model_copy(update=change))


def test_another_item_under_a_true_reveal_is_found():
    battery = toy_battery(12)
    items = battery.items["copying"]
    (opened,) = reveal(SEED, "copying", items, [0])
    with pytest.raises(RevealError, match="not the one that was committed"):
        check_reveal(battery.sealed, opened, items[1])


def test_a_false_seed_plan_or_family_is_found():
    battery = toy_battery(12)
    with pytest.raises(RevealError, match="not the one that was committed"):
        check_seed(battery.sealed, battery.plan, FAMILIES, bytes(32))
    with pytest.raises(RevealError, match="differs from the sealed"):
        check_seed(battery.sealed, battery.plan, {"toy": ToyFamily(b"other")}, SEED)


def test_a_battery_of_another_version_of_its_family_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
):
    battery = toy_battery(12)
    monkeypatch.setattr(ToyFamily, "version", "2")
    says = (
        "family 'toy': battery .* was sealed with its version 1, and this Touchstone makes version "
        "2; go on with the version of Touchstone that sealed it"
    )
    with pytest.raises(RevealError, match=says):
        check_seed(battery.sealed, battery.plan, FAMILIES, SEED)


def test_a_plan_that_cannot_be_drawn_is_refused():
    with pytest.raises(PlanError, match="no family 'toy'; known: none"):
        draw_battery(plan({1: 1}), {}, SEED)
    with pytest.raises(ValueError, match="32 bytes"):
        draw_battery(plan({1: 1}), FAMILIES, b"short")
    with pytest.raises(ValueError, match="difficulties run from 1 to 5"):
        plan({6: 1})
    with pytest.raises(ValueError, match="two sets share an id"):
        BatteryPlan(id="b", sets=(plan({1: 1}).sets[0],) * 2)


def test_the_sealed_part_says_nothing_of_the_items():
    battery = toy_battery(12)
    public = battery.sealed.model_dump_json()
    for item in battery.items["copying"]:
        assert item.id not in public
        assert item_digest(item).removeprefix("sha256:") not in public
        assert f"{item.seed:016x}" not in public
    assert SEED.hex() not in public


class Labelled(ToyFamily):
    """Toy items in groups."""

    def generate(self, seed: int, difficulty: int) -> Item:
        return dataclasses.replace(super().generate(seed, difficulty), flaw=f"toy/kind-{seed % 3}")


def test_a_flaw_is_opened_with_its_item_not_before_and_cannot_be_chosen_afterwards():
    battery = toy_battery(12, Labelled())
    items = battery.items["copying"]
    assert "kind-" not in battery.sealed.model_dump_json()
    for opened in reveal(SEED, "copying", items, range(12)):
        assert opened.flaw == items[opened.index].flaw
        check_reveal(battery.sealed, opened, items[opened.index])
        for other in ("", "toy/kind-9"):
            with pytest.raises(RevealError, match="not what was committed"):
                check_reveal(battery.sealed, opened.model_copy(update={"flaw": other}))


def test_what_has_no_flaw_is_committed_as_before():
    plain, labelled = toy_battery(12), toy_battery(12, Labelled())
    assert plain.sealed != labelled.sealed
    digests = [item_digest(item) for item in plain.items["copying"]]
    assert commitments(SEED, "copying", digests) == plain.sealed.sets[0].commitments
    (opened,) = reveal(SEED, "copying", plain.items["copying"], [0])
    with pytest.raises(RevealError, match="not what was committed"):
        check_reveal(plain.sealed, opened.model_copy(update={"flaw": "toy/kind-1"}))


CODE = FamilyCode(distribution="example-lab-tasks", version="1.2", digest="sha256:" + "0" * 64)
SHIPPED_CODE = CODE.model_copy(update={"distribution": "touchstone"})


def made(code: FamilyCode | None) -> SealedBattery:
    return draw_battery(plan({1: 8}), FAMILIES, SEED, {"toy": code} if code else {}).sealed


def test_a_battery_without_code_keeps_its_digest_and_one_with_it_says_whose_it_is():
    plain, coded = made(None), made(CODE)
    assert "made_by" not in plain.model_dump(mode="json")["sets"][0]
    assert SealedBattery.model_validate(plain.model_dump(mode="json")) == plain
    assert SealedBattery.model_validate(coded.model_dump(mode="json")) == coded
    assert plain.digest != coded.digest
    assert coded.sets[0].made_by == CODE


def test_going_on_keeps_the_seal_whoever_draws():
    sealed = made(CODE)
    other = {"toy": CODE.model_copy(update={"version": "2"})}
    again = check_seed(sealed, plan({1: 8}), FAMILIES, SEED, other)
    assert again.sealed == sealed


@pytest.mark.parametrize("then", [CODE, SHIPPED_CODE])
@pytest.mark.parametrize("change", [{"digest": "sha256:" + "1" * 64}, {"version": "2"}])
def test_other_code_is_refused_of_a_package_and_told_of_a_shipped_family(
    then: FamilyCode, change: dict[str, str]
):
    sealed = made(then)
    assert check_code(sealed, {"toy": then}) == ()
    now = {"toy": then.model_copy(update=change)}
    if then is CODE:
        with pytest.raises(FamilyError, match="install what it was sealed with"):
            check_code(sealed, now)
    else:
        (line,) = check_code(sealed, now)
        assert "the same, byte for byte" in line


def test_a_family_is_not_taken_from_another_distribution_nor_dropped():
    for then, now in ((CODE, SHIPPED_CODE), (SHIPPED_CODE, CODE)):
        with pytest.raises(FamilyError, match="install what it was sealed with"):
            check_code(made(then), {"toy": now})
        with pytest.raises(FamilyError, match="no family of that name is loaded"):
            check_code(made(then), {})
    assert check_code(made(None), {}) == ()


@pytest.mark.parametrize("fault", [ValueError("no"), SystemExit(1)])
def test_a_family_that_fails_while_drawing_is_one_line(fault: BaseException):
    class Failing(ToyFamily):
        def generate(self, *_: int) -> Item:
            raise fault

    with pytest.raises(PlanError, match="family toy made no item of level"):
        draw_battery(plan({1: 8}), {"toy": Failing()}, SEED)
