"""One round of notices: what is new is noted, and what is due is sent."""

from collections.abc import Callable
from dataclasses import replace

from touchstone.server.notices.mailing import mail_way
from touchstone.server.notices.noticing import note_what_waits
from touchstone.server.notices.sending import Deliver, SendingDone, send_due
from touchstone.server.notices.webhooks import webhook_way
from touchstone.service.configuration import CONFIGURATION, NoticesText, read_configuration
from touchstone.service.errors import ConfigurationError
from touchstone.service.installation import Installation


def send_notices(here: Installation) -> SendingDone:
    """Note what waits, and send what is due, as the configuration says.

    Raises:
        ConfigurationError: it says nothing of notices, or cannot be used.
        BadInputError: the mail server's password is not set.
    """
    chosen = read_configuration(here.home).notices
    if chosen is None:
        raise ConfigurationError(
            f"{here.home / CONFIGURATION}: says nothing of notices; fix: write [notices] and a link"
        )
    return go_round(here, chosen)


def go_round(
    here: Installation,
    chosen: NoticesText,
    since: str | None = None,
    stopping: Callable[[], bool] | None = None,
) -> SendingDone:
    """The same, by a configuration that was read; `since` as `note_what_waits`.

    `stopping`: whether nothing more is to be begun. Raises BadInputError.
    """
    ways: dict[str, Deliver] = {"webhook": webhook_way(chosen, here.keyring.installation)}
    if chosen.sender:
        ways["email"] = mail_way(chosen)
    noted = note_what_waits(here, mail="email" in ways, since=since)
    return replace(send_due(ways, here.now, stopping), noted=noted)
