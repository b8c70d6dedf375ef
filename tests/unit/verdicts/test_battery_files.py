"""Battery files: read strictly, held against what is here, and registered by their digest."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.reviews import write_submission
from support.small_case import facts_for, small_case
from touchstone.clearance import party_audience
from touchstone.cli.app import run
from touchstone.evaluation import BatteryPlan, check_seed, draw_battery, load_submission
from touchstone.evaluation.battery_file import ChosenBattery, load_battery, parse_battery
from touchstone.evaluation.errors import PlanError, RevealError
from touchstone.evaluation.families.loading import LoadedFamilies, load_families
from touchstone.evaluation.packs.manifest import PackLimits, PackScore
from touchstone.evaluation.packs.mark import PackMark
from touchstone.framework import Framework, NumericCriterion
from touchstone.planning.forecasting import chosen_notes
from touchstone.planning.options import PlanOptions
from touchstone.service.errors import CannotReviewError
from touchstone.service.frameworks import load_framework
from touchstone.service.measurement import instrument_checks
from touchstone.service.measurement.chosen_battery import CheckedBattery
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.forecasting.plan_review import plan_review
from touchstone.service.measurement.instrument_checks import require_grade
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reviews.requirements import require_sealed_file, role_keys
from touchstone.verdicts.battery_plans import numeric
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.runs import battery_plan, left_out, runs

SEED = bytes(range(32))
HEAD = 'format = "touchstone battery 1"\nid = "example-battery"\n'


MATCH = PackScore(scorer="match", values="letters", solved_from=1.0)


@dataclass
class Pack:
    """A registered pack, as what draws a battery knows it."""

    name: str = "capitals"
    version: str = "1"
    least_grade: str = "none"
    needs: tuple[str, ...] = ()
    cheat: str = ""
    card: str = ""
    roles: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1, 2, 3)
    limits: PackLimits = field(default_factory=lambda: PackLimits(messages=9, tokens=700))
    score: PackScore = MATCH

    @property
    def mark(self) -> PackMark:
        return PackMark(id=self.name, version="1", owner="Example Lab", digest="sha256:0")

    def generate(self, seed: int, difficulty: int) -> object:
        """A family's item in the place of a pack's, which only its own process could run."""
        return load_families()["payment-logic"].generate(seed, difficulty)


def known(pack: Pack | None = None) -> LoadedFamilies:
    loaded = load_families()
    found = pack or Pack()
    code = loaded.code["payment-logic"]
    return loaded.with_packs({found.name: (found, code)})  # type: ignore[dict-item]  # a stand-in


def chosen(sets: str) -> ChosenBattery:
    data = (HEAD + sets).encode()
    return ChosenBattery(parse_battery(data), f"sha256:{sha256(data).hexdigest()}")


def named() -> tuple[Framework, NumericCriterion]:
    framework = load_framework("example")
    return framework, numeric(framework)[0]


def planned(sets: str, families: LoadedFamilies | None = None, kind: str = "review") -> BatteryPlan:
    framework, criterion = named()
    file = chosen(sets.replace("CRITERION", criterion.id))
    return battery_plan(framework, families or known(), 10, "battery-1", kind, file)


# ------------------------------------------------------------------ read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id = 3", "format"),
        (HEAD, "sets"),
        (HEAD.replace("battery 1", "battery 2"), "format"),
        (HEAD + "more = 1\n[[sets]]\ncriterion = 'c'\nfamily = 'f'", 'key "more"'),
        (HEAD + "[[sets]]\ncriterion = 'c'", "family, pack: write one of the two"),
        (HEAD + "[[sets]]\ncriterion = 'c'\nfamily='f'\npack='p'", "write one of the two"),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nitems=3\ncounts={1=2}", "items, counts"),
        (HEAD + "[[sets]]\ncriterion='c'\npack='p'\ncounts={1=2}", "are of a family's levels"),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\ncounts={6=2}", 'key "6"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nattempts=0", 'key "attempts"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nattempts=101", 'key "attempts"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nitems=10001", 'key "items"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nroles={grader='G.toml'}", "asks no model"),
        (HEAD + "[[sets]]\ncriterion='c'\npack='p'\nroles={subject='G.toml'}", "is the submission"),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nlimits={seconds=3}", "limits.seconds"),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nlimits={tokens=0}", 'key "tokens"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\nleast_grade='best'", 'key "least_grade"'),
        (HEAD + "[[sets]]\ncriterion='c'\nfamily='f'\n" * 2, "'c' is there twice"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_the_place(text: str, says: str):
    with pytest.raises(PlanError) as refused:
        parse_battery(text.encode(), "battery.toml")
    assert says in str(refused.value)
    assert str(refused.value).startswith("battery.toml: ")
    assert "\n" not in str(refused.value)


def test_the_models_of_roles_are_read_beside_the_file(tmp_path: Path):
    write_submission(tmp_path, "http://127.0.0.1:9/v1", model="judge")
    sets = "[[sets]]\ncriterion='c'\npack='p'\nroles={grader='SUBMISSION.toml'}\n"
    path = tmp_path / "battery.toml"
    path.write_text(HEAD + sets)
    found = load_battery(path)
    assert found.roles["c"]["grader"].model == "openai-api/subject/judge"
    assert found.digest == f"sha256:{sha256(path.read_bytes()).hexdigest()}"


# ------------------------------------------------------------------ planned


def test_what_a_file_says_is_drawn_and_sealed_and_nothing_else_changes_a_digest():
    plan = planned(
        "[[sets]]\ncriterion='CRITERION'\nfamily='payment-logic'\ncounts={1=2, 3=1}\nattempts=4\n"
        "limits={tokens=500, messages=7}\nleast_grade='confined'\n"
        "[[sets]]\ncriterion='beside'\npack='capitals'\nlimits={process_seconds=60}\n"
    )
    families = known()
    battery = draw_battery(plan, families, SEED, families.code)
    one, other = battery.sealed.sets
    assert (one.attempts, one.limits.tokens, one.least_grade) == (4, 500, "confined")
    assert one.difficulties == ((1, 2), (3, 1))
    assert len(battery.items["beside"]) == 3
    assert other.score is not None
    assert (other.score.scorer, other.score.solved_from) == ("match", "1")
    assert battery.sealed.file == plan.file
    assert check_seed(battery.sealed, plan, families, SEED, families.code).sealed == battery.sealed
    # Sealed before that was kept beside it: the pack's digest says it, and it is no difference.
    older = other.model_copy(update={"score": None})
    before = battery.sealed.model_copy(update={"sets": (one, older)})
    check_seed(before, plan, families, SEED, families.code)
    for part in ({"attempts": 3}, {"limits": one.limits.model_copy(update={"tokens": 501})}):
        altered = battery.sealed.model_copy(update={"sets": (one.model_copy(update=part), other)})
        with pytest.raises(RevealError):
            check_seed(altered, plan, families, SEED, families.code)


def test_what_was_not_chosen_stands_nowhere():
    framework, _ = named()
    families = load_families()
    plan = battery_plan(framework, families, 5, "battery-1")
    battery = draw_battery(plan, families, SEED, families.code)
    added = {"attempts", "limits", "roles", "score", "cost", "file"}
    for value in (plan.model_dump(mode="json"), battery.sealed.model_dump(mode="json")):
        assert not added & set(value)
        for part in value["sets"]:
            assert not added & set(part)


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ("criterion='CRITERION'\nfamily='other'", "family 'other' is not known here"),
        ("criterion='CRITERION'\npack='payment-logic'", "pack 'payment-logic' is not known here"),
        ("criterion='CRITERION'\nfamily='capitals'", "family 'capitals' is not known here"),
        ("criterion='CRITERION'\npack='capitals'\nitems=4", "has 3 items, and 4 are asked for"),
    ],
)
def test_a_set_that_cannot_be_had_is_refused_by_name(sets: str, says: str):
    with pytest.raises(CannotRunError, match=says):
        planned(f"[[sets]]\n{sets}\n")


def test_a_pack_is_asked_by_its_roles_and_no_others_and_decides_by_its_threshold():
    one = "[[sets]]\ncriterion='CRITERION'\npack='capitals'\n"
    with pytest.raises(CannotRunError, match=r"the roles: grader; named in the battery file: none"):
        planned(one, known(Pack(roles=("grader",))))
    reported = PackScore(scorer="match", values="letters")
    with pytest.raises(CannotRunError, match=r"and decide nothing, and criterion .* asks"):
        planned(one, known(Pack(score=reported)))
    # Under a name of its own it runs, and at each item once.
    beside = one.replace("CRITERION", "beside")
    plan = planned(beside, known(Pack(score=reported)))
    families = known(Pack(score=reported))
    (sealed,) = draw_battery(plan, families, SEED, families.code).sealed.sets
    assert sealed.score is not None
    assert sealed.score.solved_from is None
    with pytest.raises(CannotRunError, match=r"further attempts .* write attempts = 1"):
        planned(beside + "attempts=2\n", known(Pack(score=reported)))
    # A criterion that names such a pack is refused as well, where there is no file.
    framework, criterion = named()
    pack = Pack(name=criterion.family, roles=("grader",))
    with pytest.raises(CannotRunError, match="the roles: grader"):
        battery_plan(framework, known(pack), 3)
    with pytest.raises(CannotRunError, match=rf"only reported .* criterion {criterion.id} asks"):
        battery_plan(framework, known(Pack(name=criterion.family, score=reported)), 3)


def test_a_screening_takes_only_what_compares_with_a_reference():
    with pytest.raises(CannotRunError, match="screening asks only"):
        planned("[[sets]]\ncriterion='CRITERION'\npack='capitals'\n", kind="screening")


def test_it_is_said_what_the_file_leaves_out_or_asks_otherwise():
    framework, criterion = named()
    file = chosen(f"[[sets]]\ncriterion='{criterion.id}'\npack='capitals'\n")
    lines = left_out(framework, known(), "review", file)
    assert f"the framework names {criterion.family!r}, and the battery file takes" in lines[0]
    assert len(lines) == len(numeric(framework))
    assert "has no set for it" in lines[1]


def with_grader(folder: Path, *, model: str, key: str, url: str) -> BatteryPlan:
    place = folder / "grader"
    place.mkdir(exist_ok=True)
    text = write_submission(place, url, model=model).read_text().replace("EXAMPLE_LAB_KEY", key)
    (place / "SUBMISSION.toml").write_text(text)
    sets = "[[sets]]\ncriterion='CRITERION'\npack='capitals'\nroles={grader='SUBMISSION.toml'}\n"
    framework, criterion = named()
    (place / "battery.toml").write_text(HEAD + sets.replace("CRITERION", criterion.id))
    file = load_battery(place / "battery.toml")
    return battery_plan(framework, known(Pack(roles=("grader",))), 3, chosen=file)


def test_no_grader_is_the_subject_or_has_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    framework, _ = named()
    submission = load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1", model="m"))
    here = "http://127.0.0.1:9/v1"
    same = with_grader(tmp_path, model="m", key="GRADER_KEY", url=here)
    with pytest.raises(CannotRunError, match="would grade itself"):
        runs(framework, same, submission)
    keyed = with_grader(tmp_path, model="judge", key="EXAMPLE_LAB_KEY", url=here)
    with pytest.raises(CannotRunError, match="give it a variable of its own"):
        runs(framework, keyed, submission)
    other = with_grader(tmp_path, model="judge", key="GRADER_KEY", url=here)
    assert runs(framework, other, submission)
    monkeypatch.delenv("GRADER_KEY", raising=False)
    with pytest.raises(CannotRunError, match="set GRADER_KEY in the environment"):
        role_keys(other)
    monkeypatch.setenv("GRADER_KEY", "a key")
    assert role_keys(other) == {"GRADER_KEY": "a key"}
    families = known(Pack(roles=("grader",)))
    (sealed,) = draw_battery(other, families, SEED, families.code).sealed.sets
    assert sealed.roles["grader"].model == "openai-api/subject/judge"
    assert "127.0.0.1" not in sealed.model_dump_json()


def test_a_stronger_sandbox_that_a_file_asks_for_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    nothing = SimpleNamespace(missing=(), grade="confined")
    monkeypatch.setattr(instrument_checks, "preflight", lambda: nothing)
    one = "[[sets]]\ncriterion='CRITERION'\nfamily='payment-logic'\nleast_grade='container'\n"
    plan = planned(one)
    with pytest.raises(CannotReviewError, match="asks for container"):
        require_grade(known(), "confined", accept=False, plan=plan)
    require_grade(known(), "container", accept=False, plan=plan)
    require_grade(known(), "confined", accept=True, plan=plan)


# ------------------------------------------------------------------ used


SETS = (
    "[[sets]]\ncriterion='CRITERION'\nfamily='payment-logic'\nitems=6\nattempts=2\n"
    "limits={tokens=5000, working_seconds=30}\ncost={input=900, output=100, seconds=20}\n"
)


def test_a_review_is_sealed_by_its_file_and_goes_on_with_no_other(tmp_path: Path):
    _, criterion = named()
    file = chosen(SETS.replace("CRITERION", criterion.id))
    with small_case(tmp_path) as case:
        require_sealed_file(case, file)
        known_here = case.installation.families
        plan = battery_plan(case.framework, known_here, 6, "battery-1", chosen=file)
        seal(case, 6, "confined", accepted=True, plan=plan)
        require_sealed_file(case, file)
        other = ChosenBattery(file.text, "sha256:other")
        with pytest.raises(CannotRunError, match="and this is sha256:other"):
            require_sealed_file(case, other)
        prepared = reopen(case)
        assert prepared.token_limit(criterion.id) == 5000
        how = prepared.elicitation_of(criterion.id)
        assert (how.token_limit, how.working_seconds) == (5000, 30)
        assert how.message_limit == prepared.elicitation.message_limit
        specs = [spec for spec, _ in plan_chunks(case, prepared).values()]
        assert {spec.elicitation for spec in specs} == {how.digest}
        assert {spec.attempt for spec in specs} == {1, 2}
        facts = facts_for(case, party_audience("example-centre"))
        told = {fact.label: fact.text for fact in facts.elicitation}
        assert told["Battery file"] == file.digest
        said = told[f"Set for “{criterion.title}”"]
        assert "each item is tried 2 times" in said
        assert "5000 tokens, 30 working seconds" in said


def test_a_plan_counts_attempts_and_takes_what_the_file_expects(tmp_path: Path):
    _, criterion = named()
    submission = load_submission(write_submission(tmp_path, "http://127.0.0.1:9/v1"))
    file = chosen(SETS.replace("CRITERION", criterion.id))
    once = chosen(SETS.replace("CRITERION", criterion.id).replace("attempts=2", "attempts=1"))
    two, one = (
        plan_review(submission, PlanOptions(battery=each), "2026-12-01T00:00:00Z", {})
        for each in (file, once)
    )
    (run_of_two,), (run_of_one,) = two.runs, one.runs
    assert run_of_two.worst.samples == 12 == 2 * run_of_one.worst.samples
    assert run_of_two.worst.tokens == 12 * 5000
    assert run_of_two.expected.samples == 2 * run_of_one.expected.samples
    assert run_of_two.expected.tokens == pytest.approx(1000 * run_of_two.expected.samples)
    codes = [note.code for note in run_of_two.notes]
    assert codes[-2:] == ["tried", "expected-by-file"]


def test_a_file_is_looked_at_before_anything_rests_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    _, criterion = named()
    path = tmp_path / "battery.toml"
    path.write_text(HEAD + SETS.replace("CRITERION", criterion.id))
    assert run(["battery", "check", str(path), "--framework", "example"]) == 0
    said = capsys.readouterr().out
    version = load_families()["payment-logic"].version
    assert f"6 items of payment-logic {version}\n" in said
    assert "  each item is tried 2 times: the first decides" in said
    assert "60 messages, 5000 tokens, 30 working seconds; without the file:" in said
    path.write_text(HEAD + "[[sets]]\ncriterion='c'\n")
    assert run(["battery", "check", str(path), "--framework", "example"]) == 2
    bad = capsys.readouterr().err
    assert bad.startswith("touchstone: battery.toml: ")
    submission = write_submission(tmp_path, "http://127.0.0.1:9/v1")
    assert run(["review", "run", str(submission), "--battery", str(path)]) == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("limits", "said"), [(PackLimits(messages=9), True), (PackLimits(tokens=7), False)]
)
def test_a_pack_whose_samples_no_limit_of_tokens_bounds_is_named(limits: PackLimits, said: bool):
    framework, families = load_framework("example"), known(Pack(limits=limits))
    plan = battery_plan(
        framework, families, 3, chosen=chosen("[[sets]]\ncriterion='towns'\npack='capitals'\n")
    )
    lines = "\n".join(CheckedBattery(plan, families, ()).lines())
    assert ("no limit of tokens holds for a sample" in lines) == said
    codes = [note.code for note in chosen_notes(plan.sets[0], families)]
    assert codes == (["unlimited"] if said else [])
