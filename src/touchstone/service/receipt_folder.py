"""The folder in which a gateway lays its receipts, and how a command names it."""

import re
from pathlib import Path

from touchstone.errors import BadInputError, TouchstoneError
from touchstone.ledger import has_small_order
from touchstone.service.access.gateways import Gateway
from touchstone.service.file_io import read_text

MAX_RECEIPT = 1 << 20
_KEY = re.compile(r"(?:public_key: )?([0-9a-f]{64})")
"""As it stands by itself, or in what `touchstone gateway key` prints."""
_NAME = re.compile(r"\d{6,}\.json")


def parse_gateway(text: str) -> Gateway:
    """The gateway that `NAME=KEY:FOLDER` names.

    KEY is 64 hex digits, or a file of what `touchstone gateway key` prints.

    Raises:
        BadInputError: it has another form, or the key or the folder is none.
        UnreadableTextError: the key's file cannot be read.
    """
    name, _, rest = text.partition("=")
    written, _, folder = rest.partition(":")
    if not name or not written or not folder:
        raise BadInputError(f"--gateway {text[:80]!a}: write NAME=KEY:FOLDER")
    found = _KEY.fullmatch(written)
    if found is None:
        lines = read_text(Path(written), 1000).splitlines()
        found = next(filter(None, map(_KEY.fullmatch, lines)), None)
    if found is None or has_small_order(bytes.fromhex(found[1])):
        raise BadInputError(
            f"--gateway {name[:40]}: its key is not 64 hex digits of an Ed25519 "
            "public key: ask the gateway's operator for it"
        )
    path = Path(folder)
    if not path.is_dir():
        raise BadInputError(
            f"--gateway {name[:40]}: {folder} is no folder: name the gateway's "
            "state folder, or its receipts"
        )
    inner = path / "receipts"
    return read_gateway(name, bytes.fromhex(found[1]), inner if inner.is_dir() else path)


def read_gateway(name: str, key: bytes, folder: Path) -> Gateway:
    """A gateway with the receipts that lie in a folder, in the order of their numbers."""
    try:
        paths = sorted(folder.iterdir(), key=lambda each: (len(each.name), each.name))
        texts = [read_text(path, MAX_RECEIPT) for path in paths if _NAME.fullmatch(path.name)]
    except (TouchstoneError, OSError) as error:
        return Gateway(name, key, (), str(error))
    return Gateway(name, key, tuple(text.removesuffix("\n") for text in texts))
