"""Whatever is wrong with a request, the answer is a problem, and repeats nothing of it."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from ninja.constants import NOT_SET

from touchstone.ledger.errors import UnpromisedError
from touchstone.records import BusyError, DestroyedError, FullError, ReadOnlyError, StagingError
from touchstone.server.api import declared
from touchstone.server.api.parsing import StrictParser
from touchstone.server.api.problems import PROBLEM, answer_for, as_problems
from touchstone.server.api.routes import api
from touchstone.server.errors import NotAuthenticatedError, ProblemError

CANARY = "canary-5c1d"


def routes() -> set[tuple[str, str]]:
    found = set()
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                assert operation.auth_param is NOT_SET, "only the table says who may ask"
                place = f"v1/{prefix.strip('/')}/{path.strip('/')}".replace("//", "/")
                place = place.replace("{", "<").replace("}", ">")
                found |= {(method, place) for method in operation.methods}
    return found


def test_every_route_is_declared_and_nothing_else_is():
    assert routes() == set(declared.DECLARED)
    assert ("GET", "v1/installation") in routes()


def test_a_route_that_is_not_declared_is_not_there(client: Client, monkeypatch: pytest.MonkeyPatch):
    assert client.get("/v1/installation").status_code == 200
    monkeypatch.setattr(declared, "DECLARED", {})
    assert client.get("/v1/installation").status_code == 404


def says(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response["Content-Type"]) == (status, PROBLEM)
    value = json.loads(response.content)
    assert (value["status"], value["code"]) == (status, code)
    assert set(value) >= {"type", "title", "detail"}
    assert CANARY.encode() not in response.content
    assert CANARY not in str(response.headers)


@pytest.mark.parametrize("path", [f"/{CANARY}", f"/v1/{CANARY}", "/v1/installation/", "/"])
def test_what_is_not_there_is_a_problem(client: Client, path: str):
    says(client.get(path), 404, "no-route")


def test_another_method_is_a_problem_that_says_which(client: Client):
    response = client.post("/v1/installation", {CANARY: CANARY})
    says(response, 405, "method")
    assert response["Allow"] == "GET"


@pytest.mark.parametrize("size", [f"{CANARY}", "-1", "1.5", "", str(2**53), "1e3"])
def test_a_field_of_another_kind_is_a_problem(client: Client, size: str):
    says(client.get("/v1/installation", {"size": size}), 422, "fields")


@pytest.mark.parametrize("query", [f"{CANARY}=1", "size=1&size=2", f"size=0&{CANARY}"])
def test_a_query_has_no_other_names_and_none_twice(client: Client, query: str):
    says(client.get(f"/v1/installation?{query}"), 422, "query")


def test_a_strange_host_is_a_problem(client: Client):
    response = client.get("/v1/installation", headers={"host": f"{CANARY}.example"})
    says(response, 400, "host")


def test_a_fault_is_a_problem_and_tells_nothing(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("touchstone.server.api.installation.installation_since", fails)
    says(client.get("/v1/installation"), 500, "fault")
    monkeypatch.setattr("touchstone.server.api.declared.admitted", fails)
    says(client.get("/v1/installation"), 500, "fault")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ProblemError(429, "", ""), 429, "too-many"),
        (NotAuthenticatedError(CANARY), 401, "token"),
        (UnpromisedError("unknown", "no such case"), 404, "unknown"),
        (UnpromisedError("evidence", "not here"), 409, "evidence"),
        (StagingError("offset", "the next", 7), 409, "offset"),
        (StagingError("too-many", "enough"), 400, "too-many"),
        (DestroyedError("it was destroyed"), 409, "destroyed"),
        (BusyError(CANARY), 503, "busy"),
        (FullError(CANARY), 503, "busy"),
        (ReadOnlyError(CANARY), 503, "busy"),
        (OSError(CANARY), 500, "fault"),
    ],
)
def test_errors_have_their_answers(error: Exception, status: int, code: str):
    says(answer_for(error), status, code)


def test_what_others_answer_in_their_own_form_becomes_a_problem():
    request = RequestFactory(SERVER_NAME="127.0.0.1").get("/")
    made = as_problems(lambda _: HttpResponse(CANARY, status=413))(request)
    says(made, 413, "too-large")
    kept = as_problems(lambda _: HttpResponse(CANARY))(request)
    assert isinstance(kept, HttpResponse)
    assert kept.content == CANARY.encode()


def parsed(body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    request = RequestFactory(SERVER_NAME="127.0.0.1").generic("POST", "/", body, content_type)
    request.META["CONTENT_TYPE"] = content_type
    return StrictParser().parse_body(request)


def test_a_body_is_canonical_json():
    assert parsed(b'{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a":1,"a":1}', 400),
        (b'{"a":NaN}', 400),
        (b'{"a":"\\ud800"}', 400),
        (b'{"a": 1}', 400),
        (b"[" * 5000, 400),
        (b'["a"]', 400),
        (b"\xff", 400),
        (b"", 400),
        (b'{"a":"' + b"b" * (1 << 20) + b'"}', 413),
    ],
    ids=["twice", "nan", "surrogate", "spaces", "deep", "no-object", "no-utf-8", "empty", "long"],
)
def test_any_other_body_is_refused(body: bytes, status: int):
    with pytest.raises(ProblemError) as refused:
        parsed(body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/json; charset=latin-1", "multipart/form-data"]
)
def test_another_content_type_is_refused_over_the_api(client: Client, kind: str):
    says(client.generic("POST", "/v1/tokens", b'{"a":1}', kind), 415, "media-type")
    says(client.generic("POST", "/v1/tokens", b'{"a":NaN}', "application/json"), 400, "json")


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/json; charset=latin-1", "multipart/form-data"]
)
def test_another_content_type_is_refused(kind: str):
    with pytest.raises(ProblemError) as refused:
        parsed(b'{"a":1}', kind)
    assert refused.value.status == 415
