"""Families of packages, by the commands: loaded where the configuration names them, and only there.

What is loaded is what was sealed; workers know the same families as the command.
"""

from pathlib import Path
from typing import Any

import pytest

from support.endpoint import completion, serve
from support.packaged import CODE, LOADED, configure, install
from support.reviews import Ran, touchstone, write_submission
from support.small_review import arguments, write_framework
from touchstone.evaluation.controls.launch import start_subject
from touchstone.review.audience_view import newest_entry
from touchstone.service.installation import open_installation

NOBODY = "http://127.0.0.1:1/v1"
FOUND = "family 'example-copy' of 'example-lab-tasks': "
SEALED = "family 'example-copy': battery battery-1 was sealed with example-lab-tasks 1.2 (sha256:"


class Here:
    """Commands in a home and with a path of their own."""

    def __init__(self, folder: Path, url: str = NOBODY) -> None:
        self.home, self.site = folder / "home", folder / "site"
        self.framework = write_framework(folder)
        text = self.framework.read_text("utf-8")
        named = 'family = "payment-logic"', 'family = "example-copy"'
        self.framework.write_text(text.replace(*named), "utf-8")
        self.submission = write_submission(folder, url)

    def run(self, *args: str | Path, key: str = "a-key-of-no-endpoint") -> Ran:
        return touchstone(*args, home=self.home, key=key, PYTHONPATH=str(self.site))

    def review(self, key: str = "a-key-of-no-endpoint") -> Ran:
        return self.run(*arguments(self.submission, self.framework, "--json"), key=key)

    def plan(self) -> Ran:
        return self.run("plan", self.submission, "--framework", self.framework)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    install(tmp_path / "site")
    return Here(tmp_path)


def families(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in ran.json if row["name"].startswith("Family ")}


def test_what_is_installed_and_not_named_is_never_imported(here: Here):
    rows = families(here.run("doctor", "--json"))
    planned, reviewed = here.plan(), here.review()
    assert not (here.site / LOADED).exists()
    shipped = ("memory-safety", "web-injection", "payment-logic", "tariff-flaws", "batch-desk")
    assert set(rows) == {f"Family {name}" for name in shipped}
    for ran in (planned, reviewed):
        assert ran.code == 2
        assert "no family of tasks known here speaks to its criteria" in ran.refusal


def test_twin_what_is_named_is_imported_and_doctor_says_where_it_comes_from(here: Here):
    configure(here.home)
    ran = here.run("doctor", "--json")
    row = families(ran)["Family example-copy"]
    assert (row["ok"], row["found"]) == (
        True,
        "1, from example-lab-tasks 1.2, asks for none, python3",
    )
    assert row["made_by"]["distribution"] == "example-lab-tasks"
    assert families(ran)["Family memory-safety"]["made_by"]["distribution"] == "touchstone"
    assert (here.site / LOADED).exists()
    # What its import printed is on stderr: the JSON was whole.
    assert "no command's output" in ran.err
    assert here.plan().code == 0


def test_shipped_families_may_be_left_out(here: Here):
    configure(here.home, '[families]\nshipped = ["payment-logic"]\n')
    assert set(families(here.run("doctor", "--json"))) == {"Family payment-logic"}


FAULTS = {
    "missing": ({"distribution": "other-tasks"}, FOUND + "no such distribution is installed"),
    "unoffered": (
        {"offers": "example-other = {module}.tasks:FAMILY"},
        FOUND + "it offers example-other (entry points of the group touchstone.families)",
    ),
    "twice": (
        {"offers": "example-copy = {module}.tasks:FAMILY\nexample-copy = {module}.other:FAMILY"},
        FOUND + "is offered more than once there",
    ),
    "module": (
        {"offers": "example-copy = {module}.absent:FAMILY"},
        FOUND + "cannot be loaded: ModuleNotFoundError: No module named",
    ),
    "broken": ({"code": "1 / 0"}, FOUND + "cannot be loaded: ZeroDivisionError: division by zero"),
    "leaving": ({"code": "raise SystemExit(0)"}, FOUND + "cannot be loaded: SystemExit: 0"),
    "class": (
        {"offers": "example-copy = {module}.tasks:Copying"},
        "is the class Copying: name its one instance",
    ),
    "type": ({"code": "FAMILY = {}"}, "is no family: it has no text 'name'"),
    "other": ({"code": CODE.replace('"example-copy"', '"other"')}, "calls itself 'other'"),
    "grade": ({"code": CODE.replace('"none"', '"strong"')}, "its least_grade is none of vm,"),
    "item": (
        {"code": CODE.replace("return Item(", "return dict(")},
        "generate gives a dict and no Item",
    ),
    "unseen": ({"code": CODE.replace('version = "1"', 'version = "1\\u202e"')}, "its version is"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_named_family_that_is_none_is_one_line_and_nothing_is_written(fault: str, tmp_path: Path):
    here, (given, expected) = Here(tmp_path), FAULTS[fault]
    install(here.site, **given)
    path = configure(here.home)
    ran = here.review()
    assert (ran.code, ran.out) == (2, "")
    assert ran.refusal.startswith(f"touchstone: {path}: ")
    assert expected in ran.refusal
    assert [each.name for each in here.home.iterdir()] == ["touchstone.toml"]


def test_doctor_names_a_broken_family_beside_the_others(tmp_path: Path):
    here = Here(tmp_path)
    install(here.site, code="1 / 0")
    configure(here.home)
    ran = here.run("doctor", "--json")
    rows = families(ran)
    assert (ran.code, len(rows)) == (1, 6)
    assert not rows["Family example-copy"]["ok"]
    assert "ZeroDivisionError" in rows["Family example-copy"]["fix"]
    # What needs no family works.
    assert here.run("review", "list").code == 0


PACKAGES = "[families.packages]\n"
TEXTS = {
    "clash": (PACKAGES + 'memory-safety = "example-lab-tasks"', "is the name of a family that"),
    "name": (PACKAGES + '"Two Words" = "example-lab-tasks"', "is no name of a family"),
    "distribution": (PACKAGES + 'example-copy = "../tasks"', "is no name of a distribution"),
    "ours": (PACKAGES + 'example-copy = "Touchstone"', "no family 'example-copy' comes with"),
    "unknown": ('[families]\nshipped = ["memory"]', "no family 'memory' comes with Touchstone"),
    "twice": ('[families]\nshipped = ["payment-logic", "payment-logic"]', "is there twice"),
    "key": ("[family]\n", 'unknown key "family"'),
    "list": ("families = []\n", "is not a table"),
    "toml": ("[families\n", "is not TOML"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_configuration_that_cannot_be_used_is_one_line(text: str, here: Here):
    path = configure(here.home, TEXTS[text][0])
    ran = here.plan()
    assert (ran.code, ran.out) == (2, "")
    assert ran.refusal.startswith(f"touchstone: {path}: ")
    assert TEXTS[text][1] in ran.refusal
    assert not (here.site / LOADED).exists()


@pytest.mark.parametrize("how", ["open", "linked", "folder"])
def test_nobody_else_says_which_code_runs(how: str, here: Here):
    path = configure(here.home)
    if how == "open":
        path.chmod(0o664)
    elif how == "linked":
        path.rename(here.home.parent / "elsewhere.toml")
        path.symlink_to(here.home.parent / "elsewhere.toml")
    else:
        path.unlink()
        path.mkdir()
    ran = here.plan()
    words = {"open": "others may write it", "linked": "is a link", "folder": "is no file"}
    assert (ran.code, words[how] in ran.refusal) == (2, True), ran.err
    assert not (here.site / LOADED).exists()


def sealed_sets(home: Path) -> list[dict[str, Any]]:
    """The item sets of the one case's battery, as its parties read them."""
    with open_installation(home) as installation:
        (listing,) = installation.records.cases()
        entry = newest_entry(installation.records.case(listing.case), "battery-sealed")
        found: list[dict[str, Any]] = entry.content("registered")["battery"]["sets"]
        return found


@pytest.mark.needs_sandbox
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_workers_run_a_packages_family_as_it_was_sealed_and_no_other_code_goes_on(tmp_path: Path):
    install(tmp_path / "site")
    with start_subject() as subject:
        here = Here(tmp_path, subject.url)
        path = configure(here.home)
        ran = here.review(subject.key)
    assert ran.code == 0, ran.err
    assert ran.json["runs"][0]["samples"] == 1
    (sealed,) = sealed_sets(here.home)
    assert (sealed["family"], sealed["made_by"]["version"]) == ("example-copy", "1.2")
    report = (tmp_path / "out" / "report-example-lab.html").read_text("utf-8")
    assert "made by example-lab-tasks 1.2" in report
    # Its words of a cheat make a result of its items a check of the instrument.
    assert "copying a word is no more than that" in report
    assert here.review().code == 0
    code = here.site / "example_lab_tasks" / "tasks.py"
    code.write_text(CODE + "# the same items\n", "utf-8")
    ran = here.review()
    assert (ran.code, SEALED in ran.refusal) == (2, True), ran.err
    assert "and here it is example-lab-tasks 1.2 (sha256:" in ran.refusal
    path.unlink()
    ran = here.review()
    assert (ran.code, "no family of that name is loaded here" in ran.refusal) == (2, True), ran.err
    code.write_text(CODE, "utf-8")
    configure(here.home)
    assert here.review().code == 0


@pytest.mark.needs_sandbox
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_worker_refuses_code_that_changed_after_it_was_sealed(tmp_path: Path):
    """Changed while the command runs: it knows the old code, its workers would load the new."""
    install(tmp_path / "site")
    code = tmp_path / "site" / "example_lab_tasks" / "tasks.py"

    def script(_body: dict[str, Any], number: int) -> dict[str, Any]:
        code.write_text(CODE + "# the same items\n", "utf-8")
        return completion("Ready.", number=number)

    with serve(script) as endpoint:
        here = Here(tmp_path, endpoint.url)
        configure(here.home)
        words = arguments(here.submission, here.framework, "--accept-no-tools", "--json")
        ran = here.run(*words)
    assert (ran.code, ran.json["measured"], ran.json["runs"][0]["samples"]) == (1, False, 0)
    assert "was sealed as example-lab-tasks 1.2 (sha256:" in ran.refusal
    assert "in a worker" in ran.refusal
