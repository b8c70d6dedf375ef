"""Terms of access from files: checked, compared, proved about, compiled; not enforced here."""

from collections.abc import Iterator
from pathlib import Path

from touchstone.service.file_io import read_text
from touchstone.terms import (
    Person,
    Policy,
    Population,
    Terms,
    compile_policy,
    in_force,
    parse_entities,
    parse_people,
    parse_terms,
)
from touchstone.terms.analysis.difference import Difference, difference
from touchstone.terms.analysis.prove import Proof, prove

MAX_TERMS = 1 << 20
MAX_ENTITIES = 64 << 20
MAX_PEOPLE = 256 << 20


def load_terms(path: Path) -> Terms:
    """The terms in a TOML file.

    Raises:
        UnreadableTextError: the file cannot be read.
        TermsFileError: it holds no terms; the line names the key and the fix.
    """
    return parse_terms(read_text(path, MAX_TERMS), path.name)


def load_people(path: Path | None, terms: Terms, people: Path | None = None) -> Population:
    """The registry and the people in a TOML file; nobody where there is none.

    `people` is a CSV file of the real user base, for more of them than TOML reads quickly; it takes
    the place of those in the TOML file.

    Raises:
        UnreadableTextError: a file cannot be read.
        TermsFileError: it holds something else; the line names the place and the fix.
    """
    nobody = f'format = "touchstone/entities/1"\ndeveloper = "{terms.text.developer}"\n'
    text = nobody if path is None else read_text(path, MAX_ENTITIES)
    known = parse_entities(text, path.name if path else "nobody", terms)
    return known if people is None else Population(known.registry, read_people(people))


def read_people(path: Path) -> Iterator[Person]:
    """The people in a CSV file; errors as `load_people`, some of them only as they are read."""
    return parse_people(read_text(path, MAX_PEOPLE), path.name)


def compile_terms(path: Path) -> Policy:
    """The policy that the terms in a file compile to."""
    return compile_policy(in_force(load_terms(path)))


def compare_terms(
    old: Path, new: Path, entities: Path | None, people: Path | None = None
) -> Difference:
    """Who gains and who loses by the newer terms."""
    before, after = load_terms(old), load_terms(new)
    return difference(in_force(before), in_force(after), load_people(entities, after, people))


def prove_claim(
    path: Path, claim: str, entities: Path | None, now: int, people: Path | None = None
) -> Proof:
    """Whether a claim holds under the terms at a time (seconds since 1970), with a counter-example.

    Raises:
        ClaimError: the claim is not understood; the line says what is.
    """
    terms = load_terms(path)
    return prove(claim, terms, load_people(entities, terms, people), now)
