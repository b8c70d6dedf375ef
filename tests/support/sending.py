"""Deeds sent to the server's half, which holds no party's key: signed here, taken there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from touchstone.deeds.deed import Deed
from touchstone.deeds.signing import Outgoing, key_of, prepare_deed
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import dumps
from touchstone.ledger.contract2 import INSTALLATION, CaseLog, RecordedAnswer, SignedAnswer
from touchstone.records.settings import connect
from touchstone.review import State
from touchstone.review.events.opening import CaseOpened
from touchstone.review.events.settling import CaseDestroyed
from touchstone.service.certificates import draft_certificate
from touchstone.service.installation import Installation
from touchstone.service.taking import take_deed


def signed(here: Installation, case: str, deed: Deed) -> Outgoing:
    """A deed under its party's key, on the log as it stands."""
    event = deed.event
    begins = isinstance(event, CaseOpened)
    state = State() if begins else here.state(case)
    log = CaseLog() if begins else here.records.deeds.log(case)
    own = event.actor == INSTALLATION
    signer = (
        here.keyring.installation if own else here.keyring.party(event.actor, key_of(state, event))
    )
    return prepare_deed(deed, log, signer, here.random, here.now())


def send(here: Installation, case: str, deed: Deed) -> SignedAnswer:
    """The answer to a deed that its party signs and sends."""
    return deliver(here, case, signed(here, case, deed), deed.event.actor)


def deliver(here: Installation, case: str, sent: Outgoing, asker: str) -> SignedAnswer:
    """The answer to what a party sends."""
    return take_deed(
        here, case, sent.submitted, asker=asker, now=here.now(), evidence=sent.evidence
    )


def recorded(answer: SignedAnswer) -> RecordedAnswer:
    """The receipt that it must be."""
    assert isinstance(answer.answer, RecordedAnswer), answer.answer
    return answer.answer


def destroying(here: Installation, case: str) -> Deed:
    """What destroys a case: the installation drafts the certificate, the centre names it."""
    digest = digest_bytes(dumps(draft_certificate(here, case, "over")))
    state = here.state(case)
    (centre,), opened = state.having("centre"), state.opened
    assert opened is not None
    return Deed(
        CaseDestroyed(actor=centre, certificate=digest, at=here.now(), marking=opened.marking)
    )


@contextmanager
def taken_back(here: Installation) -> Iterator[Installation]:
    """The same installation, in which all that is recorded within is taken back.

    So one store serves many beginnings. The files of a destroyed case do not come back: a
    destruction takes a store of its own.
    """
    alias = connect(here.home, None)
    block = transaction.atomic(using=alias)
    with pytest.MonkeyPatch.context() as patch:
        # As Django's own tests do: what says that it is durable may stand within.
        patch.setattr(block, "_from_testcase", True)
        with block:
            # Another, which remembers nothing of what was taken back before.
            yield Installation(here.home, here.records, here.keyring, here.clock, here.random)
            transaction.set_rollback(True, using=alias)
