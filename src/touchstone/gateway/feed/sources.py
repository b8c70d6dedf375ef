"""Where bundles are fetched from: a folder, or a URL. What they give is checked elsewhere."""

import os
import re
from pathlib import Path
from typing import Protocol

import aiohttp

from touchstone.gateway.errors import FeedLostError
from touchstone.terms.bundle.bounds import MAX_BYTES

_NAME = re.compile(r"(\d{6,})\.bundle")
_NUMBER = re.compile(rb"[0-9]{1,15}")
_MAX_NEWEST = 64
_OK, _NOT_MODIFIED = 200, 304


def bundle_name(number: int) -> str:
    """The file name of a bundle: `NNNNNN.bundle`."""
    return f"{number:06d}.bundle"


class Source(Protocol):
    """Gives bundles by number. Every method raises FeedLostError where it is out of reach."""

    async def newest(self) -> int | None:
        """The highest number that it holds; None: it is empty."""
        ...

    async def fetch(self, number: int) -> bytes | None:
        """The bytes under a number, at most a few more than a bundle may have; None: none."""
        ...


class FolderSource:
    """A folder of `NNNNNN.bundle` files. They are to be renamed into place whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def newest(self) -> int | None:
        """The highest number among the files' names."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except OSError as error:
            raise FeedLostError(f"{self._folder}: {error.strerror}") from error
        # Drafts and other files in the folder have other names, and are none of ours.
        return max((int(m[1]) for name in names if (m := _NAME.fullmatch(name))), default=None)

    async def fetch(self, number: int) -> bytes | None:
        """The bytes of a file."""
        path = self._folder / bundle_name(number)
        try:
            # A pipe under that name must not hang the gateway.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FeedLostError(f"{path}: {error.strerror}") from error

    def changed(self, number: int) -> tuple[int, int, int] | None:
        """What tells one state of a bundle's file from another; None: it is not there.

        One system call, so that it may be asked every few milliseconds.
        """
        try:
            facts = os.stat(self._folder / bundle_name(number))  # noqa: PTH116 - called at 200 Hz
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size


class UrlSource:
    """`URL/newest` says the highest number as digits; `URL/NNNNNN.bundle` gives a bundle."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout: float) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._tag: str | None = None
        self._newest: int | None = None

    async def newest(self) -> int | None:
        """The number that the server says, asked with the tag of its last answer."""
        # Asked every few seconds by every gateway: mostly nothing is new.
        headers = {"If-None-Match": self._tag} if self._tag else {}
        status, tag, data = await self._get("newest", headers, _MAX_NEWEST)
        if status == _NOT_MODIFIED and self._tag:
            return self._newest
        text = data.strip()
        if status != _OK or not _NUMBER.fullmatch(text):
            raise FeedLostError(f"{self._url}/newest: answered {status}, and no number")
        # 0 is how a server says that there is none yet.
        self._newest, self._tag = int(text) or None, tag
        return self._newest

    async def fetch(self, number: int) -> bytes | None:
        """The bytes that the server has under a number."""
        status, _, data = await self._get(bundle_name(number), {}, MAX_BYTES)
        return data if status == _OK else None

    async def _get(
        self, name: str, headers: dict[str, str], most: int
    ) -> tuple[int, str | None, bytes]:
        try:
            async with self._session.get(
                f"{self._url}/{name}",
                headers=headers,
                timeout=self._timeout,
                # Whoever could redirect could also answer in the place of the developer.
                allow_redirects=False,
            ) as answer:
                # Read piece by piece: a length in a header is only the server's word.
                data = bytearray()
                async for piece in answer.content.iter_any():
                    data += piece
                    if len(data) > most:
                        break
                return answer.status, answer.headers.get("ETag"), bytes(data)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = str(error) or type(error).__name__
            raise FeedLostError(f"{self._url}/{name}: {what}") from error
