"""Certificates of destruction, kept in the transaction that destroys."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("records", "0002_guards")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="CertificateRow",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="records.caserow",
                    ),
                ),
                ("certificate", models.TextField()),
                ("finished", models.BooleanField(default=False)),
            ],
        ),
    ]
