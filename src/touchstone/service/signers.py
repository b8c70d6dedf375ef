"""Which key on this machine signs a deed: its party's own, or one that the party admitted for it.

The installation's own key signs what it says itself, and nothing else.

Where parties act from machines of their own, this one holds at most the centre's automation key:
the centre says in each case what it may sign, the server holds every deed against that, and what it
may not sign waits for the centre's people.
"""

from dataclasses import asdict, dataclass
from typing import Any

from touchstone.deeds.signing import key_of
from touchstone.framework import may_name, not_a_name
from touchstone.keys import FileSigner, KeyMissingError, Keyring
from touchstone.ledger import fingerprint
from touchstone.ledger.claims import claim_of
from touchstone.ledger.contract2 import INSTALLATION, CaseKeys
from touchstone.review import Event, State
from touchstone.service.errors import KeyHolderError
from touchstone.service.installation import Installation

RECORDING = (
    "battery-sealed",
    "measuring-stopped",
    "outcomes-recorded",
    "review-halted",
    "sandbox-breached",
    "snapshot-changed",
    "snapshot-seen",
    "transcripts-graded",
    "transcripts-scanned",
    "verdict-reached",
)
"""The types of deeds of measuring; without `review-halted` a breach of the sandbox is recorded by
no one, and without `transcripts-scanned` and `transcripts-graded` nobody's look at transcripts is.
All others it cannot do without."""
SPEAKING = ("designation-proposed", "finding-signed", "report-issued")
"""What it says in the party's name, where the party does not keep that for its people."""
MEASURING = (*RECORDING, *SPEAKING)
_MEASURES = " ".join(("--label measuring", *(f"--kind {each}" for each in RECORDING)))
_SPEAKS = " ".join(f"--kind {each}" for each in SPEAKING)


@dataclass(frozen=True)
class AutomationKeyShown:
    """A key that may sign here for a party, once that party admits it."""

    party: str
    public_key: str
    """Hex."""
    fingerprint: str
    claim: str
    """The key and the proof that this machine holds it."""
    kinds: tuple[str, ...]
    """What measuring needs it to sign."""

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"Automation key of {self.party} on this machine: {self.fingerprint}",
            f"Public key: {self.public_key}",
            f"It signs nothing before {self.party} admits it, where the key of {self.party} is:",
            f"  touchstone party signers admit {self.claim} {_MEASURES} --server URL",
            "What it finds, proposes and issues then waits for people, unless that line has, too:",
            f"  {_SPEAKS}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def make_automation_key(installation: Installation, party: str) -> AutomationKeyShown:
    """Make the key that signs here for a party whose own key is elsewhere.

    Raises:
        KeyHolderError: no party bears that name, or its own key is on this machine.
        ReadOnlyError: nothing may be written here.
    """
    installation.records.check_writable()
    if not may_name(party, "centre"):
        raise KeyHolderError("automation-for-nobody", why=not_a_name(party))
    if party in installation.keyring.parties():
        raise KeyHolderError("automation-beside-party-key", party=party)
    return _shown(party, installation.keyring.new_automation_key(party))


def automation_key(installation: Installation, party: str) -> AutomationKeyShown:
    """The key that signs here for a party. Raises KeyMissingError where none was made."""
    return _shown(party, installation.keyring.automation(party))


def signer_of(keyring: Keyring, state: State, keys: CaseKeys, event: Event) -> FileSigner:
    """The key here that signs an event of a case, whose keys are these.

    Raises:
        KeyMissingError: none does: the party's own is elsewhere, and admitted no other for it.
    """
    if event.actor == INSTALLATION:
        return keyring.installation
    try:
        return keyring.party(event.actor, key_of(state, event))
    except KeyMissingError as error:
        if (signer := _automation(keyring, keys, event.actor, event.type)) is None:
            raise KeyMissingError(
                f"{error}; {_instead(keyring, keys, event.actor, event.type)}"
            ) from error
        return signer


def signs_here(installation: Installation, case: str, actor: str, deed: str) -> bool:
    """Whether a key on this machine may sign this type of deed for a party of a case, by its id."""
    party = installation.state(case).parties.get(actor)
    if party is None:
        return False
    try:
        installation.keyring.party(actor, bytes.fromhex(party.key))
    except KeyMissingError:
        keys = installation.records.deeds.log(case).keys
        return _automation(installation.keyring, keys, actor, deed) is not None
    return True


def _automation(keyring: Keyring, keys: CaseKeys, actor: str, deed: str) -> FileSigner | None:
    try:
        signer = keyring.automation(actor)
    except KeyMissingError:
        return None
    admitted = keys.known.get(fingerprint(signer.public_key))
    # Asked before it signs: a key that signs what it may not leaves a refusal in the record.
    fits = (
        admitted is not None
        and admitted.party == actor
        and not admitted.ended
        and admitted.kinds is not None
        and deed in admitted.kinds
    )
    return signer if fits else None


def _instead(keyring: Keyring, keys: CaseKeys, actor: str, deed: str) -> str:
    """Why no automation key signs a type of deed for a party in a case, and what helps."""
    try:
        signer = keyring.automation(actor)
    except KeyMissingError:
        return f"nor one of automation; to make one here: touchstone keys automation {actor}"
    admitted = keys.known.get(fingerprint(signer.public_key))
    if admitted is None or admitted.party != actor:
        why = "is not admitted in this case"
    elif admitted.ended:
        # A key that was removed is not taken again: its holder makes another.
        return (
            f"and the key of automation here, {signer.fingerprint}, was removed in this case; make"
            f" another: touchstone keys automation {actor}"
        )
    else:
        why = f"is admitted in this case for other kinds of deed than {deed}"
    return (
        f"and the key of automation here, {signer.fingerprint}, {why}; where the key of {actor} is:"
        f" touchstone party signers admit {claim_of(actor, signer)} --label measuring --kind {deed}"
    )


def _shown(party: str, signer: FileSigner) -> AutomationKeyShown:
    claim = claim_of(party, signer)
    return AutomationKeyShown(party, signer.public_key.hex(), signer.fingerprint, claim, MEASURING)
