"""People at the portal with a real browser: a case, its server with pages, a desk each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page

from support.browser import chromium
from support.live_server import Doorkeeper, LiveServer, live
from touchstone.keys import SystemRandom
from touchstone.portal.site import PORTAL
from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import ACCOUNTS
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import begin_shown_session, speaker
from touchstone.service.case_context import Case

LAB, AGENCY = "example-lab", "example-agency"


@dataclass
class Scene:
    """A case, its server with pages, and a browser."""

    case: Case
    server: LiveServer
    browser: Browser

    @property
    def url(self) -> str:
        """By the name of the host: a passkey is of a name, and never of an address."""
        return self.server.url.replace("127.0.0.1", "localhost")

    def code(self, party: str = LAB, *roles: str, name: str = "Ada Example") -> str:
        now, random = self.case.installation.now(), SystemRandom()
        given = roles or ("lead",)
        return people.invite(Manager.machine(), party, given, name, "", now=now, random=random).code

    def cookie(self, party: str, role: str, name: str = "") -> str:
        """A session of a new person, as a passkey would begin one."""
        now, random = self.case.installation.now(), SystemRandom()
        given = (party, (role,), name or f"{role} Example")
        made = people.invite(Manager.machine(), *given, "", now=now, random=random)
        return begin_shown_session(made.person, now=now, random=random)

    @contextmanager
    def desk(self) -> Iterator["Desk"]:
        """A browser of somebody's own."""
        context = self.browser.new_context(locale="en-GB")
        try:
            page, loud = context.new_page(), list[str]()
            page.on(
                "console", lambda said: loud.append(said.text) if said.type == "error" else None
            )
            page.on("pageerror", lambda error: loud.append(str(error)))
            yield Desk(self, context, page, loud)
        finally:
            context.close()


@contextmanager
def portal(case: Case) -> Iterator[Scene]:
    """A case's server with pages, and a browser."""
    with ExitStack() as stack:
        # Playwright runs a loop in this thread, in which Django would ask no database; no
        # coroutine of the loop does.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        open_accounts(case.installation.home, None)
        server = stack.enter_context(
            live(case.installation, cast("Doorkeeper", speaker), site=PORTAL)
        )
        scene = Scene(case, server, stack.enter_context(chromium()))
        try:
            yield scene
        finally:
            # While that loop runs, this thread's connection is another one than without it, and
            # would be met again by the next file that has a browser.
            connections[ACCOUNTS].close()
            del connections[ACCOUNTS]


@dataclass
class Desk:
    """A browser of somebody's own, with an authenticator that confirms."""

    scene: Scene
    context: BrowserContext
    page: Page
    loud: list[str]
    """What the browser complained of: a policy that was broken, a script that failed."""

    def authenticator(self) -> None:
        session = self.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        session.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                }
            },
        )

    def __post_init__(self) -> None:
        # What is awaited comes at once; a machine under load gets a minute.
        self.page.set_default_timeout(60_000)
        self.authenticator()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.scene.url}{path}")

    def joins(self, code: str) -> None:
        self.go("/join")
        self.page.get_by_label("Invitation code").fill(code)
        self.page.get_by_label("A name for this passkey").fill("Desk")
        self.page.get_by_role("button", name="Make a passkey").click()

    def signs_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_url("**/sign-in")

    def reads(self, heading: str) -> None:
        self.page.get_by_role("heading", level=1, name=heading).wait_for()
