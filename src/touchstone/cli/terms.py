"""`touchstone terms`: what terms of access say, change and promise."""

import time
from pathlib import Path
from typing import Annotated, Any, Protocol

from cyclopts import App, Parameter

from touchstone.cli.output import Json, show, show_json

DONE, NO = 0, 1
terms = App(name="terms", help="Check, compare, prove about or compile terms of access.")
Entities = Annotated[
    Path | None, Parameter(help="A TOML file of organisations, lists and people; default: nobody.")
]


class Told(Protocol):
    """A result that says itself in lines and in JSON."""

    def lines(self) -> Any:
        """For people."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ...


def _tell(result: Told, *, json: bool) -> None:
    if json:
        show_json(result.as_dict())
    else:
        show("\n".join(result.lines()))


@terms.command
def check(file: Path, *, json: Json = False) -> int:
    """Read terms and repeat every rule as the sentence that will be carried out.

    Args:
        file: The terms, a TOML file.
    """
    from touchstone.service.terms.files import load_terms

    _tell(load_terms(file), json=json)
    return DONE


@terms.command
def diff(old: Path, new: Path, *, entities: Entities = None, json: Json = False) -> int:
    """Say who gains and who loses by newer terms, with examples.

    Args:
        old: The terms as they were.
        new: The terms as offered.
    """
    from touchstone.service.terms.files import compare_terms

    _tell(compare_terms(old, new, entities), json=json)
    return DONE


@terms.command
def prove(file: Path, claim: str, *, entities: Entities = None, json: Json = False) -> int:
    """Prove a claim about terms, or refute it with a person for whom it does not hold (exit 1).

    Args:
        file: The terms, a TOML file.
        claim: A sentence, such as "no person without a known nationality reaches mode thinking".
    """
    from touchstone.service.terms.files import prove_claim

    proof = prove_claim(file, claim, entities, int(time.time()))
    _tell(proof, json=json)
    return DONE if proof.holds else NO


@terms.command(name="compile")
def compile_(file: Path, *, json: Json = False) -> int:
    """Print the Cedar schema and policies that terms compile to.

    Args:
        file: The terms, a TOML file.
    """
    from touchstone.service.terms.files import compile_terms

    _tell(compile_terms(file), json=json)
    return DONE
