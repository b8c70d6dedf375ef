"""The settings that Django gets; a module of its own, since a process chooses them first of all."""

from django.conf import settings

APPS = ("touchstone.records", "touchstone.server.accounts")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MOST_BODY = 16 << 20
"""Bytes of the longest body, which is a piece of evidence."""


def choose() -> None:
    """Choose the settings where none were chosen; nothing is imported for it."""
    if settings.configured:
        return
    settings.configure(
        INSTALLED_APPS=[*APPS],
        AUTH_USER_MODEL="accounts.Account",
        DATABASES={},
        DEBUG=False,
        ALLOWED_HOSTS=[*LOOPBACK],
        ROOT_URLCONF="touchstone.server.urls",
        MIDDLEWARE=["touchstone.server.api.problems.as_problems"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=MOST_BODY,
        USE_TZ=True,
        TIME_ZONE="UTC",
        USE_I18N=False,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Django's own would set up logging for the whole process.
        LOGGING_CONFIG=None,
    )
