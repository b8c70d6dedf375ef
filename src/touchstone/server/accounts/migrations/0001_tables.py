"""The tables as models.py first had them. Made by Django; not edited by hand."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """All tables."""

    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                ("person", models.CharField(max_length=64, unique=True)),
                ("institution", models.CharField(db_index=True, default="", max_length=64)),
                ("name", models.CharField(max_length=200)),
                ("roles", models.JSONField(default=list)),
                ("email", models.CharField(default="", max_length=254)),
                ("is_active", models.BooleanField(default=True)),
                ("made_at", models.CharField(default="", max_length=20)),
                ("removed_at", models.CharField(default="", max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="AccountAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.CharField(default="", max_length=20)),
                ("by", models.CharField(max_length=64)),
                ("act", models.CharField(max_length=40)),
                ("person", models.CharField(db_index=True, max_length=64)),
                ("institution", models.CharField(db_index=True, max_length=64)),
                ("facts", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("asked", models.CharField(max_length=64)),
                ("wrapped", models.BinaryField()),
                ("sealed", models.BinaryField()),
                ("until", models.CharField(db_index=True, max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="RateRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("until", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="SensitiveRead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.CharField(db_index=True, max_length=16)),
                ("person", models.CharField(max_length=64)),
                ("party", models.CharField(max_length=64)),
                ("case", models.CharField(db_index=True, max_length=64)),
                ("route", models.CharField(max_length=100)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="UsedNonce",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("until", models.CharField(db_index=True, max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="AccountInvitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("made_by", models.CharField(max_length=64)),
                ("made_at", models.CharField(default="", max_length=20)),
                ("expires_at", models.CharField(default="", max_length=20)),
                ("used_at", models.CharField(default="", max_length=20)),
                ("revoked_at", models.CharField(default="", max_length=20)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeviceKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                ("label", models.CharField(max_length=100)),
                ("invitation", models.CharField(max_length=64)),
                ("added_at", models.CharField(default="", max_length=20)),
                ("revoked_at", models.CharField(default="", max_length=20)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("scopes", models.JSONField(default=list)),
                ("made_at", models.CharField(default="", max_length=20)),
                ("expires_at", models.CharField(db_index=True, max_length=20)),
                ("revoked_at", models.CharField(default="", max_length=20)),
                ("used_at", models.CharField(default="", max_length=16)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="accounts.account",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="accounts.devicekey",
                    ),
                ),
            ],
        ),
    ]
