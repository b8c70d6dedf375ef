"""An official's order and the classes answered beforehand, drafted wherever the record is.

What rests on more than deeds (numbers of people, bundles for gateways) is done beside the record,
by `directives`.
"""

from collections.abc import Collection

from touchstone.clearance import Marking, tlp
from touchstone.clearance.markings import LABELS
from touchstone.deeds.access import (
    directive_issued,
    directive_lifted,
    standing_classes_authorised,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.markings import Markings
from touchstone.handin import utc
from touchstone.handin.shown_ids import short_case
from touchstone.service.access.access_texts import check_length
from touchstone.service.access.offers import TableCase, terms_called
from touchstone.service.errors import CannotOrderError, NotAgreedError
from touchstone.service.file_io import NamedText
from touchstone.terms import Directive, Terms, parse_directive
from touchstone.terms.directives.pre_authorisation import parse_standing


def drafted_order(case: TableCase, party: str, text: NamedText, label: str | None = None) -> Deed:
    """The deed that issues a directive, under the next number; see `directives.issue`.

    No numbers of people go with it: they rest on a user base, which is beside the record.

    Raises:
        NotAgreedError, TermsFileError, CannotOrderError: as `directives.issue`.
    """
    marking, issued = order_marking(case.marks, label), case.state.directives
    directive = parse_order(text, _agreed(case), issued)
    check_length(text)
    number = len(issued) + 1
    return directive_issued(case, party, directive, text.text, number, None, marking)


def drafted_lifting(case: TableCase, party: str, name: str) -> Deed:
    """The deed that lifts a directive, by its id or number. Raises CannotOrderError."""
    return directive_lifted(case, party, directive_called(case, name))


def drafted_classes(case: TableCase, party: str, text: NamedText | None) -> Deed:
    """The deed by which the developer authorises classes of directives; None: takes them back.

    Raises:
        NotAgreedError, TermsFileError, CannotOrderError: as `directives.authorise`.
    """
    if text is None:
        return standing_classes_authorised(case, party, case.now(), None)
    classes = parse_standing(text.text, text.source, _agreed(case))
    check_length(text)
    return standing_classes_authorised(case, party, utc(classes.until), (classes.digest, text.text))


def parse_order(text: NamedText, agreed: Terms, issued: Collection[str]) -> Directive:
    """What a directive comes to, checked against what it spares people from.

    `issued` are the ids of the case's directives. Raises TermsFileError, CannotOrderError.
    """
    directive = parse_directive(text.text, text.source, agreed)
    for number, each in enumerate(directive.restores, start=1):
        if each.directive not in issued:
            raise CannotOrderError(
                "restored-unknown",
                source=text.source,
                number=number,
                directive=each.directive,
                issued=tuple(issued),
            )
    return directive


def order_marking(marks: Markings, label: str | None) -> Marking:
    """For the parties of the case, under a TLP 2.0 label; None: AMBER. Raises CannotOrderError."""
    chosen = next((each for each in LABELS if each == ("AMBER" if label is None else label)), None)
    if chosen is None:
        raise CannotOrderError("marking-unknown", label=str(label)[:40], labels=tuple(LABELS))
    named = () if chosen in {"GREEN", "CLEAR"} else marks.case.parties
    return tlp(chosen, *named)


def directive_called(case: TableCase, name: str) -> str:
    """The id of the directive that has this id or number. Raises CannotOrderError if none has."""
    issued = case.state.directives
    for each in issued.values():
        if name in {each.issued.directive, str(each.issued.number)}:
            return each.issued.directive
    raise CannotOrderError("directive-unknown", name=name[:64], issued=tuple(issued))


def _agreed(case: TableCase) -> Terms:
    """The terms in force. Raises NotAgreedError while none are agreed, or known to be here."""
    digest = case.state.terms_in_force
    if digest is None:
        code = "terms-not-agreed" if case.state.terms.on_table else "terms-not-offered"
        raise NotAgreedError(code, case=short_case(case.id))
    found = terms_called(case, digest)
    if found is None:
        raise CannotOrderError("text-lacking", digest=digest, why="not open to this party")
    return found
