"""`touchstone release`: a release is always the developer's own act, whatever the case says."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.opened import act, opened
from touchstone.cli.output import Json, tell_facts

DONE = 0
release = App(name="release", help="Put a release on the record.")


@release.command
def announce(
    case: str,
    *,
    scope: Literal["internal", "partners", "public"],
    variant: Annotated[tuple[str, ...], Parameter(negative="")],
    same_model: Literal["same", "changed", "not-said"] = "not-said",
    review_delay_days: int | None = None,
    json: Json = False,
) -> int:
    """Announce a release, by the developer's key: in every case, destroyed ones too.

    Args:
        case: The case's id, or enough of its beginning.
        scope: To whom.
        variant: What is released, by its id in the submission; may be given again.
        same_model: Whether it is the model that was reviewed, as the developer says.
        review_delay_days: How many days the release waited for the review, as the developer says.
    """
    from touchstone.deeds.access import release_announced
    from touchstone.service.cases.case_admin import open_to_leave

    with opened() as installation:
        # By the door that is open in every case, destroyed and newer ones too: nothing here may
        # keep a release off the record.
        found = act(open_to_leave(installation, case))
        # Who is told of a public release is everybody; of another one the developer's usual
        # readers.
        marking = found.marks.public if scope == "public" else None
        by, delay = found.participants.developer, review_delay_days
        deed = release_announced(
            found,
            by,
            scope,
            variant,
            same_model=same_model,
            review_delay_days=delay,
            marking=marking,
        )
        found.record([deed])
    said = f"{by} announces a release to {scope}: {', '.join(variant)}."
    tell_facts(said, {"case": found.id, "scope": scope, "variants": list(variant)}, json=json)
    return DONE
