"""Browsers: passkeys, recovery codes, and sessions."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


def _key() -> Any:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _account(name: str) -> Any:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name=name, to="accounts.account"
    )


def _time() -> Any:
    return models.CharField(default="", max_length=20)


class Migration(migrations.Migration):
    """Three tables."""

    dependencies: ClassVar = [
        ("accounts", "0003_sender_of_notices"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="BrowserSession",
            fields=[
                ("id", _key()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("way", models.CharField(max_length=10)),
                ("label", models.CharField(max_length=100)),
                ("made_at", _time()),
                ("used_at", models.CharField(default="", max_length=16)),
                ("expires_at", models.CharField(db_index=True, max_length=20)),
                ("revoked_at", _time()),
                ("account", _account("sessions")),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="Passkey",
            fields=[
                ("id", _key()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("credential", models.BinaryField()),
                ("label", models.CharField(max_length=100)),
                ("added_at", _time()),
                ("revoked_at", _time()),
                ("account", _account("passkeys")),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", _key()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("made_at", _time()),
                ("used_at", _time()),
                ("account", _account("recovery_codes")),
            ],
            options={"abstract": False},
        ),
    ]
