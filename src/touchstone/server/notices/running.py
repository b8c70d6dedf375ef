"""One round of notices: what is new is noted, and what is due is sent."""

from dataclasses import replace

from touchstone.server.notices.mailing import mail_way
from touchstone.server.notices.noticing import note_what_waits
from touchstone.server.notices.sending import Deliver, SendingDone, send_due
from touchstone.server.notices.webhooks import webhook_way
from touchstone.service.configuration import CONFIGURATION, read_configuration
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
    ways: dict[str, Deliver] = {"webhook": webhook_way(chosen, here.keyring.installation)}
    if chosen.sender:
        ways["email"] = mail_way(chosen)
    noted = note_what_waits(here, mail="email" in ways)
    return replace(send_due(ways, here.now), noted=noted)
