"""The invented June case through the command line, in this process, and a gateway beside it."""

import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from touchstone.cli.app import run
from touchstone.gateway.receipts import Receipt, SignedReceipt, WorkerReport
from touchstone.terms import Pin, PolicyBundle, Position, accept_bundle, position

PEOPLE = 5000


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its answer, where `--json` was asked for."""
        return json.loads(self.out)

    def refused(self, code: int) -> str:
        """The one line of a refusal, which is all that there is."""
        assert (self.code, self.out) == (code, ""), self.err
        (line,) = self.err.splitlines()
        assert line.startswith("touchstone: ")
        return line


class June:
    """A folder with the example's files, and its case."""

    def __init__(self, folder: Path, people: int = PEOPLE) -> None:
        self.folder = folder
        self.home = folder / "june" / "home"
        self.bundles = folder / "june" / "bundles"
        self.case = self.call(
            "directive", "example", "--out", folder / "june", "--people", people, "--json"
        ).json["case"]

    def copied(self, folder: Path) -> "June":
        """The same as it stands, in another folder: quicker than doing it again."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = copy(self)
        other.folder, other.home = folder, folder / "june" / "home"
        other.bundles = folder / "june" / "bundles"
        return other

    def file(self, name: str) -> Path:
        """One of the example's files."""
        return self.folder / "june" / name

    @property
    def crowd(self) -> tuple[str | Path, ...]:
        """The options that name the user base."""
        return ("--entities", self.file("entities.toml"), "--people", self.file("people.csv"))

    def call(self, *args: object) -> Said:
        """Run one command with the example's installation."""
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TOUCHSTONE_HOME", str(self.home))
            patch.delenv("TOUCHSTONE_DATABASE", raising=False)
            with redirect_stdout(out), redirect_stderr(err):
                code = run([str(word) for word in args])
        return Said(code, out.getvalue(), err.getvalue())

    def terms(self, deed: str, *args: object) -> Said:
        """`touchstone terms DEED CASE ...`."""
        return self.call("terms", deed, self.case, *args)

    def directive(self, deed: str, *args: object) -> Said:
        """`touchstone directive DEED CASE ...`."""
        return self.call("directive", deed, self.case, *args)

    def agree(self) -> None:
        """Offer the example's terms, agree to them, and sign bundle 1."""
        offer = self.terms("offer", self.file("terms.toml"), "--as", "example-agency")
        agreed = self.terms("agree", "--as", "example-lab")
        first = self.terms(
            "bundle", "--entities", self.file("entities.toml"), "--out", self.bundles
        )
        assert [offer.code, agreed.code, first.code] == [0, 0, 0], first.err

    def text(self, name: str, old: str, new: str, to: str = "changed.toml") -> Path:
        """A file of the example with a passage replaced."""
        text = self.file(name).read_text("utf-8")
        assert old in text
        path = self.folder / to
        path.write_text(text.replace(old, new), "utf-8")
        return path


class Gateway:
    """Takes every bundle in order, as a gateway does, and signs a receipt for it."""

    def __init__(self, folder: Path, pin: Pin, name: str = "eu-1") -> None:
        self.name, self.folder, self._pin = name, folder, pin
        self._key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
        self.public_key = self._key.public_key().public_bytes_raw()
        self.bundle: PolicyBundle | None = None
        self._last: SignedReceipt | None = None
        (folder / "receipts").mkdir(parents=True)

    def sign(self, message: bytes) -> bytes:
        """As a Signer."""
        return self._key.sign(message)

    @property
    def option(self) -> str:
        """What `--gateway` takes."""
        return f"{self.name}={self.public_key.hex()}:{self.folder}"

    def take(self, data: bytes, at_ms: int, cut: int = 0) -> PolicyBundle:
        """Accept the next bundle and write the receipt."""
        stand: Position | None = position(self.bundle) if self.bundle else None
        self.bundle = accept_bundle(data, self._pin, stand)
        last = self._last
        worker = WorkerReport(0, False, 3, 500, cut, 500 - cut, 0, None)  # noqa: FBT003 - as in a file
        receipt = Receipt(
            self.name,
            self.bundle.stream,
            self.bundle.number,
            self.bundle.digest,
            last.receipt.number if last else 0,
            last.digest if last else None,
            at_ms - 5,
            at_ms,
            (worker,),
        )
        self._last = receipt.sign(self)
        path = self.folder / "receipts" / f"{receipt.number:06d}.json"
        path.write_bytes(self._last.data + b"\n")
        return self.bundle
