"""A server with cases in several states, canaries under every marking, and people of every role.

Django's own client asks it, through the whole stack but the socket. `Site.ask` is one request.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from django.test import Client

from support.accounts import Device, let_in
from support.party_server import (
    CASE,
    FRAMEWORK,
    ROLES,
    Party,
    Roles,
    agrees,
    halts,
    invites,
    opens,
    party,
)
from support.record_deeds import destroy_case
from support.small_case import Minutes
from touchstone.clearance import EVERY_PARTY, SIGHTS, TLP, Marking, tlp
from touchstone.deeds.cases import (
    participation_noted,
    party_invited,
    party_left,
    party_removed,
    party_uninvited,
    review_resumed,
    review_withdrawn,
)
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.records.endpointkeys import HandedInKey
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.limits import Limiter
from touchstone.server.accounts.models import RateRow
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.roles import ADMINISTRATOR, PARTY_ROLES, scopes_of
from touchstone.server.serving import SERVING, Serving
from touchstone.server.settings import set_up_server
from touchstone.service.installation import Installation, open_installation

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
LEAVER, REMOVED = GONE = ("example-treasury", "example-observer")
INVITED, UNINVITED = "example-second", "example-third"
STRANGER, NOBODY = "example-stranger", ""
THERE = (LAB, CENTRE, AGENCY)
MEMBERS = (*THERE, *GONE)
"""Who has joined each case. Two take part no more: one left, one was removed after it."""
OUTSIDE = (UNINVITED, STRANGER, NOBODY)
"""To whom no case is there; to the first it was once."""
PARTIES = (*MEMBERS, INVITED, *OUTSIDE)
UNKNOWN = "case-of-nobody"
WITHDRAWN, DESTROYED = "case-withdrawn", "case-destroyed"
CASES = (CASE, WITHDRAWN, DESTROYED)
MARKINGS = (
    tlp("RED", CENTRE),
    tlp("RED", AGENCY),
    tlp("AMBER+STRICT", LAB, CENTRE),
    tlp("AMBER", EVERY_PARTY),
    tlp("AMBER"),
    tlp("GREEN"),
    tlp("GREEN", LAB),
    tlp("CLEAR"),
    Marking(scheme="OTHER:1", label="CLEAR"),
)
"""Every kind of audience that the clearance room knows: named, all of the case, the author alone,
the community, everybody, and a scheme that is nobody's here."""
LATER = (tlp("AMBER", EVERY_PARTY), tlp("GREEN"), tlp("AMBER", LEAVER, REMOVED), tlp("CLEAR"))
"""Said once two have gone, one of them naming these."""
ENDPOINT_KEY = "canary-of-the-endpoint"


@dataclass(frozen=True)
class Canary:
    """A text that stands in one case, and the parties that may read it there."""

    text: str
    case: str
    readers: frozenset[str]


def readers(marking: Marking, author: str, there: frozenset[str]) -> frozenset[str]:
    """By the laws of clearance, said once more and otherwise than there; `there` take part then."""
    if marking.scheme != "TLP:2.0":
        return frozenset()
    if marking.label == "CLEAR" and not marking.parties:
        # Of what came after its leaving a server tells a party nothing, whoever may read it.
        return there | {INVITED}
    if EVERY_PARTY in marking.parties or (marking.label == "GREEN" and not marking.parties):
        # The parties of a case are of the community, from when they join it until they leave.
        return there
    return frozenset({*marking.parties, author}) & there


@dataclass
class Person:
    """Somebody of a party, with a token for all that its role allows."""

    party: str
    role: str
    device: Device
    token: str

    @property
    def contents(self) -> bool:
        """Whether its role shows what is said, and not only what was done."""
        return SIGHTS[self.role] == "contents"


class Heard(logging.Handler):
    """All that is written to a log, with its tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @contextmanager
    def listening(self) -> Iterator["Heard"]:
        """Hear all loggers, of every level."""
        root = logging.getLogger()
        before = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        try:
            yield self
        finally:
            root.removeHandler(self)
            root.setLevel(before)


@dataclass
class Site:
    """A server, and who asks it."""

    serving: Serving
    client: Client
    parties: dict[str, Party]
    canaries: list[Canary] = field(default_factory=list)
    people: dict[tuple[str, str], Person] = field(default_factory=dict)

    @property
    def here(self) -> Installation:
        """What is served."""
        return self.serving.here

    def ask(
        self,
        method: str,
        path: str,
        token: str = "",
        body: bytes = b"",
        kind: str = "application/json",
        **headers: str,
    ) -> tuple[int, bytes, str]:
        """Status, body and headers of an answer, as if nobody had asked before."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        RateRow.objects.all().delete()
        self.serving.limiter = Limiter()
        answer: Any = self.client.generic(method, path, body, kind, headers=headers)
        streamed = getattr(answer, "streaming_content", None)
        found = b"".join(streamed) if streamed else getattr(answer, "content", b"")
        return answer.status_code, found, str(sorted(answer.headers.items()))

    def name(self, party: str, role: str) -> str:
        """What a person is called, and its own leads and administrators alone may see."""
        return f"canary-name-{party or 'none'}-{role}"

    def secrets(self) -> list[str]:
        """What stands in no answer to a question, and in no log."""
        return [ENDPOINT_KEY, *(each.token for each in self.people.values())]


@contextmanager
def asked_site(homes: Path) -> Iterator[Site]:
    """A server with all of that in it, in these empty homes."""
    clock = Minutes()
    # As a server begins: whatever other tests did to the loggers of this process.
    set_up_server()
    with open_installation(homes / "server", clock, apart=True) as here:
        open_accounts(here.home, None)
        serving = Serving(here, principal_of)
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        cast("dict[str, object]", client.defaults)[SERVING] = serving
        told: Roles = (*ROLES, (LEAVER, "agency"), (REMOVED, "auditor"))
        site = Site(serving, client, {n: party(here, homes, n, role, told) for n, role in told})
        for case in CASES:
            _fill(site, case)
        site.parties[LAB].act(lambda seen: review_withdrawn(seen, LAB), WITHDRAWN)
        destroy_case(here.records, DESTROYED)
        _people(site)
        yield site


def _fill(site: Site, case: str) -> None:
    """Begin a case, have each say something under each marking, and let parties come and go."""
    lab, centre, agency, leaver, removed = (site.parties[each] for each in MEMBERS)
    opens(centre, FRAMEWORK, case)
    for each in (lab, agency, leaver, removed):
        invites(centre, each, case)
        each.joins(case)
    for each in (lab, centre):
        agrees(each, case)
    for number, marking in enumerate(MARKINGS):
        _say(site, case, (lab, centre, agency)[number % 3], marking)
    there = frozenset(MEMBERS)
    leaves = _canary(site, case, "left", there)
    leaver.act(lambda seen: party_left(seen, LEAVER, leaves), case)
    out = _canary(site, case, "removed", there - {LEAVER})
    centre.act(lambda seen: party_removed(seen, CENTRE, REMOVED, out), case)
    there = frozenset(THERE)
    why = _canary(site, case, "halted", there)
    lab.act(halts(LAB, why), case)
    over = _canary(site, case, "resumed", there)
    lab.act(lambda seen: review_resumed(seen, LAB, over), case)
    for marking in LATER:
        _say(site, case, lab, marking, there)
    expects = site.serving.fingerprint
    for name in (INVITED, UNINVITED):
        _invites(centre, name, expects, case)
    centre.act(lambda seen: party_uninvited(seen, CENTRE, UNINVITED), case)
    handed = HandedInKey("EXAMPLE_LAB_KEY", case, ENDPOINT_KEY, by="p1", at=site.serving.now())
    site.here.records.endpoint_keys.hand_in(handed)


def _invites(centre: Party, name: str, expects: str, case: str) -> None:
    centre.act(lambda seen: party_invited(seen, CENTRE, name, "agency", expects), case)


def _say(
    site: Site,
    case: str,
    by: Party,
    marking: Marking,
    there: frozenset[str] = frozenset(MEMBERS),
) -> None:
    where = f"{marking.label}-{'-'.join(marking.parties) or 'none'}-by-{by.id}"
    text = _canary(site, case, where, readers(marking, by.id, there))

    def said(seen: SeenCase) -> Deed:
        if marking.scheme == TLP:
            return participation_noted(seen, by.id, "participating", text, marking)
        # Facts that nobody reads are signed by no client: the words alone are under it.
        noted = participation_noted(seen, by.id, "participating", text, tlp("AMBER", EVERY_PARTY))
        (words,) = noted.attachments
        return replace(noted, attachments=(replace(words, marking=marking),))

    by.act(said, case)


def _canary(site: Site, case: str, where: str, may: frozenset[str]) -> str:
    text = f"canary-{len(site.canaries):03d}-{case}-{where}"
    # Of what was destroyed nobody reads a word.
    site.canaries.append(Canary(text, case, frozenset() if case == DESTROYED else may))
    return text


def _people(site: Site) -> None:
    """Of the lab one person of each role; of the others who sees most, and who sees less."""
    wanted = [(LAB, role) for role in sorted(PARTY_ROLES)]
    wanted += [(each, role) for each in THERE[1:] for role in ("lead", "auditor")]
    wanted += [(each, "lead") for each in (*GONE, INVITED, UNINVITED, STRANGER)]
    wanted += [(NOBODY, ADMINISTRATOR)]
    now = site.here.now()
    for name, role in wanted:
        device = let_in(
            name, role, aud=site.serving.fingerprint, name=site.name(name, role), now=now
        )
        token = device.token(*scopes_of([role]), now=now).token
        site.people[name, role] = Person(name, role, device, token)
