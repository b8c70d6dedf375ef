"""What every command prints with: text, or JSON where it is asked for."""

import json
import sys
from typing import Annotated, Any

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of text.")]


def show(text: str) -> None:
    """Text, as a line of its own."""
    sys.stdout.write(f"{text}\n")


def show_json(value: Any) -> None:
    """A value as JSON, for programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))
