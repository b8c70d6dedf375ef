"""What Django is told about this room."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """The record as a Django application."""

    name = "touchstone.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
