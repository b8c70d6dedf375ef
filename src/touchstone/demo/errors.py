"""What can go wrong in the demo beyond what its rooms say themselves.

TouchstoneError
└── DemoError
"""

from touchstone.errors import TouchstoneError


class DemoError(TouchstoneError):
    """A part of the demo did not start, or did not answer."""
