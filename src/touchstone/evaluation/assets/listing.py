"""A list of assets, `assets.toml`: each named by a digest, and so the same one everywhere."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.evaluation.toml_models import model_in_toml
from touchstone.handin import Bounds, Origin

LISTING = "assets.toml"
MOST_LISTING = 1024 * 1024
MOST_FILES = 20_000
HUB = "https://huggingface.co"
_PLAIN = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9._+=@-]+(/[A-Za-z0-9._+=@-]+)*")
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
_WHEEL = re.compile(r"[A-Za-z0-9_.+!]{1,100}(-[A-Za-z0-9_.+!]{1,100}){4,5}\.whl")


def _address(value: str) -> str:
    found = urlsplit(value)
    if found.scheme != "https" or not found.hostname or "@" in found.netloc:
        raise ValueError("write an https address, without a user in it")
    return value


def _plain(value: str) -> str:
    if not _PLAIN.fullmatch(value) or len(value) > 400:  # noqa: PLR2004 - as long as a line may be
        raise ValueError("write a plain path, without '..'")
    return value


def _repo(value: str) -> str:
    # Two hyphens divide the parts of a name in the cache's folders.
    if not _REPO.fullmatch(value) or "--" in value or ".." in value:
        raise ValueError("write a repository's name, such as owner/name")
    return value


Address = Annotated[str, Field(max_length=1000), AfterValidator(_address)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
AssetPath = Annotated[str, AfterValidator(_plain)]
Size = Annotated[int, Field(ge=0, le=10**13)]


class HubFile(Frozen):
    """One file of a repository."""

    sha256: Sha256
    bytes: Size


class HubAsset(Frozen):
    """Files of a repository of the Hub at one revision, laid out as its client's cache."""

    repo: Annotated[str, AfterValidator(_repo)]
    kind: Literal["dataset", "model"] = "dataset"
    revision: Commit
    names: Annotated[tuple[AssetPath, ...], Field(max_length=16)] = ()
    """Names that mean this revision, such as `main`, for code that names none."""
    files: Annotated[Mapping[AssetPath, HubFile], Field(min_length=1)]
    items: bool = True
    """Whether it holds items: it is in view while the task is made, and not when samples run."""

    @property
    def folder(self) -> str:
        """Its place in the cache."""
        return f"hub/{self.kind}s--{self.repo.replace('/', '--')}"

    def address(self, path: str) -> str:
        """Where a file is had."""
        under = "datasets/" if self.kind == "dataset" else ""
        return f"{HUB}/{under}{self.repo}/resolve/{self.revision}/{quote(path)}"


class FileAsset(Frozen):
    """One file, by its address."""

    url: Address
    path: AssetPath
    """Its place below `files`."""
    sha256: Sha256
    bytes: Size
    items: bool = True
    """As of a repository's files."""


class GitAsset(Frozen):
    """A repository of git, as one bundle that holds a commit."""

    url: Address
    commit: Commit
    bytes: Size
    """The largest that the bundle may be."""
    items: bool = False


class WheelAsset(Frozen):
    """A package, as pip finds it where it is configured to look."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,63}$")]
    file: Annotated[str, Field(pattern=_WHEEL.pattern)]
    sha256: Sha256
    bytes: Size


class NpmAsset(Frozen):
    """A package for JavaScript, as npm finds it where it is configured to look; never installed."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    version: Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9._+-]{0,63}$")]
    sha256: Sha256
    bytes: Size

    @property
    def file(self) -> str:
        """The archive's name, as npm gives it."""
        return f"{self.name}-{self.version}.tgz"


class ImageAsset(Frozen):
    """A container's image. It is named, and not pulled: no pack's process can run one."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/:-]{0,254}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class VocabularyAsset(Frozen):
    """A tokenizer's vocabulary, by the address that `tiktoken` knows it by."""

    url: Address
    sha256: Sha256
    bytes: Size


@dataclass(frozen=True)
class AssetFile:
    """One file of a list."""

    title: str
    """In one line, for people."""
    sha256: str
    bytes: int
    place: str
    """Its path in what a process is given."""
    url: str = ""
    """Where it is had; empty: by pip or npm."""
    items: bool = False
    wheel: WheelAsset | None = None
    npm: NpmAsset | None = None

    @property
    def where(self) -> str:
        """Where it is had, in words."""
        return self.url or f"by {'npm' if self.npm else 'pip'}, where it is configured to look"


class AssetList(Frozen):
    """All that a task needs beside its code and the system."""

    format: Literal["touchstone assets 1"]
    hub: tuple[HubAsset, ...] = ()
    file: tuple[FileAsset, ...] = ()
    git: tuple[GitAsset, ...] = ()
    wheel: tuple[WheelAsset, ...] = ()
    npm: tuple[NpmAsset, ...] = ()
    image: tuple[ImageAsset, ...] = ()
    vocabulary: tuple[VocabularyAsset, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> "AssetList":
        places = Counter(each.place for each in self.files)
        places.update(f"git/{each.commit}" for each in self.git)
        if sum(places.values()) > MOST_FILES:
            raise ValueError(f"write at most {MOST_FILES} files")
        for place, times in places.items():
            if times > 1:
                raise ValueError(f"{place} is there twice; take one out")
        for place in places:
            for above in PurePosixPath(place).parents:
                if str(above) in places:
                    raise ValueError(f"{above} is both a file and a folder")
        return self

    @cached_property
    def digest(self) -> str:
        """Of all that it names."""
        named = self.model_dump(mode="json")
        # Lists that were sealed before there was this kind keep their digest.
        return digest_value({key: value for key, value in named.items() if key != "npm" or value})

    @cached_property
    def files(self) -> tuple[AssetFile, ...]:
        """Every file, wheels and npm's among them; neither bundles nor images."""
        return tuple(self._files())

    def _files(self) -> Iterator[AssetFile]:
        for hub in self.hub:
            for path, file in sorted(hub.files.items()):
                yield AssetFile(
                    f"{hub.kind} {hub.repo}@{hub.revision} {path}",
                    file.sha256,
                    file.bytes,
                    f"{hub.folder}/snapshots/{hub.revision}/{path}",
                    hub.address(path),
                    hub.items,
                )
        for one in self.file:
            place = f"files/{one.path}"
            yield AssetFile(f"file {one.path}", one.sha256, one.bytes, place, one.url, one.items)
        for word in self.vocabulary:
            # As tiktoken names what it keeps.
            name = hashlib.sha1(word.url.encode(), usedforsecurity=False).hexdigest()
            title = f"vocabulary {word.url.rpartition('/')[2]}"
            yield AssetFile(title, word.sha256, word.bytes, f"vocabularies/{name}", word.url)
        for wheel in self.wheel:
            title = f"wheel {wheel.name} {wheel.version}"
            place = f"wheels/{wheel.file}"
            yield AssetFile(title, wheel.sha256, wheel.bytes, place, wheel=wheel)
        for each in self.npm:
            title = f"npm {each.name} {each.version}"
            yield AssetFile(title, each.sha256, each.bytes, f"npm/{each.file}", npm=each)


def parse_assets(data: bytes) -> AssetList:
    """Read `assets.toml`.

    Raises:
        AssetError: it cannot be used. One line, naming the key and the fix.
    """
    origin = Origin(LISTING, AssetError)
    return model_in_toml(AssetList, data, origin, Bounds(MOST_LISTING))
