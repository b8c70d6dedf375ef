"""What a developer hands in, read from SUBMISSION.toml: bounded, checked, free of secrets."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from touchstone.evaluation.digests import Frozen, digest_value
from touchstone.evaluation.errors import SubmissionError
from touchstone.evaluation.formats import CHAT, Format, setting_refused
from touchstone.evaluation.untrusted_input import (
    check_document,
    parse_submission,
    plain_text,
    read_bounded,
    refuse_keys,
)
from touchstone.framework.kinds import Publication, Purpose, Reasoning, WholeDay

MAX_SUBMISSION = 1024 * 1024
MAX_DOCUMENT = 32 * 1024 * 1024
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PROVIDER = "openai-api"


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", value):
        raise ValueError("an id is 1 to 64 of a-z, 0-9, '.', '_' and '-'")
    return value


def _decimal(value: Any) -> Decimal:
    # A float has lost the digits that were written, and money and digests are about those.
    if isinstance(value, float | bool) or not isinstance(value, str | int | Decimal):
        raise ValueError('write a decimal, such as "1.25"')  # noqa: TRY004 - pydantic's
    if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?", str(value)):
        raise ValueError('write a decimal of up to 12 digits and 9 places, such as "1.25"')
    return Decimal(str(value))


def _model(value: str) -> str:
    if not re.fullmatch(PROVIDER + r"/[A-Za-z0-9._-]+(/[A-Za-z0-9._:@-]+)+", value):
        raise ValueError(f'write "{PROVIDER}/<service>/<model name>", whatever the format')
    return value


def _base_url(value: str) -> str:
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError as error:
        raise ValueError("not a URL") from error
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("write http:// or https:// and a host")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("a URL here holds no user, password, query or fragment")
    # The key and the sealed items go there: on the way anybody could read them.
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise ValueError("http without TLS is for this machine only; use https")
    return value.rstrip("/")


def _env_name(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", value):
        raise ValueError("name an environment variable, such as EXAMPLE_API_KEY; never the key")
    return value


Id = Annotated[str, AfterValidator(_id)]
Amount = Annotated[Decimal, BeforeValidator(_decimal)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4000)]


class Developer(Frozen):
    """Who hands the model in."""

    id: Id
    name: Name


class PlannedRelease(Frozen):
    """When the developer means to release, and to whom first. Planning binds nobody."""

    date: Annotated[WholeDay, Field(ge=dt.date(1970, 1, 1), lt=dt.date(9000, 1, 1))]
    anchor: Literal["public-release", "partner-release"] = "public-release"


class SubmittedModel(Frozen):
    """What is reviewed."""

    id: Id
    name: Name
    release_state: Literal["in-development", "internal", "restricted", "released"]
    planned_release: PlannedRelease | None = None


class SubmittedVariant(Frozen):
    """One set of weights or safeguards."""

    id: Id
    purpose: Purpose = "final"
    """Every one but `reference` is under review and can be found covered. Unsaid, it is the model
    as it would be released, which every criterion is asked of."""
    description: Text = ""
    weights: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """The digest of the manifest of its weights, where they are handed in."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without weights where there are none: earlier submissions keep their digest."""
        return {k: v for k, v in handler(self).items() if k != "weights" or v is not None}


class ModeSettings(Frozen):
    """The part of Inspect's GenerateConfig that a mode may set."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    reasoning_tokens: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    temperature: Annotated[Amount, Field(le=2)] | None = None
    top_p: Annotated[Amount, Field(le=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] | None = None

    @property
    def reasoning(self) -> tuple[str | None, int | None]:
        """What the mode asks of reasoning: effort and budget."""
        return self.reasoning_effort, self.reasoning_tokens

    @property
    def asks_for_reasoning(self) -> bool:
        """Whether the model is asked to reason, so that its answers are to show that it did."""
        return self.reasoning_effort not in {None, "none"} or bool(self.reasoning_tokens)


class Mode(Frozen):
    """A way of running a variant: an endpoint and its settings."""

    id: Id
    variant: Id
    model: Annotated[str, AfterValidator(_model)]
    """An Inspect model string, `openai-api/<service>/<name>`."""
    base_url: Annotated[str, AfterValidator(_base_url)]
    api_key_env: Annotated[str, AfterValidator(_env_name)]
    """Name of the environment variable that holds the key; never the key."""
    format: Format = CHAT
    """What the endpoint speaks. Unsaid, it is OpenAI's chat completions."""
    settings: ModeSettings = ModeSettings()
    description: Text = ""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the format that was once the only one: earlier submissions keep their digest."""
        return {k: v for k, v in handler(self).items() if k != "format" or v != CHAT}

    @model_validator(mode="after")
    def _speakable(self) -> "Mode":
        # Before anything is asked: left out in silence, another mode than this one would be run.
        if reason := setting_refused(self.format, self.settings.model_dump()):
            raise ValueError(reason)
        return self


class Document(Frozen):
    """A document that comes with the model, by path and digest."""

    path: Annotated[str, Field(min_length=1, max_length=500)]
    """Relative to the submission, with `/`, never outside its folder."""
    title: Name = "untitled"
    kind: Name | None = None
    """What it is, as the framework calls what it asks for; unsaid, it answers nothing asked."""
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """Computed when the submission is read; compared where it was given."""
    size: Annotated[int, Field(ge=0)] = 0
    """In bytes, computed."""


class Caps(Frozen):
    """What the whole review may cost at most. Hard: no sample starts that could go beyond."""

    tokens: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    """Input and output together."""
    money: Amount | None = None
    """In the currency of the prices."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    price_input: Amount | None = None
    """Per million input tokens."""
    price_output: Amount | None = None
    """Per million output tokens, reasoning included."""
    wall_seconds: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _priced(self) -> "Caps":
        if self.money is not None and (self.price_input is None or self.price_output is None):
            raise ValueError("money needs price_input and price_output, per million tokens")
        return self


class Wishes(Frozen):
    """What the developer asks of the agreement, within what the framework's template says."""

    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days after the close for which content may be kept. None: the template's."""
    publication: Publication | None = None
    """What the centre may publish. None: the template's."""


class Submission(Frozen):
    """What the developer handed in."""

    framework: Id
    """Id of the framework under which the review is wished."""
    kind: Literal["review", "screening"] = "review"
    """A screening asks only the criteria that compare with a reference."""
    access: Literal["endpoint", "weights", "developer-premises"] = "endpoint"
    """How the centre reaches the model. Unsaid, it is the least: the endpoints of the modes."""
    developer: Developer
    model: SubmittedModel
    variants: Annotated[tuple[SubmittedVariant, ...], Field(min_length=1, max_length=100)]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1, max_length=100)]
    reasoning_access: Reasoning
    agreement: Wishes = Wishes()
    still_to_come: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """What the developer says is not handed in yet; while there is any, no review begins."""
    documents: Annotated[tuple[Document, ...], Field(max_length=100)] = ()
    caps: Caps = Caps()

    @property
    def digest(self) -> str:
        """Digest of the whole submission, documents' digests included."""
        return digest_value(self.model_dump(mode="json"))

    @property
    def planned_days(self) -> tuple[str | None, str | None]:
        """The day (`YYYY-MM-DD`) of the release that is planned: to partners, or in public."""
        planned = self.model.planned_release
        day = planned.date.isoformat() if planned else None
        to_partners = planned is not None and planned.anchor == "partner-release"
        return (day, None) if to_partners else (None, day)

    @property
    def references(self) -> frozenset[str]:
        """Ids of the variants that are there to be compared with."""
        return frozenset(each.id for each in self.variants if each.purpose == "reference")

    def mode(self, mode: str) -> Mode:
        """The mode of that id.

        Raises:
            SubmissionError: there is none.
        """
        for candidate in self.modes:
            if candidate.id == mode:
                return candidate
        known = ", ".join(candidate.id for candidate in self.modes)
        raise SubmissionError(f"no mode {mode!r} in the submission; it has: {known}")

    @model_validator(mode="after")
    def _referenced(self) -> "Submission":
        for key, ids in (
            ("variants", [variant.id for variant in self.variants]),
            ("modes", [mode.id for mode in self.modes]),
            ("documents", [document.path for document in self.documents]),
        ):
            for place, one in enumerate(ids):
                if one in ids[:place]:
                    raise ValueError(f"{key}[{place}]: {one!r} is there twice; each needs its own")
        variants = {variant.id for variant in self.variants}
        for place, mode in enumerate(self.modes):
            if mode.variant not in variants:
                known = ", ".join(sorted(variants))
                raise ValueError(
                    f"modes[{place}].variant: no variant {mode.variant!r}; known: {known}"
                )
        return self

    @model_validator(mode="after")
    def _something_is_under_review(self) -> "Submission":
        run = {mode.variant for mode in self.modes}
        for place, variant in enumerate(self.variants):
            if variant.id not in run:
                raise ValueError(
                    f"variants[{place}]: no mode runs {variant.id!r}; add one to [[modes]]"
                )
        # A reference is compared with and never judged: there would be nothing to say (ADR 160).
        if len(self.references) == len(self.variants):
            raise ValueError(
                "variants: each is a reference; add what is under review, with another purpose"
            )
        return self


def endpoint_digest(mode: Mode) -> str:
    """Identity of what a mode asks: base URL, model string, settings, and format unless `chat`.

    Inspect's own task identity leaves the URL out, so two endpoints of one model name would be
    taken for each other.
    """
    spoken = {} if mode.format == CHAT else {"format": mode.format}
    return digest_value(
        {
            "base_url": mode.base_url,
            "model": mode.model,
            "settings": mode.settings.model_dump(mode="json", exclude_none=True),
            **spoken,
        }
    )


def load_submission(path: Path) -> Submission:
    """Read SUBMISSION.toml and the digests of its documents.

    Args:
        path: The file; documents are looked for beside and below it.

    Raises:
        SubmissionError: it cannot be used. One line, naming the key and the fix.
    """
    raw = parse_submission(read_bounded(path, MAX_SUBMISSION), path.name)
    # Before the models, whose errors could quote a value.
    refuse_keys(raw)
    plain_text(raw)
    try:
        submission = Submission.model_validate(raw)
    except ValidationError as error:
        raise SubmissionError(f"{path.name}: {_first(error)}") from None
    documents = tuple(_with_digest(path, d, n) for n, d in enumerate(submission.documents))
    return submission.model_copy(update={"documents": documents})


def _with_digest(path: Path, document: Document, place: int) -> Document:
    digest, size = check_document(path.parent, document.path, f"documents[{place}]", MAX_DOCUMENT)
    if document.digest and document.digest != digest:
        raise SubmissionError(
            f"documents[{place}].digest: {document.path} has {digest}; correct the one or the other"
        )
    return document.model_copy(update={"digest": digest, "size": size})


def _first(error: ValidationError) -> str:
    """The first of pydantic's complaints as one line: the key and what is wrong with it."""
    # Without the input: what was written wrongly could be a key in the wrong place.
    first = error.errors(include_url=False, include_input=False)[0]
    place = ""
    for step in first["loc"]:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    if first["type"] == "missing":
        return f"{place}: missing; write it in"
    if first["type"] == "extra_forbidden":
        return f"{place}: not a key of a submission; take it out or correct its spelling"
    text = first["msg"].removeprefix("Value error, ").replace("\n", " ")
    return f"{place}: {text}" if place else text
