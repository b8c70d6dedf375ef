"""Who sends notices, and why the last attempt of one did not arrive."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """A table of one row, and a column."""

    dependencies: ClassVar = [
        ("accounts", "0002_notices"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="noticerow",
            name="fault",
            field=models.CharField(default="", max_length=200),
        ),
        migrations.CreateModel(
            name="NoticeSender",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("holder", models.CharField(default="", max_length=100)),
                ("until", models.CharField(default="", max_length=20)),
                ("ended_at", models.CharField(default="", max_length=20)),
                ("fault", models.CharField(default="", max_length=500)),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
