"""`touchstone directive`: an official's order, from its blast radius to the proof of its effect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from touchstone.cli.hands import HERE, CaseId, Where, hand_of
from touchstone.cli.hands import act as do
from touchstone.cli.opened import act, opened
from touchstone.cli.option_names import sentence_of
from touchstone.cli.output import Json, tell
from touchstone.cli.texts import shelf, terms_text, terms_text_if, user_base
from touchstone.cli.typed import line_if, party_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from touchstone.service.access.directive_status import DirectiveStanding
    from touchstone.service.access.directives import Done, Kind
    from touchstone.service.access.gateways import Gateway
    from touchstone.service.access.user_base import UserBase
    from touchstone.service.bundle_folder import BundleFolder
    from touchstone.service.file_io import NamedText

DONE, NO = 0, 1
directive = App(
    name="directive", help="Preview, issue, answer, follow or lift an official's directive."
)
Entities = Annotated[
    Path | None,
    Parameter(help="A TOML file of organisations, lists and people; default: the newest bundle's."),
]
People = Annotated[Path | None, Parameter(help="A CSV file of the real user base.")]
TermsFile = Annotated[
    Path | None,
    Parameter(help="The terms in force, a TOML file: of a destroyed case, which keeps no text."),
]
Flag = Annotated[bool, Parameter(negative="")]


@directive.command
def preview(
    case: str,
    file: Path,
    *,
    entities: Entities = None,
    people: People = None,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Show what a directive would do to the real user base, before anyone signs.

    Args:
        case: The case's id, or enough of its beginning.
        file: The directive, a TOML file.
        out: An HTML file for the same as a page with bars.
    """
    from touchstone.editions.page.impact_page import render_impact
    from touchstone.keys.files import write_file
    from touchstone.service.access import directives
    from touchstone.service.cases.case_admin import open_found

    with opened() as installation:
        shown = directives.preview(
            open_found(installation, case), terms_text(file), user_base(entities, people)
        )
    if out is not None:
        page = render_impact(shown.directive.title, shown.directive.lines(), shown.reach)
        write_file(out, [page.encode()])
    tell(shown, json=json)
    return DONE


@directive.command
def issue(
    case: CaseId,
    file: Path,
    *,
    marking: str | None = None,
    entities: Entities = None,
    people: People = None,
    out: Path | None = None,
    terms: TermsFile = None,
    where: Where = HERE,
) -> int:
    """Issue a directive, by an agency's key.

    By a server, or in a file, no numbers of people go with it.

    For example: touchstone directive issue 3f2a order.toml --as example-agency

    Args:
        file: The directive, a TOML file.
        marking: RED, AMBER+STRICT, AMBER (the default), GREEN or CLEAR: who may read it.
        out: The folder that gateways watch: a directive in a standing class is then answered at
            once.
    """
    from touchstone.service.access import directives, orders
    from touchstone.service.cases.case_admin import open_to_act

    if where.elsewhere:
        _only_here({"--out": out, "--terms": terms, "--entities": entities, "--people": people})
        text = terms_text(file)
        return do(where, case, lambda known: orders.drafted_order(known, known.by, text, marking))
    with opened() as installation:
        found, crowd = act(open_to_act(installation, case)), user_base(entities, people)
        done = directives.issue(
            found,
            terms_text(file),
            crowd,
            party=party_of(where.party),
            label=marking,
            out=shelf(out),
            terms=terms_text_if(terms),
        )
    tell(done.told(sentence_of), json=where.json)
    return DONE


def _only_here(given: "Mapping[str, Path | None]") -> None:
    """Refuse what is done beside the record alone, where a deed is done elsewhere."""
    for option, path in given.items():
        if path is not None:
            raise BadInputError(f"{option}: is for the record of this machine: leave it out")


@directive.command
def answer(
    case: CaseId,
    number: str,
    *,
    narrowly: Path | None = None,
    more_broadly: Path | None = None,
    contested: str | None = None,
    by_standing_class: Flag = False,
    reason: str | None = None,
    revise: Flag = False,
    entities: Entities = None,
    people: People = None,
    out: Path | None = None,
    where: Where = HERE,
) -> int:
    """Answer a directive, by the developer's key, and sign the bundle that carries it out.

    By a server, or in a file, the answer goes alone: `terms bundle` then signs the bundle.

    For example: touchstone directive answer 3f2a 1 --contested "It bars our own staff."

    Args:
        number: The directive's id, or its number in the case.
        narrowly: The text that is carried out: at the order's own scope, or within it.
        more_broadly: The text that is carried out: it bars more than the order does.
        contested: Do not carry it out; one line for the record that says why.
        by_standing_class: By a class of directives that was authorised beforehand.
        reason: Why, one line for the record.
        revise: Change an answer that was given.
        out: The folder that gateways watch. By a server nothing is laid there: its newest bundle
            says who belongs where, if --entities does not.
    """
    from touchstone.service.access import own_bundles

    kind, reading = _kind(narrowly, more_broadly, contested, by_class=by_standing_class)
    why = line_if("--contested", contested) or line_if("--reason", reason)
    crowd, text, place = user_base(entities, people), terms_text_if(reading), shelf(out)
    if where.elsewhere:
        return do(
            where,
            case,
            lambda known: own_bundles.drafted_directive_answer(
                known,
                known.by,
                number,
                kind,
                crowd,
                reading=text,
                reason=why,
                revise=revise,
                shelf=place,
            ),
            role="developer",
        )
    done = _answered_here(case, number, kind, crowd, text, why, place, revise=revise)
    tell(done.told(sentence_of), json=where.json)
    return DONE


def _answered_here(
    case: str,
    number: str,
    kind: "Kind",
    crowd: "UserBase",
    reading: "NamedText | None",
    reason: str | None,
    out: "BundleFolder | None",
    *,
    revise: bool,
) -> "Done":
    """Answer a directive in the record of this machine, and sign the bundle beside it."""
    from touchstone.service.access import directives
    from touchstone.service.access.orders import directive_called
    from touchstone.service.cases.case_admin import open_to_act

    with opened() as installation:
        found = act(open_to_act(installation, case))
        name = directive_called(found, number)
        return directives.answer(
            found, name, kind, crowd, reading=reading, reason=reason, out=out, revise=revise
        )


def _kind(
    narrowly: Path | None, more_broadly: Path | None, contested: str | None, *, by_class: bool
) -> "tuple[Kind, Path | None]":
    """The one answer that was given, and the text that goes with it."""
    given: list[tuple[Kind, Path | None]] = []
    if narrowly is not None:
        given.append(("narrowly", narrowly))
    if more_broadly is not None:
        given.append(("more-broadly", more_broadly))
    if contested is not None:
        if not contested.strip():
            raise BadInputError("--contested: write one line that says why")
        given.append(("contested", None))
    if by_class:
        given.append(("by-standing-class", None))
    # Two answers in one call would leave it to us which of them a developer's key signs.
    if len(given) != 1:
        raise BadInputError(
            "say how, once: --narrowly FILE, --more-broadly FILE, --contested REASON or "
            "--by-standing-class"
        )
    return given[0]


@directive.command
def status(
    case: CaseId,
    *,
    gateway: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    record: Flag = False,
    entities: Entities = None,
    people: People = None,
    where: Where = HERE,
) -> int:
    """Show how directives were answered, which gateways acknowledged, and who is silent (exit 1).

    For example: touchstone directive status 3f2a --gateway west=west.pub:state --record

    Args:
        gateway: `NAME=KEY:FOLDER`: its name, its public key (hex, or a file of what `gateway key`
            prints) and its state folder; may be given several times.
        record: Put the gateways' receipts into the record, by the developer's key.
    """
    from touchstone.service.access import directive_status as following
    from touchstone.service.cases.case_admin import open_as_it_is
    from touchstone.service.receipt_folder import parse_gateway

    gateways = [parse_gateway(each) for each in gateway]
    if where.elsewhere:
        crowd = user_base(entities, people)
        stand = _standing_elsewhere(where, case, gateways, crowd, noting=record)
        if stand is None:
            return DONE
        tell(stand, json=where.json)
        return NO if stand.silent else DONE
    with opened() as installation:
        found, crowd = act(open_as_it_is(installation, case)), user_base(entities, people)
        told = following.note_and_tell if record else following.status
        stand = told(found, crowd, gateways)
    tell(stand, json=where.json)
    # A gateway that says nothing may still be serving: to scripts that is a no.
    return NO if stand.silent else DONE


def _standing_elsewhere(
    where: Where, case: str, gateways: "list[Gateway]", crowd: "UserBase", *, noting: bool
) -> "DirectiveStanding | None":
    """The same by a server; None: the receipt that was to be noted is in a file now."""
    from touchstone.service.access.directive_status import stands_now
    from touchstone.service.access.gateways import hear, unnoted
    from touchstone.service.access.own_texts import PartyTexts

    if where.to_file is not None and not noting:
        raise BadInputError("--to-file: a question is no deed: add --record, or leave it out")
    heard = [hear(each) for each in gateways]
    with hand_of(where) as hand:
        known = hand.look(case, "developer")
        due = unnoted(known, known.state, heard) if noting else []
        if where.to_file is not None and len(due) != 1:
            raise BadInputError(
                f"--to-file: {len(due)} receipts are to be noted, each by a deed of its own;"
                " a file takes one: name one gateway, or do it by --server"
            )
        # Each by what the case is then: one that was noted meanwhile is not noted again.
        for deed in due:
            done = hand.act(case, lambda _, deed=deed: deed, "developer")  # type: ignore[misc]  # bound now
            if where.to_file is not None:
                tell(done, json=where.json)
                return None
        known = hand.look(case, "developer") if due else known
        return stands_now(PartyTexts(known), crowd, heard, len(due), known.now())


@directive.command
def lift(case: CaseId, number: str, *, out: Path | None = None, where: Where = HERE) -> int:
    """Lift a directive, by the key of the agency that issued it.

    For example: touchstone directive lift 3f2a 1 --as example-agency

    Args:
        number: The directive's id, or its number in the case.
        out: The folder that gateways watch: one answered by standing class then ends at once.
    """
    from touchstone.service.access import directives, orders
    from touchstone.service.cases.case_admin import open_to_act

    if where.elsewhere:
        _only_here({"--out": out})
        return do(where, case, lambda known: orders.drafted_lifting(known, known.by, number))
    with opened() as installation:
        found = act(open_to_act(installation, case))
        name = orders.directive_called(found, number)
        done = directives.lift(found, name, party=party_of(where.party), out=shelf(out))
    tell(done.told(sentence_of), json=where.json)
    return DONE


@directive.command
def standing(
    case: CaseId,
    file: Path | None = None,
    *,
    withdraw: Flag = False,
    terms: TermsFile = None,
    where: Where = HERE,
) -> int:
    """Authorise classes of directives that are answered at once, by the developer's key.

    For example: touchstone directive standing 3f2a classes.toml

    Args:
        file: The classes, a TOML file.
        withdraw: Take back what was authorised.
    """
    from touchstone.service.access import directives, orders
    from touchstone.service.cases.case_admin import open_to_act

    # An authorisation and its end by one option would make a forgotten file a withdrawal.
    if (file is None) is not withdraw:
        raise BadInputError("name a file of classes, or take them back with --withdraw")
    if where.elsewhere:
        _only_here({"--terms": terms})
        text = terms_text_if(file)
        return do(
            where,
            case,
            lambda known: orders.drafted_classes(known, known.by, text),
            role="developer",
        )
    with opened() as installation:
        found = act(open_to_act(installation, case))
        done = directives.authorise(found, terms_text_if(file), terms_text_if(terms))
    tell(done.told(sentence_of), json=where.json)
    return DONE


@directive.command
def example(*, out: Path, people: int = 100_000, seed: int = 12, json: Json = False) -> int:
    """Create the fictional June case, to try directives on, with its own data folder.

    Args:
        out: A new folder: terms, directives, the user base, and an installation.
        people: How many invented people.
        seed: The same seed draws the same people.
    """
    from touchstone.demo.june import make_example

    tell(make_example(out, people, seed), json=json)
    return DONE
