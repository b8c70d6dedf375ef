"""What a party's client raises.

::

    TouchstoneError
    └── ClientError
        ├── WrongInstallationError (BadInputError)   another installation than is pinned
        ├── MemoryFaultError       (BadInputError)   what the client remembers cannot be read
        ├── NotKeptError                             no room for what it is to remember
        ├── NotInitialisedError    (BadInputError)   this machine has no key of that party
        ├── UnknownServerError     (BadInputError)   nothing is known of that server, or of its name
        ├── DeedFileError          (BadInputError)   a file with a deed cannot be used
        ├── NotJoinedError         (BadInputError)   no server has let this machine in there
        ├── ServerAddressError     (BadInputError)   no address at which a server may be asked
        ├── CaseBegunError         (BadInputError)   a case to be opened has begun
        ├── UnreadableDeedError    (BadInputError)   nobody is shown a deed, its signer included
        ├── KeyMayNotSignError     (BadInputError)   a case does not let that key sign the deed
        ├── NotLetInError          (AnswerIsNoError) the server does not let this machine in
        ├── WaitingError           (AnswerIsNoError) a deed is signed, and has no answer yet
        └── CaughtError            (AnswerIsNoError) the server contradicts itself

A refusal for good is the ledger's RefusedDeedError; what is not taken and may be later, its
UnpromisedError. UnheardError is what a `RecordServer` raises where nothing was heard of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError
from touchstone.handin import printable_line
from touchstone.handin.shown_ids import short_digest


class ClientError(TouchstoneError):
    """Anything that this room raises itself."""


class UnheardError(ClientError):
    """Nothing was heard of the server, or nothing that is an answer: it may have done anything."""


class TooMuchError(UnheardError):
    """A server sends more bytes of a thing than it has: of what came, nothing is to be kept."""


class WrongInstallationError(ClientError, BadInputError):
    """The server is another installation than is pinned, or was never asked for."""


class NotInitialisedError(ClientError, BadInputError):
    """This machine has no key of that party."""

    def __init__(self, party: str, known: tuple[str, ...]) -> None:
        others = f" (it has keys of {', '.join(known)})" if known else ""
        super().__init__(
            f"{party[:80]!a}: this machine has no key of that party{others}; make one:"
            " touchstone party init NAME"
        )


class UnknownServerError(ClientError, BadInputError):
    """What was given is no server's address, or nothing is known of the server there."""


class DeedFileError(ClientError, BadInputError):
    """A file that should hold a deed holds none, or not the one that is asked for."""


class DraftError(ClientError, BadInputError):
    """What a server drafted to be signed for is not what was asked for."""


class NotJoinedError(ClientError, BadInputError):
    """This machine was not let in at that server, or what it kept of it is damaged."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: no server has let this machine in; ask its operator for a code, and take"
            " it: touchstone server join URL --fingerprint FINGERPRINT --as PARTY"
        )


class KeyMayNotSignError(ClientError, BadInputError):
    """A case does not let a key sign a deed; nothing was signed."""

    def __init__(self, key: str, type_: str, party: str, able: str) -> None:
        super().__init__(
            f"{key}: may not sign {type_} for {party}; nothing was signed; these may: {able}"
        )


class UnreadableDeedError(ClientError, BadInputError):
    """A deed bears a marking under which its own signer could never check that it stands."""

    def __init__(self, scheme: str, label: str) -> None:
        super().__init__(
            f"under the marking {printable_line(f'{scheme} {label}')} nobody is shown this deed,"
            " not you either: nothing was signed; choose a label of TLP:2.0 for the deed, and"
            " leave the other scheme to its texts"
        )


class NotLetInError(ClientError, AnswerIsNoError):
    """The server says no to a device: `code` is for programs, `said` the whole answer."""

    def __init__(self, code: str, why: str, said: Mapping[str, Any]) -> None:
        super().__init__(f"the server does not let this machine in ({code}): {why}")
        self.code = code
        self.said = said


class MemoryFaultError(ClientError, BadInputError):
    """The client's file is damaged, or no file of a client."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"what this client remembers cannot be used: {what}; fix: put it back from a backup, or"
            " begin in an empty folder, where deeds that wait for an answer are not known any more"
        )


class NotKeptError(ClientError):
    """The client's file is whole, and cannot be written or read now; what came before stands."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: {why}, so that nothing can be kept of what is signed and seen; fix: make room"
            " on its disk, or wait for whoever holds it, and do the same again"
        )


class ServerAddressError(ClientError, BadInputError):
    """An address at which no server may be asked."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{printable_line(url)[:200]}: {why}")


class CaseBegunError(ClientError, BadInputError):
    """A case that was to be opened has begun: take another id."""

    def __init__(self, case: str) -> None:
        super().__init__(f"{case}: has begun before; open the case under another id")


class WaitingError(ClientError, AnswerIsNoError):
    """A deed was signed and has no answer: the same bytes are sent until one comes.

    `deed` is its digest (hex), `why` what kept the answer away.
    """

    def __init__(self, deed: str, why: str) -> None:
        super().__init__(
            f"deed {short_digest(deed)} waits for an answer: {why}; send it again or cancel it"
        )
        self.deed = deed
        self.why = why


class CaughtError(ClientError, AnswerIsNoError):
    """What the server says now cannot be true beside what it said before.

    `proof` is the file that holds both, for others to look at.
    """

    def __init__(self, what: str, proof: Path) -> None:
        super().__init__(f"the server is not to be trusted: {what}; kept in {proof}")
        self.what = what
        self.proof = proof
