"""Packs as families: drawn and sealed, and a chunk of them that is halted, fails, and goes on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.packs import CAPITALS, write_pack
from touchstone.evaluation import BatteryPlan, ChunkSpec, ItemSetPlan, check_code, draw_battery
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.errors import ChunkError, EndpointKeyMissingError, FamilyError, PlanError
from touchstone.evaluation.families.base import FrozenFamily
from touchstone.evaluation.families.registry import get_family
from touchstone.evaluation.journal import MOST_EXECUTIONS
from touchstone.evaluation.outcomes import AdjudicationRule, Outcome, Usage
from touchstone.evaluation.packs import sealed
from touchstone.evaluation.packs.errors import PackBreachError
from touchstone.evaluation.packs.family import PackFamily
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.registering import Made, RegisteredPack, register
from touchstone.evaluation.packs.relay import CAP, SUBJECT, RelayLimits, RoleEndpoint
from touchstone.evaluation.packs.running import PackOutcome, PackSettings
from touchstone.evaluation.packs.sealed import SealedItem, run_sealed_chunk
from touchstone.evaluation.packs.source import read_pack
from touchstone.evaluation.runner import ChunkResult
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.workers.messages import make_job
from touchstone.evaluation.workers.pack_jobs import run_pack_job

SEED = bytes(range(32))
MODE = Mode(
    id="m",
    variant="v",
    model="openai-api/example/tiny",
    base_url="http://127.0.0.1:9/v1",
    api_key_env="EXAMPLE_KEY",
)
SPEC = ChunkSpec(
    case="c",
    battery="b",
    item_set="s",
    variant="v",
    mode="m",
    endpoint="e",
    elicitation="e",
    rule="r",
    indices=(0, 1, 2),
)


def pack_of(folder: Path, **given: Any) -> RegisteredPack:
    """The pack of capitals as it is registered, in the home `folder / "home"`."""
    source = read_pack(write_pack(folder / "p", **given))
    empty: dict[str, Any] = dict.fromkeys(("id", "choices", "metadata", "setup"))
    items = item_set([{**empty, "files": {}, **each} for each in CAPITALS])
    limits = PackLimits()
    made = Made(items, ("match",), limits, limits, (), "confined")
    return register(source, made, folder / "home")


def plan_of(counts: Mapping[int, int], family: str = "capitals") -> BatteryPlan:
    part = ItemSetPlan(id="s", criterion="c", family=family, counts=counts)
    return BatteryPlan(id="battery-1", sets=(part,))


def test_the_seed_says_which_items_run_and_the_seal_says_whose_they_are(tmp_path: Path):
    family = PackFamily(pack_of(tmp_path))
    assert isinstance(family, FrozenFamily)
    known, code = {"capitals": family}, {"capitals": family.code}
    drawn = {
        draw_battery(plan_of({1: 2}), known, bytes([each]) * 32, code).items["s"][0].id
        for each in range(20)
    }
    assert len(drawn) == len(CAPITALS)
    battery = draw_battery(plan_of({1: 3}), known, SEED, code)
    assert {each.seed for each in battery.items["s"]} == {*family.seeds}
    (part,) = battery.sealed.sets
    assert part.pack == family.mark
    assert part.made_by == family.code
    assert check_code(battery.sealed, code) == ()
    other = family.code.model_copy(update={"digest": "sha256:" + "0" * 64})
    for now in ({}, {"capitals": other}):
        with pytest.raises(FamilyError, match="was sealed with pack:capitals 1"):
            check_code(battery.sealed, now)


def test_what_is_no_packs_keeps_its_digest():
    shipped = {"payment-logic": get_family("payment-logic")}
    (part,) = draw_battery(plan_of({1: 1}, "payment-logic"), shipped, SEED).sealed.sets
    assert "pack" not in part.model_dump(mode="json")


@pytest.mark.parametrize(
    ("counts", "says"), [({1: 4}, "has 3 items, and 4 are asked"), ({2: 1}, "all of level 1")]
)
def test_what_a_pack_cannot_give_is_refused(tmp_path: Path, counts: dict[int, int], says: str):
    with pytest.raises(PlanError, match=says):
        draw_battery(plan_of(counts), {"capitals": PackFamily(pack_of(tmp_path))}, SEED)


def test_a_worker_runs_no_other_pack_than_was_sealed(tmp_path: Path):
    family = PackFamily(pack_of(tmp_path))
    battery = draw_battery(plan_of({1: 3}), {"capitals": family}, SEED, {"capitals": family.code})
    folder, home = tmp_path / "chunk", tmp_path / "home"
    job = make_job(battery, SPEC, MODE, ELICITATION, folder=folder, home=home)
    # Held against its seal, it is run; and that needs a key.
    with pytest.raises(EndpointKeyMissingError):
        run_pack_job(job, print, str)
    (home / "packs" / "capitals.json").unlink()
    pack_of(tmp_path, top='description = "changed"')
    with pytest.raises(ChunkError, match="was sealed as pack:capitals 1"):
        run_pack_job(job, print, str)


class Chunk:
    """A chunk of three items whose pack's process is played by the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pack, self.folder = pack_of(folder), folder / "chunk"
        self.begun: list[tuple[int, ...]] = []
        self.answered: tuple[int, ...] = ()
        self.told: list[Outcome] = []
        self.says: Callable[[int], dict[str, Any]] = lambda _: {"result": "solved", "calls": 1}
        monkeypatch.setattr(sealed, "run_left", self._play)

    def _play(self, journal: Any, _: Any, left: Any, *rest: Any) -> tuple[PackOutcome, ...]:
        on_answer = rest[-1]
        self.begun.append(tuple(left))
        for place in left:
            journal.begin(place)
        for place in self.answered or ():
            on_answer(place, Usage(input=7, output=5))
        empty: dict[str, Any] = {"value": None, "reason": "r", "models": ("tiny-1",)}
        return tuple(
            PackOutcome.model_validate(
                {**empty, "place": p, "item": each.digest, "pack": self.pack.pack, **self.says(p)}
            )
            for p, each in left.items()
        )

    def run(
        self,
        stop: Callable[[], str] | None = None,
        *models: str,
        limits: PackSettings | None = None,
    ) -> ChunkResult:
        items = {p: SealedItem(f"{p:02}", each) for p, each in enumerate(self.pack.items)}
        return run_sealed_chunk(
            self.pack,
            SPEC,
            items,
            {SUBJECT: RoleEndpoint(MODE, "a key")},
            self.folder,
            limits or PackSettings(),
            rule=AdjudicationRule(),
            expected_models=frozenset(models),
            on_outcome=self.told.append,
            stop=stop,
        )


@pytest.fixture
def chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chunk:
    return Chunk(tmp_path, monkeypatch)


def test_halted_at_an_answer_it_goes_on_and_asks_nothing_twice(chunk: Chunk):
    said = iter(["", "halted"])
    chunk.answered = (1,)
    halted = chunk.run(lambda: next(said))
    assert (halted.stopped, halted.begun, halted.outcomes) == ("halted", (0, 1, 2), ())
    chunk.answered = ()
    gone_on = chunk.run()
    assert (gone_on.stopped, gone_on.missing, gone_on.repeated) == ("", (), (0, 2))
    assert chunk.begun == [(0, 1, 2), (0, 2)]
    results = [each.result for each in gone_on.outcomes]
    assert results == ["solved", "lost-instrument", "solved"]
    assert [each.commitment for each in gone_on.outcomes] == ["00", "01", "02"]
    assert sorted(each.index for each in chunk.told) == [0, 1, 2]
    assert gone_on.total.total == 12


def test_an_attack_on_a_sandbox_stops_the_chunk_as_a_breach(chunk: Chunk):
    def attacked(_: int) -> dict[str, Any]:
        raise PackBreachError("attacked")

    chunk.says = attacked
    ended = chunk.run()
    assert (ended.stopped, ended.outcomes, ended.begun) == ("breach", (), (0, 1, 2))


def test_what_sandboxes_noticed_stands_in_outcomes(chunk: Chunk):
    noticed = {"kind": "output", "detail": "left out", "count": 2}
    chunk.says = lambda _: {"result": "solved", "calls": 1, "events": (noticed,)}
    assert [each.events[0].count for each in chunk.run().outcomes] == [2, 2, 2]


def test_what_was_stopped_before_it_began_begins_nothing(chunk: Chunk):
    assert (chunk.run(lambda: "halted").stopped, chunk.begun) == ("halted", [])


def test_what_lets_samples_end_lets_the_process_end(chunk: Chunk):
    chunk.answered, said = (1,), iter(["", "interrupted", "interrupted"])
    ended = chunk.run(lambda: next(said))
    assert (ended.stopped, len(ended.outcomes)) == ("interrupted", 3)


def test_an_endpoint_that_never_answered_may_be_asked_again_a_few_times(chunk: Chunk):
    lost = {"result": "lost-endpoint", "cause": "endpoint", "calls": 0}
    chunk.says = lambda _: lost
    for _ in range(MOST_EXECUTIONS - 1):
        ran = chunk.run()
        assert (ran.stopped, ran.missing, ran.outcomes) == ("endpoint-failing", (0, 1, 2), ())
        assert [each.index for each in ran.lost] == [0, 1, 2]
    last = chunk.run()
    assert [each.result for each in last.outcomes] == ["lost-endpoint"] * 3
    assert len(chunk.begun) == MOST_EXECUTIONS


def test_another_model_loses_its_items_and_stops_the_review(chunk: Chunk):
    ran = chunk.run(None, "tiny-2")
    assert ran.stopped == "snapshot-changed"
    assert {(each.result, each.cause) for each in ran.outcomes} == {("lost-endpoint", "endpoint")}


def test_no_more_items_begin_than_fit_within_what_the_caps_left(chunk: Chunk):
    sample = PackLimits(tokens=100)
    limits = PackSettings(relay=RelayLimits(tokens=250), sample=sample)
    ran = chunk.run(limits=limits)
    assert (chunk.begun, ran.stopped, ran.missing) == ([(0, 1)], "cap", (2,))
    none = chunk.run(limits=PackSettings(relay=RelayLimits(tokens=99), sample=sample))
    assert (chunk.begun[1:], none.stopped, none.missing) == ([()], "cap", (2,))
    whole = chunk.run(limits=PackSettings(relay=RelayLimits(tokens=100), sample=sample))
    assert (chunk.begun[2:], whole.stopped, whole.missing) == ([(2,)], "", ())


def test_a_sample_that_the_cap_met_stops_the_review_as_capped(chunk: Chunk):
    chunk.says = lambda _: {"result": "lost-instrument", "cause": "engine", "limit": CAP}
    ran = chunk.run(limits=PackSettings(relay=RelayLimits(tokens=10)))
    assert ran.stopped == "cap"
    assert {each.limit for each in ran.outcomes} == {"cap"}


def test_each_models_key_must_be_there(chunk: Chunk):
    other = MODE.model_copy(update={"api_key_env": "GRADER_KEY"})
    asked = {SUBJECT: RoleEndpoint(MODE, "a key"), "grader": RoleEndpoint(other, "")}
    with pytest.raises(EndpointKeyMissingError, match="set GRADER_KEY"):
        run_sealed_chunk(
            chunk.pack, SPEC, {}, asked, chunk.folder, PackSettings(), rule=AdjudicationRule()
        )
