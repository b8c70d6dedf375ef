"""A policy bundle is signed without the case's lock, and recorded where nothing has moved since."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from support.sending import deliver, recorded
from support.small_case import copied_case, small_case
from touchstone.deeds.deed import Deed
from touchstone.deeds.signing import Outgoing, SeenLog, prepare_deed
from touchstone.ledger.contract2 import RefusedAnswer, admission
from touchstone.records.settings import connect
from touchstone.service.access import bundles, directives, offers
from touchstone.service.access.bundles import publish, return_to
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.terms_texts import population_from
from touchstone.service.access.user_base import UserBase
from touchstone.service.bundle_folder import BundleFolder
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.file_io import NamedText
from touchstone.service.installation import open_installation
from touchstone.terms import Registry

LAB, AGENCY = "example-lab", "example-agency"
LONGER = ("grace_hours = ", "grace_hours = 1")
"""Other terms than those."""


def text(name: str, old: str = "", new: str = "") -> NamedText:
    said = resources.files("touchstone.demo.access").joinpath(name).read_text("utf-8")
    return NamedText(said.replace(old, new) if old else said, name)


def agree(case: Case, *change: str) -> None:
    """Terms offered by the lab, and agreed to by the agency."""
    offers.offer(case, text("terms.toml", *change), LAB, text("entities.toml"))
    offers.answer(case, AGENCY, agree=True)


def registry(case: Case) -> Registry:
    return population_from(text("entities.toml"), CaseTexts(case).agreed).registry


@pytest.fixture(scope="module")
def agreed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agreed")
    with small_case(folder) as case:
        agree(case)
        publish(case, BundleFolder(folder / "bundles"), registry(case))
    return folder


@pytest.fixture
def case(agreed_home: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(agreed_home, tmp_path) as copied:
        yield copied


@pytest.fixture
def out(tmp_path: Path) -> BundleFolder:
    return BundleFolder(tmp_path / "out")


def numbers(case: Case) -> list[int]:
    return [each.number for each in case.state.bundles]


def another(case: Case, out: BundleFolder) -> None:
    publish(case, out, wider(case))


def wider(case: Case, person: str = "zoe") -> Registry:
    """As registries do, it changes often."""
    known = registry(case)
    members = dict(known.members) | {person: next(iter(known.organisations))}
    return Registry(known.developer, known.organisations, members, known.lists)


def between(
    monkeypatch: pytest.MonkeyPatch, case: Case, happens: Callable[[], None], name: str
) -> list[bool]:
    """Have something happen as the first bundle is signed; gives whether each was in a lock."""
    alias, sign, locked = connect(case.installation.home, None), getattr(bundles, name), []

    def signing(*given: Any, **said: Any) -> bytes:
        made: bytes = sign(*given, **said)
        locked.append(connections[alias].in_atomic_block)
        if len(locked) == 1:
            happens()
        return made

    monkeypatch.setattr(bundles, name, signing)
    return locked


@pytest.mark.parametrize("kind", ["build_bundle", "reissue_bundle"])
def test_the_partys_key_signs_outside_of_the_lock(
    case: Case, out: BundleFolder, kind: str, monkeypatch: pytest.MonkeyPatch
):
    if kind == "reissue_bundle":
        publish(case, out, wider(case))
    locked = between(monkeypatch, case, lambda: None, kind)
    made = return_to(case, out, 1) if kind == "reissue_bundle" else publish(case, out, wider(case))
    assert locked == [False]
    assert numbers(case) == list(range(1, made.number + 1))


def test_where_another_bundle_came_first_it_is_prepared_anew_under_the_next_number(
    case: Case, out: BundleFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = BundleFolder(tmp_path / "elsewhere")
    # With the same key, by another command.
    locked = between(monkeypatch, case, lambda: another(case, elsewhere), "build_bundle")
    made = publish(case, out, wider(case, "yan"))
    assert made.number == 3
    assert numbers(case) == [1, 2, 3]
    assert locked == [False] * 3
    (noted,) = case.installation.records.refusals.newest()
    assert noted.deed == "bundle-published"


def test_where_other_terms_were_agreed_meanwhile_it_is_prepared_from_those(
    case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch
):
    before = case.state.terms_in_force
    locked = between(monkeypatch, case, lambda: agree(case, *LONGER), "build_bundle")
    publish(case, out, wider(case))
    newest = case.state.bundles[-1]
    assert newest.terms == case.state.terms_in_force != before
    assert (numbers(case), len(locked)) == ([1, 2], 2)


class AwayError(Exception):
    """What was prepared is on another machine."""


def held(case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch) -> Outgoing:
    """A bundle that the lab signed elsewhere, deed and all, and nobody has recorded."""

    def taken(_: Case, deeds: Sequence[Deed], seen: SeenLog) -> None:
        raise AwayError(deeds[0], seen)

    with monkeypatch.context() as away:
        away.setattr(Case, "record", taken)
        with pytest.raises(AwayError) as there:
            publish(case, out, wider(case))
    here, (deed, seen) = case.installation, there.value.args
    return prepare_deed(deed, seen, here.keyring.party(LAB), here.random, here.now())


def offered(case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch) -> Outgoing:
    """Such a bundle, after which the agency agrees to other terms that the lab had offered."""
    offers.offer(case, text("terms.toml", *LONGER), LAB, text("entities.toml"))
    sent = held(case, out, monkeypatch)
    offers.answer(case, AGENCY, agree=True)
    return sent


def test_a_bundle_of_terms_that_were_replaced_since_is_refused(
    case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch
):
    """Those of the newest bundle may go on: no other guard would see it."""
    sent = offered(case, out, monkeypatch)
    said = deliver(case.installation, case.id, sent, LAB).answer
    assert isinstance(said, RefusedAnswer)
    assert said.code == "topic-moved"
    assert "terms-answer" in said.why
    assert numbers(case) == [1]


def test_twin_without_the_look_at_topics_old_terms_are_carried_out(
    case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch
):
    sent = offered(case, out, monkeypatch)
    monkeypatch.setattr(admission, "check_topics", lambda *_: None)
    recorded(deliver(case.installation, case.id, sent, LAB))
    assert case.state.bundles[-1].terms != case.state.terms_in_force


def ordered(case: Case, out: BundleFolder) -> None:
    """A directive that the newest bundle carries out."""
    directives.issue(case, text("order.toml"), UserBase(), party=AGENCY)
    reading = text("narrowly.toml")
    directives.answer(case, "order-1", "narrowly", UserBase(), reading=reading, out=out)


def test_a_directive_that_is_lifted_meanwhile_is_not_carried_out(
    case: Case, out: BundleFolder, monkeypatch: pytest.MonkeyPatch
):
    ordered(case, out)
    assert [each.directive for each in case.state.bundles[-1].directives] == ["order-1"]

    def lifted() -> None:
        directives.lift(case, "order-1", party=AGENCY)

    locked = between(monkeypatch, case, lifted, "build_bundle")
    publish(case, out, wider(case))
    assert len(locked) == 2
    assert case.state.directives["order-1"].lifted_at
    assert case.state.bundles[-1].directives == ()


def test_what_was_lifted_before_may_be_carried_out_again(case: Case, out: BundleFolder):
    """The developer may keep to it: what is refused is what nobody knew of while signing."""
    ordered(case, out)
    directives.lift(case, "order-1", party=AGENCY)
    made = return_to(case, out, 2)
    assert made.directives == ("order-1",)


def test_two_at_once_are_numbered_without_a_gap(case: Case, tmp_path: Path):
    here = case.installation.home

    def bundling(number: int) -> int:
        with open_installation(here, clock=case.installation.clock) as opened:
            found = open_found(opened, case.id)
            shelf = BundleFolder(tmp_path / f"out-{number}")
            try:
                return publish(found, shelf, wider(found, f"person-{number}")).number
            finally:
                connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        made = sorted(pool.map(bundling, range(3)))
    assert made == [2, 3, 4]
    assert numbers(case) == [1, 2, 3, 4]
