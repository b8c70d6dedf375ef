"""What the fields of a deed are called on the command line."""

import sys
from collections.abc import Mapping

NAMES: Mapping[str, str] = {"party": "--as"}
"""By field, where the option is not called as the field is."""


def option_of(field: str) -> str:
    """The option that gives a field of a deed, as `--as`."""
    return NAMES.get(field, f"--{field.replace('_', '-')}")


def sentence_of(error: Exception) -> str:
    """What a command says of an error, with its options in the place of a deed's fields."""
    # Whoever raised one has loaded the module; commands that need none of it start without.
    errors = sys.modules.get("touchstone.service.errors")
    if errors is not None and isinstance(error, errors.CodedError):
        return str(error.told(option_of))
    return str(error)
