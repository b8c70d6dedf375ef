"""A witness's configuration file, witness.toml: its name, where it listens, what logs it knows."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from touchstone.ledger import MalformedError, VerifierKey, parse_vkey
from touchstone.ledger.notes import ED25519
from touchstone.terms.document.reading import Text, read_toml
from touchstone.terms.errors import TermsFileError
from touchstone.witness.errors import WitnessConfigError

FORMAT = "touchstone/witness/1"
MAX_BYTES = 1 << 18


class ListenText(Text):
    """Where it answers. Nothing that passes there is secret; TLS is a proxy's before it."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8447
    """0: any free one, which is said when it serves."""


class LogText(Text):
    """A log that it cosigns for: one key of its history, which whoever runs the witness trusts."""

    vkey: Annotated[str, Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _possible(self) -> "LogText":
        try:
            _ = self.key
        except MalformedError as error:
            raise ValueError(f"vkey: {error}") from None
        return self

    @property
    def key(self) -> VerifierKey:
        """The log's origin and key."""
        return parse_vkey(self.vkey, ED25519)


class WitnessConfig(Text):
    """witness.toml. `state` is a whole path: a relative one was taken from the file's folder."""

    format: Literal["touchstone/witness/1"]
    name: Annotated[str, Field(pattern=r"^[!-*,-~]{1,200}$")]
    """What stands in its cosignatures: a URL without its scheme. A part of its vkey, for ever."""
    state: Path = Path("witness-state")
    """Its key and what it has cosigned; 0700."""
    listen: ListenText = ListenText()
    logs: Annotated[tuple[LogText, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "WitnessConfig":
        names = [log.key.name for log in self.logs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two logs have the name {twice}: leave the one whose key you trust")
        return self

    @property
    def log_keys(self) -> dict[str, bytes]:
        """By origin the key (32 bytes) that is trusted."""
        return {log.key.name: log.key.public_key for log in self.logs}


_TABLES: dict[str, type[BaseModel]] = {"listen": ListenText, "logs": LogText}


def load_witness(path: Path) -> WitnessConfig:
    """The checked configuration in a file. Raises WitnessConfigError."""
    try:
        with path.open("rb") as file:
            # One byte more, by which `read_toml` sees that there are too many.
            data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise WitnessConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WitnessConfigError(f"{path}: is not UTF-8 text: save it as UTF-8") from error
    try:
        config = read_toml(text, str(path), WitnessConfig, _TABLES, MAX_BYTES)
    except TermsFileError as error:
        raise WitnessConfigError(str(error)) from error
    # From the file's folder, and not from where the command happens to be run: another folder would
    # be another witness, which has cosigned nothing.
    return config.model_copy(update={"state": path.absolute().parent / config.state})
