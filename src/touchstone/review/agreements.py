"""What in a deed's parts must agree with its facts, or one part with another, beside digests."""

from collections.abc import Mapping, Sequence
from typing import Any

from touchstone.ledger import digest_value, loads
from touchstone.review.events import detecting, measuring, opening, seeding, settling, telling
from touchstone.review.grounds import Ground
from touchstone.review.parts import Attached
from touchstone.review.seeds import Side, drawn_of, seed_commitment, seed_of
from touchstone.review.shapes import ScanShape
from touchstone.review.state import State

Parts = Mapping[str, Attached]


def _content(part: Attached) -> dict[str, Any]:
    content: dict[str, Any] = part.value["content"]
    return content


def _misstated(facts: Sequence[str], by: str) -> Ground | None:
    """Of facts that are not as a part has them, the first; None where there is none."""
    return Ground("fact-misstated", fact=facts[0], by=by) if facts else None


def agreement_is_recorded(state: State, event: opening.AgreementSigned) -> bool:
    """The record holds the text: it came when the case was opened, or when it was signed before."""
    return agreement_is_known(state, event.agreement)


def agreement_is_known(state: State, digest: str) -> bool:
    """Whether the record holds the text with this digest."""
    opened = state.opened
    # Known once, the text need not come again with each signature: it is kept, and its digest names
    # it.
    return digest in state.agreements or (opened is not None and digest == opened.agreement)


def case_is_pinned(event: opening.CaseOpened, parts: Parts) -> Ground | None:
    """The agreement is on the framework of the case; the framework has the id that is named."""
    if _content(parts["framework"]).get("id") != event.framework.id:
        return Ground("framework-named-otherwise")
    # Developer and centre would else conclude an agreement on one standard and be held to another.
    if _content(parts["agreement"])["framework"] != event.framework.digest:
        return Ground("agreement-on-another-framework")
    return None


def text_says_the_same(event: opening.AgreementSigned, parts: Parts) -> Ground | None:
    """What is signed stands in the text."""
    if "agreement" not in parts:
        return None
    text = _content(parts["agreement"])
    facts = ("access", "reasoning", "retention_days", "publication")
    other = [name for name in facts if text[name] != getattr(event, name)]
    return _misstated(other, "the agreement's text")


def answers_are_to_the_questions(event: telling.QuestionsAnswered, parts: Parts) -> Ground | None:
    """The answers are to the questions that are named, in their order."""
    answered = tuple(each["question"] for each in _content(parts["answers"])["answers"])
    return None if answered == event.questions else _misstated(["questions"], "the answers")


def submission_is_what_is_told(event: opening.SubmissionReceived, parts: Parts) -> Ground | None:
    """Variants and modes are told as the submission has them."""
    submission = _content(parts["submission"])
    if submission["developer"]["id"] != event.actor:
        return Ground("submission-of-another")
    whole = {(mode.get("variant"), mode["id"]) for mode in submission["modes"]}
    told = {(mode["variant"], mode["id"]) for mode in _content(parts["modes"])["modes"]}
    # Told twice, for two readers: every party reads the modes, and few the submission. What differs
    # would let a mode be measured that nobody handed in.
    if told != whole or {(v.id, mode) for v in event.variants for mode in v.modes} != whole:
        return Ground("submission-told-otherwise", what="modes")
    if {each["id"] for each in submission["variants"]} != {each.id for each in event.variants}:
        return Ground("submission-told-otherwise", what="variants")
    named = {each["id"]: each.get("weights") for each in submission["variants"]}
    if named != {each.id: each.weights for each in event.variants}:
        return Ground("submission-told-otherwise", what="weights")
    return None


def contribution_is_the_centres(event: seeding.SeedCommitted, parts: Parts) -> Ground | None:
    """What the centre contributes names this battery, and the centre."""
    return _contribution_of(event.battery, "centre", parts)


def contribution_is_the_developers(event: seeding.SeedContributed, parts: Parts) -> Ground | None:
    """What the developer contributes names this battery, and the developer."""
    return _contribution_of(event.battery, "developer", parts)


def _contribution_of(battery: str, of: Side, parts: Parts) -> Ground | None:
    said = _content(parts["contribution"])
    if (said["battery"], said["of"]) == (battery, of):
        return None
    return Ground("contribution-to-another", battery=battery, what=of)


def seed_opens_the_seal(event: measuring.BatterySealed, parts: Parts) -> Ground | None:
    """The seed is the one whose commitment is in the sealed battery, and made as the facts say."""
    seed = bytes.fromhex(_content(parts["secret"])["seed"])
    if seed_commitment(seed) != _content(parts["registered"])["battery"]["seed"]:
        return Ground("seed-not-committed")
    return seed_is_of_its_origin(event, parts)


def seed_is_of_its_origin(
    event: measuring.BatterySealed | seeding.SeedRevealed, parts: Parts
) -> Ground | None:
    """The seed is the one of the contributions whose digests the facts name, if they name any."""
    secret = _content(parts["secret"])
    given: dict[str, Any] = secret.get("contributions") or {}
    by = {side: said for side in ("centre", "developer") if (said := given.get(side))}
    told = event.origin.model_dump(exclude_none=True) if event.origin else {}
    if told != {side: digest_value(said) for side, said in by.items()}:
        return Ground("another-contribution", battery=event.battery)
    if not by:
        return None
    theirs = drawn_of(by["developer"]) if "developer" in by else None
    seed = seed_of(event.battery, drawn_of(by["centre"]), theirs)
    # The one place where a side that drew anew is caught by the law, and not by who checks later.
    return None if seed.hex() == secret["seed"] else Ground("another-seed", battery=event.battery)


def opened_are_those_that_ran(event: measuring.OutcomesRecorded, parts: Parts) -> Ground | None:
    """Items are opened where an outcome is recorded, and nowhere else."""
    ran = {outcome.index for outcome in event.outcomes}
    # An item opened before it ran could be trained on; one that ran and stays closed could not be
    # checked.
    if {each["index"] for each in _content(parts["opened"])["opened"]} != ran:
        return Ground("opened-without-outcome")
    if not {each["index"] for each in _content(parts["details"])["outcomes"]} <= ran:
        return Ground("details-without-outcome")
    return None


def grading_is_of_what_was_measured(
    event: detecting.TranscriptsGraded, parts: Parts
) -> Ground | None:
    """Its error was measured by the same endpoint and questions; its counts are those of the rows.

    A count whose error is another grader's would be corrected into anything.
    """
    known = _content(parts["accuracy"])
    facts = ("questions", "endpoint")
    if other := [name for name in facts if known[name] != getattr(event, name)]:
        return _misstated(other, "the measured error")
    named = [each["detector"] for each in known["detectors"]]
    if named != [each.detector for each in event.counts]:
        return _misstated(["counts"], "the measured error")
    if (ground := sightings_say_the_same(event, parts)) is not None:
        return ground
    told = ScanShape.model_validate_json(parts["sightings"].data or b"")
    alone = [row for row in told.transcripts if not row.fault and row.parts == 1]
    for each in event.counts:
        looks = [look for row in alone for look in row.looks if look.detector == each.detector]
        flagged = sum(not look.fault for look in looks)
        if (each.alone_flagged, each.alone_unflagged) != (flagged, len(alone) - len(looks)):
            return Ground("sightings-told-otherwise", detector=each.detector)
    return None


def sightings_say_the_same(
    event: detecting.TranscriptsScanned | detecting.TranscriptsGraded, parts: Parts
) -> Ground | None:
    """Each transcript has its row, and the counts are those of the rows."""
    try:
        told = ScanShape.model_validate_json(parts["sightings"].data or b"")
    except ValueError:
        return Ground("sightings-are-none")
    rows = told.transcripts
    if len(rows) != event.transcripts or len({row.transcript for row in rows}) != len(rows):
        return _misstated(["transcripts"], "the sightings")
    seen = [row for row in rows if not row.fault]
    if sum(not any(look.fault for look in row.looks) for row in seen) != event.looked_at:
        return _misstated(["looked_at"], "the sightings")
    for each in event.counts:
        looks = [look for row in seen for look in row.looks if look.detector == each.detector]
        missed = sum(bool(look.fault) for look in looks)
        unseen = len(rows) - len(seen) + missed
        if (each.flagged, each.not_looked_at) != (len(looks) - missed, unseen):
            return Ground("sightings-told-otherwise", detector=each.detector)
    named = {look.detector for row in seen for look in row.looks}
    if other := named - {each.detector for each in event.counts}:
        return Ground("sightings-told-otherwise", detector=min(other))
    return None


def order_is_of_the_directive(event: settling.DirectiveIssued, parts: Parts) -> Ground | None:
    """The text has the directive's id, and spares people from the directives that are named."""
    # Loaded here: whoever only reads a case never checks one.
    from touchstone.terms.document.directive_file import directive_text  # noqa: PLC0415

    text = directive_text(_content(parts["order"])["text"], "the directive")
    if text.id != event.directive:
        return Ground("text-of-another-directive")
    # Guards judge by the facts which orders may be touched; the gateway would carry out the text.
    if {each.directive for each in text.restores} != set(event.restores):
        return Ground("restores-told-otherwise")
    return None


def reading_is_of_the_directive(
    event: settling.DirectiveAnswered | settling.DirectiveAnswerRevised, parts: Parts
) -> Ground | None:
    """The developer's own text has the id of the directive that it answers."""
    if "reading" not in parts:
        return None
    from touchstone.terms.document.directive_file import directive_text  # noqa: PLC0415

    text = directive_text(_content(parts["reading"])["text"], "the directive")
    return None if text.id == event.directive else Ground("text-of-another-directive")


def bundle_says_the_same(event: settling.BundlePublished, parts: Parts) -> Ground | None:
    """Stream, number, terms and directives stand in the bundle as in the facts."""
    from touchstone.terms.bundle.policy_bundle import parse_body  # noqa: PLC0415

    data = parts["bundle"].data or b""
    # Without its signature, which is the gateway's to check: here it is held against what the deed
    # says.
    bundle = parse_body(data[: data.rfind(b"\n", 0, -1) + 1])
    names = ("stream", "number", "terms")
    other = [name for name in names if getattr(bundle, name) != getattr(event, name)]
    if other:
        return _misstated(other, "the bundle")
    carried = [each.directive for each in event.directives]
    # In order, too: the order of directives decides which is named as the reason of a denial.
    if [each.id for each in bundle.directives] != carried:
        return Ground("carried-told-otherwise")
    return None


def receipt_says_the_same(event: settling.ReceiptNoted, parts: Parts) -> Ground | None:
    """Gateway, stream, number and bundle stand in the receipt as in the facts."""
    line = loads(_content(parts["receipt"])["receipt"].encode())
    receipt = line.get("receipt") if isinstance(line, dict) else None
    if not isinstance(receipt, dict):
        return Ground("receipt-is-none")
    said = {"gateway": "gateway", "stream": "stream", "number": "number", "bundle": "digest"}
    other = [name for name, key in said.items() if receipt.get(key) != getattr(event, name)]
    return _misstated(other, "the receipt")
