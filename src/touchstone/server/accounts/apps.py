"""What Django is told about accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts as a Django application."""

    name = "touchstone.server.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
