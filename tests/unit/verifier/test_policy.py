"""A policy on witnesses: read strictly, met by who cosigned the head, never an alteration."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone import ledger
from touchstone.cli.app import run
from touchstone.verifier import VerifierInputError, policy, proofs, verify_bundle
from touchstone.verifier.policy import Witness, WitnessPolicy, read_policy

MANIFEST = json.loads(
    (Path(__file__).parents[2] / "vectors/ledger/manifest.json").read_text("utf-8")
)
NAME, KEY = MANIFEST["witness"]["name"], bytes.fromhex(MANIFEST["witness"]["key"])


def vkey(name: str, key: bytes, kind: int = 4) -> str:
    data = bytes([kind]) + key
    identity = sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return f"{name}+{identity}+{b64encode(data).decode()}"


def key_of(name: str) -> bytes:
    """Some key that is no point of small order; nobody can sign for it here."""
    return sha256(name.encode()).digest()


FIRST, A, B = vkey(NAME, KEY), vkey("a.example", key_of("a")), vkey("b.example", key_of("b"))


def written(folder: Path, *lines: str) -> Path:
    path = folder / "policy"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    return path


def test_a_quorum_of_groups_is_met_by_who_cosigned(authentic: Path, tmp_path: Path):
    lines = [f"witness w {FIRST} https://w.example", f"witness a {A}", "# a note", "", " \t"]
    one_of = written(
        tmp_path, *lines, "group some 1 w a", "\tgroup  all-of all some ", "quorum some"
    )
    met = verify_bundle(authentic, trust=[MANIFEST["trust"]], policy=one_of)
    assert (met.word, met.policy, met.holds, met.exit_code) == ("authentic", "met", True, 0)
    assert (met.cosigned_by, met.not_cosigned_by) == (("w",), ("a",))
    assert (met.cosignatures[0].at, met.cosignatures[0].size) == ("2026-11-21T09:00:00Z", 9)
    assert "cosigned by w at 2026-11-21T09:00:00Z, size 9" in met.lines()
    assert "not cosigned by a" in met.lines()
    both = written(tmp_path, *lines, "group both all w a", "quorum both")
    unmet = verify_bundle(authentic, trust=[MANIFEST["trust"]], policy=both)
    assert (unmet.word, unmet.policy, unmet.holds, unmet.exit_code) == (
        "authentic",
        "not met",
        False,
        3,
    )
    none = written(tmp_path, "quorum none")
    assert verify_bundle(authentic, trust=[MANIFEST["trust"]], policy=none).holds


def test_the_commands_tell_an_unmet_policy_from_an_altered_bundle(
    authentic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    asked = written(tmp_path, f"witness a {A}", "quorum a")
    arguments = ["--trust", MANIFEST["trust"], "--policy", str(asked)]
    assert run(["verify", str(authentic), *arguments]) == 3
    assert capsys.readouterr().out.startswith("authentic, policy not met\n")
    assert run(["verify", str(authentic), *arguments, "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["policy"], said["holds"], said["word"]) == ("not met", False, "authentic")
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(authentic.read_bytes().replace(b'"audience":"', b'"audience":"x'))
    assert run(["verify", str(damaged), *arguments]) == 1
    assert run(["verify", str(authentic), "--witness", FIRST, *arguments[:2]]) == 0
    # Without a trusted key the answer is no, whatever witnesses say.
    stranger = ["--trust", MANIFEST["stranger"]]
    assert run(["verify", str(authentic), *stranger, "--policy", str(asked)]) == 1


def test_a_policys_log_is_trusted_by_its_name(authentic: Path, making: ModuleType, tmp_path: Path):
    """Any key of the history, as with --trust; under another name it is no key of this log."""
    for key in making.KEYS.public_keys:
        asked = written(tmp_path, f"log {vkey(making.KEYS.origin, key, 1)}", "quorum none")
        assert verify_bundle(authentic, policy=asked).word == "authentic"
    for name, key in (("other.example", making.KEYS.current), (making.KEYS.origin, key_of("s"))):
        asked = written(tmp_path, f"log {vkey(name, key, 1)}", "quorum none")
        said = verify_bundle(authentic, policy=asked)
        assert (said.word, said.holds, said.policy, said.exit_code) == (
            "consistent",
            False,
            "met",
            1,
        )


def older_cosigned(making: ModuleType, size: int) -> bytes:
    """The authentic bundle, of which the witness cosigned only the older checkpoint of a size."""
    built = making.authentic()
    head, _ = making.publish(making.head_of(making.make_case(making.Build())))
    leaves = [ledger.leaf_hash(making.fixed(f"other head {number}")) for number in range(9)]
    leaves[making.INDEX] = ledger.leaf_hash(ledger.blind_head(head.blind, head.head))
    tree = ledger.Tree(leaves)
    old = ledger.sign_checkpoint(
        ledger.Checkpoint(making.KEYS.origin, size, tree.root(size)), making.FIRST
    )
    old = ledger.cosign(old, NAME, making.WITNESS_KEY, 1_795_000_000)
    plain = ledger.sign_checkpoint(
        ledger.Checkpoint(making.KEYS.origin, 9, tree.root()), making.NEWEST
    )
    built.tail = [
        making.edited(built.tail[0], checkpoint=plain),
        ledger.OlderCheckpoint(old, tuple(tree.consistency(size))).line,
    ]
    return bytes(making.sealed(built.body))


@pytest.mark.parametrize(("size", "counts"), [(6, False), (7, True), (8, True), (9, True)])
def test_an_older_checkpoint_counts_where_the_head_stands_in_it(
    size: int, counts: bool, making: ModuleType, tmp_path: Path
):
    """The head has index 6. A cosignature from before it says nothing about it."""
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_bytes(older_cosigned(making, size))
    said = verify_bundle(bundle, trust=[MANIFEST["trust"]], witnesses=[FIRST])
    assert (said.word, said.policy) == ("authentic", "met" if counts else "not met"), said.lines()
    (shown,) = said.cosignatures
    assert (shown.size, shown.at, shown.holds_head) == (size, "2026-11-18T11:06:40Z", counts)
    assert said.cosigned_by == ((NAME,) if counts else ())


def test_a_cosignature_that_does_not_hold_is_none(authentic: Path, monkeypatch: pytest.MonkeyPatch):
    """Its line is there, by name and key id, and another time stands in it."""
    lines = authentic.read_bytes().splitlines()
    note = ledger.loads(lines[24])["checkpoint"]
    line = next(each for each in note.splitlines() if each.startswith(f"— {NAME} "))
    data = bytearray(b64decode(line.rpartition(" ")[2]))
    data[11] ^= 1
    changed = line.rpartition(" ")[0] + " " + b64encode(data).decode()
    forged = proofs.Checkpoint(note.replace(line, changed))
    assert proofs.Checkpoint(note).cosigned_at(NAME, KEY) == MANIFEST["witness"]["time"]
    assert forged.cosigned_at(NAME, KEY) is None
    monkeypatch.setattr(proofs, "signed", lambda *_: True)
    assert forged.cosigned_at(NAME, KEY) is not None


@pytest.mark.parametrize("kind", [2, 5, 6, 255])
def test_a_witness_of_a_type_that_is_not_checked_counts_as_absent(
    kind: int, authentic: Path, tmp_path: Path
):
    """1,312 bytes, as ML-DSA-44 has them; and one whose key would hold as Ed25519."""
    later = vkey("later.example/w", b"k" * 1312, kind)
    asked = written(
        tmp_path, f"witness l {later}", f"witness w {FIRST}", "group g any l w", "quorum g"
    )
    assert verify_bundle(authentic, trust=[MANIFEST["trust"]], policy=asked).holds
    same = written(tmp_path, f"witness l {vkey(NAME, KEY, kind)}", "quorum l")
    said = verify_bundle(authentic, trust=[MANIFEST["trust"]], policy=same)
    assert (said.policy, said.not_cosigned_by) == ("not met", ("l",))


SMALL = bytes(32)
REFUSED = {
    "no quorum": [f"witness a {A}"],
    "two quorums": [f"witness a {A}", "quorum a", "quorum a"],
    "unknown quorum": ["quorum a"],
    "quorum of many": [f"witness a {A}", "quorum a a"],
    "unknown word": ["quorums none", "quorum none"],
    "a name twice": [f"witness a {A}", f"witness a {B}", "quorum a"],
    "a key twice": [f"witness a {A}", f"witness b {vkey('other', key_of('a'))}", "quorum a"],
    "a group by a witness's name": [f"witness a {A}", "group a any a", "quorum a"],
    "the name none": [f"witness none {A}", "quorum none"],
    "a group none": [f"witness a {A}", "group none any a", "quorum none"],
    "none in a group": ["group g any none", "quorum g"],
    "a member later": ["group g any a", f"witness a {A}", "quorum g"],
    "a member twice": [f"witness a {A}", "group g 1 a a", "quorum g"],
    "a member of two": [f"witness a {A}", "group g all a", "group h all a", "quorum g"],
    "a group of itself": ["group g all g", "quorum g"],
    "none of one": [f"witness a {A}", "group g 0 a", "quorum g"],
    "two of one": [f"witness a {A}", "group g 2 a", "quorum g"],
    "one written otherwise": [f"witness a {A}", "group g 01 a", "quorum g"],
    "one in other digits": [f"witness a {A}", "group g \u0661 a", "quorum g"],
    "a group of nobody": ["group g any", "quorum g"],
    "no vkey": ["witness a none", "quorum a"],
    "a key id of another name": [f"witness a {A.replace('a.example', 'c.example')}", "quorum a"],
    "a log's key": [f"witness a {vkey('a', key_of('a'), 1)}", "quorum a"],
    "a witness's key as a log's": [f"log {A}", "quorum none"],
    "a log twice": [*(f"log {vkey(name, key_of('a'), 1)}" for name in "ab"), "quorum none"],
    "a short key": [f"witness a {vkey('a', b'k' * 31)}", "quorum a"],
    "a key of small order": [f"witness a {vkey('a', SMALL)}", "quorum a"],
    "a log's key of small order": [f"log {vkey('a', SMALL, 1)}", "quorum none"],
    "four words": [f"witness a {A} https://a.example more", "quorum a"],
    "a carriage return": ["quorum none\r"],
    "a NUL": ["quorum none\0"],
    "a name that is not UTF-8": [f"witness a \udcff{A}", "quorum a"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_policy_is_bad_input(name: str, tmp_path: Path):
    with pytest.raises(VerifierInputError) as caught:
        read_policy(written(tmp_path, *REFUSED[name]))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("form", ["{}", "{}=" + "ab" * 32, "{}+01234567+AAAA"])
@pytest.mark.parametrize("name", ["a\udcffb", "a\x1bb"])
def test_a_witness_that_is_no_text_is_bad_input(form: str, name: str, authentic: Path):
    """As an argument comes that is not UTF-8."""
    with pytest.raises(VerifierInputError, match="is not of the form NAME=") as raised:
        verify_bundle(authentic, witnesses=[form.format(name)])
    assert str(raised.value).isprintable()


def test_a_file_that_was_cut_or_is_none_is_bad_input(authentic: Path, tmp_path: Path):
    path = tmp_path / "policy"
    path.write_bytes(b"quorum none")
    with pytest.raises(VerifierInputError, match="no line feed"):
        read_policy(path)
    path.write_bytes(b"#" * 70_000 + b"\nquorum none\n")
    with pytest.raises(VerifierInputError, match="longer than"):
        read_policy(path)
    assert run(["verify", str(authentic), "--policy", str(tmp_path)]) == 2
    assert run(["verify", str(authentic), "--policy", str(tmp_path / "none")]) == 2


def test_without_its_check_what_is_no_policy_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The twin of every line's refusals: with none of them said, most of these are read."""
    read = 0
    monkeypatch.setattr(policy, "_require", lambda *_: None)
    for lines in REFUSED.values():
        try:
            read_policy(written(tmp_path, *lines))
        except (VerifierInputError, ValueError, IndexError):
            continue
        read += 1
    assert read >= 20


def test_octets_beyond_ascii_are_names_as_they_stand(tmp_path: Path):
    """Two ways to write one letter are two names, and so are names that are shown alike."""
    kelvin, long = "\u212a", "n" * 90
    read = read_policy(
        written(
            tmp_path,
            f"witness K {A}",
            f"witness {kelvin} {B}",
            f"witness {long}1 {vkey('c', key_of('c'))}",
            f"witness {long}2 {vkey('d', key_of('d'))}",
            f"group g 2 {long}1 {long}2",
            "quorum g",
        )
    )
    first, second, third, _fourth = read.witnesses.values()
    assert first.label != second.label
    assert not read.met([third])


@given(st.data())
def test_a_quorum_is_what_its_groups_count(data: st.DataObject):
    """By the definition, recursively; and whoever cosigns more never unmeets it."""
    count = data.draw(st.integers(1, 6))
    witnesses = {b"w%d" % n: Witness(f"w{n}", f"w{n}", key_of(str(n))) for n in range(count)}
    free, groups = list(witnesses), dict[bytes, tuple[int, list[bytes]]]()
    while data.draw(st.booleans()) and free:
        members = data.draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        name = b"g%d" % len(groups)
        groups[name] = (data.draw(st.integers(1, len(members))), members)
        free = [each for each in free if each not in members] + [name]
    quorum = data.draw(st.sampled_from([*witnesses, *groups]))
    read = WitnessPolicy([], witnesses, groups, quorum)

    def counted(name: bytes, who: Sequence[Witness]) -> bool:
        if name in witnesses:
            return witnesses[name] in who
        least, members = groups[name]
        return sum(counted(member, who) for member in members) >= least

    some = data.draw(st.lists(st.sampled_from(list(witnesses.values())), unique=True))
    assert read.met(some) is counted(quorum, some)
    if read.met(some):
        assert read.met(list(witnesses.values()))
