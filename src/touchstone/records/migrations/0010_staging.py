"""Bytes that parties send before their deeds."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Two tables."""

    dependencies: ClassVar = [("records", "0009_outcomes")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="StagedRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("party", models.CharField(db_index=True, max_length=128)),
                ("name", models.CharField(max_length=64)),
                ("facts", models.BinaryField()),
                ("size", models.BigIntegerField()),
                ("received", models.BigIntegerField()),
                ("until", models.BigIntegerField(db_index=True)),
                ("file", models.CharField(default="", max_length=32)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="records.caserow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("case", "party", "name"), name="one_staged")
                ],
            },
        ),
        migrations.CreateModel(
            name="StagedPieceRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("start", models.BigIntegerField()),
                ("file", models.CharField(max_length=32)),
                (
                    "staged",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="records.stagedrow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("staged", "start"), name="one_piece")
                ],
            },
        ),
    ]
