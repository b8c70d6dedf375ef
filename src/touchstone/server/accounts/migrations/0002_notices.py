"""Tables of notices: where people want to be told, what they were told, and what is on its way."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Three tables."""

    dependencies: ClassVar = [
        ("accounts", "0001_tables"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ToldDeeds",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("institution", models.CharField(max_length=64, unique=True)),
                ("deeds", models.JSONField(default=list)),
                ("number", models.BigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticeChannel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=32, unique=True)),
                ("kind", models.CharField(max_length=10)),
                ("target", models.CharField(db_index=True, max_length=500)),
                ("made_at", models.CharField(default="", max_length=20)),
                ("ended_at", models.CharField(default="", max_length=20)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channels",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="NoticeRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("target", models.CharField(max_length=500)),
                ("number", models.BigIntegerField()),
                ("name", models.CharField(max_length=32, unique=True)),
                ("waiting", models.IntegerField()),
                ("possible", models.IntegerField()),
                ("made_at", models.CharField(default="", max_length=20)),
                ("state", models.CharField(db_index=True, default="due", max_length=10)),
                ("attempts", models.IntegerField(default=0)),
                ("next_at", models.CharField(default="", max_length=20)),
                ("repeats", models.BooleanField(default=False)),
                ("sent_at", models.CharField(default="", max_length=20)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "kind", "target", "number"), name="one_notice_each_way"
                    )
                ],
            },
        ),
    ]
