"""Each recipient's own variant of a private pack, and whose variant a leaked text came from."""

from pathlib import Path

import pytest

from support.private_packs import CANARY, private_pack, questions
from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.family import load_packs
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.private_file import PackKeys, open_pack
from touchstone.evaluation.packs.registering import RegisteredPack
from touchstone.evaluation.packs.sealing_out import SealedFor, attributed, seal_out
from touchstone.evaluation.packs.variants import Variation, parse_variants, slot_faults
from touchstone.keys import SystemRandom
from touchstone.keys.age_files import AgeIdentity


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> RegisteredPack:
    return private_pack(tmp_path_factory.mktemp("template"), slots=True)


def variation(template: RegisteredPack, secret: bytes = bytes(32)) -> Variation:
    slots = parse_variants(template.variants.encode(), "variants.toml").slots
    return Variation(tuple(template.items), slots, CANARY, secret)


def test_each_recipient_has_words_and_a_canary_of_its_own(template: RegisteredPack):
    made = variation(template)
    lab, centre = made.of("example-lab"), made.of("example-centre")
    assert lab == made.of("example-lab")
    assert lab.digest != centre.digest
    for each in lab.items:
        text = each.model_dump_json()
        assert "{{" not in text
        assert made.canary_of("example-lab") in text
        assert made.canary_of("example-centre") not in text
        # One word stands wherever its slot does.
        assert str(each.target).split()[0] in str(each.input)
    assert made.alike_by_chance() == pytest.approx((8 * 4) ** -6)
    assert variation(template, bytes(range(32))).of("example-lab").digest != lab.digest


RECIPIENTS = ("example-lab", "example-centre", "example-bank")


def test_a_leak_is_attributed_at_a_stated_chance(template: RegisteredPack):
    made = variation(template)
    leaked = "\n\n".join(str(each.input) for each in made.of("example-lab").items)
    first, *others = made.attribute(leaked, RECIPIENTS)
    assert (first.recipient, first.agrees, first.shown) == ("example-lab", 12, 12)
    # All twelve words by chance, for any of three: 3 x (1/8)^6 (1/4)^6.
    assert first.chance == pytest.approx(3 * 8.0**-6 * 4.0**-6)
    assert all(each.chance > 1e-3 for each in others)
    # Set anew, and only two of the questions.
    part = leaked.replace(" ", "\n  ").split("Question")[1:3]
    (best, *_) = made.attribute("Question".join(["", *part]), RECIPIENTS)
    assert (best.recipient, best.agrees, best.shown) == ("example-lab", 4, 4)


def test_a_canary_names_its_variant_by_itself(template: RegisteredPack):
    made = variation(template)
    (first, *_) = made.attribute(f"seen: {made.canary_of('example-bank')}.", RECIPIENTS)
    assert (first.recipient, first.agrees, first.shown) == ("example-bank", 1, 1)
    assert first.chance == pytest.approx(3 * 16.0**-32)


def test_a_canary_is_not_outvoted_by_words_that_agree_by_chance(template: RegisteredPack):
    made = variation(template)
    # The words of a variant that nobody got.
    words = "\n".join(str(each.input) for each in made.of("nobody").items)
    (first, *_) = made.attribute(f"{words} {made.canary_of('example-bank')}", RECIPIENTS)
    assert (first.recipient, first.shown) == ("example-bank", 13)
    # Two tests, three recipients.
    assert first.chance == pytest.approx(2 * 3 * 16.0**-32)


def test_a_text_of_nobody_names_nobody(template: RegisteredPack):
    made = variation(template)
    for text in ("", "Nothing of the kind.", f"{CANARY}-{'0' * 32}"):
        for each in made.attribute(text, RECIPIENTS):
            assert (each.agrees, each.chance) == (0, 1.0)


def test_a_text_of_two_variants_shows_both_and_is_worth_less(template: RegisteredPack):
    made = variation(template)
    both = "\n".join(str(each.input) for name in RECIPIENTS[:2] for each in made.of(name).items)
    alone = "\n".join(str(each.input) for each in made.of(RECIPIENTS[0]).items)
    joined = {each.recipient: each for each in made.attribute(both, RECIPIENTS)}
    single = {each.recipient: each for each in made.attribute(alone, RECIPIENTS)}
    assert joined[RECIPIENTS[0]].agrees == joined[RECIPIENTS[1]].agrees == 12
    assert joined[RECIPIENTS[0]].chance > single[RECIPIENTS[0]].chance
    assert joined[RECIPIENTS[0]].chance < 1e-3


def test_the_stated_chance_is_kept(template: RegisteredPack):
    """Innocent recipients, over 600 secrets: named at 0.2 no more often than that."""
    named = 0
    leaked = "\n".join(str(e.input) for e in variation(template, b"x" * 32).of("leaker").items)
    for number in range(600):
        made = variation(template, number.to_bytes(32, "big"))
        named += any(each.chance <= 0.2 for each in made.attribute(leaked, RECIPIENTS))
    # Five deviations above what 0.2 gives.
    assert named <= 0.2 * 600 + 5 * (600 * 0.2 * 0.8) ** 0.5
    assert named > 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[slots]\nA = ["x", "X"]', "a word is there twice"),
        ('[slots]\nA = ["x"]', 'key "A"'),
        ('[slots]\nA = ["x", " y"]', "without space around"),
        ('[slots]\na = ["x", "y"]', "slots"),
        ("[slot]", "slot"),
    ],
)
def test_words_that_cannot_be_told_apart_are_refused(text: str, says: str):
    with pytest.raises(PackError, match=says):
        parse_variants(text.encode(), "variants.toml")


def test_slots_without_words_and_words_without_slots_are_named():
    items = item_set(questions(1, slots=True)).items
    assert slot_faults({"PERSON": ("A", "B"), "CITY": ("C", "D")}, items) == [
        "slot {{TOWN}}: no words are given for it",
        "slot CITY: stands in no item",
    ]


def test_a_template_is_run_by_nobody(template: RegisteredPack, tmp_path: Path):
    private_pack(tmp_path, slots=True)
    with pytest.raises(FamilyError, match="its items hold slots: seal it for a recipient"):
        load_packs(tmp_path / "home", ["capitals"])
    with pytest.raises(PackError, match="seal it with --variants"):
        _sealed_plainly(template, tmp_path)


def _sealed_plainly(template: RegisteredPack, folder: Path) -> None:
    wanted = SealedFor((("a", AgeIdentity.generate().recipient),), None)
    seal_out(template, wanted, folder / "home", folder / "out", SystemRandom())


def test_two_recipients_whose_files_would_have_one_name_are_refused(tmp_path: Path):
    pack, key = private_pack(tmp_path, slots=True), AgeIdentity.generate().recipient
    wanted = SealedFor((("a b", key), ("a-b", key)), None, variants=True)
    with pytest.raises(PackError, match="two recipients' files would have one name"):
        seal_out(pack, wanted, tmp_path / "home", tmp_path / "out", SystemRandom())
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "home" / "packs" / "capitals.variants").exists()


def test_who_got_a_variant_before_keeps_it_when_another_gets_one(tmp_path: Path):
    pack, made = private_pack(tmp_path, slots=True), {}
    for name in ("first", "second"):
        key = AgeIdentity.generate()
        wanted = SealedFor(((name, key.recipient),), None, variants=True)
        found = seal_out(pack, wanted, tmp_path / "home", tmp_path / name, SystemRandom())
        made[name] = open_pack(found.files[0].file.read_bytes(), PackKeys((key,)), "it").pack
    text = tmp_path / "found.txt"
    text.write_text("\n".join(str(each.input) for each in made["first"].items))
    best, other = attributed(pack, tmp_path / "home", text)
    assert (best.recipient, best.agrees, best.shown) == ("first", 12, 12)
    assert other.recipient == "second"
    with pytest.raises(PackError, match="no variants of it were sealed here"):
        attributed(pack, tmp_path / "elsewhere", text)
