"""`touchstone terms`: what terms of access say, change and promise."""

import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from touchstone.cli.opened import act, opened
from touchstone.cli.output import Json, tell
from touchstone.cli.texts import line_of, terms_text, user_base

DONE, NO = 0, 1
terms = App(
    name="terms", help="Check, compare, prove about, offer, agree or bundle terms of access."
)
Entities = Annotated[
    Path | None, Parameter(help="A TOML file of organisations, lists and people; default: nobody.")
]


People = Annotated[Path | None, Parameter(help="A CSV file of the real user base.")]
As = Annotated[str, Parameter(name="--as", help="The party whose key signs.")]


@terms.command
def check(file: Path, *, json: Json = False) -> int:
    """Read terms and repeat every rule as the sentence that will be carried out.

    Args:
        file: The terms, a TOML file.
    """
    from touchstone.service.access.terms_texts import terms_in

    tell(terms_in(terms_text(file)), json=json)
    return DONE


@terms.command
def diff(
    old: Path,
    new: Path,
    *,
    entities: Entities = None,
    people: People = None,
    json: Json = False,
) -> int:
    """Say who gains and who loses by newer terms, with examples.

    Args:
        old: The terms as they were.
        new: The terms as offered.
    """
    from touchstone.service.access.terms_texts import compare_terms

    crowd = user_base(entities, people)
    before, after = terms_text(old), terms_text(new)
    tell(compare_terms(before, after, crowd.entities, crowd.people), json=json)
    return DONE


@terms.command
def prove(
    file: Path,
    claim: str,
    *,
    entities: Entities = None,
    people: People = None,
    json: Json = False,
) -> int:
    """Prove a claim about terms, or refute it with a person for whom it does not hold (exit 1).

    Args:
        file: The terms, a TOML file.
        claim: A sentence, such as "no person without a known nationality reaches mode thinking".
    """
    from touchstone.service.access.terms_texts import prove_claim

    text, crowd = terms_text(file), user_base(entities, people)
    # The present moment, since windows and ends are part of what is promised.
    proof = prove_claim(text, claim, crowd.entities, int(time.time()), crowd.people)
    tell(proof, json=json)
    return DONE if proof.holds else NO


@terms.command(name="compile")
def compile_(file: Path, *, json: Json = False) -> int:
    """Print the Cedar schema and policies that terms compile to.

    Args:
        file: The terms, a TOML file.
    """
    from touchstone.service.access.terms_texts import compile_terms

    tell(compile_terms(terms_text(file)), json=json)
    return DONE


@terms.command
def offer(
    case: str,
    file: Path,
    *,
    party: As,
    entities: Entities = None,
    people: People = None,
    json: Json = False,
) -> int:
    """Offer terms in a case, signed with a party's key, and say what they change.

    Args:
        case: The case's id, or enough of its beginning.
        file: The terms, a TOML file.
    """
    return _offer(case, file, party, (entities, people), counter=False, json=json)


@terms.command
def counter(
    case: str,
    file: Path,
    *,
    party: As,
    entities: Entities = None,
    people: People = None,
    json: Json = False,
) -> int:
    """Answer another party's terms with a counter-offer, and say what it changes.

    Args:
        case: The case's id, or enough of its beginning.
        file: The terms, a TOML file.
    """
    return _offer(case, file, party, (entities, people), counter=True, json=json)


def _offer(
    case: str,
    file: Path,
    party: str,
    crowd: tuple[Path | None, Path | None],
    *,
    counter: bool,
    json: bool,
) -> int:
    from touchstone.service.access import offers
    from touchstone.service.cases.case_admin import open_to_add

    with opened() as installation:
        found = open_to_add(installation, case)
        known = user_base(*crowd)
        args = (found, terms_text(file), party, known.entities, known.people)
        tell(offers.offer(*args, counter=counter), json=json)
    return DONE


@terms.command
def agree(case: str, *, party: As, json: Json = False) -> int:
    """Agree to exactly the terms on the table, signed with a party's key.

    Args:
        case: The case's id, or enough of its beginning.
    """
    return _answer(case, party, None, agree=True, json=json)


@terms.command
def decline(case: str, *, party: As, reason: str | None = None, json: Json = False) -> int:
    """Decline the terms on the table, signed with a party's key. It carries no penalty.

    Args:
        case: The case's id, or enough of its beginning.
        reason: Why, one line for the record.
    """
    return _answer(case, party, reason, agree=False, json=json)


def _answer(case: str, party: str, reason: str | None, *, agree: bool, json: bool) -> int:
    from touchstone.service.access import offers
    from touchstone.service.cases.case_admin import open_to_act, open_to_add

    why = line_of("--reason", reason)
    with opened() as installation:
        found = act((open_to_add if agree else open_to_act)(installation, case))
        tell(offers.answer(found, party, agree=agree, reason=why), json=json)
    return DONE


@terms.command
def bundle(
    case: str,
    *,
    out: Path,
    entities: Entities = None,
    stream: str | None = None,
    json: Json = False,
) -> int:
    """Sign the next policy bundle: the agreed terms and the directives that are carried out.

    Args:
        case: The case's id, or enough of its beginning.
        out: The folder that gateways watch.
        entities: A TOML file of organisations and lists; default: as the newest bundle has them.
        stream: The deployment that it is for; default: the newest bundle's, or the model's id.
    """
    from touchstone.service.access import bundles
    from touchstone.service.access.case_documents import CaseDocuments
    from touchstone.service.access.user_base import registry_of
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.cases.case_admin import open_to_act

    with opened() as installation:
        found = open_to_act(installation, case)
        registry = registry_of(CaseDocuments(found), user_base(entities))
        tell(bundles.publish(found, BundleFolder(out), registry, stream), json=json)
    return DONE


@terms.command
def rollback(
    case: str, number: int, *, out: Path, stream: str | None = None, json: Json = False
) -> int:
    """Sign the next policy bundle with the state of an older one: numbers only go up.

    Args:
        case: The case's id, or enough of its beginning.
        number: The older bundle's number.
        out: The folder that gateways watch.
        stream: The deployment that it is for; default: the newest bundle's.
    """
    from touchstone.service.access import bundles
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.cases.case_admin import open_to_act

    with opened() as installation:
        found = act(open_to_act(installation, case))
        tell(bundles.return_to(found, BundleFolder(out), number, stream), json=json)
    return DONE
