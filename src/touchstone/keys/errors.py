"""What can be wrong with keys.

The tree::

    TouchstoneError
    ├── BadInputError
    │   └── KeyFileError          a key file or its folder cannot be used as it is
    │       ├── KeyUnsafeError    others may read or write it, or it is not what it should be
    │       ├── KeyMissingError   there is no such key
    │       └── KeyExistsError    there is one already, and keys are never overwritten
    └── SealError                 sealed bytes do not open under this key
"""

from touchstone.errors import BadInputError, TouchstoneError


class KeyFileError(BadInputError):
    """A key file or its folder cannot be used as it is; the text names the fix."""


class KeyUnsafeError(KeyFileError):
    """Others own, read or write it, or it is a link, a pipe or a folder in the place of a file."""


class KeyMissingError(KeyFileError):
    """There is no such key."""


class KeyExistsError(KeyFileError):
    """There is a key of that name already; keys are never overwritten."""


class SealError(TouchstoneError):
    """Sealed bytes do not open: another key, another place, or altered bytes."""
