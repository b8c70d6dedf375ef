"""Other cases of the same developer with the same model: cases are not drawn until one fits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from touchstone.clearance import Audience, party_audience
from touchstone.editions.gathering import untold
from touchstone.editions.sentences import sentence
from touchstone.editions.stage_text import stage
from touchstone.handin.shown_ids import short_case
from touchstone.review import State
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.service.installation import Installation

RECEIVED = "submission-received"
LOOKED = ("snapshot-seen", "snapshot-changed")
"""The types of the events that tell what answers at an endpoint."""


@dataclass(frozen=True)
class OtherCase:
    """A case of the same developer with the same model, under whatever framework."""

    id: str
    opened: str
    """The day, `YYYY-MM-DD`, in UTC."""
    framework: str
    same: tuple[str, ...]
    """What it has in common, by kind: at least one."""
    became: tuple[str, ...]
    """What became of it: status, and what was proposed and designated so far."""

    @property
    def sentence(self) -> str:
        """One line of a report."""
        return sentence(
            "other-cases.case",
            case=short_case(self.id),
            day=self.opened,
            framework=self.framework,
            same=[sentence("other-cases.same", kind=kind) for kind in self.same],
            became=self.became,
        )


def other_cases(installation: Installation, case: str, audience: Audience) -> tuple[str, ...]:
    """What an edition says of other cases: one each, or the one sentence that all others get.

    Args:
        installation: Where the cases are.
        case: The case that the edition is of.
        audience: Whom the edition is for. Only developer and centre of the case are told, and of
            their people those who see contents: models are held against each other by theirs.
    """
    state = installation.state(case)
    told = (*state.having("developer"), *state.having("centre"))
    if audience.name not in told or audience.sight != "contents":
        return (untold(),)
    # By day and id, so that the same cases make the same bytes of a page.
    found = sorted(_others(installation, case, state), key=lambda other: (other.opened, other.id))
    return tuple(other.sentence for other in found) or (sentence("other-cases.none"),)


def _others(installation: Installation, case: str, state: State) -> Iterator[OtherCase]:
    marks = _identity(installation, case, state)
    for listing in installation.records.cases():
        if listing.case == case:
            continue
        other = installation.state(listing.case)
        if other.having("developer") != state.having("developer") or other.opened is None:
            continue
        theirs = _identity(installation, listing.case, other)
        # One mark is enough: a model comes again under another name, or at another address.
        same = tuple(kind for kind in marks if marks[kind] & theirs[kind])
        if same:
            yield OtherCase(
                listing.case, other.opened.at[:10], other.opened.framework.id, same, _became(other)
            )


def _identity(installation: Installation, case: str, state: State) -> dict[str, set[str]]:
    """What a model is known by, by kind. Of a destroyed case only what lies in clear."""
    received = state.submission
    seen = {
        digest for snapshots in state.snapshots.values() for digest in snapshots.digests.values()
    }
    marks = {
        "name": {_plain(received.model)} if received else set(),
        "id": set(),
        "snapshot": seen,
        "endpoint": set(),
        "reported-name": set(),
    }
    for entry in _readable(installation, case, state):
        _add(marks, entry)
    return marks


def _readable(installation: Installation, case: str, state: State) -> Iterator[Entry]:
    centre = state.having("centre")
    if centre:
        reader = installation.records.case(case)
        yield from read_entries_of(
            reader, party_audience(centre[0]), (RECEIVED, *LOOKED), use="look"
        )


def _add(marks: dict[str, set[str]], entry: Entry) -> None:
    if entry.kind == RECEIVED:
        told: dict[str, Any] = entry.content("modes") or {}
        marks["endpoint"] |= {mode["endpoint"] for mode in told.get("modes", ())}
        whole: dict[str, Any] = entry.content("submission") or {}
        if "model" in whole:
            marks["id"].add(_plain(whole["model"]["id"]))
    elif entry.kind in LOOKED:
        seen: dict[str, Any] = entry.content("probes") or {}
        for probe in seen.get("probes", {}).values():
            marks["reported-name"] |= set(probe["models"])


def _plain(name: str) -> str:
    """A name without what a rename in passing changes: case, spaces, punctuation."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name


def _became(state: State) -> tuple[str, ...]:
    designating = state.designating
    said = [stage(state)]
    if state.status != "open" and designating.proposals:
        said.append(
            sentence("other-cases.proposed", designation=designating.proposals[-1].designation)
        )
    if state.status != "open" and designating.made:
        said.append(sentence("other-cases.decided", designation=designating.made))
    verdicts = [verdict.verdict for verdict in state.verdicts.values()]
    if verdicts:
        counts = {word: verdicts.count(word) for word in dict.fromkeys(verdicts)}
        each = [
            sentence("other-cases.verdict", count=count, word=word)
            for word, count in counts.items()
        ]
        said.append(sentence("other-cases.verdicts", verdicts=each))
    return tuple(said)
