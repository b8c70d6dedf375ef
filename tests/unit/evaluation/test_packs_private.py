"""Private packs: sealed for some, opened in memory, proved item by item, and leaks attributed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.private_packs import CANARY, PEOPLE, private_pack, questions
from touchstone.evaluation.errors import FamilyError, RevealError
from touchstone.evaluation.oversight.canaries import canary_marks
from touchstone.evaluation.packs import private_file
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.family import PackFamily, load_packs
from touchstone.evaluation.packs.item_proofs import (
    check_item,
    items_tree,
    parse_proof,
    prove_item,
)
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.manifest import parse_manifest
from touchstone.evaluation.packs.people import people_faults
from touchstone.evaluation.packs.private_file import (
    PackKeys,
    ShareFile,
    open_pack,
    read_header,
    read_pack_keys,
    seal_pack,
)
from touchstone.evaluation.packs.registering import (
    RegisteredPack,
    names,
    register_sealed,
    registered,
)
from touchstone.keys import SystemRandom
from touchstone.keys.age_files import AgeIdentity, seal_for
from touchstone.keys.shares import Share

ONE, OTHER = AgeIdentity.generate(), AgeIdentity.generate()
RANDOM = SystemRandom()
LAB = PackKeys((ONE,))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> RegisteredPack:
    return private_pack(tmp_path_factory.mktemp("private"))


# ------------------------------------------------------------------ what people say


def test_what_people_say_is_told_and_no_item(pack: RegisteredPack):
    people = pack.source().manifest.people
    assert people is not None
    said = "\n".join(people.lines())
    assert "by A. Example, B. Example; marked TLP:AMBER+STRICT" in said
    assert "tried 2 times by 2 people: 1 solved, median 42.75 minutes" in said
    assert people_faults(people, pack.items) == []
    flaws = {each.id: people.flaw(each) for each in pack.items}
    assert (flaws["q0"], flaws["q2"]) == ("off-by-one", "")
    family = PackFamily(pack)
    made = [family.generate(seed, 1) for seed in family.seeds]
    # Items of one flaw are near-copies, and are counted as such.
    assert sorted(each.flaw for each in made) == ["", "", "", "", *["capitals/off-by-one"] * 2]


def test_its_canary_is_looked_for_in_transcripts_of_it(pack: RegisteredPack):
    family = PackFamily(pack)
    items = [family.generate(seed, 1) for seed in family.seeds]
    assert CANARY in canary_marks(items, [family])
    assert CANARY not in canary_marks(items)


def test_what_the_items_do_not_bear_out_is_refused_by_name():
    manifest = parse_manifest(_manifest(PEOPLE.format(more="")))
    assert manifest.people is not None
    bare = [{**each, "metadata": None} for each in questions(2, slots=False)]
    found = people_faults(manifest.people, item_set(bare).items)
    assert "item 'q0': does not hold the canary of people.canary: put it in" in found
    fewer = item_set(questions(1, slots=False)).items
    assert people_faults(manifest.people, fewer) == [
        "pack.toml: people.flaws: there is no item with the id 'q1'"
    ]


def _manifest(people: str) -> bytes:
    return f"""format = "touchstone pack 1"
id = "capitals"
version = "1"
owner = "Example Lab"
{people}
[task]
file = "task.py"
function = "capitals"
[score]
scorer = "match"
values = "letters"
""".encode()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (CANARY, "short", 'key "canary": write 16 to 200'),
        ('minutes = "35"', 'minutes = "long"', 'key "minutes": write minutes as a text'),
        ('"AMBER+STRICT"', '"SECRET"', 'key "marking"'),
        ('"off-by-one"', '"Off by one"', 'key "flaws"'),
    ],
)
def test_a_manifest_that_says_it_wrongly_is_refused(old: str, new: str, says: str):
    with pytest.raises(PackError, match=says):
        parse_manifest(_manifest(PEOPLE.format(more="").replace(old, new)))


# ------------------------------------------------------------------ sealing and opening


def test_those_named_open_it_and_nothing_stands_in_the_clear(pack: RegisteredPack):
    sealed, shares = seal_pack(pack, [ONE.recipient, OTHER.recipient], None, RANDOM)
    assert shares == ()
    for secret in (CANARY, "Question", pack.items[0].digest[7:], pack.digest[7:]):
        assert secret.encode() not in sealed
    header = read_header(sealed, "it")
    assert (header.items, header.authors) == (6, ("A. Example", "B. Example"))
    for key in (ONE, OTHER):
        opened = open_pack(sealed, PackKeys((key,)), "it")
        assert opened.pack == pack
    with pytest.raises(PackError, match="it: none of the keys given opens it"):
        open_pack(sealed, PackKeys((AgeIdentity.generate(),)), "it")
    with pytest.raises(PackError, match="it: is sealed: name the file of a key"):
        open_pack(sealed, PackKeys(), "it")


@pytest.mark.parametrize("place", [3, 40, 90, -1, -4000])
def test_an_altered_file_is_refused_by_name(pack: RegisteredPack, place: int):
    sealed = bytearray(seal_pack(pack, [ONE.recipient], None, RANDOM)[0])
    sealed[place] ^= 1
    with pytest.raises(PackError, match=r"altered|is no sealed pack|none of the keys"):
        open_pack(bytes(sealed), LAB, "it")


def test_a_header_that_says_something_else_opens_nothing(pack: RegisteredPack):
    sealed, _ = seal_pack(pack, [ONE.recipient], None, RANDOM)
    told = sealed.replace(b'"owner":"Example Lab"', b'"owner":"Another One"')
    assert told != sealed
    with pytest.raises(PackError, match="its header is not the one it was sealed with"):
        open_pack(told, LAB, "it")


def test_k_of_n_keepers_open_it_and_a_wrong_share_is_named(pack: RegisteredPack):
    sealed, shares = seal_pack(pack, [], (2, 3), RANDOM)
    assert len(shares) == 3
    for two in (shares[:2], shares[1:], (shares[2], shares[0])):
        assert open_pack(sealed, PackKeys(shares=tuple(two)), "it").pack == pack
    with pytest.raises(PackError, match="1 of the 2 shares that it takes"):
        open_pack(sealed, PackKeys(shares=shares[:1]), "it")
    flipped = f"{int(shares[1].share[:2], 16) ^ 1:02x}{shares[1].share[2:]}"
    wrong = shares[1].model_copy(update={"share": flipped})
    with pytest.raises(PackError, match="share 2: a wrong share"):
        open_pack(sealed, PackKeys(shares=(shares[0], wrong)), "it")
    # Of another seal: it is no share of this one, whatever its number.
    _, others = seal_pack(pack, [], (2, 3), RANDOM)
    with pytest.raises(PackError, match="1 of the 2 shares"):
        open_pack(sealed, PackKeys(shares=(shares[0], others[1])), "it")
    posing = others[1].model_copy(update={"root": shares[1].root})
    with pytest.raises(PackError, match="share 2: a wrong share"):
        open_pack(sealed, PackKeys(shares=(shares[0], posing)), "it")


def test_shares_whose_commitments_were_changed_with_them_open_nothing(pack: RegisteredPack):
    """Whoever can write the header can commit to other shares, and still has no key."""
    sealed, shares = seal_pack(pack, [], (2, 2), RANDOM)
    line, _, rest = sealed.partition(b"\n")
    header = json.loads(line)
    _, others = seal_pack(pack, [], (2, 2), RANDOM)
    posing = tuple(each.model_copy(update={"root": shares[0].root}) for each in others)
    header["shares"]["commitments"] = _commitments(others)
    told = json.dumps(header).encode() + b"\n" + rest
    with pytest.raises(PackError, match="the shares make another key"):
        open_pack(told, PackKeys(shares=posing), "it")


def _commitments(shares: tuple[ShareFile, ...]) -> list[str]:
    return [
        Share(each.number, bytes.fromhex(each.share), bytes.fromhex(each.salt)).commitment
        for each in shares
    ]


def test_a_sealer_that_lies_of_the_items_is_found_out(
    pack: RegisteredPack, monkeypatch: pytest.MonkeyPatch
):
    """The root is of other items than are within: a proof could be made of neither."""
    other = items_tree(pack.items[:3], bytes(32))
    with monkeypatch.context() as patch:
        patch.setattr(private_file, "items_tree", lambda *_: other)
        sealed, _ = seal_pack(pack, [ONE.recipient], None, RANDOM)
    with pytest.raises(PackError, match="its items are not those that its root is of"):
        open_pack(sealed, LAB, "it")
    line, _, _ = sealed.partition(b"\n")
    with pytest.raises(PackError, match="holds no pack of this version"):
        open_pack(line + b"\n" + seal_for(b"{}", [ONE.recipient]), LAB, "it")


def test_nobody_to_open_it_is_refused(pack: RegisteredPack):
    with pytest.raises(PackError, match="nobody could open it"):
        seal_pack(pack, [], None, RANDOM)
    with pytest.raises(PackError, match="no public key of age"):
        seal_pack(pack, ["age1nonsense"], None, RANDOM)
    with pytest.raises(PackError, match="write k/n"):
        seal_pack(pack, [], (3, 2), RANDOM)


# ------------------------------------------------------------------ registered sealed


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "one.key"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(ONE.secret)
    path.chmod(0o600)
    return path


def test_a_pack_that_is_registered_sealed_is_opened_in_memory_alone(
    pack: RegisteredPack, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    sealed, _ = seal_pack(pack, [ONE.recipient], None, RANDOM)
    register_sealed(sealed, read_header(sealed, "it"), home)
    assert names(home) == ["capitals"]
    monkeypatch.delenv("TOUCHSTONE_PACK_KEYS", raising=False)
    with pytest.raises(FamilyError, match="packs: pack capitals: is sealed: name the file"):
        load_packs(home, ["capitals"])
    missing = tmp_path / "keys" / "none.key"
    monkeypatch.setenv("TOUCHSTONE_PACK_KEYS", str(missing))
    with pytest.raises(PackError, match=r"none\.key: there is no such key file"):
        registered(home, "capitals")
    monkeypatch.setenv("TOUCHSTONE_PACK_KEYS", str(key_file))
    assert registered(home, "capitals") == pack
    family, code = load_packs(home, ["capitals"])["capitals"]
    assert code == PackFamily(pack).code
    assert len(family.seeds) == 6
    for path in home.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path
    # One of the same name that is another is never put in its place, in either form.
    again, _ = seal_pack(pack, [ONE.recipient], None, RANDOM)
    with pytest.raises(PackError, match="another pack of this name is registered"):
        register_sealed(again, read_header(again, "it"), home)
    plain = private_pack(tmp_path / "plain")
    assert plain == pack
    with pytest.raises(PackError, match="another pack of this name is registered"):
        register_sealed(sealed, read_header(sealed, "it"), tmp_path / "plain" / "home")


def test_keys_that_are_none_are_refused_by_name(tmp_path: Path):
    tmp_path.chmod(0o700)
    path = tmp_path / "key"
    for text, says in (("{}", "neither a key of age nor a share"), ("x", "holds 0 secret keys")):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(PackError, match=says):
            read_pack_keys([path])
    path.chmod(0o644)
    with pytest.raises(PackError, match="key: open to group or others"):
        read_pack_keys([path])


# ------------------------------------------------------------------ proofs of items


def test_an_item_is_proved_without_any_other(pack: RegisteredPack):
    salt = bytes(range(32))
    for place in range(len(pack.items)):
        proof = prove_item("capitals", pack.items, salt, place)
        check_item(proof, "capitals", proof.root, 6)
        text = proof.model_dump_json()
        others = [each for n, each in enumerate(pack.items) if n != place]
        assert all(each.digest[7:] not in text and str(each.input) not in text for each in others)
    with pytest.raises(PackError, match="has the items 0 to 5, and no 6"):
        prove_item("capitals", pack.items, salt, 6)


def test_the_leaves_are_salted(pack: RegisteredPack):
    """Whoever guesses a neighbour cannot hold the guess against a proof."""
    one = prove_item("capitals", pack.items, bytes(32), 0)
    other = prove_item("capitals", pack.items, bytes(range(32)), 0)
    assert one.root != other.root
    assert not {*one.path} & {*other.path}


@settings(max_examples=30)
@given(st.data())
def test_whatever_is_changed_in_a_proof_it_fails(data: st.DataObject):
    items = item_set(questions(5, slots=False)).items
    place = data.draw(st.integers(0, 4))
    proof = prove_item("p", items, bytes(32), place)
    other = data.draw(st.sampled_from([n for n in range(5) if n != place]))
    changes: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"item": items[other]},
                {"place": other},
                {"salt": "ab" * 32},
                {"path": proof.path[:-1]},
                {"path": (*proof.path, "ab" * 32)},
                {"path": ("ab" * 32, *proof.path[1:])},
            ]
        )
    )
    with pytest.raises(RevealError, match="not the one at place"):
        check_item(proof.model_copy(update=changes), "p", proof.root, 5)


def test_a_proof_of_another_seal_is_refused(pack: RegisteredPack):
    proof = prove_item("capitals", pack.items, bytes(32), 1)
    with pytest.raises(RevealError, match="of another seal"):
        check_item(proof, "capitals", "ab" * 32, 6)
    with pytest.raises(RevealError, match="of another seal"):
        check_item(proof, "another", proof.root, 6)
    with pytest.raises(PackError, match="it: is no proof"):
        parse_proof(b"{}", "it")
