"""`touchstone pack seal|open|prove|verify-proof|attribute`, and sealed files registered."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.private_packs import private_pack
from touchstone.cli.app import run
from touchstone.evaluation.packs.private_file import open_pack, read_pack_keys

Said = tuple[int, str, str]
Call = Callable[..., Said]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOUCHSTONE_PACK_KEYS", raising=False)

    def called(*words: object) -> Said:
        capsys.readouterr()
        code = run(["pack", *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


def test_a_pack_goes_from_its_authors_to_a_lab_and_a_leak_comes_back(call: Call, tmp_path: Path):
    private_pack(tmp_path, slots=True)
    keys = {}
    for name in ("example-lab", "example-centre"):
        code, out, _ = call("identity", tmp_path / "k" / f"{name}.key")
        keys[name] = out.strip()
        assert code == 0
    to = [word for name, key in keys.items() for word in ("--to", f"{name}={key}")]
    sealed = tmp_path / "sealed"
    code, out, _ = call("seal", "capitals", *to, "--shares", "2/3", "--variants", "--out", sealed)
    assert code == 0
    assert "two variants have the same words by chance" in out
    assert sorted(path.name for path in sealed.iterdir()) == [
        "capitals.example-centre.sealed",
        "capitals.example-lab.sealed",
        "capitals.keepers-of-shares.sealed",
        *(f"capitals.share-{n}" for n in (1, 2, 3)),
    ]
    for path in sealed.iterdir():
        assert path.stat().st_mode & 0o077 == 0
    file, key = sealed / "capitals.example-lab.sealed", tmp_path / "k" / "example-lab.key"
    code, _, err = call("seal", "capitals", *to, "--variants", "--out", sealed)
    assert (code, "is there already" in err) == (2, True)
    code, out, _ = call("open", file, "--key", key, "--json")
    told = json.loads(out)
    assert code == 0
    assert call("open", file, "--key", key, "--digest", told["file"])[0] == 0
    code, _, err = call("open", file, "--key", key, "--digest", "sha256:" + "0" * 64)
    assert (code, "altered or replaced" in err) == (2, True)
    code, _, err = call("open", file, "--key", tmp_path / "k" / "example-centre.key")
    assert (code, "none of the keys given opens it" in err) == (2, True)
    keepers = sealed / "capitals.keepers-of-shares.sealed"
    shares = [word for n in (1, 3) for word in ("--key", sealed / f"capitals.share-{n}")]
    assert call("open", keepers, *shares)[0] == 0
    assert call("open", keepers, *shares[:2])[0] == 2
    leak = tmp_path / "leak.txt"
    opened = open_pack(file.read_bytes(), read_pack_keys([key]), "it")
    leak.write_text(str(opened.pack.items[0].input) + str(opened.pack.items[1].metadata))
    code, out, _ = call("attribute", "capitals", leak)
    assert code == 0
    assert "from the variant of example-lab" in out
    leak.write_text("Nothing.")
    code, out, _ = call("attribute", "capitals", leak)
    assert (code, "attributed to nobody at 1e-06" in out) == (1, True)
    assert out.startswith("the text shows no slot of capitals, and no canary of it\n")


def test_where_nothing_is_registered_the_way_is_shown(call: Call):
    assert call("show")[1] == (
        "No pack is registered here. Register one: touchstone pack register FOLDER\n"
    )


def test_a_key_in_the_folder_one_works_in_is_refused_with_a_fix_that_leaves_it_open(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    code, _, err = call("identity", "one.key")
    assert (code, "fix: name a folder for such files, as keys/NAME" in err) == (2, True)
    assert call("identity", "keys/one.key")[0] == 0


def test_a_lab_proves_an_item_and_nothing_else(call: Call, tmp_path: Path):
    pack = private_pack(tmp_path)
    key = tmp_path / "k" / "one.key"
    recipient = call("identity", key)[1].strip()
    assert call("seal", "capitals", "--to", recipient, "--out", tmp_path / "sealed")[0] == 0
    file, proof = tmp_path / "sealed" / "capitals.sealed", tmp_path / "proof.json"
    digest = pack.item_digests[2]
    assert call("prove", file, digest, "--key", key, "--out", proof)[0] == 0
    code, out, _ = call("verify-proof", proof, file)
    assert (code, out) == (0, f"item 2 of the 6 that capitals was sealed with: {digest}\n")
    code, _, err = call("prove", file, "2", "--key", key, "--out", proof)
    assert (code, "exists; name a new file" in err) == (2, True)
    told = json.loads(proof.read_text())
    told["item"]["target"] = "another"
    proof.write_text(json.dumps(told))
    code, _, err = call("verify-proof", proof, file)
    assert (code, "the item is not the one at place 2 of capitals as sealed" in err) == (1, True)
    for item, says in (("9", "and no 9"), ("sha256:00", "0 items of capitals are")):
        code, _, err = call("prove", file, item, "--key", key, "--out", tmp_path / "x.json")
        assert (code, says in err) == (2, True)
        assert not (tmp_path / "x.json").exists()


def test_a_sealed_file_is_registered_and_shown_where_a_key_opens_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    private_pack(tmp_path / "authors")
    key = tmp_path / "k" / "one.key"
    recipient = call("identity", key)[1].strip()
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "authors" / "home"))
    assert call("seal", "capitals", "--to", recipient, "--out", tmp_path / "sealed")[0] == 0
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    code, out, _ = call("register", tmp_path / "sealed" / "capitals.sealed")
    assert (code, "capitals 1 of Example Lab: 6 items, sealed" in out) == (0, True)
    assert "next: touchstone pack run capitals --submission" in out
    assert 'packs = ["capitals"] below [families] in ' in out
    code, out, _ = call("show", "capitals")
    assert (code, "capitals 1 of Example Lab: 6 items, sealed" in out) == (0, True)
    assert "its items and code stay closed: pack capitals: is sealed" in out
    code, _, err = call("show", "others")
    assert (code, "no pack 'others' is registered here; registered: capitals" in err) == (2, True)
    monkeypatch.setenv("TOUCHSTONE_PACK_KEYS", os.pathsep.join([str(key), ""]))
    code, out, _ = call("show", "capitals")
    assert code == 0
    assert "tried 2 times by 2 people" in out
    assert "Question" not in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shares", "2"), "--shares '2': write k/n"),
        (("--shares", "4/3"), "4/3: write k/n"),
        (("--to", "=age1x"), "write NAME=age1... or age1..."),
        (("--to", "a=age1x"), "no public key of age"),
        (("--to", "a=x", "--to", "a=y"), "two recipients have one name"),
        ((), "nobody could open it"),
    ],
)
def test_what_cannot_be_sealed_is_refused_and_nothing_is_written(
    call: Call, tmp_path: Path, words: tuple[str, ...], says: str
):
    private_pack(tmp_path)
    before = sorted((tmp_path / "home").rglob("*"))
    code, out, err = call("seal", "capitals", *words, "--out", tmp_path / "sealed")
    assert (code, out) == (2, "")
    assert says in err
    assert not (tmp_path / "sealed").exists()
    assert sorted((tmp_path / "home").rglob("*")) == before
