"""What the parties sign before a review, and whether a hand-in is complete."""

from dataclasses import dataclass
from importlib import resources
from typing import Any, get_args

from touchstone.deeds.known_case import Participants
from touchstone.evaluation import Submission
from touchstone.framework import Framework
from touchstone.framework.kinds import Publication, Reasoning
from touchstone.framework.models import TermTemplate
from touchstone.handin import Bounds, Origin, as_json, parse_toml
from touchstone.verdicts.errors import CannotRunError

_PUBLISHED: tuple[str, ...] = get_args(Publication)
_REASONING: tuple[str, ...] = get_args(Reasoning)


@dataclass(frozen=True)
class Agreed:
    """The terms of a review: the template that they stand in, and what the submission narrows."""

    template: TermTemplate
    retention_days: int
    publication: Publication


def standard_template() -> TermTemplate:
    """The shipped template, for frameworks that bring none."""
    data = resources.files("touchstone.service.cases").joinpath("agreement.toml").read_bytes()
    content = parse_toml(data, Origin("agreement.toml", CannotRunError), Bounds(len(data)))
    return TermTemplate.model_validate_json(as_json(content))


def agreed_terms(framework: Framework, submission: Submission) -> Agreed:
    """What developer and centre sign. The submission may ask for less than the template, not more.

    Raises:
        CannotRunError: it asks for more; the line names the key.
    """
    template, wished = framework.agreement or standard_template(), submission.agreement
    days, published = template.retention_days, template.publication
    if days is None or published is None:
        raise TypeError(f"template {template.id} is of no agreement")
    if wished.retention_days is not None:
        if wished.retention_days > days:
            raise CannotRunError(
                f"agreement.retention_days: {wished.retention_days} is more than the {days} of "
                f"{template.id}, the template of the agreement; write at most so many"
            )
        days = wished.retention_days
    if wished.publication is not None:
        if _PUBLISHED.index(wished.publication) > _PUBLISHED.index(published):
            raise CannotRunError(
                f"agreement.publication: {wished.publication!r} is more than the {published!r} of "
                f"{template.id}, the template of the agreement; write that or less"
            )
        published = wished.publication
    return Agreed(template, days, published)


def agreement_text(
    framework: Framework, submission: Submission, participants: Participants, agreed: Agreed
) -> dict[str, Any]:
    """What developer and centre agree on, as a JSON value; its digest is what both sign."""
    template = agreed.template
    return {
        "framework": framework.digest,
        "developer": participants.developer,
        "centre": participants.centre,
        "model": submission.model.name,
        "access": submission.access,
        "reasoning": submission.reasoning_access,
        "retention_days": agreed.retention_days,
        "publication": agreed.publication,
        "template": template.model_dump(mode="json", exclude_defaults=True),
    }


def missing(framework: Framework, submission: Submission) -> tuple[str, ...]:
    """What the hand-in lacks, a line each: what the framework asks for, what is still to come."""
    asked, lines = framework.hand_in, []
    if asked is not None:
        purposes = {variant.purpose for variant in submission.variants}
        kinds = {document.kind for document in submission.documents}
        lines += [f"a variant with purpose {p}" for p in asked.purposes if p not in purposes]
        lines += [f"a document of kind {kind}" for kind in asked.documents if kind not in kinds]
        shown = submission.reasoning_access
        if _REASONING.index(shown) < _REASONING.index(asked.reasoning):
            lines.append(f"reasoning access {asked.reasoning}; it is {shown}")
    lines += [f"still to come: {what}" for what in submission.still_to_come]
    return tuple(line[:500] for line in lines)
