"""`--receipt`: what the installation once signed is held against a bundle."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from touchstone import ledger
from touchstone.cli.app import run
from touchstone.ledger import EMPTY_ROOT
from touchstone.verifier import Verdict, VerifierInputError, verify_bundle

FOLDER = Path(__file__).parents[2] / "vectors/ledger"
DEEDS = FOLDER / "contract2"
TRUST = json.loads((FOLDER / "manifest.json").read_text())["trust"]
WITNESS = json.loads((DEEDS / "manifest.json").read_text())["witness"]


def asked(bundle: Path, *receipts: Path) -> Verdict:
    return verify_bundle(bundle, trust=[TRUST], receipts=receipts)


def kept(making: ModuleType, place: Path, name: str = "receipt", **changes: Any) -> Path:
    """An answer of the installation to the case of the vectors, with other contents."""
    signed = making.answers_of(making.make_case(making.Making()))[name]
    answer = making.replace(signed.answer, **changes)
    path = place / "kept.json"
    path.write_bytes(making.sign_answer(answer, making.NEWEST).line + b"\n")
    return path


def test_kept_answers_that_the_bundle_meets_are_said():
    verdict = asked(DEEDS / "authentic.jsonl", DEEDS / "receipt.json", DEEDS / "refusal.json")
    assert (verdict.word, verdict.holds) == ("authentic", True)
    assert [Path(each).name for each in verdict.receipts] == ["receipt.json", "refusal.json"]
    assert any("given: " in line and "receipt.json" in line for line in verdict.lines())


@pytest.mark.parametrize("name", ["everything-withheld", "deeds-of-a-key-withheld"])
def test_a_receipt_holds_where_its_entry_is_withheld(name: str):
    """The entry is under its head; what it opens to is not shown."""
    assert asked(DEEDS / f"{name}.jsonl", DEEDS / "receipt.json", DEEDS / "refusal.json").holds


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("receipt", {"n": 6}, "entry, deed or time"),
        ("receipt", {"deed": "ab" * 32}, "entry, deed or time"),
        ("receipt", {"at": "2026-11-21T09:08:00Z"}, "entry, deed or time"),
        ("receipt", {"n": 13, "size": 14}, "entry, deed or time"),
        ("receipt", {"n": 2**53 - 2, "size": 2**53 - 1}, "entry, deed or time"),
        ("receipt", {"root": "ab" * 32}, "another past"),
    ],
)
def test_a_receipt_that_is_not_met_makes_the_answer_altered(
    deed_making: ModuleType, tmp_path: Path, name: str, changes: dict[str, Any], what: str
):
    path = kept(deed_making, tmp_path, name, **changes)
    verdict = asked(DEEDS / "authentic.jsonl", path)
    assert (verdict.word, verdict.holds, verdict.line) == ("altered", False, None)
    assert what in verdict.what
    assert "kept.json" in verdict.lines()[0]


def test_a_refused_deed_that_was_recorded_makes_the_answer_altered(
    deed_making: ModuleType, tmp_path: Path
):
    case = deed_making.make_case(deed_making.Making())
    path = kept(deed_making, tmp_path, "refusal", deed=case.digests[3])
    assert (
        asked(DEEDS / "authentic.jsonl", path).what == "has a refusal of a deed that was recorded"
    )


@pytest.mark.parametrize("seen", [{}, {"size": 0, "root": EMPTY_ROOT.hex()}])
def test_a_refusal_that_names_no_log_is_met_by_its_deed(
    deed_making: ModuleType, tmp_path: Path, seen: dict[str, Any]
):
    """As the opening's: whatever it says to have seen, what it refuses is here."""
    case = deed_making.make_case(deed_making.Making())
    for n in (0, 3):
        path = kept(deed_making, tmp_path, "refusal", deed=case.digests[n], log=None, **seen)
        verdict = asked(DEEDS / "authentic.jsonl", path)
        assert verdict.what == "has a refusal of a deed that was recorded"
    for deed in ("ab" * 32, "00" * 32):
        path = kept(deed_making, tmp_path, "refusal", deed=deed, log=None, **seen)
        with pytest.raises(VerifierInputError, match="about another case"):
            asked(DEEDS / "everything-withheld.jsonl", path)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("refusal", {}),
        ("refusal", {"deed": 3}),
        ("refusal", {"deed": 3, "log": None}),
        ("receipt", {"deed": "ab" * 32}),
        ("receipt", {"root": "ab" * 32}),
        ("receipt", {"n": 13, "size": 14}),
    ],
)
def test_a_revoked_keys_word_makes_no_bundle_altered(
    deed_making: ModuleType, tmp_path: Path, name: str, changes: dict[str, Any]
):
    """Whoever stole the key could sign it; what the bundle itself shows it may say."""
    case = deed_making.make_case(deed_making.Making())
    if isinstance(changes.get("deed"), int):
        changes = changes | {"deed": case.digests[changes["deed"]]}
    by = ledger.fingerprint(deed_making.NEWEST.public_key)
    bundle, path = DEEDS / "authentic.jsonl", kept(deed_making, tmp_path, name, **changes)
    with pytest.raises(VerifierInputError, match="by a revoked key"):
        verify_bundle(bundle, revoked=[by], receipts=[path])
    receipt = DEEDS / "receipt.json"
    assert verify_bundle(bundle, revoked=[by], receipts=[receipt]).receipts == ("receipt.json",)
    with pytest.raises(VerifierInputError, match="by a revoked key"):
        verify_bundle(DEEDS / "everything-withheld.jsonl", revoked=[by], receipts=[receipt])


def test_what_says_nothing_of_this_bundle_is_bad_input(deed_making: ModuleType, tmp_path: Path):
    """A receipt of another case must not make a good bundle look altered."""
    stranger = tmp_path / "stranger.json"
    case = deed_making.make_case(deed_making.Making())
    by_stranger = deed_making.answers_of(case, deed_making.STRANGER)["receipt"].line
    stranger.write_bytes(by_stranger)
    empty = tmp_path / "empty.json"
    empty.write_bytes(b"")
    other = kept(deed_making, tmp_path, log="ab" * 32)
    for path in (other, stranger, empty, tmp_path / "none.json", tmp_path, FOLDER / "nan.jsonl"):
        with pytest.raises(VerifierInputError) as raised:
            asked(DEEDS / "authentic.jsonl", path)
        assert "\n" not in str(raised.value)
    with pytest.raises(VerifierInputError, match="contract 1 has no answers"):
        asked(FOLDER / "authentic.jsonl", DEEDS / "receipt.json")


def test_the_commands_take_receipts(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    arguments = [
        str(DEEDS / "authentic.jsonl"),
        "--trust",
        TRUST,
        "--receipt",
        str(DEEDS / "receipt.json"),
    ]
    assert run(["verify", *arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["word"], said["contract"], len(said["receipts"])) == ("authentic", 2, 1)
    assert said["seen_by"] == [["example-centre", 11], ["example-lab", 10]]
    assert said["deeds_disavowed"] == 1
    alone = subprocess.run(
        [sys.executable, "-m", "touchstone.verifier", *arguments[:-1], str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (alone.returncode, alone.stdout, alone.stderr.count("\n")) == (2, "", 1)


def test_the_age_of_the_newest_cosignature_is_said():
    named = f"{WITNESS['name']}={WITNESS['key']}"
    now = datetime.fromtimestamp(WITNESS["time"] + 7200, UTC)
    verdict = verify_bundle(DEEDS / "authentic.jsonl", witnesses=[named], now=now)
    assert verdict.cosigned_age_seconds == 7200
    assert any(line.endswith("2 hours ago") and "cosigned" in line for line in verdict.lines())
    assert verify_bundle(DEEDS / "authentic.jsonl", now=now).cosigned_age_seconds is None


def shape(bundle: Path) -> set[tuple[str, ...]]:
    """What each entry after the first shows, without its number and what looks random."""
    lines = [json.loads(line) for line in bundle.read_bytes().splitlines()]
    entries = [line for line in lines if "parts" in line][1:]
    return {
        (
            str(len(json.dumps(entry)) - len(str(entry["n"]))),
            *(
                json.dumps({key: value for key, value in line.items() if key != "n"})
                for line in lines
                if line.get("line") == "withheld" and line["n"] == entry["n"]
            ),
        )
        for entry in entries
    }


def test_entries_that_are_not_shown_look_alike_whatever_they_hold():
    """Events of one part and of three, deeds of each type, by each party: one shape."""
    assert len(shape(FOLDER / "everything-withheld.jsonl")) > 1
    assert len(shape(DEEDS / "everything-withheld.jsonl")) == 1
