"""Heads come into the installation's log by who keeps the record open, and none is forgotten."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from support.record_place import Place
from support.stored_deeds import CASE, StoredScene, opened
from touchstone.records import Records
from touchstone.records.errors import BusyError
from touchstone.records.models import LeafRow
from touchstone.records.settings import connect


@pytest.fixture
def scene(place: Place) -> StoredScene:
    scene = opened(place)
    scene.records.publish()
    return scene


def published(scene: StoredScene) -> list[int]:
    """The sizes of the case's heads that have a leaf."""
    leaves = (
        LeafRow.objects.using(connect(scene.place.home, scene.place.database))
        .filter(case=CASE)
        .order_by("index")
    )
    return list(leaves.values_list("size", flat=True))


def during(records: Records, patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen once heads were read, and before publishing has ended."""
    publish = records.installation.publish

    def meanwhile() -> int:
        patch.undo()
        count = publish()
        act()
        return count

    patch.setattr(records.installation, "publish", meanwhile)


def test_a_deed_during_publishing_is_published_by_the_next_round(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    scene.lab.act(scene.server, "review-halted")
    during(scene.records, monkeypatch, lambda: scene.lab.act(scene.server, "review-halted"))
    scene.records.publish()
    assert published(scene) == [4, 5]
    scene.records.publish()
    assert published(scene) == [4, 5, 6]


def test_what_could_not_be_published_is_by_the_next_round(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    scene.lab.act(scene.server, "review-halted")

    def busy() -> int:
        raise BusyError("held")

    with monkeypatch.context() as patch:
        patch.setattr(scene.records.installation, "publish", busy)
        with pytest.raises(BusyError):
            scene.records.publish()
    scene.records.publish()
    assert published(scene) == [4, 5]


def test_where_nothing_moved_nothing_is_asked(scene: StoredScene, monkeypatch: pytest.MonkeyPatch):
    def asked() -> int:
        raise AssertionError

    monkeypatch.setattr(scene.records.installation, "publish", asked)
    scene.records.publish()


def test_a_process_that_keeps_it_open_publishes_while_deeds_come_in(scene: StoredScene):
    """One thread takes deeds, another runs the call of who owns the process."""
    ended = threading.Event()

    def publishing() -> None:
        try:
            while not ended.is_set():
                scene.records.publish()
            scene.records.publish()
        finally:
            connections.close_all()

    owner = threading.Thread(target=publishing)
    owner.start()
    try:
        for _ in range(10):
            scene.lab.act(scene.server, "review-halted")
    finally:
        ended.set()
        owner.join(30)
    # No proof was asked for, and the newest head has its leaf.
    assert published(scene)[-1] == scene.records.case(CASE).size == 14
    assert not scene.records.deeds.moved
