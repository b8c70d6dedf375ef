"""Once the last sample ran, every transcript is looked at, and that is recorded once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.scanned_case import (
    FLAGGED,
    HALVES,
    NAMES,
    SECRET,
    Scans,
    logged,
    record_logged,
    uuid_of,
)
from support.small_case import copied_case, facts_for, small_case
from touchstone.clearance import party_audience
from touchstone.deeds.deed import Deed, Evidence
from touchstone.deeds.measurement import transcripts_scanned
from touchstone.editions.page import FlagFacts, render_html
from touchstone.evaluation.oversight import scanning
from touchstone.evaluation.oversight.canaries import canary_marks
from touchstone.evaluation.oversight.power import measured_power
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import NO_LOG, sightings_file
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.records.errors import DamagedError
from touchstone.records.reader import CaseReader
from touchstone.review.audience_view import Entry
from touchstone.review.errors import BadEventError, Refused
from touchstone.service.case_context import Case
from touchstone.service.measurement import recorded_logs, transcript_scans
from touchstone.service.measurement.sealing import reopen
from touchstone.service.measurement.transcript_scans import SCANNED, scan_transcripts

EVERY = 12
"""Samples: six items in two modes."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    with small_case(folder) as case:
        logged(case)
    return folder


@pytest.fixture
def case(measured: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(measured, tmp_path / "case") as found:
        yield found


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Scans:
    made = Scans()
    monkeypatch.setattr(transcript_scans, "scan_chunks", made)
    return made


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    def progress(self, rows: Sequence[Any]) -> None:
        """Nothing."""


def scan(case: Case) -> list[str]:
    told = Told()
    scan_transcripts(case, reopen(case), told)
    return told.said


def entry_of(case: Case) -> Entry:
    (entry,) = case.entries_of(SCANNED)
    return entry


def rows_of(case: Case) -> list[dict[str, Any]]:
    digest = entry_of(case).evidence("sightings")
    told = json.loads(case.installation.records.case(case.id).evidence(digest))
    rows: list[dict[str, Any]] = told["transcripts"]
    return rows


def counts(case: Case) -> dict[str, tuple[int, int, int]]:
    found = case.state.scans["battery-1"].counts
    return {each.detector: (each.flagged, each.unflagged, each.not_looked_at) for each in found}


@pytest.mark.usefixtures("scans")
def test_every_outcome_has_its_row_and_the_counts_are_theirs(case: Case):
    said = scan(case)
    recorded = case.state.scans["battery-1"]
    assert (recorded.transcripts, recorded.looked_at, recorded.canaries) == (EVERY, EVERY, 0)
    assert counts(case) == {name: (4, 8, 0) if name == FLAGGED else (0, EVERY, 0) for name in NAMES}
    rows = rows_of(case)
    assert len({row["transcript"] for row in rows}) == EVERY
    assert {row["uuid"] for row in rows} == {
        uuid_of(mode, index) for mode in ("instant", "thinking") for index in range(6)
    }
    flagged = [row["looks"][0]["sightings"][0] for row in rows if "looks" in row]
    assert [each["quote"] for each in flagged] == [SECRET] * 4
    assert said[0] == "Detectors look through transcripts, 12 of them"
    assert said[-1].startswith("Transcripts looked through: 12 of 12; secret in 4 transcripts;")


@pytest.mark.usefixtures("scans")
def test_what_is_quoted_is_sealed_as_logs_are_and_in_no_fact(case: Case):
    scan(case)
    entry, (answered, *_) = entry_of(case), case.entries_of("outcomes-recorded")
    parts = {name: entry.part(name) for name in ("power", "sightings")}
    log = answered.part("log")
    assert all(each is not None and each.value is not None for each in (*parts.values(), log))
    markings = {name: part.value["marking"] for name, part in parts.items()}  # type: ignore[index,union-attr]
    assert markings["sightings"] == log.value["marking"]  # type: ignore[index,union-attr]
    assert SECRET not in json.dumps([entry.event.facts(), entry.content("power")])
    assert entry.content("power") == measured_power().model_dump(mode="json")


def test_a_scan_is_recorded_once(case: Case, scans: Scans):
    scan(case)
    size = case.state.size
    assert scan(case) == []
    assert (case.state.size, len(scans.given)) == (size, 1)


@pytest.mark.usefixtures("scans")
def test_twin_without_the_look_at_the_record_the_law_refuses_the_second(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(transcript_scans, "_is_open", lambda *_: True)
    scan(case)
    with pytest.raises(Refused, match="was scanned by these detectors"):
        scan(case)


def test_a_process_that_ends_before_the_scan_does_leaves_it_to_the_next(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    class KilledError(Exception):
        """The process ends here."""

    def killed(*_: object) -> None:
        raise KilledError

    size = case.state.size
    monkeypatch.setattr(transcript_scans, "scan_chunks", killed)
    with pytest.raises(KilledError):
        scan(case)
    assert case.state.size == size
    monkeypatch.setattr(transcript_scans, "scan_chunks", scans)
    scan(case)
    assert case.state.scans["battery-1"].looked_at == EVERY


@pytest.fixture
def half(tmp_path: Path) -> Iterator[Case]:
    """A case of which half is recorded."""
    with small_case(tmp_path) as case:
        logged(case, HALVES[:1])
        yield case


def test_of_what_is_recorded_while_it_goes_on_a_scan_says_nothing(
    half: Case, monkeypatch: pytest.MonkeyPatch
):
    scans, prepared = Scans(), reopen(half)

    def slowly(*given: Any) -> Any:
        if len(scans.given) == 0:
            record_logged(half, prepared, "thinking", HALVES[1])
        return scans(*given)

    monkeypatch.setattr(transcript_scans, "scan_chunks", slowly)
    scan(half)
    assert half.state.scans == {}
    scan(half)
    assert half.state.scans["battery-1"].transcripts == 9
    # What is recorded later is scanned with all of it.
    record_logged(half, prepared, "instant", HALVES[1])
    scan(half)
    assert half.state.scans["battery-1"].transcripts == EVERY
    assert [len(each) for each in scans.given] == [2, 3, 4]


def test_a_scan_whose_process_dies_looked_at_nothing(case: Case, monkeypatch: pytest.MonkeyPatch):
    """And says so of each transcript, whatever it was that kept it from looking."""
    monkeypatch.setattr(scanning, "bounded_log", lambda log, _=None: Bounded(log))

    async def dies(*_: object, **__: object) -> None:
        raise PackProcessError("the pack's process was killed")

    monkeypatch.setattr(scanning, "run_apart", dies)
    monkeypatch.setattr("touchstone.evaluation.oversight.scanning.anyio.run", without_a_loop)
    scan(case)
    assert set(counts(case).values()) == {(0, 0, EVERY)}
    assert case.state.scans["battery-1"].looked_at == 0
    assert {row["fault"] for row in rows_of(case)} == {"the scan's process was killed", NO_LOG}


def without_a_loop(work: Callable[..., Any], *given: Any) -> None:
    """Do work that waits for nothing: no socket may be made here."""
    with pytest.raises(StopIteration):
        work(*given).send(None)


class Bounded:
    """A log that may be read whole, with one sample, so that nothing is halved."""

    left_out = ()

    def __init__(self, log: bytes) -> None:
        self.data, self.samples = log, ("samples/0_epoch_1.json",)


def test_where_no_sandbox_is_nothing_is_looked_at(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scanning, "bounded_log", lambda log, _=None: Bounded(log))

    async def refuses(*_: object, **__: object) -> None:
        raise PackError("packs cannot run here")

    monkeypatch.setattr(scanning, "run_apart", refuses)
    monkeypatch.setattr("touchstone.evaluation.oversight.scanning.anyio.run", without_a_loop)
    scan(case)
    assert {row["fault"] for row in rows_of(case)} == {"packs cannot run here"}
    assert set(counts(case).values()) == {(0, 0, EVERY)}


@pytest.mark.usefixtures("scans")
def test_a_log_that_is_damaged_takes_no_other_with_it(case: Case, monkeypatch: pytest.MonkeyPatch):
    first = next(case.entries_of("outcomes-recorded")).evidence("log")
    whole = CaseReader.evidence

    def damaged(self: CaseReader, digest: str) -> bytes:
        if digest == first:
            raise DamagedError("damaged")
        return whole(self, digest)

    monkeypatch.setattr(CaseReader, "evidence", damaged)
    scan(case)
    assert counts(case)[FLAGGED] == (3, 6, 3)
    assert [row["fault"] for row in rows_of(case) if "fault" in row] == [NO_LOG] * 3


def test_nothing_is_scanned_that_no_key_here_may_record(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Case, "signs_here", lambda _self, _actor, deed: deed != SCANNED)
    assert scan(case) == [
        "transcripts-scanned waits for example-centre, whose key is not on this machine"
    ]
    assert (scans.given, case.state.scans) == ([], {})


def test_no_more_logs_are_in_memory_than_may_be(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorded_logs, "AT_ONCE", 1)
    said = scan(case)
    assert [len(each) for each in scans.given] == [1, 1, 1, 1]
    assert "Of 12 transcripts 6 are looked through" in said
    assert case.state.scans["battery-1"].looked_at == EVERY


def test_other_detectors_scan_anew_and_say_how_good_they_are(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    scan(case)
    other = measured_power().model_copy(update={"digest": "sha256:" + "ab" * 32})
    monkeypatch.setattr(transcript_scans, "detectors_digest", lambda: other.digest)
    monkeypatch.setattr(transcript_scans, "measure_power", lambda: other)
    scan(case)
    assert case.state.scans["battery-1"].detectors == other.digest
    assert len(scans.given) == 2


def test_canaries_of_the_items_are_looked_for(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    mark = "26b5c67b-86ad-4e0e-9c1d-5f2a6f0b9e33"
    prepared = reopen(case)
    made = {
        name: tuple(
            replace(item, files={"a.txt": f"Canary GUID {mark}".encode()}) for item in items
        )
        for name, items in prepared.battery.items.items()
    }
    battery = replace(prepared.battery, items=made)
    seen: list[tuple[str, ...]] = []

    def noting(chunks: Any, canaries: tuple[str, ...] = ()) -> Any:
        seen.append(canaries)
        return scans(chunks, canaries)

    monkeypatch.setattr(transcript_scans, "scan_chunks", noting)
    scan_transcripts(case, replace(prepared, battery=battery), Told())
    assert seen == [(mark,)]
    assert case.state.scans["battery-1"].canaries == 1
    assert (
        canary_marks([replace(each, files={}) for items in made.values() for each in items]) == ()
    )


def test_each_transcript_goes_with_what_its_own_item_gives_and_no_key_of_ours(
    case: Case, scans: Scans, monkeypatch: pytest.MonkeyPatch
):
    variable = case.submission.modes[0].api_key_env
    prepared = reopen(case)
    made = {
        name: tuple(
            replace(item, files={"a.txt": f"password = Qx{n}-{name}-vLmT\nkey {OWN}".encode()})
            for n, item in enumerate(items)
        )
        for name, items in prepared.battery.items.items()
    }
    battery = replace(prepared.battery, items=made)
    (name,) = {part.id for part in battery.plan.sets if part.criterion == "memory-safety"}
    monkeypatch.setenv(variable, OWN)
    scan_transcripts(case, replace(prepared, battery=battery), Told())
    (chunks,) = scans.given
    assert {n: told for each in chunks for n, told in each.given.items()} == {
        n: (f"Qx{n}-{name}-vLmT",) for n in range(6)
    }


OWN = "sk-own-9fQ2mXw7LkT4vRz8YbN3cHd6"


# ---------------------------------------------------------------- what the law holds a scan to

Change = Callable[[dict[str, Any], list[dict[str, Any]]], None]


def refused(case: Case, monkeypatch: pytest.MonkeyPatch, change: Change) -> str:
    """Why a scan is refused whose facts or rows were changed before it was recorded."""
    kept = transcripts_scanned

    def changed(*given: Any) -> Deed:
        deed = kept(*given)
        power, seen = deed.attachments
        assert isinstance(seen, Evidence)
        facts, told = deed.event.facts(), json.loads(seen.data)
        change(facts, told["transcripts"])
        event = type(deed.event).model_validate_json(json.dumps(facts))
        return Deed(event, (power, replace(seen, data=json.dumps(told).encode())))

    monkeypatch.setattr(transcript_scans, "transcripts_scanned", changed)
    with pytest.raises(BadEventError) as error:
        scan(case)
    return str(error.value)


def hides_a_flag(facts: dict[str, Any], _rows: Any) -> None:
    for each in facts["counts"]:
        if each["detector"] == FLAGGED:
            each.update(flagged=3, unflagged=9)


def calls_unseen_unflagged(_facts: Any, rows: list[dict[str, Any]]) -> None:
    rows[1]["fault"] = "it could not be read"


def looked_at_fewer(facts: dict[str, Any], _rows: Any) -> None:
    facts["looked_at"] -= 1


def leaves_a_row_out(_facts: Any, rows: list[dict[str, Any]]) -> None:
    rows.pop(1)


def tells_one_twice(_facts: Any, rows: list[dict[str, Any]]) -> None:
    rows[1]["transcript"] = rows[2]["transcript"]


def flags_by_nobody(_facts: Any, rows: list[dict[str, Any]]) -> None:
    rows[1]["looks"] = [{"detector": "of-another", "flagged": 1, "sightings": []}]


def is_none(_facts: Any, rows: list[dict[str, Any]]) -> None:
    rows[1]["looks"] = [{"detector": FLAGGED, "flagged": 0}]


@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (hides_a_flag, "counts of secret are not as the sightings have them"),
        (calls_unseen_unflagged, "looked_at is not as the sightings has it"),
        (looked_at_fewer, "looked_at is not as the sightings has it"),
        (leaves_a_row_out, "transcripts is not as the sightings has it"),
        (tells_one_twice, "transcripts is not as the sightings has it"),
        (flags_by_nobody, "counts of of-another are not as the sightings have them"),
        (is_none, "the part sightings: is not as a scan writes it"),
    ],
)
def test_counts_are_those_of_the_rows(
    case: Case, monkeypatch: pytest.MonkeyPatch, change: Change, why: str
):
    assert why in refused(case, monkeypatch, change)


def test_of_much_that_was_seen_less_is_kept_and_all_is_counted():
    scans = Scans()
    rows = scans([ChunkLog("c", b"log", {n: f"u{n}" for n in range(3)})])["c"]
    named = {f"1-{row.index}-1": row for row in rows}
    whole = sightings_file(named)
    short = sightings_file(named, len(whole) - 1)
    (look,) = json.loads(short)["transcripts"][0]["looks"]
    assert (look["flagged"], look["sightings"]) == (1, [])
    assert SECRET in whole.decode()


# ---------------------------------------------------------------- what editions say of it


def section(case: Case, party: str) -> tuple[str, FlagFacts | None]:
    """What an edition for a party says under its heading, and the facts of it."""
    facts = facts_for(case, party_audience(party))
    page = render_html(facts)
    return page.partition('id="flags"')[2].partition("</section>")[0], facts.flags


def test_without_a_scan_an_edition_says_that_nobody_looked(case: Case):
    said, facts = section(case, "example-centre")
    assert facts is None
    assert "No detector has looked at the transcripts" in said


@pytest.mark.usefixtures("scans")
def test_counts_stand_beside_power_for_all_who_read_outcomes_and_quotes_for_nobody(case: Case):
    scan(case)
    for party in ("example-lab", "example-centre", "example-agency"):
        said, facts = section(case, party)
        assert facts is not None
        assert (facts.transcripts, facts.looked_at) == (EVERY, EVERY)
        assert [row.detector for row in facts.rows] == list(NAMES)
        assert {row.power is None for row in facts.rows} == {False}
        assert "A detector flags, and nothing clears" in said
        assert "The items bear no canary that is known here" in said
        row = said.partition(f">{FLAGGED}<")[2].partition("</tr>")[0]
        assert ("<strong>4</strong>" in row, "5 of 5" in row) == (True, True), row
        assert SECRET not in render_html(facts_for(case, party_audience(party)))
    assert section(case, "public")[1] is None


@pytest.mark.usefixtures("scans")
def test_what_was_recorded_after_a_scan_is_said_to_be_not_looked_at(half: Case):
    scan(half)
    record_logged(half, reopen(half), "thinking", HALVES[1])
    said, _ = section(half, "example-centre")
    assert "3 further transcripts were recorded after that, and not looked at." in said
