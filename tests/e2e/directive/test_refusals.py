"""What is refused on the way of a directive: one line, its exit code, nothing in the record."""

from pathlib import Path

import pytest

from support.june import Gateway, June
from touchstone.ledger import loads
from touchstone.service import bundle_folder
from touchstone.service.access import directives, gateways
from touchstone.service.bundle_folder import BundleFolder
from touchstone.terms import Pin
from touchstone.terms.directives.coverage import Beyond

SMALL = 100


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, June]:
    """The case as it stands after each of the first steps."""
    june = June(tmp_path_factory.mktemp("june"), SMALL)
    agreed = june.copied(tmp_path_factory.mktemp("agreed"))
    agreed.agree()
    issued = agreed.copied(tmp_path_factory.mktemp("issued"))
    order = issued.file("june-12.toml")
    assert issued.directive("issue", order, "--as", "example-agency").code == 0
    return {"june": june, "agreed": agreed, "issued": issued}


@pytest.fixture
def june(stages: dict[str, June], tmp_path: Path) -> June:
    return stages["june"].copied(tmp_path)


@pytest.fixture
def agreed(stages: dict[str, June], tmp_path: Path) -> June:
    return stages["agreed"].copied(tmp_path)


@pytest.fixture
def issued(stages: dict[str, June], tmp_path: Path) -> June:
    return stages["issued"].copied(tmp_path)


def entries(june: June) -> int:
    return len(june.call("review", "show", june.case, "--json").json["timeline"])


def out(june: June) -> tuple[str | Path, ...]:
    return ("--out", june.bundles)


# ---------------------------------------------------------------- offers and agreements
def test_terms_that_nobody_agreed_cannot_be_bundled(june: June):
    bundle = ("--entities", june.file("entities.toml"), "--out", june.bundles)
    assert "nothing was offered" in june.terms("bundle", *bundle).refused(1)
    june.terms("offer", june.file("terms.toml"), "--as", "example-lab")
    assert "those on the table await an answer" in june.terms("bundle", *bundle).refused(1)
    june.terms("decline", "--as", "example-agency", "--reason", "Too wide.")
    assert "no terms are agreed" in june.terms("bundle", *bundle).refused(1)
    assert not list(june.bundles.glob("*"))


def test_what_was_agreed_and_then_declined_cannot_be_bundled_anew(june: June):
    june.terms("offer", june.file("terms.toml"), "--as", "example-lab")
    june.terms("agree", "--as", "example-agency")
    said = june.terms("decline", "--as", "example-lab")
    assert "They are not agreed." in said.out
    bundle = ("--entities", june.file("entities.toml"), "--out", june.bundles)
    assert "no terms are agreed" in june.terms("bundle", *bundle).refused(1)


def test_a_directive_can_be_ended_although_terms_were_declined(issued: June):
    narrow = issued.file("june-12-narrowly.toml")
    issued.directive("answer", "june-12", "--narrowly", narrow, *issued.crowd, *out(issued))
    issued.terms("decline", "--as", "example-lab")
    issued.directive("lift", "june-12", "--as", "example-agency")
    said = issued.terms("bundle", *out(issued))
    assert said.code == 0, said.err
    assert "the agreed terms and no directive" in said.out


def test_a_counter_offer_says_what_it_changes(june: June):
    file = june.file("terms.toml")
    assert "nothing is on the table to counter" in june.terms(
        "counter", file, "--as", "example-lab"
    ).refused(2)
    june.terms("offer", file, "--as", "example-agency")
    assert "awaits an answer: agree, decline or counter" in june.terms(
        "offer", file, "--as", "example-lab"
    ).refused(1)
    stricter = june.text("terms.toml", 'tiers = ["verified", "named-list"]', 'tiers = ["verified"]')
    said = june.terms("counter", stricter, "--as", "example-lab", *june.crowd)
    assert "lose something." in said.out
    assert "LOSE  " in said.out
    other = june.terms("counter", file, "--as", "example-agency", *june.crowd, "--json").json
    assert other["changes"]["gaining"] > 0
    assert june.terms("agree", "--as", "example-lab", "--json").json["agreed"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'developer = "example-lab"',
            'developer = "other-lab"',
            'key "developer" is "other-lab", and the case is "example-lab"\'s: write that',
        ),
        ('"example"', '"us-2026-06"', 'held to "example": write that'),
        ('"thinking"]', '"thinkin"]', "key"),
        ("# Invented", "#" + "\u4e2d" * 200_000, "longer than 500000 bytes"),
    ],
)
def test_terms_that_do_not_fit_the_case_are_not_offered(june: June, old: str, new: str, told: str):
    text = june.file("terms.toml").read_text("utf-8")
    path = june.folder / "t.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    line = june.terms("offer", path, "--as", "example-agency").refused(2)
    assert "t.toml" in line
    assert told in line


def test_only_parties_offer(june: June):
    line = june.terms("offer", june.file("terms.toml"), "--as", "a-stranger").refused(1)
    assert "a-stranger is not in this case" in line
    assert "nothing is on the table" in june.terms("agree", "--as", "example-lab").refused(2)


# ---------------------------------------------------------------- issuing
def test_nothing_is_issued_or_previewed_without_agreed_terms(june: June):
    order = june.file("june-12.toml")
    for deed in ("preview", "issue"):
        assert "no terms are agreed" in june.directive(deed, order).refused(1)


def test_nothing_that_has_ended_is_previewed(issued: June):
    ended = issued.text("june-12.toml", "expires = ", "expires = 2026-01-01 #")
    page = issued.folder / "p.html"
    assert "set a later end" in issued.directive("preview", ended, "--out", page).refused(2)
    assert not page.exists()


def test_a_page_that_cannot_be_written_is_named(issued: June):
    page = issued.folder / "nowhere" / "p.html"
    said = issued.directive("preview", issued.file("june-20.toml"), "--out", page).refused(2)
    assert f"{page}: No such file" in said


def test_a_reason_is_not_empty(issued: June):
    assert "one line that says why" in issued.directive(
        "answer", "june-12", "--contested", " "
    ).refused(2)


ISSUING: list[tuple[str, tuple[str, ...], str, str, int, str]] = [
    ("no agency named", (), "", "", 2, "--as: name the agency that issues; in this case are: "),
    ("by the developer", ("--as", "example-lab"), "", "", 1, "is for the agency"),
    ("twice", ("--as", "example-agency"), "", "", 1, "is issued already: take a new id"),
    (
        "ended",
        ("--as", "example-agency"),
        "expires = ",
        "expires = 2026-01-01 #",
        1,
        "set a later end",
    ),
    ("permits", ("--as", "example-agency"), '"forbid"', '"permit"', 2, "a directive only forbids"),
    ("marking", ("--as", "example-agency", "--marking", "SECRET"), "", "", 2, "write one of RED, "),
    (
        "far future",
        ("--as", "example-agency"),
        "expires = ",
        "expires = 9998-01-01 #",
        2,
        "write a year from 1970 to 9000",
    ),
]


@pytest.mark.parametrize(
    ("args", "old", "new", "code", "told"),
    [each[1:] for each in ISSUING],
    ids=[each[0] for each in ISSUING],
)
def test_what_is_not_issued(
    issued: June, args: tuple[str, ...], old: str, new: str, code: int, told: str
):
    order = issued.file("june-12.toml").read_text("utf-8").replace(old, new) if old else None
    path = issued.file("june-12.toml")
    if order:
        path = issued.folder / "june-13.toml"
        path.write_text(order.replace('"june-12"', '"june-13"'), "utf-8")
    before = entries(issued)
    assert told in issued.directive("issue", path, *args).refused(code)
    assert entries(issued) == before


def test_a_restoration_names_a_directive_of_the_same_agency(agreed: June):
    restore = agreed.file("june-26.toml")
    line = agreed.directive("issue", restore, "--as", "example-agency").refused(2)
    assert 'june-26.toml: restores 1, key "directive" is "june-12", which is not issued' in line
    agreed.directive("issue", agreed.file("june-12.toml"), "--as", "example-agency")
    line = agreed.directive("issue", restore, "--as", "example-treasury").refused(1)
    assert "it spares people from june-12, which example-agency issued" in line


def test_the_marking_limits_who_reads_the_order(agreed: June):
    said = agreed.directive(
        "issue", agreed.file("june-12.toml"), "--as", "example-agency", "--marking", "GREEN"
    )
    assert said.code == 0
    assert "issues directive 1" in said.out


# ---------------------------------------------------------------- answering
def test_a_narrower_reading_is_narrower_and_a_broader_one_broader(issued: June):
    order, narrow = issued.file("june-12.toml"), issued.file("june-12-narrowly.toml")
    wider = issued.text("june-12.toml", 'nationality = ["foreign"]\ndual = "any"\n', "")
    wrong = (("--narrowly", wider), ("--more-broadly", narrow))
    for kind, file in wrong:
        line = issued.directive("answer", "june-12", kind, file, *out(issued)).refused(1)
        assert f"is not read {kind[2:]}: it " in line
        assert "asking for variant final in mode instant" in line
    assert issued.directive("answer", "june-12", "--more-broadly", wider, *out(issued)).code == 0
    revised = ("--revise", *out(issued))
    for kind, file in (("--narrowly", order), ("--more-broadly", order), ("--narrowly", narrow)):
        assert issued.directive("answer", "june-12", kind, file, *revised).code == 0


def test_twin_without_the_comparison_a_wider_reading_passes_as_narrow(
    issued: June, monkeypatch: pytest.MonkeyPatch
):
    wider = issued.text("june-12.toml", 'nationality = ["foreign"]\ndual = "any"\n', "")
    monkeypatch.setattr(directives, "exceeds", lambda *_: Beyond(None, thorough=True))
    assert issued.directive("answer", "june-12", "--narrowly", wider, *out(issued)).code == 0


ANSWERS: list[tuple[tuple[str, ...], int, str]] = [
    ((), 2, "say how, once: --narrowly FILE"),
    (("--contested", "No.", "--by-standing-class"), 2, "say how, once"),
    (("--by-standing-class", "--out", "BUNDLES"), 1, "authorised no standing classes"),
    (("--narrowly", "june-20.toml"), 2, 'june-20.toml: key "id" is "june-20": write "june-12"'),
    (("--narrowly", "june-12.toml"), 2, "--out: name the folder that the gateways watch"),
    (("--narrowly", "gone.toml", "--out", "BUNDLES"), 2, "gone.toml: cannot be read"),
    (("--narrowly", "june-12.toml", "--out", "june-12.toml"), 2, "cannot be a folder"),
    (("--revise", "--contested", "No.", "--out", "BUNDLES"), 1, "has no answer so far: answer it"),
    (("--contested", "x" * 501), 2, "--contested: write one line of at most 400 characters"),
]


@pytest.mark.parametrize(("args", "code", "told"), ANSWERS)
def test_an_answer_that_cannot_be_taken(issued: June, args: tuple[str, ...], code: int, told: str):
    files = [str(issued.file(each)) if each.endswith(".toml") else each for each in args]
    given = [str(issued.bundles) if each == "BUNDLES" else each for each in files]
    before = entries(issued)
    assert told in issued.directive("answer", "june-12", *given).refused(code)
    assert entries(issued) == before


def test_an_unknown_directive_is_named_with_those_that_are_known(issued: June):
    line = issued.directive("answer", "7", "--contested", "No.").refused(2)
    assert "no directive '7' is issued; issued are: june-12" in line
    assert "no directive 'june-99'" in issued.directive("lift", "june-99").refused(2)


def test_a_directive_is_answered_once_and_then_revised(issued: June):
    narrow = ("--narrowly", issued.file("june-12-narrowly.toml"), *out(issued))
    assert issued.directive("answer", "june-12", "--contested", "We disagree.").code == 0
    assert "No directive" not in issued.directive("status").out
    assert "is answered contested: revise" in issued.directive("answer", "1", *narrow).refused(1)
    assert "Bundle 2" in issued.directive("answer", "1", *narrow, "--revise").out
    contested = ("--contested", "We disagree.", "--revise", *out(issued))
    said = issued.directive("answer", "1", *contested, "--json").json
    assert said["bundle"]["directives"] == []
    assert "june-12  not in force" in issued.directive("status").out


# ---------------------------------------------------------------- standing classes
def test_a_directive_outside_of_every_class_waits_for_the_developer(agreed: June):
    agreed.directive("standing", agreed.file("standing.toml"))
    order = (agreed.file("june-12.toml"), "--as", "example-agency", *out(agreed))
    said = agreed.directive("issue", *order, *agreed.crowd)
    assert "in no class that is answered at once: of-concern: june-12 reaches further" in said.out
    line = agreed.directive("answer", "june-12", "--by-standing-class", *out(agreed)).refused(1)
    assert "june-12 is answered by no class: of-concern: june-12 reaches further: " in line


def test_standing_classes_are_taken_back(agreed: June):
    agreed.directive("standing", agreed.file("standing.toml"))
    assert "with --withdraw" in agreed.directive("standing").refused(2)
    assert agreed.directive("standing", "--withdraw").code == 0
    agreed.directive("issue", agreed.file("june-20.toml"), "--as", "example-agency")
    said = agreed.directive("answer", "june-20", "--by-standing-class", *out(agreed))
    assert "authorised no standing classes" in said.refused(1)


def test_a_directive_answered_by_class_also_ends_at_once(agreed: June):
    agreed.directive("standing", agreed.file("standing.toml"))
    agreed.directive(
        "issue", agreed.file("june-20.toml"), "--as", "example-agency", *agreed.crowd, *out(agreed)
    )
    line = agreed.directive("lift", "june-20", "--as", "example-treasury").refused(1)
    assert "example-agency issued june-20 and lifts it" in line
    done = agreed.directive("lift", "june-20", *out(agreed), "--json").json
    assert (done["bundle"]["number"], done["bundle"]["directives"]) == (3, [])
    assert "is lifted already" in agreed.directive("lift", "june-20").refused(1)


def test_what_fails_after_a_deed_does_not_hide_it(agreed: June):
    """The order or its lifting stands in the record, and the answer says what is left to do."""
    agreed.directive("standing", agreed.file("standing.toml"))
    taken = agreed.bundles / "000002.bundle"
    taken.write_text("another case's")
    order = (agreed.file("june-20.toml"), "--as", "example-agency", *agreed.crowd, *out(agreed))
    said = agreed.directive("issue", *order)
    assert said.code == 0
    assert "It is issued, and could not be answered at once: --out " in said.out
    taken.unlink()
    assert (
        agreed.directive("answer", "1", "--by-standing-class", *agreed.crowd, *out(agreed)).code
        == 0
    )
    (agreed.bundles / "000003.bundle").write_text("another case's")
    said = agreed.directive("lift", "1", *out(agreed))
    assert said.code == 0
    assert "Bundle 2 still carries it out: touchstone terms bundle" in said.out


# ---------------------------------------------------------------- bundles
def test_a_folder_with_anothers_bundle_is_left_alone(agreed: June):
    other = agreed.folder / "other"
    other.mkdir()
    (other / "000002.bundle").write_text("another case's")
    changed = agreed.text("entities.toml", "example-grid", "example-gas")
    before = entries(agreed)
    line = agreed.terms("bundle", "--entities", changed, "--out", other).refused(2)
    assert "holds 000002.bundle already, and it is not of this case" in line
    assert entries(agreed) == before
    assert (other / "000002.bundle").read_text() == "another case's"


def test_twin_without_the_check_the_record_says_what_no_gateway_gets(
    agreed: June, monkeypatch: pytest.MonkeyPatch
):
    other = agreed.folder / "other"
    other.mkdir()
    (other / "000002.bundle").write_text("another case's")
    changed = agreed.text("entities.toml", "example-grid", "example-gas")
    monkeypatch.setattr(BundleFolder, "require_free", lambda *_: None)
    assert agreed.terms("bundle", "--entities", changed, "--out", other).code == 0
    assert (other / "000002.bundle").read_text() == "another case's"


def test_a_crash_between_record_and_folder_is_mended_by_the_next_command(
    issued: June, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    narrow = ("1", "--narrowly", issued.file("june-12-narrowly.toml"), *out(issued))
    with monkeypatch.context() as patch:
        patch.setattr(bundle_folder, "write_file", full)
        assert "No space left" in issued.directive("answer", *narrow).refused(2)
    assert not (issued.bundles / "000002.bundle").exists()
    said = issued.terms("bundle", *out(issued))
    assert "Bundle 2 of example-model-5" in said.out
    assert b"june-12" in (issued.bundles / "000002.bundle").read_bytes()
    assert not (issued.bundles / "000003.bundle").exists()


def test_bundles_are_asked_for_sensibly(agreed: June):
    bad = agreed.terms("bundle", *out(agreed), "--stream", "a b")
    assert "--stream 'a b': write letters" in bad.refused(2)
    line = agreed.terms("rollback", "4", *out(agreed)).refused(2)
    assert "example-model-5 has no bundle 4; published are: 1" in line
    fresh = agreed.terms("bundle", "--out", agreed.folder / "b2", "--stream", "second")
    assert "Bundle 1 of second" in fresh.out


def test_terms_in_which_a_directive_cannot_be_read_are_told(agreed: June):
    """Newer terms may drop a word that a directive in force uses: the line says which."""
    agreed.directive("issue", agreed.file("june-20.toml"), "--as", "example-agency")
    order = agreed.file("june-20.toml")
    agreed.directive("answer", "june-20", "--narrowly", order, *out(agreed))
    text = agreed.file("terms.toml").read_text("utf-8")
    path = agreed.folder / "newer.toml"
    path.write_text(
        text.replace('modes = ["instant", "thinking"]', 'modes = ["instant"]').replace(
            'modes = ["thinking"]', 'modes = ["instant"]'
        )
    )
    agreed.terms("offer", path, "--as", "example-agency")
    agreed.terms("agree", "--as", "example-lab")
    line = agreed.terms("bundle", *out(agreed)).refused(2)
    assert 'directive june-20 in the record: rules 1 ("of-concern"): key "modes" names' in line
    assert agreed.directive("lift", "june-20").code == 0
    assert agreed.terms("bundle", *out(agreed)).code == 0


def test_the_first_bundle_needs_a_registry(june: June):
    june.terms("offer", june.file("terms.toml"), "--as", "example-agency")
    june.terms("agree", "--as", "example-lab")
    line = june.terms("bundle", *out(june)).refused(2)
    assert "give the organisations and lists with --entities" in line


# ---------------------------------------------------------------- gateways and examples
@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("eu-1", "write NAME=KEY:FOLDER"),
        ("eu-1=:x", "write NAME=KEY:FOLDER"),
        ("eu-1=" + "ab" * 32 + ":gone", "gone is no folder"),
        ("eu-1=" + "00" * 32 + ":.", "its key is not 64 hex digits of an Ed25519 public key"),
        ("eu-1=gone.key:.", "gone.key: cannot be read"),
    ],
)
def test_a_gateway_is_named_with_its_key_and_folder(june: June, option: str, told: str):
    assert told in june.directive("status", "--gateway", option).refused(2)


def test_twin_without_the_chain_check_a_forged_receipt_is_believed(
    issued: June, monkeypatch: pytest.MonkeyPatch
):
    issued.directive("answer", "1", "--narrowly", issued.file("june-12.toml"), *out(issued))
    first = issued.terms("bundle", *out(issued), "--json").json
    pin = Pin(bytes.fromhex(first["key"]), first["stream"])
    honest = Gateway(issued.folder / "eu-1", pin)
    honest.take((issued.bundles / "000001.bundle").read_bytes(), 10_000)
    honest.take((issued.bundles / "000002.bundle").read_bytes(), 10_000)
    path = honest.folder / "receipts" / "000002.json"
    path.write_bytes(path.read_bytes().replace(b'"late_bytes":0', b'"late_bytes":9'))
    assert loads(path.read_bytes().strip())["receipt"]["workers"][0]["late_bytes"] == 9
    said = issued.directive("status", "--gateway", honest.option)
    assert (said.code, "does not hold" in said.out) == (1, True)
    monkeypatch.setattr(gateways, "verify_chain", lambda *_: None)
    said = issued.directive("status", "--gateway", honest.option)
    assert (said.code, "9 bytes afterwards" in said.out) == (0, True)


def test_an_example_goes_into_a_new_folder(june: June, tmp_path: Path):
    again = june.call("directive", "example", "--out", tmp_path / "june")
    assert "is not empty: name a new folder" in again.refused(2)
    few = june.call("directive", "example", "--out", tmp_path / "few", "--people", "99")
    assert "--people 99: write a number from 100 to 1000000" in few.refused(2)


def test_no_directive_is_said(june: June):
    said = june.directive("status")
    assert (said.code, said.out) == (0, "No directive is issued in this case.\n")
