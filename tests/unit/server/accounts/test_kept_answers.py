"""A request that is sent again under its key is answered alike, and not done twice."""

import os
from collections.abc import Callable

import pytest

from support.accounts import NOW, RANDOM
from touchstone.keys import MasterKey, SealError
from touchstone.server.accounts.errors import BadAccountError, KeyReusedError
from touchstone.server.accounts.kept_answers import Answer, AskedOnce, answered_once
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import Account, KeptAnswer
from touchstone.server.accounts.people import invite

MASTER = MasterKey(os.urandom(32))


def counted() -> tuple[list[int], Callable[[], Answer]]:
    done: list[int] = []

    def do() -> Answer:
        done.append(1)
        return Answer(201, b'{"code":"canary-%d"}' % len(done), "application/json")

    return done, do


def test_it_is_done_once_and_answered_with_the_same_bytes():
    done, do = counted()
    request = AskedOnce("p1", "key-1", b"POST /v1/people {}")
    first = answered_once(request, MASTER, NOW, do)
    assert first == answered_once(request, MASTER, NOW, do)
    assert (first.status, first.body, done) == (201, b'{"code":"canary-1"}', [1])


def test_under_the_same_key_nothing_else_is_asked():
    done, do = counted()
    answered_once(AskedOnce("p1", "key-2", b"one"), MASTER, NOW, do)
    with pytest.raises(KeyReusedError):
        answered_once(AskedOnce("p1", "key-2", b"two"), MASTER, NOW, do)
    assert len(done) == 1


def test_anothers_key_is_another():
    done, do = counted()
    for person, key in (("p1", "key-3"), ("p2", "key-3"), ("p", "1key-3"), ("", "p1key-3")):
        answered_once(AskedOnce(person, key, b"one"), MASTER, NOW, do)
    assert len(done) == 4


def test_what_fails_is_not_kept_and_leaves_nothing():
    request = AskedOnce("p1", "key-4", b"one")
    people = Account.objects.count()

    def fails() -> Answer:
        invite(Manager.machine(), "example-lab", ["lead"], "A", now=NOW, random=RANDOM)
        raise BadAccountError("no")

    with pytest.raises(BadAccountError):
        answered_once(request, MASTER, NOW, fails)
    assert Account.objects.count() == people
    done, do = counted()
    answered_once(request, MASTER, NOW, do)
    assert done == [1]


def test_an_answer_is_kept_for_a_day():
    done, do = counted()
    request = AskedOnce("p1", "key-5", b"one")
    answered_once(request, MASTER, NOW, do)
    answered_once(request, MASTER, "2026-12-02T09:00:00Z", do)
    assert len(done) == 1
    answered_once(request, MASTER, "2026-12-02T09:00:01Z", do)
    assert len(done) == 2


def test_no_answer_stands_in_clear():
    _, do = counted()
    request = AskedOnce("p1", "key-6", b"one")
    answered_once(request, MASTER, NOW, do)
    row = KeptAnswer.objects.get(digest=request.digest)
    assert b"canary" not in bytes(row.sealed)
    assert "canary" not in str(vars(row))
    with pytest.raises(SealError):
        answered_once(request, MasterKey(os.urandom(32)), NOW, do)


@pytest.mark.parametrize("key", ["", " \n", "x" * 201, "é", "\x00", "\udc9b"])
def test_a_key_is_a_short_printable_text(key: str):
    done, do = counted()
    with pytest.raises(BadAccountError, match="Idempotency-Key"):
        answered_once(AskedOnce("p1", key, b"one"), MASTER, NOW, do)
    assert done == []
