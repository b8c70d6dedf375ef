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
            name="CaseRow",
            fields=[
                ("case", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("log", models.CharField(max_length=64, unique=True)),
                ("size", models.BigIntegerField()),
                ("frontier", models.BinaryField()),
                ("wrapped_key", models.BinaryField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="CheckpointRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(db_index=True)),
                ("key", models.CharField(max_length=71)),
                ("note", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="InstallationRow",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField()),
                ("frontier", models.BinaryField()),
                ("lock", models.BinaryField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="IndexRow",
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
                ("title", models.TextField()),
                ("model_name", models.TextField()),
                ("developer", models.TextField(db_index=True)),
                ("framework", models.TextField(db_index=True)),
                ("status", models.TextField(db_index=True)),
                ("updated", models.CharField(db_index=True, max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name="EntryRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "case_id",
                        "n",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("n", models.BigIntegerField()),
                ("line", models.BinaryField()),
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
        ),
        migrations.CreateModel(
            name="EvidenceRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "case_id",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("facts", models.BinaryField()),
                ("size", models.BigIntegerField()),
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
        ),
        migrations.CreateModel(
            name="JobRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("case", models.CharField(max_length=64)),
                ("job", models.CharField(max_length=128)),
                ("work", models.TextField()),
                ("state", models.CharField(max_length=8)),
                ("worker", models.TextField(default="")),
                ("token", models.BigIntegerField(default=0)),
                ("until", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["case", "state", "id"], name="open_jobs")],
                "constraints": [models.UniqueConstraint(fields=("case", "job"), name="one_job")],
            },
        ),
        migrations.CreateModel(
            name="LeafRow",
            fields=[
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("commitment", models.BinaryField()),
                ("size", models.BigIntegerField()),
                ("keyset", models.CharField(max_length=64)),
                ("blind", models.BinaryField()),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="records.caserow",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PartRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "case_id",
                        "n",
                        "i",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("n", models.BigIntegerField()),
                ("i", models.SmallIntegerField()),
                ("body", models.BinaryField(null=True)),
                ("label", models.TextField(default="")),
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
        ),
        migrations.CreateModel(
            name="RefusalRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("second", models.BigIntegerField()),
                ("actor", models.CharField(max_length=200)),
                ("case", models.CharField(max_length=200)),
                ("deed", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=500)),
                ("unlisted", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["actor", "second"], name="refusals")],
            },
        ),
    ]
