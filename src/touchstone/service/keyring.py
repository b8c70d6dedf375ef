"""The installation's own keys: shown, rotated, revoked."""

from dataclasses import asdict, dataclass
from typing import Any

from touchstone.errors import BadInputError
from touchstone.keys import KeyFileError
from touchstone.ledger import REVOKED, KeyHistory, VerifierKey
from touchstone.ledger.notes import ED25519
from touchstone.service.file_io import one_line
from touchstone.service.installation import Installation

TELL_WITNESSES = (
    "Witnesses that run `touchstone witness serve` follow by themselves; give others the new key "
    "for witnesses."
)


@dataclass(frozen=True)
class KeyShown:
    """One key of the history."""

    fingerprint: str
    since: str
    reason: str
    standing: str
    """`in use`, `retired` or `revoked`."""
    revoked_because: str = ""


@dataclass(frozen=True)
class KeysShown:
    """The installation's keys, oldest first, and what was done just now."""

    says: str
    keys: tuple[KeyShown, ...]
    origin: str
    """The installation's name on checkpoints."""
    vkey: str
    """The key in use, as a policy on witnesses and witnesses themselves write it (C2SP)."""

    def lines(self) -> list[str]:
        """For people."""
        found = [self.says] if self.says else []
        for each in self.keys:
            why = f" ({each.revoked_because})" if each.revoked_because else ""
            found.append(f"{each.fingerprint}  {each.standing}{why}")
            found.append(f"  since {each.since}: {each.reason}")
        return [*found, f"Name on checkpoints: {self.origin}", f"Key for witnesses: {self.vkey}"]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def show_keys(installation: Installation) -> KeysShown:
    """The installation's keys. Raises KeyFileError where the history cannot be read."""
    return _shown(installation.keyring.history)


def rotate_key(installation: Installation, reason: str) -> KeysShown:
    """Make a new key, signed in by the one in use, which is then deleted.

    Raises:
        ReadOnlyError: something is amiss with the installation, or it cannot be written.
        KeyFileError: a key cannot be read or written.
    """
    installation.records.check_writable()
    reason = one_line(reason, "--reason")
    # Verifiers read a revocation off the reason: nobody is to write one by rotating.
    if reason.startswith(f"{REVOKED}SHA256:"):
        raise BadInputError("--reason: this is how a key is revoked: touchstone keys revoke")
    history = installation.keyring.rotate(installation.now(), reason)
    said = "A new key is in use. Whoever pinned an earlier one trusts it too."
    if history.revoked:
        said = "A new key is in use. Whoever pinned a key after the last revoked one trusts it too."
    return _shown(history, f"{said} {TELL_WITNESSES}")


def revoke_key(installation: Installation, fingerprint: str, reason: str) -> KeysShown:
    """Say for all later bundles that a key is not to be trusted; a new key takes over.

    Raises:
        BadInputError: the installation never had that key, or it is revoked already.
        ReadOnlyError, KeyFileError: as `rotate_key`.
    """
    installation.records.check_writable()
    try:
        history = installation.keyring.revoke(
            fingerprint, installation.now(), one_line(reason, "--reason")
        )
    except KeyFileError as error:
        raise BadInputError(f"{error}; see: touchstone keys show") from error
    return _shown(
        history,
        "The key is revoked, and a new one is in use. Tell everyone who pinned the revoked key, or "
        "one before it, to pin the new one, and to verify what they were given earlier with "
        "--revoked: who holds the revoked key can still make bundles without this line. Tell "
        "witnesses too: none follows over a revocation by itself.",
    )


def _shown(history: KeyHistory, says: str = "") -> KeysShown:
    # Revoked before anything else: a key that is in use may have been, until the next takes over.
    revoked = history.revoked
    last = len(history.lines) - 1
    return KeysShown(
        says,
        tuple(
            KeyShown(
                line.fingerprint,
                line.at,
                line.reason,
                "revoked"
                if line.fingerprint in revoked
                else "in use"
                if seq == last
                else "retired",
                revoked.get(line.fingerprint, ""),
            )
            for seq, line in enumerate(history.lines)
        ),
        history.origin,
        str(VerifierKey(history.origin, ED25519, history.current)),
    )
