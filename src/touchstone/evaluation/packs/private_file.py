"""A pack sealed for named recipients, or for k of n keepers of shares; opened in memory alone.

The file is one line of JSON, the header, which anybody may read, and what age made of the rest::

    {"format": "touchstone sealed pack 1", "id": ..., "root": ..., "recipients": [...], ...} LF
    age-encryption.org/v1 ...

Within stands the digest of the header: one that was changed afterwards does not open. age says
nothing of who sealed it; the digest of the whole file does, where it is told by another way.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from touchstone.evaluation.digests import Frozen, digest_bytes
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.item_proofs import Hex32, items_tree
from touchstone.evaluation.packs.manifest import Id, Line
from touchstone.evaluation.packs.registering import MOST_REGISTERED, RegisteredPack
from touchstone.keys import KeyFileError, RandomSource, SealError, read_secret
from touchstone.keys.age_files import AgeIdentity, checked_recipient, read_identity, seal_for
from touchstone.keys.named_files import open_named
from touchstone.keys.shares import MOST_SHARES, Share, join_shares, split_secret

MOST_HEADER = 64 * 1024
MOST_RECIPIENTS = 64
SALT = 32
Recipient = Annotated[str, Field(pattern=r"^age1[0-9a-z]{20,100}$")]


class SharesHeader(Frozen):
    """That k of n keepers of shares together open it, and what each share is held against."""

    needed: Annotated[int, Field(ge=1, le=MOST_SHARES)]
    recipient: Recipient
    """The public key of which the secret one is in shares."""
    commitments: Annotated[tuple[Hex32, ...], Field(min_length=1, max_length=MOST_SHARES)]


class SealedHeader(Frozen):
    """What anybody may read of a sealed pack."""

    format: Literal["touchstone sealed pack 1"] = "touchstone sealed pack 1"
    id: Id
    version: Line
    owner: Line
    authors: Annotated[tuple[Line, ...], Field(max_length=50)]
    marking: Line
    items: Annotated[int, Field(ge=1)]
    root: Hex32
    """Of the tree over its items (`item_proofs`)."""
    recipients: Annotated[tuple[Recipient, ...], Field(max_length=MOST_RECIPIENTS)]
    shares: SharesHeader | None

    def lines(self) -> list[str]:
        """For people."""
        found = [
            f"{self.id} {self.version} of {self.owner}: {self.items} items, sealed",
            f"by {', '.join(self.authors) or 'nobody named'}; marked TLP:{self.marking}",
            f"items' root {self.root}",
            *(f"opens for {each}" for each in self.recipients),
        ]
        if self.shares:
            found.append(f"opens for {self.shares.needed} of {len(self.shares.commitments)} shares")
        return found


class _Payload(Frozen):
    header: str
    salt: Hex32
    pack: RegisteredPack


class ShareFile(Frozen):
    """One keeper's share, as it is kept in a file."""

    format: Literal["touchstone pack share 1"] = "touchstone pack share 1"
    pack: Id
    root: Hex32
    """Of which seal it is."""
    number: Annotated[int, Field(ge=1, le=MOST_SHARES)]
    share: Annotated[str, Field(pattern=r"^([0-9a-f]{2}){1,200}$")]
    salt: Hex32


@dataclass(frozen=True)
class PackKeys:
    """What may open sealed packs; its repr shows no secret."""

    identities: tuple[AgeIdentity, ...] = ()
    shares: tuple[ShareFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class OpenedPack:
    """A sealed pack, opened: in memory, and nowhere else."""

    header: SealedHeader
    pack: RegisteredPack
    salt: bytes
    """With which its items are proved."""


def seal_pack(
    pack: RegisteredPack,
    recipients: Sequence[str],
    shares: tuple[int, int] | None,
    random: RandomSource,
) -> tuple[bytes, tuple[ShareFile, ...]]:
    """A pack as a sealed file, and the shares that were made of it.

    Args:
        pack: As it is registered.
        recipients: The public keys that open it.
        shares: How many shares open it, and how many there are; None: none.
        random: Where salts and shares come from.

    Raises:
        PackError: nobody could open it, or a recipient is none.
    """
    if not recipients and shares is None:
        raise PackError("nobody could open it: name recipients (--to) or shares (--shares)")
    if len(recipients) > MOST_RECIPIENTS:
        raise PackError(f"--to: at most {MOST_RECIPIENTS} recipients")
    salt = random.draw(SALT)
    try:
        named = tuple(dict.fromkeys(checked_recipient(each) for each in recipients))
        kept = AgeIdentity.generate() if shares else None
        split = split_secret(kept.secret, *shares, random) if kept and shares else ()
    except SealError as error:
        raise PackError(str(error)) from error
    header = _header(pack, salt, named, kept, shares, split)
    line = header.model_dump_json().encode()
    # What differs between recipients is for its authors alone.
    given = pack.model_copy(update={"variants": ""})
    payload = _Payload(header=digest_bytes(line), salt=salt.hex(), pack=given)
    opens = [*named, *([kept.recipient] if kept else [])]
    sealed = line + b"\n" + seal_for(payload.model_dump_json().encode(), opens)
    files = (
        ShareFile(
            pack=header.id,
            root=header.root,
            number=each.number,
            share=each.data.hex(),
            salt=each.salt.hex(),
        )
        for each in split
    )
    return sealed, tuple(files)


def _header(
    pack: RegisteredPack,
    salt: bytes,
    recipients: tuple[str, ...],
    kept: AgeIdentity | None,
    shares: tuple[int, int] | None,
    split: Sequence[Share],
) -> SealedHeader:
    people, mark = pack.source().manifest.people, pack.pack
    committed = None
    if kept and shares:
        told = tuple(each.commitment for each in split)
        committed = SharesHeader(needed=shares[0], recipient=kept.recipient, commitments=told)
    return SealedHeader(
        id=mark.id,
        version=mark.version,
        owner=mark.owner,
        authors=people.authors if people else (),
        marking=people.marking if people else "RED",
        items=len(pack.items),
        root=items_tree(pack.items, salt).root().hex(),
        recipients=recipients,
        shares=committed,
    )


def read_header(data: bytes, source: str) -> SealedHeader:
    """The header of a sealed file.

    Raises:
        PackError: it is no sealed pack.
    """
    line, newline, _ = data[: MOST_HEADER + 1].partition(b"\n")
    try:
        # A header without its end is none, as a file that is cut short.
        line = line if newline else b""
        return SealedHeader.model_validate(json.loads(line))
    except (ValueError, RecursionError, ValidationError):
        raise PackError(f"{source}: is no sealed pack") from None


def open_pack(data: bytes, keys: PackKeys, source: str) -> OpenedPack:
    """Open a sealed file in memory.

    Raises:
        PackError: it was altered, was not sealed for these keys, or a share is wrong; one line that
            names which.
    """
    header = read_header(data, source)
    line, _, sealed = data.partition(b"\n")
    plain = _opened(sealed, header, keys, source)
    try:
        payload = _Payload.model_validate(json.loads(plain))
    except (ValueError, RecursionError, ValidationError):
        raise PackError(f"{source}: holds no pack of this version") from None
    if payload.header != digest_bytes(line):
        raise PackError(f"{source}: was altered: its header is not the one it was sealed with")
    salt = bytes.fromhex(payload.salt)
    # Against whoever sealed it: what is proved later of an item is proved of these.
    if items_tree(payload.pack.items, salt).root().hex() != header.root:
        raise PackError(f"{source}: its items are not those that its root is of")
    return OpenedPack(header, payload.pack, salt)


def _opened(sealed: bytes, header: SealedHeader, keys: PackKeys, source: str) -> bytes:
    identities = [each for each in keys.identities if each.recipient in header.recipients]
    shares = [each for each in keys.shares if (each.pack, each.root) == (header.id, header.root)]
    try:
        if not identities and header.shares and shares:
            identities = [_joined(header.shares, shares)]
        if not identities:
            raise PackError(f"{source}: {_lacking(header, keys)}")
        return identities[0].open(sealed)
    except SealError as error:
        raise PackError(f"{source}: {error}") from error


def _joined(header: SharesHeader, shares: Iterable[ShareFile]) -> AgeIdentity:
    given = [
        Share(each.number, bytes.fromhex(each.share), bytes.fromhex(each.salt)) for each in shares
    ]
    secret = join_shares(given, header.needed, header.commitments)
    found = AgeIdentity(secret.decode("ascii", "replace"))
    if found.recipient != header.recipient:
        raise SealError("the shares make another key than the one it was sealed for")
    return found


def _lacking(header: SealedHeader, keys: PackKeys) -> str:
    if not keys.identities and not keys.shares:
        return (
            "is sealed: name the file of a key that opens it, or files of shares, in"
            " TOUCHSTONE_PACK_KEYS, or by --key where a command takes it"
        )
    ways = [f"a key of {', '.join(header.recipients)}"] if header.recipients else []
    if header.shares:
        ways.append(f"{header.shares.needed} of its {len(header.shares.commitments)} shares")
    return f"none of the keys given opens it, and no share is of it; it takes {' or '.join(ways)}"


def read_pack_keys(paths: Iterable[Path]) -> PackKeys:
    """Keys and shares from files of this user alone.

    Raises:
        PackError: one cannot be used.
    """
    identities, shares = [], []
    for path in paths:
        try:
            data = read_secret(path)
            if data.lstrip().startswith(b"{"):
                shares.append(ShareFile.model_validate(json.loads(data)))
            else:
                identities.append(read_identity(path))
        except (KeyFileError, SealError) as error:
            raise PackError(str(error)) from error
        except (ValueError, RecursionError, ValidationError):
            raise PackError(f"{path}: is neither a key of age nor a share of a pack") from None
    return PackKeys(tuple(identities), tuple(shares))


def keys_of_setting() -> PackKeys:
    """The keys that the environment names: files, as `PATH` names folders.

    Raises:
        PackError: one cannot be used.
    """
    named = os.environ.get("TOUCHSTONE_PACK_KEYS", "")
    return read_pack_keys(Path(each) for each in named.split(os.pathsep) if each)


def read_sealed(path: Path) -> bytes:
    """The bytes of a sealed file.

    Raises:
        PackError: it cannot be read, or is too large.
    """
    try:
        with open_named(path) as file:
            data = file.read(MOST_REGISTERED + 1)
    except OSError as error:
        raise PackError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(data) > MOST_REGISTERED:
        raise PackError(f"{path}: too large for a sealed pack")
    return data
