"""Terms of access from files: checked, compared, proved about, compiled; not enforced here."""

from pathlib import Path

from touchstone.service.texts import read_text
from touchstone.terms import (
    Policy,
    Population,
    Terms,
    compile_policy,
    in_force,
    parse_entities,
    parse_terms,
)
from touchstone.terms.difference import Difference, difference
from touchstone.terms.prove import Proof, prove

MAX_TERMS = 1 << 20
MAX_ENTITIES = 64 << 20


def load_terms(path: Path) -> Terms:
    """The terms in a TOML file.

    Raises:
        UnreadableTextError: the file cannot be read.
        TermsFileError: it holds no terms; the line names the key and the mend.
    """
    return parse_terms(read_text(path, MAX_TERMS), path.name)


def load_people(path: Path | None, terms: Terms) -> Population:
    """The registry and the people in a TOML file; nobody where there is none."""
    if path is None:
        nobody = f'format = "touchstone/entities/1"\ndeveloper = "{terms.text.developer}"\n'
        return parse_entities(nobody, "nobody", terms)
    return parse_entities(read_text(path, MAX_ENTITIES), path.name, terms)


def compile_terms(path: Path) -> Policy:
    """The policy that the terms in a file compile to."""
    return compile_policy(in_force(load_terms(path)))


def compare_terms(old: Path, new: Path, entities: Path | None) -> Difference:
    """Who gains and who loses by the newer terms."""
    before, after = load_terms(old), load_terms(new)
    return difference(in_force(before), in_force(after), load_people(entities, after))


def prove_claim(path: Path, claim: str, entities: Path | None, now: int) -> Proof:
    """Whether a claim holds under the terms at a time (seconds since 1970), with a counter-example.

    Raises:
        ClaimError: the claim is not understood; the line says what is.
    """
    terms = load_terms(path)
    return prove(claim, terms, load_people(entities, terms), now)
