"""The June case, end to end: preview, issue, answer, restoration, lift, rollback, status."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.june import PEOPLE, Gateway, June, Said
from touchstone.gateway.feed import bundle_name
from touchstone.service.access import bundles
from touchstone.terms import (
    CallerAttributes,
    Decider,
    Pin,
    PolicyBundle,
    PolicyBundleError,
    Request,
)

FOREIGN = CallerAttributes(frozenset({"XC"}), "XA", "verified")
UNKNOWN = CallerAttributes(frozenset(), None, "public")
DUAL = CallerAttributes(frozenset({"XA", "XC"}), "XA", "verified")
OF_CONCERN = CallerAttributes(frozenset({"XB"}), "XB", "verified")
STAFF = CallerAttributes(frozenset({"XC"}), "XA", "named-list", "example-lab", staff=True)
NAMED = CallerAttributes(frozenset({"XC"}), "XC", "named-list", lists=frozenset({"restored"}))
EVERYBODY = {"foreign": FOREIGN, "unknown": UNKNOWN, "dual": DUAL, "staff": STAFF, "named": NAMED}


class Story:
    """What was done, what each command said, and what each bundle then allows."""

    def __init__(self, folder: Path) -> None:
        self.june = June(folder)
        self.june.agree()
        self.said: dict[str, Said] = {}
        self.bundles: list[PolicyBundle] = []
        first = json.loads(self.june.terms("bundle", "--out", self.june.bundles, "--json").out)
        pin = Pin(bytes.fromhex(first["key"]), first["stream"])
        self.gateway = Gateway(folder / "eu-1", pin)
        self.take()
        june, out = self.june, ("--out", self.june.bundles)
        crowd = june.crowd
        self.do(
            "preview",
            "preview",
            june.file("june-12.toml"),
            *crowd,
            "--json",
            "--out",
            folder / "page.html",
        )
        self.do("issue", "issue", june.file("june-12.toml"), "--as", "example-agency", *crowd)
        self.do(
            "answer",
            "answer",
            "june-12",
            "--narrowly",
            june.file("june-12-narrowly.toml"),
            *out,
            *crowd,
            "--json",
        )
        self.take(cut=7)
        self.do("standing", "standing", june.file("standing.toml"))
        self.do(
            "at once",
            "issue",
            june.file("june-20.toml"),
            "--as",
            "example-treasury",
            *crowd,
            *out,
            "--json",
        )
        self.take()
        self.do("restore", "issue", june.file("june-26.toml"), "--as", "example-agency", *crowd)
        self.do(
            "restored",
            "answer",
            "3",
            "--narrowly",
            june.file("june-26.toml"),
            *out,
            *crowd,
            "--json",
        )
        self.take()
        self.do("lift", "lift", "1")
        self.said["bundle"] = june.terms("bundle", *out)
        self.take()
        self.do("status", "status", "--gateway", self.gateway.option, *crowd, "--json")

    def do(self, name: str, deed: str, *args: object) -> None:
        self.said[name] = self.june.directive(deed, *args)
        assert self.said[name].code == 0, self.said[name].err

    def take(self, cut: int = 0) -> None:
        number = len(self.bundles) + 1
        data = (self.june.bundles / bundle_name(number)).read_bytes()
        now = int(datetime.now(UTC).timestamp() * 1000)
        self.bundles.append(self.gateway.take(data, now, cut))

    def allowed(self, number: int, facts: CallerAttributes) -> bool:
        decider = Decider(self.bundles[number - 1].policy)
        now = int(datetime.now(UTC).timestamp())
        return decider.decide(facts, Request("final", "instant", now)).allowed


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("june"))


def test_the_same_seed_draws_the_same_people(story: Story, tmp_path: Path):
    again = June(tmp_path)
    for name in ("people.csv", "entities.toml", "terms.toml"):
        assert again.file(name).read_bytes() == story.june.file(name).read_bytes()
    assert again.case != story.june.case


def test_the_blast_radius_adds_up_before_anyone_signs(story: Story):
    reach = story.said["preview"].json["impact"]
    assert reach["people"] == reach["everyone"] == PEOPLE
    assert sum(reach[fate] for fate in ("blocked", "unknown", "kept", "outside")) == PEOPLE
    kinds = {group["name"]: group for group in reach["by_kind"]}
    assert kinds["national"]["kept"] == kinds["national"]["people"] > PEOPLE / 2
    assert kinds["foreign"]["blocked"] == kinds["foreign"]["people"] > 0
    assert kinds["dual"]["blocked"] == kinds["dual"]["people"] > 0
    assert kinds["unknown"]["unknown"] == kinds["unknown"]["people"] > 0
    assert kinds["own-staff-foreign"]["blocked"] > 0


def test_the_page_needs_no_other_file_and_escapes_what_it_shows(story: Story):
    page = (story.june.folder / "page.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"<script|https?://|src=|@import", page)
    assert page.count("<svg") == page.count('role="img"') > 20
    assert "Blocking everyone" in page.replace("blocking everyone", "Blocking everyone")


def test_the_narrow_answer_spares_whom_the_order_did_not_mean(story: Story):
    assert [story.allowed(1, each) for each in EVERYBODY.values()] == [True] * 5
    stand = {name: story.allowed(2, facts) for name, facts in EVERYBODY.items()}
    assert stand == {
        "foreign": False,
        "unknown": False,
        "dual": True,
        "staff": True,
        "named": False,
    }
    counts = story.said["answer"].json["people"]
    ordered = story.said["preview"].json["impact"]
    assert counts["blocked"] < ordered["blocked"]
    assert counts["everyone"] == PEOPLE
    assert counts["blocked"] + counts["unknown"] < PEOPLE / 3


def test_a_directive_in_a_class_is_answered_at_once(story: Story):
    done = story.said["at once"].json
    assert done["bundle"]["number"] == 3
    assert done["bundle"]["directives"] == ["june-12", "june-20"]
    assert "example-lab answers june-20 at once, by class of-concern." in done["says"]
    assert any(each.startswith("CONFLICT  june-12 spares") for each in done["says"])
    thinking = Request("final", "thinking", int(datetime.now(UTC).timestamp()))
    decisions = [Decider(each.policy).decide(OF_CONCERN, thinking) for each in story.bundles]
    assert [each.rule for each in decisions] == [
        "thinking",
        "june-12/foreign",
        "june-12/foreign",
        "june-12/foreign",
        "june-20/of-concern",
    ]


def test_a_named_list_is_restored_and_nobody_else(story: Story):
    assert story.said["restored"].json["people"]["gaining"] > 0
    stand = {name: story.allowed(4, facts) for name, facts in EVERYBODY.items()}
    assert stand == {"foreign": False, "unknown": False, "dual": True, "staff": True, "named": True}


def test_a_lift_takes_effect_with_the_developers_bundle(story: Story):
    assert "Bundle 4 still carries it out: touchstone terms bundle" in story.said["lift"].out
    assert "Bundle 5" in story.said["bundle"].out
    assert [story.allowed(5, each) for each in EVERYBODY.values()] == [True] * 5


def test_status_says_when_each_step_took_effect_and_what_it_cut(story: Story):
    stand = story.said["status"].json
    first = stand["directives"][0]
    assert (first["answer"], first["bundle"], first["ended"]) == ("narrowly", 2, 5)
    assert [each["step"] for each in first["effects"]] == ["begins", "ends"]
    for effect in first["effects"]:
        assert 0 <= effect["seconds"] + 1 < 60
        assert (effect["applying_ms"], effect["late_bytes"]) == (5, 0)
    assert (first["effects"][0]["cut"], first["effects"][0]["kept"]) == (7, 493)
    assert not stand["silent"]
    assert stand["people"]["people"] == PEOPLE


def test_who_is_silent_is_said(story: Story, tmp_path: Path):
    quiet = Gateway(tmp_path / "us-1", Pin(b"x" * 32, "another"), "us-1")
    said = story.june.directive("status", "--gateway", quiet.option)
    assert said.code == 1
    assert "gateway us-1: SILENT, no receipt for bundle 2 or a later one" in said.out


def test_receipts_go_into_the_record_once(story: Story):
    for count in (5, 0):
        said = story.june.directive(
            "status", "--gateway", story.gateway.option, "--record", "--json"
        )
        assert said.json["noted"] == count
    shown = story.june.call("review", "show", story.june.case)
    assert "Notes the receipt of gateway eu-1 for bundle 5" in shown.out


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda r: (r / "000003.json").unlink(), "one is missing, or was slipped in"),
        (
            lambda r: (r / "000002.json").write_bytes(
                (r / "000002.json").read_bytes().replace(b'"cut":7', b'"cut":0')
            ),
            "does not hold",
        ),
        (lambda r: (r / "000002.json").write_bytes((r / "000003.json").read_bytes()), "missing"),
        (lambda r: (r / "000002.json").write_text("{}\n"), "has exactly"),
    ],
)
def test_receipts_that_were_tampered_with_are_not_believed(
    story: Story, tmp_path: Path, damage: object, told: str
):
    copy = tmp_path / "receipts"
    copy.mkdir()
    for path in (story.gateway.folder / "receipts").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    damage(copy)  # type: ignore[operator]
    option = f"eu-1={story.gateway.public_key.hex()}:{tmp_path}"
    said = story.june.directive("status", "--gateway", option)
    assert said.code == 1
    assert "gateway eu-1: SILENT, " in said.out
    assert told in said.out


def test_receipts_under_another_name_are_not_believed(story: Story):
    option = story.gateway.option.replace("eu-1=", "eu-2=")
    said = story.june.directive("status", "--gateway", option)
    assert "gateway eu-2: SILENT, they are of gateway 'eu-1'" in said.out


def test_going_back_takes_the_next_number_and_is_said(story: Story, tmp_path: Path):
    out = tmp_path / "again"
    said = story.june.terms("rollback", "2", "--out", out)
    assert "Bundle 6 of example-model-5, the state of bundle 2 again" in said.out
    assert "june-12, which was lifted is carried out again." in said.out
    assert "june-20 is no longer carried out." in said.out
    # The new folder gets every bundle, from the record.
    assert sorted(path.name for path in out.iterdir()) == [bundle_name(n) for n in range(1, 7)]
    assert (out / bundle_name(5)).read_bytes() == (story.june.bundles / bundle_name(5)).read_bytes()
    old = (out / bundle_name(2)).read_bytes()
    with pytest.raises(PolicyBundleError, match="replayed"):
        story.gateway.take(old, 0)
    now = int(datetime.now(UTC).timestamp() * 1000)
    newest = story.gateway.take((out / bundle_name(6)).read_bytes(), now)
    assert newest.policy == story.bundles[1].policy
    shown = story.june.directive("status", "--gateway", story.gateway.option)
    assert "the newest bundle carries it out all the same" in shown.out
    stand = story.june.directive("status", "--gateway", story.gateway.option, "--json").json
    ended = stand["directives"][1]["effects"][1]
    assert (ended["step"], ended["bundle"], ended["seconds"]) == ("ends", 6, None)
    assert -1 <= ended["after_bundle"] < 60


def test_both_sides_call_a_bundle_alike():
    assert [bundles.bundle_name(n) for n in (1, 7, 10**6)] == [
        bundle_name(n) for n in (1, 7, 10**6)
    ]
