"""Outcomes of executions, sealed, until they stand in their case's log."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("records", "0008_types")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="OutcomeRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case", models.CharField(max_length=64)),
                ("job", models.CharField(max_length=128)),
                ("index", models.BigIntegerField()),
                ("token", models.BigIntegerField()),
                ("body", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["case", "job", "index"], name="one_outcome")
                ]
            },
        ),
    ]
