"""What can go wrong with assets.

The tree::

    TouchstoneError
    ├── BadInputError
    │   └── AssetError           a list cannot be used, or what it names is not here as it names it
    └── AssetFetchError          something could not be pulled; nothing was kept of what is not it
"""

from touchstone.errors import BadInputError, TouchstoneError


class AssetError(BadInputError):
    """A list of assets, or one of them, cannot be used; the text names what and the fix."""


class AssetFetchError(TouchstoneError):
    """One asset could not be pulled; the text says why."""
