"""A key named as revoked vouches for nothing, nor does one before it; a later one does."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from touchstone import ledger
from touchstone.verifier import VerifierInputError, verify_bundle

AT = "2026-11-21T09:00:00Z"
MOST = 5
few = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "bundle.jsonl"


def signers(making: ModuleType, count: int) -> list[ledger.Signer]:
    return [making.FIRST, *(making.FixedSigner(f"key {number}") for number in range(1, count))]


def history(
    making: ModuleType, count: int, revokes: dict[int, int], reason: str = "stolen"
) -> ledger.KeyHistory:
    """So many keys; the line of each key in `revokes` names the one that it stands beside."""
    keys = signers(making, count)
    made = ledger.KeyHistory.start(keys[0], AT, "installed")
    for seq in range(1, count):
        why = "yearly"
        if seq in revokes:
            named = ledger.fingerprint(keys[revokes[seq]].public_key)
            why = f"revoked {named}: {reason}"
        made = made.rotate(keys[seq - 1], keys[seq].public_key, AT, why)
    return made


def bundle(making: ModuleType, keys: ledger.KeyHistory) -> bytes:
    """The authentic case under these keys, sealed by the newest."""
    newest = signers(making, len(keys.lines))[-1]
    case = making.make_case(making.Build())
    head = replace(making.head_of(case), keyset=keys.keyset)
    published = making.publish(head, newest, keys.origin)
    lines = making.lines_of(case, keys.lines, head, published)
    return bytes(making.sealed(lines.body[:-1], newest))


@few
@given(data=st.data())
def test_a_pin_is_met_by_a_key_after_the_last_revoked_one_alone(
    data: st.DataObject, making: ModuleType, place: Path
):
    count = data.draw(st.integers(1, MOST), label="keys")
    lines = st.sampled_from(range(1, count)) if count > 1 else st.nothing()
    revokes = {
        seq: data.draw(st.integers(0, seq - 1), label="revokes")
        for seq in data.draw(st.sets(lines), label="lines that revoke")
    }
    keys = history(making, count, revokes)
    told = data.draw(st.sets(st.integers(0, count - 1)), label="known from elsewhere")
    pinned = data.draw(st.sets(st.integers(0, count - 1)), label="pinned")
    prints = [line.fingerprint for line in keys.lines]
    place.write_bytes(bundle(making, keys))

    verdict = verify_bundle(
        place, trust=[prints[one] for one in pinned], revoked=[prints[one] for one in told]
    )

    named = {*revokes.values(), *told}
    met = any(all(bad < pin for bad in named) for pin in pinned)
    assert verdict.word == ("authentic" if met else "consistent"), verdict.lines()
    assert verdict.holds is (met or not (pinned or count - 1 in told))
    assert verdict.revoked == tuple(prints[one] for one in sorted(named))
    assert sum("is revoked, " in note for note in verdict.notes) == len(named)


def test_an_earlier_bundle_says_nothing_of_it_unless_it_is_told(making: ModuleType, place: Path):
    """What the thief of the key makes looks just the same."""
    keys = history(making, 2, {})
    first, newest = (line.fingerprint for line in keys.lines)
    place.write_bytes(bundle(making, keys))
    assert verify_bundle(place, trust=[first]).word == "authentic"
    for trust in ([], [first], [newest]):
        verdict = verify_bundle(place, trust=trust, revoked=[newest])
        assert (verdict.word, verdict.holds) == ("consistent", False)
        assert f"{newest} is revoked, as given" in "\n".join(verdict.lines())
    other = "SHA256:" + "00" * 32
    assert verify_bundle(place, trust=[first], revoked=[other]).word == "authentic"


def test_it_says_which_line_revokes_and_why_and_what_to_pin(making: ModuleType, place: Path):
    keys = history(making, 3, {2: 0}, "its backup\x1b[31m was stolen\nauthentic")
    first, second, _ = (line.fingerprint for line in keys.lines)
    place.write_bytes(bundle(making, keys))
    said = verify_bundle(place, trust=[first]).lines()
    assert said[0] == "consistent, issuer unverified"
    assert all(line.isprintable() for line in said)
    because = f"{first} is revoked, says the key line of {AT} (its backup\\u001b[31m was stolen"
    assert any(because in line for line in said)
    assert "or only up to a revoked one" in said[-1]
    later = verify_bundle(place, trust=[second])
    assert (later.word, later.revoked) == ("authentic", (first,))
    assert any(because in note for note in later.notes)


@pytest.mark.parametrize(
    "reason",
    ["revoked", "revoked SHA256:00: x", "Revoked {}: x", "was revoked {}: x", "revoked {}"],
)
def test_another_reason_revokes_nothing(making: ModuleType, place: Path, reason: str):
    keys = ledger.KeyHistory.start(making.FIRST, AT, "installed")
    first = keys.lines[0].fingerprint
    newest = making.FixedSigner("key 1")
    keys = keys.rotate(making.FIRST, newest.public_key, AT, reason.format(first))
    place.write_bytes(bundle(making, keys))
    assert verify_bundle(place, trust=[first]).word == "authentic"
    assert keys.revoked == {}


def test_an_ill_formed_fingerprint_is_bad_input(authentic: Path):
    with pytest.raises(VerifierInputError):
        verify_bundle(authentic, revoked=["SHA256:"])
