"""One of Inspect's logs in Inspect's own viewer, for a browser on this machine and nobody else.

The viewer comes from the installed package, the log from memory, both under a path that nobody can
guess; no token and no file is the browser's. ::

    with viewing(log, "17.eval") as address:
        ...
"""

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from typing import ClassVar
from zipfile import BadZipFile, ZipFile

from touchstone.errors import BadInputError

_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})", re.ASCII)
_ASSET = re.compile(r"assets/[A-Za-z0-9_-][A-Za-z0-9_.-]*", re.ASCII)
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_BYTES, _HTML, _JSON = "application/octet-stream", "text/html; charset=utf-8", "application/json"
_CONTEXT = '<script id="log_dir_context" type="application/json">{"log_dir":"logs"}</script>'
_PARTIAL, _BEYOND = 206, 416


class ViewerError(BadInputError):
    """Inspect's viewer, or the log, is not as it has to be."""


class _Shown:
    """What a browser is given, by what stands after the secret in its path."""

    def __init__(self, log: bytes, name: str) -> None:
        found = find_spec("inspect_ai")
        places = (found.submodule_search_locations if found else None) or []
        self._dist = next((Path(place, "_view", "dist") for place in places), Path())
        try:
            page = (self._dist / "index.html").read_text("utf-8")
            told = json.loads((self._dist / "content-security-policy.json").read_bytes())
            header = ZipFile(io.BytesIO(log)).read("header.json")
        except (OSError, ValueError) as error:
            raise ViewerError("Inspect's viewer is not in its package: install it anew") from error
        except (BadZipFile, KeyError) as error:
            raise ViewerError("the log is not one that Inspect finished: export it") from error
        directives = {**told["directives"], "frame-ancestors": ["'none'"]}
        self.policy = "; ".join(" ".join((key, *each)) for key, each in directives.items())
        # The listing names this log and no other, whatever else its case has.
        listing = b'{"' + name.encode() + b'":' + header + b"}"
        self._given = {
            "": (page.replace("</head>", f"{_CONTEXT}</head>", 1).encode(), _HTML),
            "logs/listing.json": (listing, _JSON),
            f"logs/{name}": (log, _BYTES),
        }

    def of(self, path: str) -> tuple[bytes, str] | None:
        """The bytes and their type; None where nothing is there."""
        if path in self._given:
            return self._given[path]
        # By its form: no path leads out of the folder.
        if not _ASSET.fullmatch(path) or not (file := self._dist / path).is_file():
            return None
        return file.read_bytes(), _KINDS.get(file.suffix, _BYTES)


class _Answers(BaseHTTPRequestHandler):
    shown: ClassVar[_Shown]
    base: ClassVar[str]
    host: ClassVar[str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        # By its own name alone: a page of others that has its name lead here gets nothing.
        known = self.headers.get("Host") == self.host and path.startswith(self.base)
        found = self.shown.of(path.removeprefix(self.base)) if known else None
        data, kind = found or (b"", "text/plain")
        size, headers = len(data), {"Content-Type": kind, "Accept-Ranges": "bytes"}
        status, asked = 200 if found else 404, _RANGE.fullmatch(self.headers.get("Range", ""))
        if found and asked:
            first = int(asked[1])
            last = min(int(asked[2] or size - 1), size - 1)
            status = _PARTIAL if first <= last else _BEYOND
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            if status == _BEYOND:
                headers["Content-Range"] = f"bytes */{size}"
            data = data[first : last + 1]
        self.send_response(status)
        for name, value in {
            **headers,
            "Content-Length": str(len(data)),
            "Content-Security-Policy": self.shown.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the path holds the secret."""


@contextmanager
def viewing(log: bytes, name: str) -> Iterator[str]:
    """Serve a log in the viewer while the body runs; gives the address, which is the secret.

    Raises ViewerError.
    """
    base = f"/{token_urlsafe(32)}/"
    given = {"shown": _Shown(log, name), "base": base, "host": ""}
    answers = type("Answers", (_Answers,), given)
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        host = f"127.0.0.1:{server.server_port}"
        answers.host = host  # type: ignore[attr-defined]  # of the class that was just made
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{host}{base}"
        finally:
            server.shutdown()
            thread.join()
