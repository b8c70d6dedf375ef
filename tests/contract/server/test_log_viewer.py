"""Inspect's own viewer in a real browser: one log, of this reader, and nothing leaves the page."""

import io
import json
from zipfile import ZipFile

import httpx
import pytest

from support.browser import chromium
from support.viewed_logs import viewed_log
from touchstone.client.log_viewer import ViewerError, viewing

OWN = "canary-of-ones-own"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return viewed_log(tmp_path_factory.mktemp("logs") / "17.eval", 3, OWN)


def test_a_browser_shows_the_readers_log_and_no_other(log: bytes):
    with viewing(log, "17.eval") as address, chromium() as browser:
        page, asked = browser.new_page(), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}#/logs/17.eval/samples/sample/3/1")
        page.get_by_text(OWN).first.wait_for()
        page.goto(f"{address}#/logs/18.eval")
        with page.expect_response(lambda answer: answer.url.endswith("/18.eval")) as answered:
            page.reload()
        assert answered.value.status == 404
        assert OWN not in page.inner_text("body")
        assert asked
        assert all(url.startswith((address, "blob:", "data:")) for url in asked)


def test_nothing_is_given_without_the_secret_and_its_own_name(log: bytes):
    with viewing(log, "17.eval") as address, httpx.Client(trust_env=False) as client:
        root = address[: address.index("/", len("http://"))]
        listing = client.get(f"{address}logs/listing.json")
        assert list(listing.json()) == ["17.eval"]
        policy = listing.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        for url in (
            f"{root}/",
            f"{root}/logs/17.eval",
            f"{root}/{'A' * 43}/logs/17.eval",
            f"{address}logs/18.eval",
            f"{address}assets/..%2findex.html",
            f"{address}assets/../index.html/",
            f"{address}assets/",
        ):
            answer = client.get(url)
            assert (answer.status_code, answer.content) == (404, b""), url
        elsewhere = client.get(f"{address}logs/17.eval", headers={"Host": "evil.example"})
        assert (elsewhere.status_code, elsewhere.content) == (404, b"")
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-0", 0, 0), ("5-9", 5, 9), ("7-", 7, None), ("0-999999", 0, None)],
)
def test_ranges_are_given_as_they_are_asked_for(
    log: bytes, asked: str, first: int, last: int | None
):
    with viewing(log, "17.eval") as address:
        url, headers = f"{address}logs/17.eval", {"Range": f"bytes={asked}"}
        answer = httpx.get(url, headers=headers, trust_env=False)
        end = len(log) - 1 if last is None else last
        assert (answer.status_code, answer.content) == (206, log[first : end + 1])
        assert answer.headers["Content-Range"] == f"bytes {first}-{end}/{len(log)}"
        beyond = httpx.get(url, headers={"Range": f"bytes={len(log)}-"}, trust_env=False)
        assert (beyond.status_code, beyond.content) == (416, b"")
        head = httpx.head(url, trust_env=False)
        assert (head.headers["Content-Length"], head.content) == (str(len(log)), b"")


def test_what_is_no_log_is_refused():
    made = io.BytesIO()
    with ZipFile(made, "w") as empty:
        empty.writestr("other.json", json.dumps({}))
    for data in (b"", b"no log", made.getvalue()):
        with pytest.raises(ViewerError), viewing(data, "17.eval"):
            pass
