"""Sealing a pack into files, with a variant for each recipient where that is asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from touchstone.evaluation.digests import Frozen, digest_bytes
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.item_proofs import Hex32
from touchstone.evaluation.packs.private_file import seal_pack
from touchstone.evaluation.packs.registering import RegisteredPack
from touchstone.evaluation.packs.variants import (
    MOST_TEXT,
    SECRET,
    Attribution,
    Variation,
    parse_variants,
)
from touchstone.handin import printable_line
from touchstone.keys import KeyFileError, KeyMissingError, RandomSource, read_secret, write_secret
from touchstone.keys.files import secret_folder
from touchstone.keys.named_files import open_named

KEEPERS = "keepers-of-shares"
"""The recipient whose variant all keepers of shares have together."""


@dataclass(frozen=True)
class SealedFor:
    """For whom a pack is to be sealed."""

    recipients: tuple[tuple[str, str], ...]
    """Of each its name and its public key."""
    shares: tuple[int, int] | None
    """How many shares open it, of how many; None: none."""
    variants: bool = False


@dataclass(frozen=True)
class SealedFile:
    """One file that was written."""

    file: Path
    recipients: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class SealedOut:
    """What was written."""

    files: tuple[SealedFile, ...]
    shares: tuple[Path, ...]
    alike: float | None
    """How likely two variants have the same words; None where there are no variants."""


class _VariantSecret(Frozen):
    """What the authors keep of the variants that they gave out."""

    format: Literal["touchstone pack variants 1"] = "touchstone pack variants 1"
    pack: str
    """The digest under which the pack is registered."""
    secret: Hex32
    recipients: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()


def seal_out(
    pack: RegisteredPack, wanted: SealedFor, home: Path, out: Path, random: RandomSource
) -> SealedOut:
    """Seal a pack into new files of a folder.

    Raises:
        PackError: it cannot be sealed so, or a file is there already; nothing was written.
    """
    if pack.variants and not wanted.variants:
        raise PackError(f"{pack.pack.id}: its items hold slots: seal it with --variants")
    groups = _groups(wanted)
    names = [name for name, _, _ in groups]
    variation = kept = None
    if wanted.variants:
        kept = _kept(pack, home, names, random)
        variation = _variation(pack, kept)
    made: list[tuple[Path, bytes]] = []
    files, shares = [], []
    for name, keys, needed in groups:
        own = _varied(pack, variation, name) if variation else pack
        data, split = seal_pack(own, keys, needed, random)
        stem = f"{pack.pack.id}.{_file_name(name)}" if variation else pack.pack.id
        file = out / f"{stem}.sealed"
        made.append((file, data))
        readers = tuple(who for who, _ in wanted.recipients) if not variation else (name,)
        files.append(SealedFile(file, readers or (KEEPERS,), digest_bytes(data)))
        for each in split:
            path = out / f"{pack.pack.id}.share-{each.number}"
            made.append((path, each.model_dump_json().encode() + b"\n"))
            shares.append(path)
    _write(out, made)
    if kept is not None:
        # After the files: a name that is kept and got nothing would only weaken what is said later.
        write_secret(_secret_path(pack, home), kept.model_dump_json().encode(), replace=True)
    return SealedOut(
        tuple(files), tuple(shares), variation.alike_by_chance() if variation else None
    )


def attributed(pack: RegisteredPack, home: Path, text: Path) -> tuple[Attribution, ...]:
    """Of each recipient of a variant, how far a text is of it; the likeliest source first.

    Raises:
        PackError: no variant was given out here, or the text cannot be read.
    """
    kept = _read_kept(pack, home)
    if kept is None:
        raise PackError(f"{pack.pack.id}: no variants of it were sealed here")
    try:
        with open_named(text) as file:
            data = file.read(MOST_TEXT + 1)
    except OSError as error:
        raise PackError(f"{text}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(data) > MOST_TEXT:
        raise PackError(f"{text}: longer than {MOST_TEXT >> 20} MiB: give the part that matters")
    return _variation(pack, kept).attribute(data.decode("utf-8", "replace"), kept.recipients)


def _groups(
    wanted: SealedFor,
) -> list[tuple[str, list[str], tuple[int, int] | None]]:
    """Each file's name, the keys that open it, and its shares."""
    if not wanted.variants:
        return [("", [key for _, key in wanted.recipients], wanted.shares)]
    found: list[tuple[str, list[str], tuple[int, int] | None]] = [
        (name, [key], None) for name, key in wanted.recipients
    ]
    return found + ([(KEEPERS, [], wanted.shares)] if wanted.shares else [])


def _varied(pack: RegisteredPack, variation: Variation, name: str) -> RegisteredPack:
    return pack.model_copy(update={"items": list(variation.of(name).items), "variants": ""})


def _variation(pack: RegisteredPack, kept: _VariantSecret) -> Variation:
    people = pack.source().manifest.people
    if people is None:
        raise PackError(f"{pack.pack.id}: has no [people] in pack.toml, and so no canary to vary")
    given = parse_variants(pack.variants.encode(), str(people.variants)) if pack.variants else None
    slots = given.slots if given else {}
    secret = bytes.fromhex(kept.secret)
    return Variation(tuple(pack.items), slots, people.canary, secret)


def _kept(
    pack: RegisteredPack, home: Path, names: Sequence[str], random: RandomSource
) -> _VariantSecret:
    """What is kept of this pack's variants, with these recipients."""
    if not names:
        raise PackError("nobody could open it: name recipients (--to) or shares (--shares)")
    known = _read_kept(pack, home) or _VariantSecret(
        pack=pack.digest, secret=random.draw(SECRET).hex()
    )
    everybody = tuple(dict.fromkeys((*known.recipients, *names)))
    return known.model_copy(update={"recipients": everybody})


def _read_kept(pack: RegisteredPack, home: Path) -> _VariantSecret | None:
    path = _secret_path(pack, home)
    try:
        found = _VariantSecret.model_validate(json.loads(read_secret(path)))
    except KeyMissingError:
        return None
    except KeyFileError as error:
        raise PackError(str(error)) from error
    except (ValueError, RecursionError, ValidationError):
        raise PackError(f"{path}: was altered; restore it from a backup") from None
    if found.pack != pack.digest:
        raise PackError(f"{path}: is of another pack than is registered as {pack.pack.id}")
    return found


def _secret_path(pack: RegisteredPack, home: Path) -> Path:
    return home / "packs" / f"{pack.pack.id}.variants"


def _file_name(name: str) -> str:
    plain = "".join(each if each.isalnum() or each in "-_" else "-" for each in name)
    return plain[:60] if plain.isascii() else digest_bytes(name.encode())[7:23]


def _write(out: Path, made: Sequence[tuple[Path, bytes]]) -> None:
    for path, _ in made:
        if path.exists() or path.is_symlink():
            raise PackError(f"{printable_line(str(path))}: is there already; name another --out")
    if len({path for path, _ in made}) < len(made):
        raise PackError("two recipients' files would have one name: give them other names")
    try:
        secret_folder(out)
        for path, data in made:
            write_secret(path, data)
    except KeyFileError as error:
        raise PackError(str(error)) from error
