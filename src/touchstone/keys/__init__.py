"""Key files and their permissions, signing, sealing, and the sources of time and chance.

It does not decide who may sign what, and it keeps no record.

Begin at `touchstone.keys.keyring`: `Keyring.open(folder)`.

On an installation's first day, in a folder that nobody else may enter::

    >>> ring = Keyring.open_or_create(folder, at="2027-01-05T09:00:00Z")
    >>> ring.installation.public_key == ring.history.current
    True
"""

from touchstone.keys.errors import (
    KeyExistsError,
    KeyFileError,
    KeyMissingError,
    KeyUnsafeError,
    SealError,
)
from touchstone.keys.files import read_secret, write_secret
from touchstone.keys.keyring import Keyring
from touchstone.keys.sealing import DataKey, MasterKey
from touchstone.keys.signer import FileSigner, Passphrase
from touchstone.keys.sources import (
    RandomSource,
    SystemClock,
    SystemRandom,
    TimeSource,
)

__all__ = [
    "DataKey",
    "FileSigner",
    "KeyExistsError",
    "KeyFileError",
    "KeyMissingError",
    "KeyUnsafeError",
    "Keyring",
    "MasterKey",
    "Passphrase",
    "RandomSource",
    "SealError",
    "SystemClock",
    "SystemRandom",
    "TimeSource",
    "read_secret",
    "write_secret",
]
