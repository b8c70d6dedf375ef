"""Assets for tests: a server of files over HTTPS, and lists that name them."""

import contextlib
import hashlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.certificates import certificate

TEXT = b"What is asked, and the answer.\n" * 5000
"""The file that is served at /whole and elsewhere."""


MOVED = {
    "/moved": "/whole",
    "/round": "/round",
    "/elsewhere": "http://127.0.0.1:9/whole",
}


@dataclass
class FileServer:
    """A server of a folder, and of what a server may do otherwise."""

    url: str
    folder: Path
    authority: Path
    """The certificate that it is trusted by."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths, each with the range that was asked for."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, *_: Any) -> None:
        """Nothing is told."""

    def do_GET(self) -> None:
        """Answer as the path asks for it."""
        kind, asked = self.path.split("?")[0], self.headers.get("Range", "")
        self.server.told.asked.append((self.path, asked))
        if kind.startswith("/files/"):
            path = self.server.told.folder / kind.removeprefix("/files/")
            self._give(path.read_bytes() if path.is_file() else None)
        elif kind in {"/cut", "/ranges"} and asked:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            self._head(206, len(TEXT) - first, **{"Content-Range": f"bytes {first}-/*"})
            self.wfile.write(TEXT[first:])
        elif kind in {"/cut", "/endless"}:
            self._end(endless=kind == "/endless")
        elif kind in MOVED:
            self._head(302, 0, Location=MOVED[kind])
        elif kind == "/other":
            self._give(TEXT[:-1] + b"?")
        else:
            self._give(TEXT if kind in {"/whole", "/ranges"} else None)

    def _end(self, *, endless: bool) -> None:
        self.close_connection = True
        self._head(200, 10**9 if endless else len(TEXT))
        self.wfile.write(TEXT[:1000])
        with contextlib.suppress(OSError):
            while endless:
                self.wfile.write(TEXT)

    def _give(self, data: bytes | None) -> None:
        self._head(404 if data is None else 200, len(data or b""))
        self.wfile.write(data or b"")

    def _head(self, status: int, size: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class _Server(http.server.ThreadingHTTPServer):
    told: FileServer
    daemon_threads = True


@contextmanager
def serve_files(folder: Path) -> Iterator[FileServer]:
    """Serve `TEXT` at a number of addresses, and the folder's files below /files."""
    certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    root = folder / "root"
    root.mkdir()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.told = FileServer(
            f"https://127.0.0.1:{server.server_port}", root, folder / "chain.pem"
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.told
        server.shutdown()
        thread.join()


def repository(folder: Path) -> str:
    """A repository that any server of files can serve, in `folder`; the id of its commit."""

    def git(*words: str) -> str:
        run = subprocess.run(
            ["git", *words],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
        return run.stdout.strip()

    folder.mkdir()
    git("init", "--quiet", "--initial-branch", "main")
    (folder / "data.txt").write_text("a question\n")
    git("add", "data.txt")
    who = ("-c", "user.name=Example Lab", "-c", "user.email=lab@example.org")
    git(*who, "commit", "--quiet", "--message", "Ask")
    git("update-server-info")
    return git("rev-parse", "HEAD")


def digest(data: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()


def listed(*parts: str) -> str:
    """An assets.toml of these parts."""
    return "\n".join(('format = "touchstone assets 1"', *parts))


def file_part(url: str, path: str = "a.txt", data: bytes = TEXT, more: str = "") -> str:
    """A part of a list that names a file."""
    return (
        f'[[file]]\nurl = "{url}"\npath = "{path}"\n'
        f'sha256 = "{digest(data)}"\nbytes = {len(data)}\n{more}\n'
    )
