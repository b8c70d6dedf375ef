"""What can go wrong with a pack.

The tree::

    TouchstoneError
    ├── BadInputError
    │   └── PackError            the pack cannot be used; names what and the fix
    ├── PackProcessError         the process of a pack died, hung, grew too large or spoke nonsense
    └── PackBreachError          the boundary of a sandbox that it was lent was attacked
"""

from touchstone.errors import BadInputError, TouchstoneError


class PackError(BadInputError):
    """The pack cannot be used; the text names what is wrong and the fix."""


class PackProcessError(TouchstoneError):
    """The process of a pack did not come to its end with what it was started for."""


class PackBreachError(TouchstoneError):
    """The boundary of a sandbox was attacked while a pack's samples ran; a person must look."""
