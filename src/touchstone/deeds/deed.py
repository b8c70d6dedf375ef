"""A deed before anybody signs it: the event proposed, and what goes with it."""

from dataclasses import dataclass
from typing import Any

from touchstone.clearance import Marking
from touchstone.evaluation.digests import digest_bytes
from touchstone.review import Attached, Event


@dataclass(frozen=True)
class Content:
    """A JSON value that goes with a deed, readable by those whom its marking names."""

    value: Any
    marking: Marking


@dataclass(frozen=True)
class Evidence:
    """Bytes that go with a deed: kept beside the record, bound into it by their digest."""

    data: bytes
    media_type: str
    name: str
    marking: Marking


@dataclass(frozen=True)
class SentEvidence:
    """Bytes that go with a deed and are sent before it: they are in nobody's memory whole."""

    digest: str
    size: int
    media_type: str
    name: str
    marking: Marking


Attachment = Content | Evidence | SentEvidence


@dataclass(frozen=True)
class Deed:
    """What a party does: the event proposed, and what goes with it."""

    event: Event
    attachments: tuple[Attachment, ...] = ()


def attached(attachment: Attachment) -> Attached:
    """The part as it is signed."""
    marking = attachment.marking.as_dict()
    told: dict[str, Any]
    # The value is the part itself, and is bound whole: no digest of it is needed beside it.
    if isinstance(attachment, Content):
        return Attached({"kind": "content", "marking": marking, "content": attachment.value})
    told = {"kind": "evidence", "marking": marking, "media_type": attachment.media_type}
    told |= {"name": attachment.name}
    if isinstance(attachment, SentEvidence):
        # Its bytes are not here to be measured: what was taken while they were sent is signed.
        told |= {"digest": attachment.digest, "size": attachment.size}
        return Attached(told, kept=attachment.size)
    told |= {"digest": digest_bytes(attachment.data), "size": len(attachment.data)}
    return Attached(told, attachment.data)
