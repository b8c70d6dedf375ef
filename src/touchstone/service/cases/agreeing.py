"""The agreement as its parties write it: choices of one text laid over those of the one before.

    choices = read_choices(NamedText(text, "agreement.toml"))
    mine = choices.over(theirs)

Nothing is chosen here: what no party has written, and no template of the framework, is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.deeds.agreed_readers import Readable
from touchstone.deeds.known_case import Participants
from touchstone.editions.value_lines import value_lines
from touchstone.errors import BadInputError
from touchstone.framework import Framework
from touchstone.framework.kinds import Publication, Reasoning
from touchstone.handin import Bounds, Origin, as_json, parse_toml
from touchstone.handin.toml import toml_place
from touchstone.ledger import digest_value
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.review.events.base import Line, Name, Statement
from touchstone.review.events.opening import AgreementSigned, CaseOpened
from touchstone.service.cases.agreement import standard_template
from touchstone.service.file_io import NamedText

MOST = 64 << 10
"""Bytes of a file of choices."""
_HAS = ("access", "reasoning", "retention_days", "publication")
"""What every agreement says."""
Access = Literal["endpoint", "weights", "developer-premises"]


class Choices(BaseModel):
    """What one party writes; what it does not name stays as it was."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    access: Access | None = None
    """How the centre reaches the model."""
    reasoning: Reasoning | None = None
    """How much of the model's reasoning is shown."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How many days after the close content and evidence are kept."""
    publication: Publication | None = None
    """What the centre may publish."""
    model: Line | None = None
    """The model that it is about."""
    text: Statement | None = None
    """What else the parties agree on, in words."""
    readers: dict[Readable, tuple[Name, ...]] | None = None
    """Who may see what beside developer and centre: by what it is, party ids."""

    view_only: tuple[Name, ...] | None = None
    """Who may look at what models answered, and is handed no copy of it: party ids."""

    def over(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The text that these choices make of an earlier one; both are JSON values."""
        own = self.model_dump(mode="json", exclude_none=True)
        readers = dict(before.get("readers", {})) | own.pop("readers", {})
        return {**before, **own, **({"readers": readers} if readers else {})}

    def filled_by(self, other: "Choices") -> "Choices":
        """These, with what they do not say as another has it."""
        own = self.model_dump(exclude_none=True)
        return Choices.model_validate(other.model_dump(exclude_none=True) | own)


def read_choices(text: NamedText) -> Choices:
    """The choices in a TOML text. Raises BadInputError, which names the key and the fix."""
    origin = Origin(text.source, BadInputError)
    content = parse_toml(text.text, origin, Bounds(MOST))
    try:
        return Choices.model_validate_json(as_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{toml_place(first['loc'])}: {first['msg']}"
        raise origin.error(what) from error


def first_text(
    framework: Framework, participants: Participants, choices: Choices
) -> dict[str, Any]:
    """The text under which a case is opened: the choices, in the framework's template.

    Raises:
        BadInputError: something that an agreement says is neither chosen nor in the template.
    """
    template = framework.agreement or standard_template()
    text = choices.over(
        {
            "framework": framework.digest,
            "developer": participants.developer,
            "centre": participants.centre,
            "retention_days": template.retention_days,
            "publication": template.publication,
            "template": template.model_dump(mode="json", exclude_defaults=True),
        }
    )
    lacking = [name for name in _HAS if text.get(name) is None]
    if lacking:
        raise BadInputError(
            f"the agreement does not say {' and '.join(lacking)}: choose, and add it"
        )
    return text


@dataclass(frozen=True)
class AgreementText:
    """A text that is on the table of a case, with who has signed it."""

    text: Mapping[str, Any]
    digest: str
    signed: tuple[str, ...]
    holds: bool
    """Whether it is the agreement that holds."""

    def lines(self) -> Iterator[str]:
        """For people."""
        by = ", ".join(self.signed) or "nobody yet"
        yield f"{self.digest}: signed by {by}{'; it holds' if self.holds else ''}"
        yield from (f"  {line}" for line in value_lines(self.text))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "digest": self.digest,
            "signed": list(self.signed),
            "holds": self.holds,
            "text": dict(self.text),
        }


def texts_on_the_table(state: State, entries: Sequence[Entry]) -> tuple[AgreementText, ...]:
    """The texts of a case in the order in which they came, the newest last.

    `entries` are those in which texts come, `case-opened` and `agreement-signed`.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        text = entry.content("agreement")
        if isinstance(entry.event, CaseOpened | AgreementSigned) and isinstance(text, Mapping):
            # Signed again, it is the one that is talked about.
            found.pop(entry.event.agreement, None)
            found[entry.event.agreement] = text
    holds = state.agreement.agreement if state.agreement else ""
    return tuple(
        AgreementText(text, digest, tuple(state.agreements.get(digest, {})), digest == holds)
        for digest, text in found.items()
    )


def answered(texts: Sequence[AgreementText], digest: str | None) -> AgreementText:
    """The text that is meant: by the beginning of its digest, else the newest.

    Raises:
        BadInputError: none is, or several are.
    """
    if not texts:
        raise BadInputError("no text of the agreement is open to this party: join the case first")
    if digest is None:
        return texts[-1]
    meant = [each for each in texts if each.digest.startswith(digest)]
    if len(meant) != 1:
        raise BadInputError(
            f"{digest[:80]!a}: {len(meant)} texts of the case have such a digest; see"
            " touchstone agreement show"
        )
    return meant[0]


def new_text(before: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """A counter-offer. Raises BadInputError: it says the same as the text that it answers."""
    text = choices.over(before)
    if digest_value(text) == digest_value(dict(before)):
        raise BadInputError("the offer says what is on the table: sign that, or change something")
    return text
