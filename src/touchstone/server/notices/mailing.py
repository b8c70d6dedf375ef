"""Notices as mail, by Django's backend: how many deeds wait for whom, and where to read on."""

import os
import smtplib
import ssl
from functools import partial

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from touchstone.editions.sentences import paragraph, sentence
from touchstone.errors import BadInputError
from touchstone.server.notices.sending import Deliver, NoticeSent, UndeliveredError
from touchstone.server.notices.waiting import Bounded
from touchstone.service.configuration import NoticesText

SECONDS = 30
"""For each answer of the mail server."""
MOST_SECONDS = 60.0
"""For all of a mail, the look-up of the mail server's name among it."""
# One mail at a time: whoever is told is told by the same server.
_MAILS = Bounded(1)


def mail_way(chosen: NoticesText) -> Deliver:
    """Sends notices as mail, by the server that the configuration names.

    Raises BadInputError where its password is not in the environment.
    """
    password = os.environ.get(chosen.smtp_password_env, "")
    if chosen.smtp_user and not password:
        raise BadInputError(
            f"notices: smtp_password_env names {chosen.smtp_password_env}, which is not set"
        )
    return partial(_send_in_time, chosen, password)


def _send_in_time(chosen: NoticesText, password: str, notice: NoticeSent) -> None:
    try:
        _MAILS.run(chosen.smtp_host, MOST_SECONDS, partial(_send, chosen, password, notice))
    except TimeoutError as error:
        # It may still arrive, by the thread that nobody waits for.
        raise UndeliveredError(str(error), certain=False) from error


def _send(chosen: NoticesText, password: str, notice: NoticeSent) -> None:
    backend = EmailBackend(
        host=chosen.smtp_host,
        port=chosen.smtp_port,
        username=chosen.smtp_user,
        password=password,
        use_tls=chosen.smtp_security == "starttls",
        use_ssl=chosen.smtp_security == "tls",
        timeout=SECONDS,
    )
    message = as_message(chosen, notice)
    try:
        # A mail server that cannot be reached has taken nothing.
        backend.open()
    except (OSError, smtplib.SMTPException, ssl.SSLError) as error:
        raise UndeliveredError(type(error).__name__, certain=True) from error
    try:
        backend.send_messages([message])
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        # It said no.
        raise UndeliveredError(type(error).__name__, certain=True, reached=True) from error
    except (OSError, smtplib.SMTPException) as error:
        # It said nothing: the mail may be there.
        raise UndeliveredError(type(error).__name__, certain=False) from error
    finally:
        backend.close()


def as_message(chosen: NoticesText, notice: NoticeSent) -> EmailMessage:
    """A notice as mail. It names no case, model or deed."""
    waits = {"party": notice.party, "waiting": notice.waiting}
    body = paragraph(
        sentence("notice.repeats") if notice.repeats else "",
        sentence("notice.waits", **waits, possible=notice.possible),
        sentence("notice.read-on", link=chosen.link),
        sentence("notice.why-told"),
    )
    domain = chosen.sender.partition("@")[2]
    headers = {
        # The same in each attempt, so that a mail program can show one of them.
        "Message-ID": f"<{notice.name}@{domain}>",
        # As RFC 3834 has it: no machine is to answer.
        "Auto-Submitted": "auto-generated",
    }
    subject = sentence("notice.subject", **waits)
    return EmailMessage(subject, body, chosen.sender, [notice.target], headers=headers)
