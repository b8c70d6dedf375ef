"""An installation as it is served, without a socket: Django's own client asks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from django.test import Client

from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal
from touchstone.server.serving import SERVING, Serving
from touchstone.server.settings import set_up_server
from touchstone.service.installation import open_installation

PEOPLE = {
    "Bearer lead-of-example-lab": Principal(
        "ann", "example-lab", frozenset({"lead"}), frozenset({"read", "deeds", "evidence"}), "1"
    ),
    "Bearer administrator": Principal(
        "adi", "", frozenset({"administrator"}), frozenset({"read", "people"}), "2"
    ),
    "Bearer reads": Principal(
        "bob", "example-lab", frozenset({"reviewer"}), frozenset({"read"}), "3"
    ),
}


def known(authorization: str | None, _now: str) -> Principal:
    if authorization not in PEOPLE:
        raise NotAuthenticatedError("no token")
    return PEOPLE[authorization]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home: Path = tmp_path_factory.mktemp("server") / "home"
    set_up_server()
    with open_installation(home, apart=True) as here:
        open_accounts(home, None)
        yield Serving(here, known)


@pytest.fixture
def client(serving: Serving) -> Client:
    asks = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    cast("dict[str, object]", asks.defaults)[SERVING] = serving
    return asks
