"""`touchstone agreement`: what developer and centre agree on, offered, countered and signed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from touchstone.cli.hands import (
    ANYWHERE,
    HERE,
    AtServer,
    CaseId,
    NotDoneError,
    Where,
    act,
    hand_of,
)
from touchstone.cli.output import show, show_json, tell
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.service.cases.agreeing import AgreementText, Choices

DONE = 0
agreement = App(name="agreement", help="Show, offer, counter or sign what a case rests on.")
_GROUP = Group("What is agreed", sort_key=5)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a text of the agreement says; what is left out stays as it was, or as the file says."""

    access: Annotated[
        Literal["endpoint", "weights", "developer-premises"] | None,
        Parameter(group=_GROUP, help="How the centre reaches the model."),
    ] = None
    reasoning: Annotated[
        Literal["none", "summary", "full"] | None,
        Parameter(group=_GROUP, help="How much of the model's reasoning is shown."),
    ] = None
    retention_days: Annotated[
        int | None,
        Parameter(group=_GROUP, help="Days after the close for which content is kept."),
    ] = None
    publication: Annotated[
        Literal["nothing", "participation-only", "agreed-report", "free"] | None,
        Parameter(group=_GROUP, help="What the centre may publish."),
    ] = None
    reader: Annotated[
        tuple[str, ...],
        Parameter(
            group=_GROUP,
            negative="",
            help="Who may see what, WHAT=PARTY, as submission=example-agency; may be given again.",
        ),
    ] = ()
    view_only: Annotated[
        tuple[str, ...],
        Parameter(
            group=_GROUP,
            negative="",
            help="A party that may look at what models answered, and is handed no copy of it; may"
            " be given again.",
        ),
    ] = ()
    file: Annotated[
        Path | None, Parameter(group=_GROUP, help="A TOML file with all of this, and words.")
    ] = None

    def read(self) -> "Choices":
        """The choices. Raises BadInputError, which names the option, or the file and the key."""
        from pydantic import ValidationError

        from touchstone.service.cases.agreeing import MOST, Choices, read_choices
        from touchstone.service.file_io import read_named

        typed = {
            "access": self.access,
            "reasoning": self.reasoning,
            "retention_days": self.retention_days,
            "publication": self.publication,
            "readers": _readers(self.reader),
            "view_only": self.view_only or None,
        }
        try:
            own = Choices.model_validate({k: v for k, v in typed.items() if v is not None})
        except ValidationError as error:
            first = error.errors()[0]
            option = str(first["loc"][0]).replace("_", "-").replace("readers", "reader")
            raise BadInputError(f"--{option}: {first['msg']}") from error
        if self.file is None:
            return own
        return own.filled_by(read_choices(read_named(self.file, MOST)))


UNCHOSEN = Chosen()


@agreement.command(name="show")
def show_(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show the texts of the agreement, the newest last: what each says, and who has signed it.

    For example: touchstone agreement show case-1
    """
    with where.hand as hand:
        texts = _texts(hand.look(case))
    if where.json:
        show_json([each.as_dict() for each in texts])
        return DONE
    for each in texts:
        show("\n".join(each.lines()))
    if not texts:
        show("No text of the agreement is open to this party.")
    return DONE


@agreement.command
def offer(
    case: CaseId,
    *,
    answers: str | None = None,
    chosen: Chosen = UNCHOSEN,
    where: Where = HERE,
) -> int:
    """Sign another text than those on the table: an offer, which holds once the other signs it.

    For example: touchstone agreement offer case-1 --as example-lab --retention-days 30

    Args:
        answers: The text that it changes, by the beginning of its digest; default: the newest.
    """
    from touchstone.deeds.cases import agreement_signed
    from touchstone.service.cases.agreeing import answered, new_text

    choices = chosen.read()

    def draft(known: "PartyCase") -> "Deed":
        before = answered(_texts(known), answers)
        return agreement_signed(
            known, known.by, new_text(before.text, choices), text_recorded=False
        )

    return act(where, case, draft)


@agreement.command
def sign(case: CaseId, text: str | None = None, *, where: Where = HERE) -> int:
    """Sign a text that is on the table, all of which is shown before.

    For example: touchstone agreement sign case-1 --as example-centre

    Args:
        text: The beginning of its digest, as `agreement show` gives it; default: the newest.
    """
    from touchstone.deeds.cases import agreement_signed
    from touchstone.review import evolve
    from touchstone.service.cases.agreeing import answered

    concludes = False

    def draft(known: "PartyCase") -> "Deed":
        nonlocal concludes
        meant = answered(_texts(known), text)
        last = known.state.signed_last.get(known.by)
        # Whoever signed another text since goes back to this one by signing it again.
        if last is not None and last.agreement == meant.digest:
            stands = "it holds" if meant.holds else "it holds once the other party signs it"
            why = f"{known.by} has signed this text already; {stands}, and nothing is recorded"
            raise NotDoneError("signed-already", why)
        # It goes with the deed again: whoever signs elsewhere sees what is signed.
        deed = agreement_signed(known, known.by, meant.text, text_recorded=False)
        after = evolve(known.state, deed.event, known.now()).concluded
        concludes = len(after) > len(known.state.concluded)
        return deed

    with hand_of(where) as hand:
        done = hand.act(case, draft)
    tell(done, json=where.json)
    if concludes and done.n is not None and not where.json:
        show("The agreement holds: both have signed the same text.")
    return DONE


def _texts(known: "PartyCase") -> "tuple[AgreementText, ...]":
    from touchstone.service.cases.agreeing import texts_on_the_table

    entries = tuple(known.entries_of("case-opened", "agreement-signed"))
    return texts_on_the_table(known.state, entries)


def _readers(given: tuple[str, ...]) -> dict[str, tuple[str, ...]] | None:
    """By what it is, who may see it. Raises BadInputError."""
    found: dict[str, tuple[str, ...]] = {}
    for each in given:
        what, equals, party = each.partition("=")
        if not equals:
            raise BadInputError(f"--reader: {each[:64]!a}: write WHAT=PARTY")
        found[what] = (*found.get(what, ()), party) if party else ()
    return found or None
