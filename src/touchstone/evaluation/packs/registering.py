"""Registering a pack: its task is made once, its items are written out as data, and both are kept.

From then on the items are never made again: what runs is what was registered, under the digests
that two machines agree on.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.evaluation.packs.apart import ProcessLimits, run_apart
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.given import GivenAssets, given_assets
from touchstone.evaluation.packs.items import FrozenItem, FrozenItems, item_set
from touchstone.evaluation.packs.lacking import lacking
from touchstone.evaluation.packs.manifest import MANIFEST, PackLimits, parse_manifest
from touchstone.evaluation.packs.mark import PackMark
from touchstone.evaluation.packs.people import people_faults
from touchstone.evaluation.packs.running import fault_of, task_job
from touchstone.evaluation.packs.source import PackSource
from touchstone.evaluation.packs.variants import parse_variants, slot_faults
from touchstone.evaluation.sandbox import Grade
from touchstone.handin import printable_line
from touchstone.keys.files import write_secret

if TYPE_CHECKING:
    from touchstone.evaluation.packs.private_file import SealedHeader

MOST_REGISTERED = 512 * 1024 * 1024
"""Bytes of a registered pack's file."""
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LENGTH = 300
_FAULTS = 50


class _Made(Frozen):
    """What a pack's process says of the task that it made."""

    items: list[Any]
    faults: Annotated[list[str], Field(max_length=10_000)]
    scorers: Annotated[list[str], Field(max_length=100)]
    limits: PackLimits
    replaced: Annotated[list[str], Field(max_length=100)]


@dataclass(frozen=True)
class Made:
    """A pack's task, made once."""

    items: FrozenItems | None
    """None where something cannot be frozen: then `faults` says what."""
    scorers: tuple[str, ...]
    limits: PackLimits
    """Of one sample, as they will hold: the task's own, unless `pack.toml` says otherwise."""
    own_limits: PackLimits
    """The task's own."""
    faults: tuple[str, ...]
    """What a seal cannot bear, a line each; empty: the pack can be registered."""
    grade: Grade
    """How well the process was held in which the task was made."""
    replaced: tuple[str, ...] = ()
    """The environments in whose place its items get Touchstone's own sandbox."""


class RegisteredPack(Frozen):
    """A pack as it was registered: enough to run it without its folder."""

    format: Literal["touchstone registered pack 1"] = "touchstone registered pack 1"
    pack: PackMark
    files: dict[str, str]
    """The code, in hex by path; what holds items only is not kept."""
    items: list[FrozenItem]
    """In the order of their digests."""
    scorers: tuple[str, ...]
    limits: PackLimits
    own_limits: PackLimits
    variants: str = ""
    """The file that says what differs between recipients: with its authors, and in no seal."""

    @property
    def item_digests(self) -> list[str]:
        """The items' digests, sorted."""
        return [each.digest for each in self.items]

    @property
    def digest(self) -> str:
        """Of code and items together: what is registered, in one line to compare."""
        return digest_value(
            {
                "pack": self.pack.digest,
                "items": FrozenItems(tuple(self.items)).digest,
                "limits": self.limits.model_dump(mode="json"),
            }
        )

    def source(self) -> PackSource:
        """The pack's code, to run."""
        files = {name: bytes.fromhex(text) for name, text in self.files.items()}
        return PackSource(parse_manifest(files[MANIFEST]), files, self.pack.digest)


async def make_task(source: PackSource, limits: ProcessLimits, assets: Path | None = None) -> Made:
    """Make the pack's task in a process apart, and freeze its items.

    Args:
        source: The pack.
        limits: How much its process may use.
        assets: Where assets are kept; None: a pack that names some is refused.

    Raises:
        PackError: the task cannot be made, an asset is not here as it is named, or this machine
            cannot hold a pack.
    """
    said, grade = await _made(source, limits, given_assets(source.assets, assets, items=True))
    faults = [printable_line(each, _LENGTH) for each in said.faults]
    declared = source.manifest
    if declared.score.scorer not in said.scorers:
        there = ", ".join(said.scorers) or "none"
        faults.append(
            f"pack.toml: score.scorer: the task has no scorer {declared.score.scorer!a}; it has:"
            f" {printable_line(there, _LENGTH)}"
        )
    items = None
    try:
        # Where one has no form, those after it were not looked at.
        items = item_set(said.items) if not faults else None
    except PackError as error:
        faults.append(str(error))
    faults += _people_faults(source, items) if items else []
    if items is not None and not faults:
        given = given_assets(source.assets, assets, items=False)
        faults += await _made_without_data(source, limits, given, items.items[0])
    return Made(
        items if not faults else None,
        tuple(said.scorers),
        declared.limits.over(said.limits),
        said.limits,
        tuple(faults[:_FAULTS]),
        grade,
        tuple(printable_line(each, _LENGTH) for each in said.replaced),
    )


def _people_faults(source: PackSource, items: FrozenItems) -> list[str]:
    """What of a private pack by people its items do not bear out."""
    people = source.manifest.people
    if people is None:
        return []
    found = people_faults(people, items.items)
    if source.variants is not None:
        slots = parse_variants(source.variants, str(people.variants)).slots
        found += slot_faults(slots, items.items)
    return [printable_line(each, _LENGTH) for each in found]


async def _made(
    source: PackSource, limits: ProcessLimits, given: GivenAssets
) -> tuple[_Made, Grade]:
    job = {**task_job(source, source.files), "kind": "freeze"}
    try:
        apart = await run_apart(job, _unasked, limits, given=given)
    except PackProcessError as error:
        raise PackError(f"{source.manifest.id}: the task cannot be made: {error}") from error
    if fault := fault_of(apart.result):
        raise PackError(f"{source.manifest.id}: the task cannot be made: {lacking(fault)}")
    try:
        return _Made.model_validate_json(apart.result), apart.grade
    except ValidationError as error:
        raise PackError(f"{source.manifest.id}: its process gave no items") from error


async def _made_without_data(
    source: PackSource, limits: ProcessLimits, given: GivenAssets, item: FrozenItem
) -> list[str]:
    """Why the task cannot be made where items run: with these, without the files that hold all."""
    job = {**task_job(source, source.code), "kind": "try", "item": item.model_dump(mode="json")}
    try:
        apart = await run_apart(job, _unasked, limits, given=given)
    except PackProcessError as error:
        return [f"the task cannot be made a second time: {error}"]
    if fault := fault_of(apart.result):
        why = (
            f"the task cannot be made without its data, which is not there when samples run:"
            f" {fault}; read the files of task.data with Inspect's dataset functions alone"
        )
        return [f"{why}, and name assets that are needed then with `items = false`"]
    return []


async def _unasked(sock: socket) -> None:
    """A task is made without any model."""


def register(source: PackSource, made: Made, home: Path) -> RegisteredPack:
    """Keep a pack for good, in a file of this user alone.

    Registered again with the same content it stands already.

    Raises:
        PackError: it cannot be registered; names the first fault.
    """
    if made.items is None:
        raise PackError(f"{source.manifest.id}: {made.faults[0]}")
    pack = RegisteredPack(
        pack=source.mark,
        files={name: data.hex() for name, data in source.code.items()},
        items=list(made.items.items),
        scorers=made.scorers,
        limits=made.limits,
        own_limits=made.own_limits,
        variants=(source.variants or b"").decode(),
    )
    path = _path(home, pack.pack.id)
    if _sealed_path(home, pack.pack.id).exists():
        raise PackError(f"{pack.pack.id}: is registered sealed; give this one a new id")
    if path.exists() and registered(home, pack.pack.id).digest != pack.digest:
        raise PackError(
            f"{pack.pack.id}: another pack of this name is registered; give this one a new id"
        )
    write_secret(path, pack.model_dump_json().encode(), replace=True)
    return pack


def registered(home: Path, name: str) -> RegisteredPack:
    """A registered pack. One that is registered sealed is opened, in this process's memory alone.

    Raises:
        PackError: there is none of that id, its file was altered, or nothing here opens it.
    """
    path, sealed = _path(home, name), _sealed_path(home, name)
    if sealed.exists():
        # Loaded where there is one: most installations open nothing.
        from touchstone.evaluation.packs.private_file import (  # noqa: PLC0415
            keys_of_setting,
            open_pack,
            read_sealed,
        )

        return open_pack(read_sealed(sealed), keys_of_setting(), f"pack {name}").pack
    try:
        if path.stat().st_size > MOST_REGISTERED:
            raise PackError(f"{path}: too large for a registered pack")
        data = path.read_bytes()
    except FileNotFoundError:
        known = ", ".join(names(home)) or "none"
        raise PackError(f"no pack {name!a} is registered here; registered: {known}") from None
    try:
        return RegisteredPack.model_validate(json.loads(data))
    except (ValueError, RecursionError):
        raise PackError(f"{path}: was altered; register the pack again") from None


def sealed_header(home: Path, name: str) -> "SealedHeader | None":
    """What anybody may read of a pack that is registered sealed; None where it is not.

    Raises:
        PackError: its file was altered.
    """
    path = _sealed_path(home, name)
    if not path.exists():
        return None
    from touchstone.evaluation.packs.private_file import read_header, read_sealed  # noqa: PLC0415

    return read_header(read_sealed(path), str(path))


def names(home: Path) -> list[str]:
    """The ids of the packs that are registered here."""
    folder = home / "packs"
    return sorted(path.stem for kind in ("*.json", "*.sealed") for path in folder.glob(kind))


def register_sealed(data: bytes, header: "SealedHeader", home: Path) -> None:
    """Keep a sealed pack as it came: it is opened where it runs, and stays sealed on disk.

    Raises:
        PackError: another pack of its id is registered.
    """
    path = _sealed_path(home, header.id)
    other = _path(home, header.id).exists()
    if other or (path.exists() and path.read_bytes() != data):
        raise PackError(
            f"{header.id}: another pack of this name is registered; it must get a new id"
        )
    write_secret(path, data, replace=True)


def _sealed_path(home: Path, name: str) -> Path:
    return _path(home, name).with_suffix(".sealed")


def _path(home: Path, name: str) -> Path:
    if not _ID.fullmatch(name):
        raise PackError(f"{name[:80]!a} is no id of a pack")
    return home / "packs" / f"{name}.json"
