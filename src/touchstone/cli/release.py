"""`touchstone release`: a release is always the developer's own act, whatever the case says."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import DONE, HERE, CaseId, Where, act, hand_of
from touchstone.cli.output import tell
from touchstone.cli.typed import name_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.cli.hands import Hand
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.evaluation import Submission

release = App(name="release", help="Put a release on the record, or look at what was released.")


@release.command
def announce(
    case: CaseId,
    *,
    scope: Literal["internal", "partners", "public"],
    variant: Annotated[tuple[str, ...], Parameter(negative="")],
    same_model: Literal["same", "changed", "not-said"] = "not-said",
    review_delay_days: int | None = None,
    where: Where = HERE,
) -> int:
    """Announce a release, by the developer's key: in every case, destroyed ones too.

    It cannot be taken back: name the case by its whole id.

    For example: touchstone release announce case-1 --scope public --variant final --same-model same

    Args:
        scope: To whom.
        variant: What is released, by its id in the submission; may be given again.
        same_model: Whether it is the model that was reviewed, as the developer says.
        review_delay_days: How many days the release waited for the review, as the developer says.
    """
    from touchstone.deeds.access import release_announced

    def draft(known: "PartyCase") -> "Deed":
        # Who is told of a public release is everybody; of another one the developer's usual
        # readers.
        marking = known.marks.public if scope == "public" else None
        return release_announced(
            known,
            known.by,
            scope,
            variant,
            same_model=same_model,
            review_delay_days=review_delay_days,
            marking=marking,
        )

    return act(where, case, draft, role="developer")


@release.command
def compare(
    case: CaseId,
    *,
    variant: str,
    submission: Path | None = None,
    where: Where = HERE,
) -> int:
    """Say whether what was released answers as what was reviewed, by the centre's key.

    Each mode of the variant is asked now, and what it calls itself is held against the first
    snapshot. Where no snapshot was taken it stays undetermined. On the machine of the record the
    key that the developer handed in for this case goes before the environment's, at the addresses
    that it handed in; it goes when the case ends.

    For example: touchstone release compare 3f2a --variant final --submission RELEASED.toml

    Args:
        variant: What was released, by its id in the submission.
        submission: A SUBMISSION.toml that says where the released modes answer; default: where
            those answered that were handed in.
    """
    name = name_of("--variant", variant)

    def draft(hand: "Hand", known: "PartyCase") -> "Deed":
        from touchstone.deeds.access import release_compared
        from touchstone.service.reviews.comparing import (
            ask_released,
            compare_released,
            for_own_endpoints,
        )

        # Before an endpoint is asked: it may be another party's, and rate its questions.
        if not known.state.releases:
            raise BadInputError("CASE: no release is announced so far, so there is none to look at")
        own = _handed_in(known)
        asked = own if submission is None else _loaded(submission)
        if asked is None:
            raise BadInputError(
                "--submission: what was handed in cannot be read here; name a SUBMISSION.toml that "
                "says where the released modes answer"
            )
        keys = for_own_endpoints(asked, own, partial(hand.endpoint_key, known.id))
        probes = ask_released(asked, name, known.now(), keys)
        compared, digest = compare_released(known.state, name, probes)
        return release_compared(known, known.by, name, compared, digest)

    with hand_of(where) as hand:
        done = hand.act(case, partial(draft, hand), "centre")
    tell(done, json=where.json)
    return DONE


def _loaded(file: Path) -> "Submission":
    from touchstone.evaluation import load_submission

    return load_submission(file)


def _handed_in(known: "PartyCase") -> "Submission | None":
    """The case's own submission; None where it cannot be read here."""
    from touchstone.verdicts.content_parsers import submission_of

    entries = list(known.entries_of("submission-received"))
    return entries[-1].parsed("submission", submission_of) if entries else None
