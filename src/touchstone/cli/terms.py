"""`touchstone terms`: what terms of access say, change and promise."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from touchstone.cli.hands import HERE, CaseId, Where, act, hand_of
from touchstone.cli.opened import act as kept_in_view
from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell, warn
from touchstone.cli.texts import terms_text, user_base
from touchstone.cli.typed import line_if
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.keys import FileSigner
    from touchstone.service.access.bundles import BundleInHand
    from touchstone.service.bundle_folder import BundleFolder

    Drafted = Callable[[PartyCase, FileSigner], BundleInHand]

DONE, NO = 0, 1
terms = App(
    name="terms", help="Check, compare, prove about, offer, agree or bundle terms of access."
)
Entities = Annotated[
    Path | None, Parameter(help="A TOML file of organisations, lists and people; default: nobody.")
]


People = Annotated[Path | None, Parameter(help="A CSV file of the real user base.")]


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
    case: CaseId,
    file: Path,
    *,
    entities: Entities = None,
    people: People = None,
    where: Where = HERE,
) -> int:
    """Offer terms in a case, signed with a party's key, and say what they change.

    For example: touchstone terms offer 3f2a terms.toml --as example-agency

    Args:
        file: The terms, a TOML file.
    """
    return _offer(case, file, where, (entities, people), counter=False)


@terms.command
def counter(
    case: CaseId,
    file: Path,
    *,
    entities: Entities = None,
    people: People = None,
    where: Where = HERE,
) -> int:
    """Answer another party's terms with a counter-offer, and say what it changes.

    For example: touchstone terms counter 3f2a stricter.toml --as example-lab

    Args:
        file: The terms, a TOML file.
    """
    return _offer(case, file, where, (entities, people), counter=True)


def _offer(
    case: str,
    file: Path,
    where: Where,
    crowd: tuple[Path | None, Path | None],
    *,
    counter: bool,
) -> int:
    from touchstone.service.access import offers
    from touchstone.service.cases.case_admin import open_to_add

    if where.elsewhere:
        text, people = terms_text(file), user_base(*crowd)

        def draft(known: "PartyCase") -> "Deed":
            who = (known.by, text, people.entities, people.people)
            deed, told = offers.drafted_offer(known, *who, counter=counter)
            # Beside what binds: what the answer is for, which no fact of the deed says.
            for line in told.lines():
                warn(line)
            return deed

        return act(where, case, draft)
    with opened() as installation:
        found = open_to_add(installation, case)
        given = user_base(*crowd)
        args = (found, terms_text(file), _by(where), given.entities, given.people)
        tell(offers.offer(*args, counter=counter), json=where.json)
    return DONE


def _by(where: Where) -> str:
    if where.party is None:
        raise BadInputError("--as: name the party whose key signs")
    return where.party


@terms.command
def agree(case: CaseId, *, where: Where = HERE) -> int:
    """Agree to exactly the terms on the table, signed with a party's key.

    For example: touchstone terms agree 3f2a --as example-lab
    """
    return _answer(case, where, None, agree=True)


@terms.command
def decline(case: CaseId, *, reason: str | None = None, where: Where = HERE) -> int:
    """Decline the terms on the table, signed with a party's key. It carries no penalty.

    For example: touchstone terms decline 3f2a --as example-lab --reason "Too wide."

    Args:
        reason: Why, one line for the record.
    """
    return _answer(case, where, reason, agree=False)


def _answer(case: str, where: Where, reason: str | None, *, agree: bool) -> int:
    from touchstone.service.access import offers
    from touchstone.service.cases.case_admin import open_to_act, open_to_add

    why = line_if("--reason", reason)
    if where.elsewhere:
        return act(
            where,
            case,
            lambda known: offers.drafted_answer(known, known.by, agree=agree, reason=why),
        )
    with opened() as installation:
        found = kept_in_view((open_to_add if agree else open_to_act)(installation, case))
        told = offers.answer(found, _by(where), agree=agree, reason=why)
        tell(told, json=where.json)
    return DONE


@terms.command
def bundle(
    case: CaseId,
    *,
    out: Path,
    entities: Entities = None,
    stream: str | None = None,
    where: Where = HERE,
) -> int:
    """Sign the next policy bundle: the agreed terms and the directives that are carried out.

    By a server it is signed on this machine, where the developer's earlier bundles are in the
    folder too; of one that went by a file, the same command lays it there once it stands.

    For example: touchstone terms bundle 3f2a --out bundles

    Args:
        out: The folder that gateways watch.
        entities: A TOML file of organisations and lists; default: as the newest bundle has them.
        stream: The deployment that it is for; default: the newest bundle's, or the model's id.
    """
    from touchstone.service.access import bundles
    from touchstone.service.access.case_texts import CaseTexts
    from touchstone.service.access.user_base import registry_of
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.cases.case_admin import open_to_act

    if where.elsewhere:
        from touchstone.service.access.own_bundles import drafted_bundle

        shelf, crowd = BundleFolder(out), user_base(entities)
        return _own_bundle(
            where,
            case,
            shelf,
            lambda known, key: drafted_bundle(known, known.by, shelf, crowd, key, stream),
        )
    with opened() as installation:
        found = open_to_act(installation, case)
        registry = registry_of(CaseTexts(found), user_base(entities))
        tell(bundles.publish(found, BundleFolder(out), registry, stream), json=where.json)
    return DONE


def _own_bundle(where: Where, case: str, out: "BundleFolder", drafted: "Drafted") -> int:
    """The same by a server, or in a file: the bundle is signed here, and laid once it stands."""
    from touchstone.service.access import bundles

    made: list[bundles.BundleInHand] = []
    with hand_of(where) as hand:
        known = hand.look(case, "developer")
        party = known.state.parties.get(known.by)
        # The key that gateways pin is the party's own, whichever signs the deed.
        signer = hand.keys().signer(party.key if party else None)

        def draft(known: "PartyCase") -> "Deed":
            made.append(drafted(known, signer))
            if not made[-1].deeds:
                raise BadInputError("CASE: the newest bundle says the same: type it again")
            return made[-1].deeds[0]

        stands = drafted(known, signer)
        if stands.deeds:
            done = hand.act(case, draft, "developer")
            stands = made[-1]
            if done.n is None:
                out.keep(bundles.bundle_name(stands.event.number), stands.data)
                tell(done, json=where.json)
                return DONE
    out.put(bundles.bundle_name(stands.event.number), stands.data)
    tell(bundles.bundle_told(stands.event, out, signer.public_key.hex()), json=where.json)
    return DONE


@terms.command
def rollback(
    case: CaseId, number: int, *, out: Path, stream: str | None = None, where: Where = HERE
) -> int:
    """Sign the next policy bundle with the state of an older one: numbers only go up.

    By a server it is signed on this machine, where the older bundle is in the folder too; of one
    that went by a file, `terms bundle` lays it there once it stands.

    For example: touchstone terms rollback 3f2a 1 --out bundles

    Args:
        number: The older bundle's number.
        out: The folder that gateways watch.
        stream: The deployment that it is for; default: the newest bundle's.
    """
    from touchstone.service.access import bundles
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.cases.case_admin import open_to_act

    if where.elsewhere:
        from touchstone.service.access.own_bundles import drafted_return

        shelf = BundleFolder(out)
        return _own_bundle(
            where,
            case,
            shelf,
            lambda known, key: drafted_return(known, known.by, shelf, number, key, stream),
        )
    with opened() as installation:
        found = kept_in_view(open_to_act(installation, case))
        tell(bundles.return_to(found, BundleFolder(out), number, stream), json=where.json)
    return DONE
