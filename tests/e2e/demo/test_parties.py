"""The demo of many hands, by its own commands, against a real server, endpoint and witness."""

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.postgresql import running_postgresql
from support.silent import Silent
from support.typed_here import typed_here
from touchstone.demo.errors import DemoError
from touchstone.demo.parties import story
from touchstone.demo.parties.machines import NOTHING, Workstation, environment_of
from touchstone.verifier import verify_bundle

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(600)]


class Heard(Silent):
    """What the demo told on the way."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


@dataclass(frozen=True)
class Told:
    """A demo that has run."""

    out: Path
    lines: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        joins = next(step for step in self.steps if " server join " in step)
        found = re.search(r"SHA256:[0-9a-f]{64}", joins)
        assert found
        return found[0]


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told_in(tmp_path_factory.mktemp("many") / "demo")


def told_in(out: Path, settings: Mapping[str, str] = NOTHING, processes: int = 1) -> Told:
    heard = Heard()
    result = story.run_parties(out, heard, typed_here, settings, processes)
    return Told(out, result.lines, tuple(heard.steps))


def require_authentic(told: Told) -> None:
    for party in story.ROLES:
        bundle = told.out / party / "held" / f"bundle-{party}.jsonl"
        assert verify_bundle(bundle, trust=[told.fingerprint]).word == "authentic"
        assert json.loads(bundle.read_bytes().splitlines()[0])["audience"] == party


def test_each_party_holds_an_edition_that_is_authentic_and_its_own(told: Told) -> None:
    require_authentic(told)


@pytest.mark.needs_postgresql
def test_the_same_on_postgresql_with_two_processes_behind_its_wall(tmp_path: Path) -> None:
    with running_postgresql() as server:
        server.admin(
            *(f"CREATE ROLE {role} LOGIN" for role in ("many_owner", "many_app", "many_reader")),
            "CREATE DATABASE many OWNER many_owner",
        )
        settings = {
            "TOUCHSTONE_DATABASE": server.address("many_app", "many"),
            "TOUCHSTONE_DATABASE_READER": server.address("many_reader", "many"),
        }
        owner = {"TOUCHSTONE_DATABASE_OWNER": server.address("many_owner", "many")}
        # Before the server's first day: the tables are the owner's, and no home has a part in it.
        preparing = environment_of(tmp_path / "elsewhere", {**settings, **owner})
        prepared = typed_here(["doctor", "--prepare"], preparing, "")
        assert "Prepared: PostgreSQL; the application's role owns no table." in prepared.err
        require_authentic(told_in(tmp_path / "demo", settings, 2))


def test_what_was_to_happen_happened_by_the_hand_of_its_party(told: Told) -> None:
    typed = " | ".join(told.steps)
    for party, command in (
        (story.LAB, "agreement offer"),
        (story.LAB, "finding dispute"),
        (story.EVALUATOR, "finding rerun"),
        (story.TREASURY, "designation dissent"),
        (story.AGENCY, "designation make"),
        (story.LAB, "postponement answer"),
        (story.CENTRE, "party signers remove"),
        (story.LAB, "release announce"),
        (story.CENTRE, "review close"),
        (story.LAB, "review withdraw"),
    ):
        assert f"{party}:  touchstone {command}" in typed


def test_the_server_has_no_key_of_a_party_and_one_would_be_found(
    told: Told, tmp_path: Path
) -> None:
    assert told.lines[-1].startswith("Searched")
    home = tmp_path / "server"
    shutil.copytree(told.out / "server", home)
    machines = {
        party: Workstation(party, told.out / party, lambda *_: None, typed_here)
        for party in story.ROLES
    }
    server = Workstation("server", home, lambda *_: None, typed_here)
    world = story.World(told.out, server, machines, "", told.fingerprint, {})
    story.search(world)
    (key,) = (told.out / story.LAB).rglob("device.pem")
    text = b"".join(key.read_bytes().splitlines()[1:-1])
    (home / "notes.txt").write_bytes(b"by the way: " + text)
    with pytest.raises(DemoError, match="holds a key of example-lab"):
        story.search(world)


ROLES_PAGES = Path(__file__).parents[3] / "docs/tutorial/roles"
PAGES = {
    "operator": {"server"},
    "lab": {story.LAB},
    "centre": {story.CENTRE},
    "agency": {story.AGENCY, story.TREASURY},
    "evaluator": {story.EVALUATOR},
    "auditor": {story.AUDITOR},
}


@dataclass(frozen=True)
class Command:
    """What is typed, as far as a page and the demo can agree on it."""

    name: tuple[str, ...]
    cases: frozenset[str]
    options: frozenset[str]

    @classmethod
    def of(cls, line: str) -> "Command":
        words = shlex.split(line, comments=True)
        length = {"verify": 1, "next": 1, "serve": 1}.get(words[0], 2)
        name = tuple(words[: 3 if words[:2] == ["party", "signers"] else length])
        options = frozenset(word for word in words if word.startswith("--"))
        # A page leaves them out or writes them once: its machine knows whose it is.
        return cls(name, frozenset(words) & {story.CASE, story.LEFT}, options - REACH)

    def does(self, typed: "Command") -> bool:
        same = (self.name, self.cases) == (typed.name, typed.cases)
        return same and self.options <= typed.options


REACH = frozenset({"--yes", "--server", "--as"})


def on_page(page: str) -> list[Command]:
    text = (ROLES_PAGES / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [
        Command.of(line.removeprefix("touchstone "))
        for line in lines
        if line.startswith("touchstone ")
    ]


def typed_by(told: Told, parties: set[str]) -> list[Command]:
    steps = (step.partition(":  touchstone ") for step in told.steps)
    return [
        Command.of(line.replace("'", " "))
        for party, typed, line in steps
        if typed and party in parties
    ]


@pytest.mark.parametrize("page", PAGES)
def test_the_tutorial_of_each_role_types_what_the_demo_types(told: Told, page: str) -> None:
    typed = typed_by(told, PAGES[page])
    rest = iter(typed)
    for command in on_page(page):
        # In the same order: a subsequence of what was typed.
        assert any(command.does(each) for each in rest), command
    assert {each.name for each in typed} == {each.name for each in on_page(page)}


def test_every_role_of_the_demo_has_a_tutorial(told: Told) -> None:
    typing = {
        step.partition(":  touchstone ")[0] for step in told.steps if ":  touchstone " in step
    }
    assert typing == {party for parties in PAGES.values() for party in parties}
    assert {page.stem for page in ROLES_PAGES.glob("*.md")} == set(PAGES)
