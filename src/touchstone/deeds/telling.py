"""Deeds by which parties tell what nobody measured in the case: answers, and others' evidence."""

from collections.abc import Sequence
from typing import Any

from touchstone.clearance import Marking
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.drafting import event_of
from touchstone.deeds.known_case import KnownCase
from touchstone.deeds.signing import SALT
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.review.events import telling


def questions_answered(
    case: KnownCase,
    by: str,
    questionnaire: str,
    version: str,
    asked: str,
    answers: Sequence[tuple[str, str, str]],
    marking: Marking | None = None,
) -> Deed:
    """The developer answers questions, each given by its id, its words and the answer.

    `asked` is the digest of the questionnaire that was asked.
    """
    told = [{"question": name, "asked": words, "text": text} for name, words, text in answers]
    content = {"version": version, "answers": told, "salt": case.random.draw(SALT).hex()}
    facts = {
        "questionnaire": questionnaire,
        "asked": asked,
        "questions": tuple(name for name, _, _ in answers),
        "answers": digest_value(content),
    }
    event = event_of(case, telling.QuestionsAnswered, by, marking, **facts)
    return Deed(event, (Content(content, marking or case.marks.case),))


def outside_evidence_imported(
    case: KnownCase,
    by: str,
    said: dict[str, Any],
    log: bytes,
    name: str,
    criterion: str | None = None,
    marking: Marking | None = None,
) -> Deed:
    """A party brings a log that others made, with what it says and what was checked of it.

    `said` is an `OutsideShape` without its salt; `name` is what readers are told the log is called.
    """
    reaches = marking or case.marks.case
    content = {**said, "salt": case.random.draw(SALT).hex()}
    facts = {
        "log": digest_bytes(log),
        "statement": digest_value(content),
        "criterion": criterion,
    }
    event = event_of(case, telling.OutsideEvidenceImported, by, marking, **facts)
    bytes_of_it = Evidence(log, "application/octet-stream", name, reaches)
    return Deed(event, (Content(content, reaches), bytes_of_it))
