"""The installation that a client pinned, held against what it says of itself at each contact."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.client.errors import WrongInstallationError
from touchstone.client.memory import Trusted
from touchstone.client.server import Greeting
from touchstone.ledger import (
    AlteredError,
    Checkpoint,
    KeyHistory,
    MalformedError,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    verify_consistency,
)


@dataclass(frozen=True)
class TrustedInstallation:
    """Whose word counts: its keys, and the newest checkpoint that was checked."""

    keys: KeyHistory
    checkpoint: Checkpoint
    note: str

    @property
    def by_name(self) -> Mapping[str, bytes]:
        """Its keys (32 bytes) by their fingerprints, but for those that it revoked."""
        # Whoever has a revoked key could speak with it to whom the installation does not (ADR 198).
        good = [line for line in self.keys.lines if line.fingerprint not in self.keys.revoked]
        return {line.fingerprint: bytes.fromhex(line.public_key) for line in good}

    @property
    def trusted(self) -> Trusted:
        """What is to be remembered of it."""
        keys = tuple(line.line for line in self.keys.lines)
        return Trusted(keys, self.note, self.checkpoint.size)


def size_of(note: str) -> int:
    """The size of the installation's log under a checkpoint."""
    return parse_checkpoint(parse_note(note).text).size


def greeted(
    said: Greeting, pinned: str, trusted: Trusted | None, older: str | None
) -> TrustedInstallation:
    """The installation as it says that it is, once that agrees with what was seen before.

    Args:
        said: Its own words.
        pinned: The fingerprint of its first key.
        trusted: What is remembered of it.
        older: The checkpoint (a note) that its log is proven to extend.

    Raises:
        WrongInstallationError: its first key is not the one pinned.
        AlteredError: its keys or its log are no continuation of what it showed before.
        MalformedError: what it says has no sense.
    """
    keys = KeyHistory.parse(said.keys)
    # By the first one, which no rotation changes: whoever pinned it need not be told of each.
    first = keys.lines[0].fingerprint
    if first != pinned:
        raise WrongInstallationError(
            f"the server's first key is {first}, and {pinned} is pinned: ask its operator"
        )
    if pinned in keys.revoked:
        raise WrongInstallationError(
            f"{pinned} is pinned, and was revoked: ask the server's operator whom to trust now"
        )
    # Lines are only added: another one in the place of a known one is another installation's.
    if trusted is not None and said.keys[: len(trusted.keys)] != trusted.keys:
        raise AlteredError("its key history is another than it was")
    # The newest key alone: an older one may have been replaced because it was stolen.
    checkpoint = open_checkpoint(said.checkpoint, keys.origin, [keys.current])
    if older is not None:
        # By whichever key signed it: the newest may have come since.
        _check_extends(
            open_checkpoint(older, keys.origin, keys.public_keys), checkpoint, said.consistency
        )
    return TrustedInstallation(keys, checkpoint, said.checkpoint)


def _check_extends(old: Checkpoint, new: Checkpoint, consistency: tuple[bytes, ...]) -> None:
    if new.size < old.size:
        raise AlteredError(f"its log had {old.size} heads and has {new.size}: it was rolled back")
    try:
        verify_consistency(old.size, new.size, consistency, old.root, new.root)
    except (AlteredError, MalformedError) as error:
        raise AlteredError("its log is no continuation of what it was: it was forked") from error
