"""What a server says of people is taken as a stranger's."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from touchstone.client.errors import UnheardError
from touchstone.client.http_server import HttpServer
from touchstone.client.people import ServerDesk
from touchstone.keys import SystemRandom

PERSON = {
    "person": "p1",
    "institution": "example-lab",
    "name": "A",
    "email": "",
    "roles": ["lead"],
    "active": True,
    "made": "",
    "invited_until": "",
    "devices": [],
}


class Says:
    """A server that says one thing to everything."""

    def __init__(self, said: Any) -> None:
        self.said = said
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def ask(self, method: str, path: str, sent: Any = None, headers: Any = None) -> Any:
        del sent
        self.asked.append((method, path, headers or {}))
        return self.said


def desk(says: Says) -> ServerDesk:
    return ServerDesk(cast("HttpServer", says), SystemRandom())


EVERYTHING: list[Callable[[ServerDesk], Any]] = [
    lambda asked: asked.invite("example-lab", ["lead"], "A", ""),
    lambda asked: asked.invite_again("p1"),
    lambda asked: asked.shown("p1"),
    lambda asked: list(asked.everybody()),
    lambda asked: asked.change_roles("p1", ["lead"]),
    lambda asked: list(asked.acts()),
]


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"person": 1},
        {"people": [1], "after": ""},
        {"acts": [{}]},
        PERSON | {"name": None},
    ],
)
@pytest.mark.parametrize("call", EVERYTHING)
def test_whatever_is_no_answer_is_none(call: Callable[[ServerDesk], Any], said: Any):
    with pytest.raises(UnheardError):
        call(desk(Says(said)))


def test_a_server_that_never_ends_is_not_followed():
    people = Says({"people": [PERSON], "after": "p0"})
    assert len(list(desk(people).everybody())) == 2
    act = {"n": 1, "at": "", "by": "", "act": "", "person": "", "institution": "", "facts": {}}
    acts = Says({"acts": [act]})
    assert len(list(desk(acts).acts())) == 2


def test_each_request_that_makes_something_has_a_key_of_its_own():
    says = Says({"person": "p1", "code": "c", "expires": ""})
    for _ in range(2):
        desk(says).invite("example-lab", ["lead"], "A", "")
    keys = [headers["Idempotency-Key"] for _, _, headers in says.asked]
    assert len(set(keys)) == 2


def test_an_id_stays_an_id_in_a_path():
    says = Says(None)
    desk(says).end_device("p1/../p2?x", "a/b")
    assert says.asked[0][1] == "people/p1%2F..%2Fp2%3Fx/devices/a%2Fb"
