"""Terms of access from texts: checked, compared, proved about, compiled; not enforced here."""

from collections.abc import Iterator

from touchstone.service.file_io import NamedText
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
"""Bytes of a text that is handed in, at most."""


def terms_in(text: NamedText) -> Terms:
    """The terms in a TOML text.

    Raises:
        TermsFileError: it holds no terms; the line names the key and the fix.
    """
    return parse_terms(text.text, text.source)


def population_from(
    entities: NamedText | None, terms: Terms, people: NamedText | None = None
) -> Population:
    """The registry and the people in a TOML text; nobody where there is none.

    `people` is a CSV text of the real user base, for more of them than TOML reads quickly; it takes
    the place of those in the TOML text.

    Raises:
        TermsFileError: one of them holds something else; the line names the place and the fix.
    """
    nobody = f'format = "touchstone/entities/1"\ndeveloper = "{terms.text.developer}"\n'
    given = entities or NamedText(nobody, "nobody")
    known = parse_entities(given.text, given.source, terms)
    return known if people is None else Population(known.registry, people_in(people))


def people_in(text: NamedText) -> Iterator[Person]:
    """The people in a CSV text; errors as `population_from`, some of them only as they are read."""
    return parse_people(text.text, text.source)


def compile_terms(text: NamedText) -> Policy:
    """The policy that terms compile to."""
    return compile_policy(in_force(terms_in(text)))


def compare_terms(
    old: NamedText, new: NamedText, entities: NamedText | None, people: NamedText | None = None
) -> Difference:
    """Who gains and who loses by the newer terms."""
    before, after = terms_in(old), terms_in(new)
    return difference(in_force(before), in_force(after), population_from(entities, after, people))


def prove_claim(
    text: NamedText,
    claim: str,
    entities: NamedText | None,
    now: int,
    people: NamedText | None = None,
) -> Proof:
    """Whether a claim holds under the terms at a time (seconds since 1970), with a counter-example.

    Raises:
        ClaimError: the claim is not understood; the line says what is.
    """
    terms = terms_in(text)
    return prove(claim, terms, population_from(entities, terms, people), now)
