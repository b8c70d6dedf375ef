"""`touchstone pack seal|open|identity|prove|verify-proof|attribute`: packs that people keep."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.output import Json, tell, waiting
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.evaluation.packs.private_file import OpenedPack, PackKeys
    from touchstone.evaluation.packs.sealing_out import SealedOut

DONE, NO = 0, 1
Several = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]
KeyFiles = Annotated[
    list[Path] | None,
    Parameter(
        name="--key",
        negative="",
        consume_multiple=False,
        help="File of a secret key, or of a share; may be repeated. Default: those that"
        " TOUCHSTONE_PACK_KEYS names.",
    ),
]


@dataclass(frozen=True)
class _Told:
    """Lines for people, and the same for programs."""

    said: tuple[str, ...]
    value: dict[str, Any]

    def lines(self) -> Iterator[str]:
        yield from self.said

    def as_dict(self) -> dict[str, Any]:
        return self.value


def add_to(pack: App) -> None:
    """Give `touchstone pack` these commands."""
    pack.command(seal)
    pack.command(open_, name="open")
    pack.command(identity)
    pack.command(prove)
    pack.command(verify_proof, name="verify-proof")
    pack.command(attribute)


def identity(out: Path, *, json: Json = False) -> int:
    """Make a secret key that opens sealed packs, and print its public one.

    It is a key of age (X25519): `age-keygen` makes the same. Give the public one to whoever seals.

    Args:
        out: The new file, for this user alone.
    """
    from touchstone.keys.age_files import write_identity

    made = write_identity(out)
    tell(_Told((made.recipient,), {"file": str(out), "recipient": made.recipient}), json=json)
    return DONE


def seal(
    name: str,
    *,
    out: Path,
    to: Several = None,
    shares: str | None = None,
    variants: bool = False,
    json: Json = False,
) -> int:
    """Encrypt a registered pack for named recipients, or for k of n keepers of shares.

    Nothing of an item stands in the clear. The digest of each file is printed: tell it to the
    recipient by another way, since encryption says nothing of who sealed.

    For example: touchstone pack seal example-trials --to example-lab=age1... --shares 2/3
    --out sealed/

    Args:
        name: The pack's id, as registered here.
        out: Folder for the sealed files and the shares; what is there already is never replaced.
        to: A recipient: [NAME=]age1..., its public key; may be repeated.
        shares: k/n: n files of shares, of which any k open it.
        variants: Give each recipient a variant of its own, so that a leak tells whose it was.
    """
    from touchstone.evaluation.packs.registering import registered
    from touchstone.evaluation.packs.sealing_out import SealedFor, seal_out
    from touchstone.keys import SystemRandom

    home = _home()
    wanted = SealedFor(_recipients(to or []), _shares(shares), variants=variants)
    with waiting(f"sealing {name}"):
        found = seal_out(registered(home, name), wanted, home, out, SystemRandom())
    tell(_sealed_told(found), json=json)
    return DONE


def _sealed_told(found: "SealedOut") -> _Told:
    lines = [
        f"{each.file}: for {', '.join(each.recipients)}; {each.digest}" for each in found.files
    ]
    lines += [f"{path}: a share, for its keeper alone" for path in found.shares]
    if found.alike is not None:
        lines.append(f"two variants have the same words by chance with {found.alike:.1g}")
    value = {
        "files": [
            {"file": str(each.file), "recipients": list(each.recipients), "digest": each.digest}
            for each in found.files
        ],
        "shares": [str(each) for each in found.shares],
        "alike": found.alike,
    }
    return _Told(tuple(lines), value)


def open_(
    file: Path, *, key: KeyFiles = None, digest: str | None = None, json: Json = False
) -> int:
    """Open a sealed pack in memory, and say what it is: nothing is written, and no item is shown.

    For example: touchstone pack open example-trials.sealed --key my.key

    Args:
        file: The sealed file.
        digest: The file's digest, as its authors told it: another file is refused.
    """
    from touchstone.evaluation.digests import digest_bytes
    from touchstone.evaluation.packs.private_file import open_pack, read_sealed

    data = read_sealed(file)
    if digest is not None and digest != digest_bytes(data):
        raise BadInputError(f"{file}: is not the file with that digest: it was altered or replaced")
    opened = open_pack(data, _keys(key), str(file))
    people = opened.pack.source().manifest.people
    lines = [*opened.header.lines(), *(people.lines()[1:] if people else [])]
    lines += [f"registers as {opened.pack.digest}", f"the file is {digest_bytes(data)}"]
    value = {
        "header": opened.header.model_dump(mode="json"),
        "digest": opened.pack.digest,
        "file": digest_bytes(data),
    }
    tell(_Told(tuple(lines), value), json=json)
    return DONE


def prove(file: Path, item: str, *, out: Path, key: KeyFiles = None, json: Json = False) -> int:
    """Write a proof that an item was in a sealed pack: with this item, and nothing of any other.

    For example: touchstone pack prove example-trials.sealed 3 --key my.key --out item-3.json

    Args:
        file: The sealed file.
        item: Its place, its digest, or its id in a battery (`opened` in the record).
        out: The new file.
    """
    from touchstone.evaluation.packs.item_proofs import prove_item
    from touchstone.keys.files import write_file

    opened = _opened(file, key)
    place = _place(opened, item)
    proof = prove_item(opened.header.id, opened.pack.items, opened.salt, place)
    if out.exists():
        raise BadInputError(f"--out: {out} exists; name a new file")
    try:
        write_file(out, [proof.model_dump_json(indent=1).encode(), b"\n"], replace=False)
    except OSError as error:
        raise BadInputError(f"--out: {out}: cannot be written: {error.strerror}") from error
    digest = opened.pack.items[place].digest
    said = f"{out}: item {place} of {opened.header.items}, {digest}, and no other"
    tell(_Told((said,), {"file": str(out), "place": place, "digest": digest}), json=json)
    return DONE


def verify_proof(proof: Path, file: Path, *, json: Json = False) -> int:
    """Say whether an item was in a sealed pack: by its proof and the file, which stays closed.

    Exit 1: it was not.

    For example: touchstone pack verify-proof item-3.json example-trials.sealed

    Args:
        proof: The proof, with its item.
        file: The sealed file; no key is needed.
    """
    from touchstone.evaluation.packs.item_proofs import MOST_PROOF, check_item, parse_proof
    from touchstone.evaluation.packs.private_file import read_header, read_sealed
    from touchstone.keys.named_files import open_named

    header = read_header(read_sealed(file), str(file))
    try:
        with open_named(proof) as source:
            found = parse_proof(source.read(MOST_PROOF), str(proof))
    except OSError as error:
        raise BadInputError(f"{proof}: {(error.strerror or 'cannot be read').lower()}") from error
    check_item(found, header.id, header.root, header.items)
    said = f"item {found.place} of the {header.items} that {header.id} was sealed with: "
    digest = found.item.digest
    value = {"pack": header.id, "place": found.place, "digest": digest}
    tell(_Told((f"{said}{digest}",), value), json=json)
    return DONE


def attribute(name: str, text: Path, *, at: float = 1e-6, json: Json = False) -> int:
    """Say whose variant of a pack a text came from, and how likely that is mere chance.

    By its authors, who keep the secret of the variants. The chance is that any recipient's variant
    agrees so far with a text that is not of it. Exit 1: nobody's is below --at.

    For example: touchstone pack attribute example-trials leaked.txt

    Args:
        name: The pack's id, as registered here.
        text: What was found somewhere.
        at: The largest chance at which a recipient is named.
    """
    from touchstone.evaluation.packs.registering import registered
    from touchstone.evaluation.packs.sealing_out import attributed

    if not 0 < at < 1:
        raise BadInputError("--at: write a probability, such as 1e-6")
    home = _home()
    found = attributed(registered(home, name), home, text)
    named = [each.recipient for each in found if each.agrees and each.chance <= at]
    lines = [
        f"{each.recipient}: agrees in {each.agrees} of {each.shown} places; by chance at most"
        f" {each.chance:.2g}"
        for each in found
    ]
    if not any(each.shown for each in found):
        lines = [f"the text shows no slot of {name}, and no canary of it"]
    who = " and ".join(named)
    lines.append(
        f"from the variant of {who}" if named else f"attributed to nobody at {at:g} (--at)"
    )
    rows = [
        {"recipient": e.recipient, "agrees": e.agrees, "shown": e.shown, "chance": e.chance}
        for e in found
    ]
    tell(_Told(tuple(lines), {"named": named, "recipients": rows}), json=json)
    return DONE if named else NO


def _home() -> Path:
    from touchstone.service.homes import check_home, home_folder

    return check_home(home_folder())


def _keys(files: list[Path] | None) -> "PackKeys":
    from touchstone.evaluation.packs.private_file import keys_of_setting, read_pack_keys

    return read_pack_keys(files) if files else keys_of_setting()


def _opened(file: Path, key: list[Path] | None) -> "OpenedPack":
    from touchstone.evaluation.packs.private_file import open_pack, read_sealed

    return open_pack(read_sealed(file), _keys(key), str(file))


def _place(opened: "OpenedPack", item: str) -> int:
    digests = opened.pack.item_digests
    if item.isdecimal() and len(item) < 10:  # noqa: PLR2004 - as a place, and no digest
        return int(item)
    # An id of a battery ends in the beginning of the item's digest.
    wanted = item.removeprefix("sha256:").rpartition("-")[2]
    found = [n for n, each in enumerate(digests) if wanted and each[7:].startswith(wanted)]
    if len(found) != 1:
        raise BadInputError(f"ITEM: {len(found)} items of {opened.header.id} are {item[:80]!a}")
    return found[0]


def _recipients(given: list[str]) -> tuple[tuple[str, str], ...]:
    """(name, public key) of each; the key is its own name where none is given."""
    found = []
    for each in given:
        name, equals, key = each.rpartition("=")
        if equals and not name:
            raise BadInputError(f"--to {each[:80]!a}: write NAME=age1... or age1...")
        found.append((name or key, key))
    if len({name for name, _ in found}) < len(found):
        raise BadInputError("--to: two recipients have one name: give each its own")
    return tuple(found)


def _shares(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    needed, slash, of = text.partition("/")
    if not (slash and needed.isdecimal() and of.isdecimal() and len(text) < 8):  # noqa: PLR2004
        raise BadInputError(f"--shares {text[:80]!a}: write k/n, such as 2/3")
    return int(needed), int(of)
