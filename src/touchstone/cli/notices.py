"""`touchstone notices`: telling people that deeds wait for their institution."""

from cyclopts import App

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell

DONE, NO = 0, 1
notices = App(
    name="notices",
    help="Tell people of institutions that deeds wait for them.",
    suppress_keyboard_interrupt=False,
)


@notices.command
def send(*, json: Json = False) -> int:
    """Send what is due once: mail and webhooks, as [notices] of touchstone.toml says; for cron.

    No notice names a case: it says how many deeds wait, and where to read on. Exit 1: some did not
    arrive, and are tried again by a later call.
    """
    # Before anything of the record: with it Django is set up for the accounts, too.
    from touchstone.server.accounts.preparing import open_accounts

    with opened() as installation:
        from touchstone.records.settings import from_environment
        from touchstone.server.notices.running import send_notices

        open_accounts(installation.home, from_environment())
        done = send_notices(installation)
    tell(done, json=json)
    return NO if done.waiting or done.failed else DONE
