"""Every row of RULES, in every status that it names, through the store.

What the law of the review takes can be recorded: also where the content of the case was destroyed.
Deeds are taken one after the other in one transaction, which is then taken back, so that one store
serves all statuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import pytest

from support.every_deed import Before
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.records import DeedBatch, DeedRefusedError
from touchstone.review import State
from touchstone.review.events.base import Event
from touchstone.review.events.settling import CaseClosed, CaseDestroyed, ReviewWithdrawn
from touchstone.review.rules import RULES
from touchstone.service import commit
from touchstone.service.commit import Content, Deed
from touchstone.service.installation import Installation
from touchstone.service.taking import Taker

CERTIFICATE = "what was signed"
TYPES = {str(event.model_fields["type"].default): event for event in RULES}
REFUSED = {"party-admitted": "of records of contract 1 alone"}
"""Rows that no case of this store takes, and why."""
OVER = {"case-destroyed": ("closed",)}
"""Of deeds that are done in a case that is over, the status that it had."""


class Undone(Exception):  # noqa: N818  it is how a test takes back what it saw done
    """All stands, and is to be taken back."""


def keeps_nothing(patch: pytest.MonkeyPatch) -> None:
    """Let a case be destroyed whatever it carries."""
    destruction: type[Event] = CaseDestroyed
    patch.setitem(RULES, destruction, replace(RULES[destruction], guards=()))


def to_status(before: Before, state: State, status: str, now: str) -> list[Deed]:
    """What brings a case that is open or closed to a status."""
    (centre,), lab = state.having("centre"), state.having("developer")
    marking = before.deed.event.marking
    if status == "withdrawn":
        return [Deed(ReviewWithdrawn(actor=lab[0], at=now, marking=marking))]
    digest = digest_bytes((before.certificate or CERTIFICATE).encode())
    why = {"text": "over", "salt": "00" * 32}
    closed = CaseClosed(actor=centre, reason=digest_value(why), at=now, marking=marking)
    closing = [Deed(closed, (Content(why, marking),))]
    destroying = [Deed(CaseDestroyed(actor=centre, certificate=digest, at=now, marking=marking))]
    ways: dict[str, list[Deed]] = {"open": [], "closed": closing, "destroyed": closing + destroying}
    return ways[status][len(ways[state.status]) :]


def recorded(here: Installation, before: Before, status: str) -> bool:
    """Whether the deed is recorded in a case of that status; it is taken back."""
    taker = Taker(
        here,
        here.now(),
        here.state(before.case),
        before.framework,
        before.certificate or CERTIFICATE,
    )
    state = here.state(before.case)
    # Of a destroyed case the facts go on, without what they are digests of.
    deed = replace(before.deed, attachments=()) if status == "destroyed" else before.deed
    deeds = (*before.before, *to_status(before, state, status, here.now()), deed)
    with pytest.raises(Undone) as undone, here.records.deeds.together(before.case) as batch:
        _take_all(here, batch, taker, before, deeds)
    return undone.value.args == (len(deeds),)


@pytest.mark.parametrize("kind", sorted(set(TYPES) - set(REFUSED)))
def test_what_a_row_allows_is_recorded_in_every_status_that_it_names(
    kind: str, deeds: Mapping[str, Before], monkeypatch: pytest.MonkeyPatch
):
    before, rule = deeds[kind], RULES[TYPES[kind]]
    # Agencies order in destroyed cases too; here the order is older, and would keep the case.
    keeps_nothing(monkeypatch)
    with before.store() as here:
        stands = here.state(before.case).status
        assert stands == "open" or stands in OVER[kind]
        for status in OVER.get(kind, rule.when):
            assert recorded(here, before, status), status


def test_twin_with_what_a_destroyed_case_cannot_keep_it_is_refused(
    deeds: Mapping[str, Before], monkeypatch: pytest.MonkeyPatch
):
    keeps_nothing(monkeypatch)
    before = deeds["directive-answered"]
    with before.store() as here:
        here_now = here.now()
        state = here.state(before.case)
        taker = Taker(here, here_now, state, before.framework, CERTIFICATE)
        whole = (*before.before, *to_status(before, state, "destroyed", here_now), before.deed)
        with (
            pytest.raises(DeedRefusedError, match="takes no content any more"),
            here.records.deeds.together(before.case) as batch,
        ):
            _take_all(here, batch, taker, before, whole)
        assert here.state(before.case) == state


def _take_all(
    here: Installation, batch: DeedBatch, taker: Taker, before: Before, deeds: Sequence[Deed]
) -> NoReturn:
    size = batch.writer.next_n
    for each in deeds:
        commit.take_signed(here, batch, taker, before.framework, each)
    raise Undone(batch.writer.next_n - size)
