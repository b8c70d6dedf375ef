"""How many signed refusals are kept of each signer, for all processes together."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("records", "0010_staging")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="RefusedSignerRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "case",
                        "signer",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("case", models.CharField(max_length=64)),
                ("signer", models.CharField(max_length=128)),
                ("last", models.BigIntegerField()),
                ("kept", models.BigIntegerField()),
                ("since", models.BigIntegerField()),
            ],
        ),
    ]
