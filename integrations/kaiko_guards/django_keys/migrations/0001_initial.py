"""The table of keys."""

from __future__ import annotations

from typing import Any, ClassVar

import django.utils.timezone
from django.db import migrations, models

import kaiko_guards.django_keys.models


class Migration(migrations.Migration):
    """Makes it."""

    initial: ClassVar[Any] = True
    dependencies: ClassVar[Any] = ()
    operations: ClassVar[Any] = (
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="Whose key it is.", max_length=100)),
                ("lookup", models.CharField(editable=False, max_length=64, unique=True)),
                ("digest", models.CharField(editable=False, max_length=64)),
                (
                    "scopes",
                    models.CharField(
                        blank=True,
                        help_text="What the key permits, separated by spaces.",
                        max_length=500,
                        validators=[kaiko_guards.django_keys.models.validate_scopes],
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={"verbose_name": "API key", "ordering": ("-created_at",)},
        ),
    )
