"""Every vector of the ledger gets its verdict and place; the pins work on the authentic one."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.verifier import Verdict, VerifierInputError, verify_bundle

FOLDER = Path(__file__).parents[2] / "vectors/ledger"
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
DEEDS: dict[str, Any] = json.loads((FOLDER / "contract2/manifest.json").read_text())
EXPECTED = MANIFEST["bundles"] | {
    f"contract2/{name}": expected for name, expected in DEEDS["bundles"].items()
}
TRUST, STRANGER, WITNESS = MANIFEST["trust"], MANIFEST["stranger"], MANIFEST["witness"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_vector_gets_its_verdict_and_place(name: str):
    expected = EXPECTED[name]
    if not (FOLDER / name).read_bytes():
        # To a reader of lines its first one is missing; to whom it is handed it is no bundle.
        with pytest.raises(VerifierInputError, match="is no bundle"):
            verify_bundle(FOLDER / name, trust=[TRUST])
        return
    verdict = verify_bundle(FOLDER / name, trust=[TRUST])
    assert verdict.word == expected["verdict"]
    assert verdict.line == expected["line"]
    assert verdict.deeds_unchecked == expected["unchecked_deeds"]
    assert verdict.holds is (verdict.word == "authentic")
    if verdict.word == "altered":
        assert verdict.place.startswith(f"line {expected['line']}")
        assert verdict.what
        assert verdict.lines() == [f"altered: {verdict.place} {verdict.what}"]


def test_an_authentic_bundle_is_described(authentic: Path):
    verdict = verify_bundle(authentic, trust=[STRANGER, TRUST])
    assert (verdict.word, verdict.holds, verdict.size) == ("authentic", True, 6)
    assert (verdict.opened, verdict.withheld, verdict.erased) == (13, 1, 1)
    assert (verdict.deeds_checked, verdict.deeds_unchecked) == (5, 0)
    assert verdict.audience == "example-lab"
    assert verdict.issuers[0] == TRUST
    assert len(verdict.issuers) == 2
    assert "only against a head seen elsewhere" in verdict.notes[0]
    assert json.loads(json.dumps(verdict.as_dict()))["holds"] is True
    assert verdict.lines()[0] == "authentic"


def test_without_a_pin_it_is_consistent_and_holds(authentic: Path):
    verdict = verify_bundle(authentic)
    assert (verdict.word, verdict.holds) == ("consistent", True)
    assert verdict.lines()[0] == "consistent, issuer unverified"


def test_a_pin_that_is_not_met_does_not_hold(authentic: Path):
    verdict = verify_bundle(authentic, trust=[STRANGER])
    assert (verdict.word, verdict.holds) == ("consistent", False)
    assert "none of the keys given" in verdict.notes[1]


def test_a_pinned_newer_key_trusts_too(authentic: Path):
    newest = verify_bundle(authentic).issuers[-1]
    assert verify_bundle(authentic, trust=[newest]).word == "authentic"


def witnessed(path: Path, name: str = WITNESS["name"], key: str = WITNESS["key"]) -> Verdict:
    return verify_bundle(path, trust=[TRUST], witnesses=[f"{name}={key}"])


def test_a_given_witness_must_have_cosigned(authentic: Path):
    assert witnessed(authentic).cosigned_by == (WITNESS["name"],)
    for given in ({"name": "witness.example/other"}, {"key": "ab" * 32}):
        missing = witnessed(authentic, **given)
        assert (missing.word, missing.policy, missing.holds) == ("authentic", "not met", False)
        assert missing.lines()[0] == "authentic, policy not met"
        assert missing.exit_code == 3
    assert verify_bundle(authentic, trust=[TRUST]).cosigned_by == ()


def test_a_head_seen_elsewhere_must_be_met(authentic: Path):
    own = verify_bundle(authentic, trust=[TRUST]).head
    size, root = own.split(":")
    assert verify_bundle(authentic, trust=[TRUST], head=own).word == "authentic"
    forked = verify_bundle(authentic, trust=[TRUST], head=f"{size}:{'00' * 32}")
    assert (forked.word, forked.line) == ("altered", 25)
    unknown = verify_bundle(authentic, trust=[TRUST], head=f"7:{root}")
    assert unknown.word == "altered"
    assert "no" in unknown.what or "without" in unknown.what
    # The older checkpoint in the bundle is of size 5.
    assert verify_bundle(authentic, head=f"5:{'00' * 32}").line == 26


@pytest.mark.parametrize(
    "given",
    [
        {"trust": ["SHA256:"]},
        {"trust": [TRUST.lower()]},
        {"trust": [TRUST + "\n"]},
        {"witnesses": ["name"]},
        {"witnesses": ["a b=" + "00" * 32]},
        {"head": ""},
        {"head": "0:" + "00" * 32},
        {"head": "5"},
        {"head": "5:" + "00" * 32 + "\n"},
    ],
)
def test_an_ill_formed_pin_is_bad_input(authentic: Path, given: dict[str, Any]):
    with pytest.raises(VerifierInputError) as caught:
        verify_bundle(authentic, **given)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_bad_input(tmp_path: Path):
    for path in (tmp_path, tmp_path / "none\x1b[31m.jsonl"):
        with pytest.raises(VerifierInputError) as caught:
            verify_bundle(path)
        assert str(caught.value).isprintable()
