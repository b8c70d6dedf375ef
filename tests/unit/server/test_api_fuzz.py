"""The short form of `make fuzz-api`: the API answers as it says of itself, whatever it is asked."""

import json
from collections.abc import Iterator

import pytest

from support.api_fuzz import Fuzz
from support.asked_site import Site, asked_site
from touchstone.server.api import describing
from touchstone.server.api.declared import DECLARED
from touchstone.server.api.describing import ANSWERED, PATHS, RouteAnswer
from touchstone.server.api.routes import described
from touchstone.server.errors import ProblemError

EXAMPLES = 5


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with asked_site(tmp_path_factory.mktemp("fuzzed")) as made:
        yield made


def test_every_route_says_what_it_answers():
    assert set(ANSWERED) == set(DECLARED)
    paths = json.loads(described())["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            route = path.removeprefix("/").replace("{", "<").replace("}", ">")
            need = DECLARED[method.upper(), route]
            assert bool(operation["security"]) == (need.scope is not None), route
            assert ("401" in operation["responses"]) >= (need.scope is not None), route
            asked = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
            assert asked == set(need.query), route
            in_path = [each for each in operation["parameters"] if each["in"] == "path"]
            assert all(each["schema"] == PATHS[each["name"]] for each in in_path), route


def test_whatever_is_asked_is_answered_as_the_description_says(site: Site):
    fuzz = Fuzz(site)
    fuzz.run(seed=1, examples=EXAMPLES)
    assert fuzz.found == []
    # Of each operation, and deep enough: also what was taken, made, denied, and found to be amiss.
    assert len(fuzz.asked) == len(DECLARED) - 1
    assert set(fuzz.statuses) >= {200, 400, 401, 403, 404, 422}
    # Seldom, and not by this seed for ever: Hypothesis draws from our code as it is.
    assert set(fuzz.statuses) & {201, 204, 409}


# What is looked for is seen: each twin breaks one thing.


def found(site: Site, operation: str) -> str:
    fuzz = Fuzz(site)
    fuzz.run(seed=1, examples=EXAMPLES, only=[operation])
    return " ".join(each.why for each in fuzz.found)


def test_twin_a_fault_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("touchstone.server.api.installation.installation_since", fails)
    assert "Server error" in found(site, "GET /v1/installation")


def test_twin_a_status_a_type_and_a_form_that_are_not_described_are_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    for name, route, wrong, said in (
        ("status", ("GET", "v1/me"), RouteAnswer(status=202), "Undocumented status code"),
        ("type", ("GET", "v1/me"), RouteAnswer(media="text/html"), "Undocumented Content-Type"),
        ("form", ("GET", "v1/me"), RouteAnswer(describing.TEXT), "Response violates schema"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(ANSWERED, route, wrong)
            described.cache_clear()
            assert said in found(site, "GET /v1/me"), name
    described.cache_clear()


def test_twin_a_problem_that_repeats_what_was_sent_is_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    def repeats(_principal: object, address: str, **_: object) -> None:
        raise ProblemError(422, "webhook-address", address)

    monkeypatch.setattr("touchstone.server.api.notices.add_webhook", repeats)
    assert "a problem repeats" in found(site, "POST /v1/notices/webhooks")


def test_twin_a_word_that_is_told_to_others_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch):
    canary = site.canaries[0].text
    monkeypatch.setattr("touchstone.server.api.notices.channels_of", lambda _: [_Channel(canary)])
    assert f"{canary} is told to" in found(site, "GET /v1/notices/channels")


class _Channel:
    def __init__(self, text: str) -> None:
        self.text = text

    def as_dict(self) -> dict[str, str]:
        return {"name": self.text}
