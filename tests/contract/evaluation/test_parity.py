"""A developer runs opened items in the same elicitation, signs for its log, and it is compared."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from support.endpoint import completion, serve
from support.small_case import probed, record_chunk, small_case
from support.toy_run import KEY, OVER_LOOPBACK
from touchstone.deeds.cases import document_handed_in
from touchstone.deeds.deed import Evidence
from touchstone.evaluation import Elicitation
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.parity_logs import ParityError, read_parity_log
from touchstone.evaluation.runner import SandboxChoice
from touchstone.evaluation.set_choices import SetLimits
from touchstone.service.case_context import Case
from touchstone.service.measurement.parity.comparing_items import compare_runs
from touchstone.service.measurement.parity.recorded import TYPES, recorded_runs
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reviews.developers_run import check_logs, run_opened
from touchstone.verdicts.runs import battery_plan

pytestmark = OVER_LOOPBACK
TOYBOX = SandboxChoice(provider="toybox")
HOW = Elicitation(id="example-1", agent="loop", tools=("bash",), message_limit=10)
Json = dict[str, Any]


def gives_up(_body: Json, number: int) -> Json:
    return completion("", [("submit", {"answer": "nothing"})], number=number)


class Ran:
    """A case whose first run has six outcomes on record, and the developer's log of the same."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        plan = battery_plan(case.framework, case.installation.families, 8, "battery-1")
        own = {"elicitation": resolve(HOW), "limits": SetLimits(messages=9)}
        sets = (plan.sets[0].model_copy(update=own), *plan.sets[1:])
        # One set drawn out otherwise than the others: its chunks, and so its logs, say how.
        plan = plan.model_copy(update={"sets": sets})
        usual = resolve(ELICITATION)
        seal(case, 8, "confined", accepted=True, plan=plan, elicitation=usual)
        prepared = reopen(case)
        self.how = prepared.elicitation_of(sets[0].id)
        assert (self.how.id, self.how.message_limit) == ("example-1", 9)
        probed(case)
        first, *others = prepared.runs
        self.run = first
        (sibling,) = [r for r in others if r.item_set == first.item_set][:1]
        record_chunk(case, prepared, first, range(6), lambda n: n in {0, 1, 2, 3})
        record_chunk(case, prepared, sibling, range(4), lambda n: "refused" if n == 1 else n == 0)
        with serve(gives_up) as endpoint:
            mode = first.mode.model_copy(update={"base_url": endpoint.url})
            (self.log,) = run_opened(case, first.criterion, mode, KEY, folder, TOYBOX)
            asked = len(endpoint.requests)
            # Again, and nothing is asked: the first outcome of each item stands.
            assert run_opened(case, first.criterion, mode, KEY, folder, TOYBOX) == (self.log,)
            assert (len(endpoint.requests), asked) == (6, 6)
        self.data = self.log.read_bytes()

    def sign(self, data: bytes, name: str, by: str = "example-lab") -> None:
        told = Evidence(data, "application/zip", "run.eval", self.case.marks.case)
        self.case.record([document_handed_in(self.case, by, name, "log", told)])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("parity")
    with small_case(folder) as case:
        yield Ran(case, folder / "developer")


def test_the_developers_run_is_compared_item_by_item(ran: Ran):
    with pytest.raises(ParityError, match="example-lab has not signed for it"):
        check_logs(ran.case, [("run.eval", ran.data)])
    ran.sign(ran.data, "by-the-centre", by="example-centre")
    with pytest.raises(ParityError, match="example-lab has not signed for it"):
        check_logs(ran.case, [("run.eval", ran.data)])
    ran.sign(ran.data, "our-run")
    found = check_logs(ran.case, [("run.eval", ran.data)])
    assert found.elicitation == ran.how.digest
    assert found.documents == ("our-run",)
    paired = found.compared.paired
    assert paired is not None
    assert (paired.both, paired.one, paired.other, paired.neither) == (0, 0, 4, 2)
    assert paired.p_value == pytest.approx(2 / 2**4)
    assert found.compared.differing == (0, 1, 2, 3)
    assert found.as_dict()["p_value"] == paired.p_value
    assert f"elicitation digest {ran.how.digest}" in [*found.lines()]
    with pytest.raises(ParityError, match="position 0 is in another log too"):
        check_logs(ran.case, [("run.eval", ran.data), ("again.eval", ran.data)])


def test_modes_of_a_case_are_compared_on_what_both_measured(ran: Ran):
    (found,) = compare_runs(recorded_runs(ran.case.entries_of(*TYPES)))
    assert found.paired is not None
    assert (found.paired.both, found.paired.one, found.paired.items) == (1, 2, 3)
    assert (found.unmeasured, found.differing) == ((1,), (2, 3))
    assert any("McNemar" in line for line in found.lines())


def edited(data: bytes, entry: str, change: Callable[[Any], Any]) -> bytes:
    """The log with one entry of it changed, as who knows the format would."""
    made = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            said = old.read(name)
            if name.startswith(entry):
                value = json.loads(said)
                said = json.dumps(change(value) or value).encode()
                entry = "only the first"
            new.writestr(name, said)
    return made.getvalue()


def score(sample: Json, **changed: Any) -> None:
    sample["scores"]["judged"].update(changed)


def scored_anew(sample: Json) -> None:
    """The score, and the event of its scoring with it."""
    events = [each["score"] for each in sample["events"] if "score" in each]
    for each in [sample["scores"]["judged"], *events]:
        each.update(value=1, metadata={"touchstone_result": "solved"})


EDITS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "invalidated": ("header", lambda v: v.update(invalidated=True), "samples were invalidated"),
    "updated": ("header", lambda v: v.update(log_updates=[{}]), "was edited afterwards"),
    "retuned": ("header", lambda v: v.update(config_updates=[{}]), "changed while it ran"),
    "unfinished": ("header", lambda v: v.update(status="started"), "its run ended as started"),
    "other task": ("header", lambda v: v["eval"].update(task="x"), "no log of `touchstone parity"),
    "dropped": (
        "header",
        lambda v: v["eval"]["dataset"].update(sample_ids=["0"]),
        "samples that it ran are not in it",
    ),
    "sample": ("samples/", lambda v: v.update(invalidation={"reason": "x"}), "was invalidated"),
    "retried": ("samples/", lambda v: v.update(error_retries=[{}]), "again after an error"),
    "fell back": ("samples/", lambda v: v.update(model_fallbacks=[{}]), "by another model"),
    "history": ("samples/", lambda v: score(v, history=[{}]), "was edited"),
    "score": ("samples/", lambda v: score(v, value=1), "not the one that its judge gave"),
    "result": (
        "samples/",
        lambda v: score(v, metadata={"touchstone_result": "solved"}),
        "not the one that its judge gave",
    ),
    "score and event": ("samples/", scored_anew, "another in the list of samples"),
    "mean": (
        "header",
        lambda v: v["results"]["scores"][0]["metrics"]["accuracy"].update(value=1.0),
        "its mean score is not that of its samples",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_log_is_refused_by_name(edit: str, ran: Ran):
    entry, change, says = EDITS[edit]
    with pytest.raises(ParityError, match=rf"^run\.eval: not taken: .*{says}"):
        read_parity_log(edited(ran.data, entry, change), "run.eval")


def test_twin_the_log_is_taken_as_it_is(ran: Ran):
    log = read_parity_log(edited(ran.data, "header", lambda _: None), "run.eval")
    assert log.results == dict.fromkeys(range(6), False)


@pytest.mark.parametrize(
    ("argument", "value", "says"),
    [
        ("elicitation", "sha256:" + "00" * 32, "it is of elicitation sha256:00.* sealed with"),
        ("chunk", "00" * 16, "of items or of a run that the case does not have"),
        ("endpoint", "sha256:" + "00" * 32, "of items or of a run that the case does not have"),
    ],
)
def test_a_log_of_something_else_is_refused(argument: str, value: str, says: str, ran: Ran):
    other = edited(ran.data, "header", lambda v: v["eval"]["task_args"].update({argument: value}))
    ran.sign(other, f"other-{argument}")
    with pytest.raises(ParityError, match=says):
        check_logs(ran.case, [("run.eval", other)])


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"no log", "BadZipFile"), (b"", "BadZipFile")],
)
def test_what_is_no_log_is_refused(data: bytes, says: str):
    with pytest.raises(ParityError, match=says):
        read_parity_log(data, "run.eval")


def test_items_that_the_case_did_not_open_cannot_be_run(ran: Ran, tmp_path: Path):
    with pytest.raises(ParityError, match="the case has opened no items of nothing"):
        run_opened(ran.case, "nothing", ran.run.mode, KEY, tmp_path, TOYBOX)
