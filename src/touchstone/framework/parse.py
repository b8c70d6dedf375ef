"""From a framework's text to a checked framework, with errors that a lawyer can act on."""

from typing import Any

from pydantic import ValidationError

from touchstone.framework.errors import FrameworkFileError
from touchstone.framework.explain import explain, place
from touchstone.framework.framework import Framework
from touchstone.framework.kinds import may_name, not_a_name
from touchstone.handin import Bounds, Origin, as_json, parse_toml, refuse_unseen
from touchstone.ledger import dumps

MAX_CHARACTERS = 200_000
"""So that the canonical content always fits one line of the record (1 MiB)."""
MAX_DEPTH = 8


def parse_framework(text: str, source: str) -> Framework:
    """The framework that a TOML text describes.

    Args:
        text: the whole file; a byte-order mark at its beginning is passed over.
        source: the file's name, for the error.

    Raises:
        FrameworkFileError: one line that names the file, the key and the fix.
    """
    bounds = Bounds(MAX_CHARACTERS, MAX_DEPTH)
    origin = Origin(source, FrameworkFileError, place)
    content = parse_toml(text, origin, bounds, days_alone=True)
    try:
        # By way of JSON: strict mode takes lists for tuples, and texts for days, from there alone.
        framework = Framework.model_validate_json(as_json(content))
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A misspelt key is unknown and leaves another missing: the unknown one names the mistake.
        first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        raise origin.error(explain(first, content) + more) from None
    refuse_unseen(content, origin)
    for number, party in enumerate(framework.parties, start=1):
        if not may_name(party.id, party.role):
            where = place(("parties", number - 1, "id"), content)
            raise origin.error(f"{where}: {not_a_name(party.id)}")
    return framework


def framework_of(content: dict[str, Any]) -> Framework:
    """The framework whose canonical content a record holds.

    Raises:
        ValidationError: it is none.
    """
    # Through JSON: in strict models its lists become tuples, and those of Python do not.
    return Framework.model_validate_json(dumps(content))
