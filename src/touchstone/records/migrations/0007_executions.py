"""Executions of jobs, each noted before its first request."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("records", "0006_deeds")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ExecutionRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case", models.CharField(max_length=64)),
                ("job", models.CharField(max_length=128)),
                ("token", models.BigIntegerField()),
                ("worker", models.TextField()),
                ("begun", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["case", "job", "token"], name="one_execution")
                ]
            },
        ),
    ]
