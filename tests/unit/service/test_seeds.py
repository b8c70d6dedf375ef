"""A battery from a seed of both sides: sealed, measured, revealed, drawn again, and refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.silent import Silent
from support.small_case import copied_case, measure, record_chunk, small_case, solves
from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.seeding import (
    contributions_to,
    seed_committed,
    seed_contributed,
    seed_from,
    seed_revealed,
)
from touchstone.evaluation import draw_battery
from touchstone.evaluation.drawn_again import SetDrawnAgain, check_ran, draw_again
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.errors import RevealError
from touchstone.review import BadEventError, Refused
from touchstone.review.seeds import contribution_content
from touchstone.service.case_context import Case
from touchstone.service.measurement import sealing
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reviews import measuring
from touchstone.service.reviews.measuring import prepared_battery
from touchstone.verdicts.content_parsers import plan_of, registered_of

LAB, CENTRE, NAME = "example-lab", "example-centre", "battery-1"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A case in which the centre has committed; one that both contributed to; one measured so."""
    before = tmp_path_factory.mktemp("opened")
    found = {"opened": before}
    with small_case(before):
        pass
    for name, steps in (
        ("committed", (commit,)),
        ("both", (contribute,)),
        ("measured", (measure,)),
    ):
        found[name] = tmp_path_factory.mktemp(name)
        with own_case(before, found[name]) as case:
            for step in steps:
                step(case)
        before = found[name]
    return found


@contextmanager
def own_case(home: Path, folder: Path) -> Iterator[Case]:
    """A copied case whose batteries are drawn from the seed that is sealed, unlike small cases'."""
    with copied_case(home, folder) as case, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "draw_battery", draw_battery)
        yield case


def commit(case: Case) -> None:
    case.record([seed_committed(case, NAME)])


def contribute(case: Case) -> None:
    answers = case.state.seeds[NAME].committed.contribution
    case.record([seed_contributed(case, LAB, NAME, answers)])


@pytest.fixture(params=["committed"])
def case(request: pytest.FixtureRequest, homes: dict[str, Path], tmp_path: Path) -> Iterator[Case]:
    with own_case(homes[request.param], tmp_path) as copied:
        yield copied


def from_(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [name], indirect=True)


def secret_of(case: Case) -> dict[str, Any]:
    (entry,) = case.entries_of("battery-sealed")
    secret: dict[str, Any] = entry.content("secret")
    return secret


def again(case: Case, secret: dict[str, Any]) -> tuple[SetDrawnAgain, ...]:
    (entry,) = case.entries_of("battery-sealed")
    known = case.installation.families
    registered = registered_of(entry.content("registered"))
    seed = bytes.fromhex(secret["seed"])
    return draw_again(registered.battery, plan_of(secret), known, seed, known.code)


@from_("measured")
def test_a_battery_of_both_is_measured_opened_and_drawn_again(case: Case):
    origin = case.state.batteries[NAME].origin
    assert origin == case.state.seeds[NAME].origin
    assert origin is not None
    assert origin.developer is not None
    given = contributions_to(
        case.state, NAME, case.entries_of("seed-committed", "seed-contributed")
    )
    assert secret_of(case)["seed"] == seed_from(NAME, given).hex()
    case.record([seed_revealed(case, CENTRE, NAME, secret_of(case))])
    (entry,) = case.entries_of("seed-revealed")
    assert entry.parts[1].value is not None
    # The developer reads it now, and the agencies, who agreed on nothing of the kind, do not.
    assert set(entry.parts[1].value["marking"]["parties"]) == {LAB, CENTRE}
    found = again(case, entry.content("secret"))
    assert [each.lacking for each in found] == [""] * len(found)
    assert found


@from_("both")
def test_once_the_seed_is_open_nothing_more_is_recorded(case: Case):
    seal(case, 6, "confined", accepted=True)
    case.record([seed_revealed(case, CENTRE, NAME, secret_of(case))])
    with pytest.raises(Refused, match=f"the seed of {NAME} is revealed"):
        case.record([seed_revealed(case, CENTRE, NAME, secret_of(case))])
    prepared = reopen(case)
    run = prepared.runs[0]
    with pytest.raises(Refused, match="and with it every item"):
        record_chunk(case, prepared, run, [0], solves(run.mode.id))


def test_without_the_developer_s_word_the_seed_is_the_centre_s_alone_and_says_so(case: Case):
    measure(case)
    origin = case.state.batteries[NAME].origin
    assert origin is not None
    assert origin.developer is None
    with pytest.raises(
        Refused, match=f"{NAME} is sealed: a contribution to its seed comes too late"
    ):
        contribute(case)


@from_("both")
def test_a_second_word_of_either_is_refused_and_nothing_is_written(case: Case):
    size = case.state.size
    with pytest.raises(Refused, match="the centre has committed to the seed of battery-1"):
        commit(case)
    with pytest.raises(Refused, match="what the developer gave to the seed of battery-1 stands"):
        contribute(case)
    assert case.state.size == size


def sealing_with(case: Case, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]) -> None:
    """Seal as a centre would that took other contributions than stand in the record."""
    monkeypatch.setattr(sealing, "contributions_to", lambda *_: given)
    seal(case, 6, "confined", accepted=True)


@from_("both")
def test_the_centre_cannot_seal_another_seed(case: Case, monkeypatch: pytest.MonkeyPatch):
    on_seeds = case.entries_of("seed-committed", "seed-contributed")
    both = dict(contributions_to(case.state, NAME, on_seeds))
    size = case.state.size
    anew = {**both, "centre": contribution_content(NAME, "centre", bytes(32))}
    for given in ({}, {"centre": both["centre"]}, anew):
        with pytest.raises(Refused, match="another seed"):
            sealing_with(case, monkeypatch, given)
    # The right digests, and a seed that follows from something else.
    monkeypatch.setattr(sealing, "seed_from", lambda *_: bytes(32))
    with pytest.raises(BadEventError, match="another seed than the one that follows"):
        sealing_with(case, monkeypatch, both)
    assert case.state.size == size


def test_an_answer_that_comes_while_the_centre_draws_is_taken(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    came: list[int] = []

    def drawn(*args: Any) -> Any:
        if not came:
            came.append(1)
            contribute(case)
        return draw_battery(*args)

    monkeypatch.setattr(sealing, "draw_battery", drawn)
    seal(case, 6, "confined", accepted=True)
    origin = case.state.batteries[NAME].origin
    assert origin is not None
    assert origin.developer is not None


class Steps(Silent):
    """Notes what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def step(self, text: str) -> None:
        self.told.append(text)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("committed", "the developer gave nothing"),
        ("both", "neither chose it"),
        ("opened", ""),
    ],
    indirect=["case"],
)
def test_who_measures_is_told_whose_the_seed_is_where_it_was_committed_to(
    case: Case, says: str, monkeypatch: pytest.MonkeyPatch
):
    # How the model is drawn out, and where, says nothing here, and finding it out runs programs.
    monkeypatch.setattr(measuring, "resolve", lambda _: ELICITATION)
    monkeypatch.setattr(measuring, "preflight", lambda: SimpleNamespace(grade="confined"))
    steps = Steps()
    options = ReviewOptions(items=6, accept_grade=True)
    prepared_battery(case, options, steps, None)
    said = [each for each in steps.told if "seed" in each or "chose" in each]
    assert len(said) == bool(says)
    assert all(says in each for each in said)


def _with(deed: Deed, **changed: Any) -> Deed:
    (part,) = deed.attachments
    assert isinstance(part, Content)
    return replace(deed, attachments=(Content({**part.value, **changed}, part.marking),))


def test_a_changed_contribution_is_refused_by_name(case: Case):
    answers = case.state.seeds[NAME].committed.contribution
    deed = seed_contributed(case, LAB, NAME, answers)
    size = case.state.size
    with pytest.raises(BadEventError, match="contribution is not its digest"):
        case.record([_with(deed, contribution="ab" * 32)])
    with pytest.raises(BadEventError, match="is not as its type asks"):
        case.record([_with(deed, contribution="ab" * 31)])
    other = seed_contributed(case, LAB, "battery-2", answers)
    facts = deed.event.model_copy(update={"contribution": other.event.facts()["contribution"]})
    with pytest.raises(BadEventError, match="not the developer's to the seed of battery-1"):
        case.record([replace(other, event=facts)])
    with pytest.raises(Refused, match="to the seed of battery-1 the centre has committed as"):
        case.record([seed_contributed(case, LAB, NAME, f"sha256:{'0' * 64}")])
    assert case.state.size == size


@from_("measured")
def test_a_seed_that_is_revealed_otherwise_is_refused(case: Case):
    secret, size = secret_of(case), case.state.size
    given = secret["contributions"]
    alone = {**secret, "contributions": {"centre": given["centre"]}}
    with pytest.raises(Refused, match="another seed"):
        case.record([seed_revealed(case, CENTRE, NAME, alone | seeded(alone))])
    for changed in ({"seed": "ab" * 32}, {"contributions": None}):
        with pytest.raises((BadEventError, Refused), match="another seed"):
            case.record([seed_revealed(case, CENTRE, NAME, {**secret, **changed})])
    assert case.state.size == size


def seeded(secret: dict[str, Any]) -> dict[str, str]:
    return {"seed": seed_from(NAME, secret["contributions"]).hex()}


@from_("measured")
def test_who_draws_again_finds_another_seed_another_plan_and_a_family_that_is_not_there(case: Case):
    secret = secret_of(case)
    with pytest.raises(RevealError, match="another seed"):
        again(case, {**secret, "seed": "ab" * 32})
    plan = secret["plan"]
    fewer = {**plan, "sets": plan["sets"][:-1]}
    with pytest.raises(RevealError, match="other item sets"):
        again(case, {**secret, "plan": fewer})
    (entry,) = case.entries_of("battery-sealed")
    sealed = registered_of(entry.content("registered")).battery
    seed = bytes.fromhex(secret["seed"])
    held = draw_again(sealed, plan_of(secret), {}, seed)
    assert {each.lacking for each in held} == {
        f"family {part.family} is not on this machine" for part in sealed.sets
    }
    first = sealed.sets[0].model_copy(update={"order": "ab" * 32})
    moved = sealed.model_copy(update={"sets": (first, *sealed.sets[1:])})
    with pytest.raises(RevealError, match="another order"):
        draw_again(moved, plan_of(secret), {}, seed)


@from_("measured")
def test_what_ran_is_held_against_its_place_in_the_seal(case: Case):
    (entry,) = case.entries_of("battery-sealed")
    sealed = registered_of(entry.content("registered")).battery
    part = sealed.sets[0]
    right = list(enumerate(part.commitments))
    assert check_ran(sealed, part.criterion, [*right, right[0]]) == len(part.commitments)
    moved = [(0, part.commitments[1])], [(len(right), part.commitments[0])], [(0, "ab" * 32)]
    for ran in moved:
        with pytest.raises(RevealError, match="is not the item that was sealed there"):
            check_ran(sealed, part.criterion, ran)
    with pytest.raises(RevealError, match="another: what ran at place 0"):
        check_ran(sealed, "another", right[:1])


@from_("opened")
def test_a_seed_without_commitments_is_drawn_again_as_well(case: Case):
    seal(case, 6, "confined", accepted=True)
    assert case.state.batteries[NAME].origin is None
    case.record([seed_revealed(case, CENTRE, NAME, secret_of(case))])
    assert all(not each.lacking for each in again(case, secret_of(case)))
