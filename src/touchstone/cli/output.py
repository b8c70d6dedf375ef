"""What every command prints with: text, or JSON where it is asked for."""

import json
import sys
from typing import Annotated, Any, Protocol

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of text.")]


class Told(Protocol):
    """A result that says itself in lines and in JSON."""

    def lines(self) -> Any:
        """For people."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ...


def show(text: str) -> None:
    """Text, as a line of its own."""
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """How far something long has come, or what is suspect, where no result goes."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show_json(value: Any) -> None:
    """A value as JSON, for programs."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def tell(result: Told, *, json: bool) -> None:
    """A result, in lines or as JSON."""
    if json:
        show_json(result.as_dict())
    else:
        show("\n".join(result.lines()))
